"""Checks whether the nodes' driver runs the image's CUDA, and whether the server uses the GPUs. Pure."""

from collections.abc import Iterator

from .. import gpu_drivers
from ..fault import Fault
from .spec import KubernetesSpec


def driver_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why the nodes' driver could not run the image on the GPUs."""
    yield from gpu_drivers.version_faults(spec.cuda_version)
    for key in ("node_driver", "cuda_version"):
        if getattr(spec, key) and not spec.service.gpu:
            allowed = "name one (nvidia-l4) or leave this out"
            yield Fault(key, "given", allowed, ", but no `gpu` is named")
    driver = spec.node_driver
    if driver is None:
        return
    if not (100 <= driver < 1000 and driver == int(driver)):
        allowed = "it must be the first number of a driver's version, such as 580"
        yield Fault("node_driver", f"{driver:g}", allowed)
    elif gpu_drivers.is_too_old(int(driver), spec.cuda_version):
        least = gpu_drivers.least_driver(spec.cuda_version)
        package = gpu_drivers.compat_package(spec.cuda_version)
        allowed = (
            "install it on the nodes, or take an image that is for an older CUDA or brings NVIDIA's "
            f"{package}"
        )
        reason = f": the image has CUDA {spec.cuda_version}, which needs driver {least} or newer"
        yield Fault("node_driver", f"{driver:g}", allowed, reason)


def driver_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of GPUs that may stay unused."""
    count = spec.service.gpu_count
    if count > 1:
        yield (
            f"`gpu_count` is {count}, and the server computes on one GPU: each leaves {count - 1} idle "
            "unless the image is of another server. Take 1, and more replicas."
        )
    if spec.service.gpu:
        driver = None if spec.node_driver is None else int(spec.node_driver)
        yield from gpu_drivers.driver_warnings("the nodes", driver, spec.cuda_version)

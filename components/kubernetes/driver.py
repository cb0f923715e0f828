"""Whether the GPUs of the nodes are used: by a driver that runs the image's CUDA, and by the server. Pure."""

from collections.abc import Iterator

from .. import gpu_drivers
from .spec import KubernetesSpec


def driver_faults(spec: KubernetesSpec) -> Iterator[str]:
    yield from gpu_drivers.version_faults(spec.cuda_version)
    for key in ("node_driver", "cuda_version"):
        if getattr(spec, key) and not spec.service.gpu:
            yield f"{key} is given, but no gpu is named; name one (nvidia-l4) or leave this out."
    driver = spec.node_driver
    if driver is None:
        return
    if not (100 <= driver < 1000 and driver == int(driver)):
        yield f"node_driver is {driver:g}; it must be the first number of a driver's version, such as 580."
    elif gpu_drivers.is_too_old(int(driver), spec.cuda_version):
        yield (
            f"node_driver is {driver:g}; the image has CUDA {spec.cuda_version}, which needs driver "
            f"{gpu_drivers.least_driver(spec.cuda_version)} or newer. Install it on the nodes, or take an "
            "image that is for an older CUDA or brings NVIDIA's "
            f"{gpu_drivers.compat_package(spec.cuda_version)}."
        )


def driver_warnings(spec: KubernetesSpec) -> Iterator[str]:
    count = spec.service.gpu_count
    if count > 1:
        yield (
            f"gpu_count is {count}, and the server computes on one GPU: each leaves {count - 1} idle "
            "unless the image is of another server. Take 1, and more replicas."
        )
    if spec.service.gpu:
        driver = None if spec.node_driver is None else int(spec.node_driver)
        yield from gpu_drivers.driver_warnings("the nodes", driver, spec.cuda_version)

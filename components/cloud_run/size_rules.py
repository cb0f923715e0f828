"""Checks of CPU, memory, generation, concurrency, start-up and GPU of a service, against limits.py. Pure."""

import math
from collections.abc import Iterator

from .. import gpu_drivers
from ..fault import Fault
from ..load_time import LOADS_OF_A_START
from ..rollouts.kinds import ROLLING
from ..sizes import CLOUD_RUN_MIB, MIB_OF_A_GIB
from . import limits
from .args import ExecutionEnvironment
from .spec import CloudRunSpec


def size_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    if not (math.isfinite(spec.service.cpu) and math.isfinite(spec.service.memory_mib)):
        return  # named by the cloud-neutral checks
    yield from _cpu_faults(spec)
    yield from _memory_faults(spec)
    yield from _below_one_cpu_faults(spec)
    concurrency, load_seconds = spec.service.concurrency, spec.service.load_seconds
    if concurrency > limits.CONCURRENCY:
        allowed = f"Cloud Run allows at most {limits.CONCURRENCY}"
        yield Fault("concurrency", f"{concurrency:g}", allowed, nearest=limits.CONCURRENCY)
    if load_seconds > limits.STARTUP_SECONDS:
        allowed = (
            f"Cloud Run stops an instance that is not ready after {limits.STARTUP_SECONDS} s: take a smaller "
            "model, more `cpu`, or GKE, which waits for longer"
        )
        yield Fault("load_seconds", f"{load_seconds:g}", allowed, nearest=limits.STARTUP_SECONDS)
    if spec.service.gpu:
        yield from _gpu_faults(spec)
    elif spec.gpu_zonal_redundancy:
        allowed = "name one (nvidia-l4) or leave this out"
        yield Fault("gpu_zonal_redundancy", "true", allowed, ", but no `gpu` is named")
    yield from gpu_drivers.version_faults(spec.cuda_version)
    if spec.cuda_version and not spec.service.gpu:
        allowed = "name one (nvidia-l4) or leave this out"
        yield Fault("cuda_version", repr(spec.cuda_version), allowed, ", but no `gpu` is named")


def _is_large(spec: CloudRunSpec) -> bool:
    return spec.service.gpu == limits.LARGE_GPU


def _cpu_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    cpu = spec.service.cpu
    if _is_large(spec):
        if cpu != int(cpu):
            reason, least = f"with `gpu` {limits.LARGE_GPU}", limits.GPUS[limits.LARGE_GPU].cpu
            yield Fault(
                "cpu",
                f"{cpu:g}",
                "it must be a whole number of vCPU",
                reason,
                nearest=max(math.ceil(cpu), least),
            )
        return
    if cpu in CLOUD_RUN_MIB:
        return
    steps = cpu / limits.FRACTION_STEP
    if limits.FRACTION_FROM <= cpu < 1 and math.isclose(steps, round(steps), abs_tol=1e-6):
        return
    around = _around(cpu)
    allowed = (
        f"Cloud Run allows {', '.join(map(str, CLOUD_RUN_MIB))} vCPU, and below 1 from "
        f"{limits.FRACTION_FROM:g} in steps of {limits.FRACTION_STEP:g}"
    )
    if len(around) > 1:
        allowed += f"; nearest: {around[0]} or {around[1]}"
    yield Fault("cpu", f"{cpu:.10g}", allowed, nearest=around[0] if len(around) == 1 else None)


def _around(cpu: float) -> list[float]:
    """Return the one or two nearest CPU counts that are allowed."""
    if cpu < 1:
        rounded = round(round(cpu / limits.FRACTION_STEP) * limits.FRACTION_STEP, 3)
        return [max(limits.FRACTION_FROM, rounded)]
    below = max(whole for whole in CLOUD_RUN_MIB if whole <= cpu)
    return [below, *[whole for whole in CLOUD_RUN_MIB if whole > cpu][:1]]


def memory_range_mib(cpu: float, environment: ExecutionEnvironment) -> tuple[int, int]:
    """Return the minimum and maximum memory of an instance with `cpu`, valid or not, in this generation."""
    least = limits.GEN1_MIB if environment is ExecutionEnvironment.GEN1 else limits.GEN2_MIB
    if cpu < 1:
        return least, max(most for start, most in limits.FRACTION_MIB.items() if max(cpu, 0.08) >= start)
    valid = max(whole for whole in CLOUD_RUN_MIB if whole <= cpu)
    low, high = CLOUD_RUN_MIB[valid]
    return (low if low > limits.GEN2_MIB else least), high


def _memory_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    gib, mib, cpu = spec.service.memory_gib, spec.service.memory_mib, spec.service.cpu
    low, high = (0, math.ceil(mib)) if _is_large(spec) else memory_range_mib(cpu, spec.execution_environment)
    if mib != int(mib):
        nearest = min(max(round(mib), low), high) / MIB_OF_A_GIB
        reason = f", which is {mib:.10g} MiB"
        yield Fault("memory_gib", f"{gib:.10g}", "it must be whole MiB", reason, nearest)
    if mib > high:
        allowed = f"Cloud Run allows at most {high / MIB_OF_A_GIB:g} GiB{_cpu_for(mib)}"
        yield Fault("memory_gib", f"{gib:.10g}", allowed, f"with `cpu` {cpu:g}", high / MIB_OF_A_GIB)
    if mib < low:
        reason = f"with `cpu` {cpu:g} in generation {spec.execution_environment.name[-1]}"
        allowed = f"Cloud Run allows at least {low / MIB_OF_A_GIB:g} GiB"
        yield Fault("memory_gib", f"{gib:.10g}", allowed, reason, low / MIB_OF_A_GIB)


def _cpu_for(mib: float) -> str:
    """Return a clause that offers the smallest CPU which allows this much memory; '' if none does."""
    fitting = [cpu for cpu, (_, high) in CLOUD_RUN_MIB.items() if mib <= high]
    return f", and this much with `cpu` {fitting[0]}" if fitting else ""


def _below_one_cpu_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    cpu = spec.service.cpu
    if cpu >= 1:
        return
    reason = f"with `cpu` {cpu:g}"
    if spec.service.concurrency > 1:
        allowed = "Cloud Run allows 1 below one vCPU: lower it to 1, or raise `cpu` to 1"
        yield Fault("concurrency", f"{spec.service.concurrency:g}", allowed, reason, nearest=1)
    if spec.cpu_always:
        allowed = "Cloud Run allows it from one vCPU: leave it out, or raise `cpu` to 1"
        yield Fault("cpu_always", "true", allowed, reason, nearest="false")
    if spec.execution_environment is ExecutionEnvironment.GEN2:
        allowed = "below one vCPU Cloud Run has the first generation only: leave it out, or raise `cpu` to 1"
        given, first = spec.execution_environment.value, ExecutionEnvironment.GEN1.value
        yield Fault("execution_environment", given, allowed, reason, nearest=first)


def _gpu_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    service = spec.service
    gpu = limits.GPUS.get(service.gpu)
    if gpu is None:
        allowed = f"Cloud Run has {', '.join(limits.GPUS)}"
        yield Fault("gpu", repr(service.gpu), allowed, nearest="nvidia-l4")
        return
    reason = f"with `gpu` {service.gpu}"
    if service.gpu_count > 1:
        yield Fault("gpu_count", f"{service.gpu_count:g}", "Cloud Run allows 1 for each instance", nearest=1)
    if service.cpu < gpu.cpu:
        yield Fault("cpu", f"{service.cpu:g}", f"it takes at least {gpu.cpu} vCPU", reason, gpu.cpu)
    if service.memory_mib < gpu.memory_mib:
        least = gpu.memory_mib / MIB_OF_A_GIB
        yield Fault(
            "memory_gib", f"{service.memory_gib:.10g}", f"it takes at least {least:g} GiB", reason, least
        )
    if not spec.cpu_always:
        allowed = "a GPU needs CPU all the time: leave it out"
        yield Fault("cpu_always", "false", allowed, reason, nearest="true")
    if spec.region and spec.region not in gpu.regions:
        yield Fault("region", repr(spec.region), f"it is in {', '.join(gpu.regions)}", reason)
    yield from _driver_faults(service.gpu, spec.cuda_version)


def _driver_faults(gpu: str, cuda: str) -> Iterator[Fault]:
    """Yield why an image for this CUDA would find no GPU: Google's driver is too old for it."""
    driver = gpu_drivers.CLOUD_RUN[gpu]
    if not gpu_drivers.is_too_old(driver, cuda):
        return
    others = [other for other, its in gpu_drivers.CLOUD_RUN.items() if not gpu_drivers.is_too_old(its, cuda)]
    needed = f"the image has CUDA {cuda}, which needs driver {gpu_drivers.least_driver(cuda)} or newer"
    ways = f"{''.join(f'{other}, ' for other in others)}GKE, or an image of your own"
    package = gpu_drivers.compat_package(cuda)
    yield Fault(
        "gpu",
        repr(gpu),
        f"{needed}: take {ways} that is for an older CUDA or brings NVIDIA's {package}",
        f", whose driver on Cloud Run is {driver}",
    )


def size_warnings(spec: CloudRunSpec) -> Iterator[str]:
    yield from _load_warnings(spec)
    gpu = limits.GPUS.get(spec.service.gpu)
    if gpu is None:
        return
    if spec.region in gpu.by_invitation:
        open_to_all = [region for region in gpu.regions if region not in gpu.by_invitation]
        yield (
            f"{spec.service.gpu} in {spec.region} is by invitation from Google; without one the service is "
            f"refused. Open to everyone: {', '.join(open_to_all)}."
        )
    yield (
        f"a new project has no quota for {spec.service.gpu}; request it first, "
        f"{'with' if spec.gpu_zonal_redundancy else 'without'} zonal redundancy (two separate quotas)."
    )
    if spec.rollout != ROLLING:
        yield (
            f"a {spec.rollout} rollout runs two revisions: the quota must hold "
            f"{2 * spec.service.max_replicas:g} {spec.service.gpu}, twice the maximum number of instances."
        )
    yield from _large_size_warnings(spec, gpu)
    driver = gpu_drivers.CLOUD_RUN[spec.service.gpu]
    yield from gpu_drivers.driver_warnings(f"{spec.service.gpu} on Cloud Run", driver, spec.cuda_version)


def _large_size_warnings(spec: CloudRunSpec, gpu: limits.Gpu) -> Iterator[str]:
    """Warn of a size above the smallest, of which Google documents none."""
    if _is_large(spec) and (spec.service.cpu > gpu.cpu or spec.service.memory_mib > gpu.memory_mib):
        yield (
            f"which sizes above {gpu.cpu} vCPU and {gpu.memory_mib / MIB_OF_A_GIB:g} GiB Cloud Run has with "
            f"{spec.service.gpu} is not known here: it may refuse this one."
        )


def _load_warnings(spec: CloudRunSpec) -> Iterator[str]:
    """Warn of a model that may load for longer than Cloud Run waits.

    Other targets wait for three times the load.
    """
    if LOADS_OF_A_START * spec.service.load_seconds > limits.STARTUP_SECONDS:
        yield (
            f"the model may take {spec.service.load_seconds:.0f} s to load, and Cloud Run waits for at most "
            f"{limits.STARTUP_SECONDS} s: a slower start fails. Where it is quicker, set "
            "`load_seconds` to what `slipway fit` measures; GKE has no such limit."
        )

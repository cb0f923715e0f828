"""CPU, memory, generation, concurrency, start-up time and GPU of a service, against limits.py. Pure."""

import math
from collections.abc import Iterator

from .. import gpu_drivers
from ..load_time import LOADS_OF_A_START
from ..sizes import CLOUD_RUN_MIB, quantity
from . import limits
from .args import ExecutionEnvironment
from .spec import CloudRunSpec


def size_faults(spec: CloudRunSpec) -> Iterator[str]:
    if not (math.isfinite(spec.service.cpu) and math.isfinite(spec.memory_mib)):
        return  # named by the cloud-neutral checks
    yield from _cpu_faults(spec)
    yield from _memory_faults(spec)
    yield from _below_one_cpu_faults(spec)
    if spec.service.concurrency > limits.CONCURRENCY:
        yield f"concurrency is {spec.service.concurrency}; Cloud Run allows at most {limits.CONCURRENCY}."
    if not spec.service.load_seconds <= limits.STARTUP_SECONDS:
        yield (
            f"load_seconds is {spec.service.load_seconds:g}; Cloud Run stops an instance that is not ready "
            f"after {limits.STARTUP_SECONDS} s. Take a smaller model or more cpu, or the target gke."
        )
    if spec.service.gpu:
        yield from _gpu_faults(spec)
    yield from gpu_drivers.version_faults(spec.cuda_version)
    if spec.cuda_version and not spec.service.gpu:
        yield "cuda_version is given, but no gpu is named; name one (nvidia-l4) or leave this out."


def _is_large(spec: CloudRunSpec) -> bool:
    return spec.service.gpu == limits.LARGE_GPU


def _cpu_faults(spec: CloudRunSpec) -> Iterator[str]:
    cpu = spec.service.cpu
    if _is_large(spec):
        if cpu != int(cpu):
            yield f"cpu is {cpu:g}; with {limits.LARGE_GPU} it must be a whole number."
        return
    if cpu in CLOUD_RUN_MIB:
        return
    steps = cpu / limits.FRACTION_STEP
    if limits.FRACTION_FROM <= cpu < 1 and math.isclose(steps, round(steps), abs_tol=1e-6):
        return
    yield (
        f"cpu is {cpu:.10g}; Cloud Run allows {list(CLOUD_RUN_MIB)}, and below 1 from "
        f"{limits.FRACTION_FROM:g} in steps of {limits.FRACTION_STEP:g}; nearest: {_nearest_cpu(cpu)}."
    )


def _nearest_cpu(cpu: float) -> str:
    if cpu < 1:
        rounded = round(round(cpu / limits.FRACTION_STEP) * limits.FRACTION_STEP, 3)
        return f"{max(limits.FRACTION_FROM, rounded):g}"
    around = [max(whole for whole in CLOUD_RUN_MIB if whole <= cpu)]
    around += [whole for whole in CLOUD_RUN_MIB if whole > cpu][:1]
    return " or ".join(map(str, around))


def memory_range_mib(cpu: float, environment: ExecutionEnvironment) -> tuple[int, int]:
    """The least and the most memory of an instance with `cpu`, valid or not, in this generation."""
    least = limits.GEN1_MIB if environment is ExecutionEnvironment.GEN1 else limits.GEN2_MIB
    if cpu < 1:
        return least, max(most for start, most in limits.FRACTION_MIB.items() if max(cpu, 0.08) >= start)
    valid = max(whole for whole in CLOUD_RUN_MIB if whole <= cpu)
    low, high = CLOUD_RUN_MIB[valid]
    return (low if low > limits.GEN2_MIB else least), high


def _memory_faults(spec: CloudRunSpec) -> Iterator[str]:
    mib, cpu = spec.memory_mib, spec.service.cpu
    if mib != int(mib):
        yield (
            f"memory_gib is {spec.service.memory_gib:.10g}, which is {mib:.10g} MiB; "
            f"it must be whole MiB; nearest: {math.floor(mib)}Mi or {math.ceil(mib)}Mi."
        )
    if _is_large(spec):
        return
    low, high = memory_range_mib(cpu, spec.execution_environment)
    if mib > high:
        yield (
            f"memory_gib is {spec.service.memory_gib:g} with cpu {cpu:g}; Cloud Run allows at most "
            f"{high / 1024:g}; nearest: {quantity(high)}{_cpu_for(mib)}."
        )
    if mib < low:
        yield (
            f"memory_gib is {spec.service.memory_gib:g} with cpu {cpu:g} in generation "
            f"{spec.execution_environment.name[-1]}; Cloud Run allows at least {low / 1024:g}; "
            f"nearest: {quantity(low)}."
        )


def _cpu_for(mib: float) -> str:
    """The smallest cpu that allows this much memory, as the other way out."""
    fitting = [cpu for cpu, (_, high) in CLOUD_RUN_MIB.items() if mib <= high]
    return f", or cpu {fitting[0]}" if fitting else ""


def _below_one_cpu_faults(spec: CloudRunSpec) -> Iterator[str]:
    cpu = spec.service.cpu
    if cpu >= 1:
        return
    if spec.service.concurrency > 1:
        yield (
            f"concurrency is {spec.service.concurrency} with cpu {cpu:g}; Cloud Run allows 1 below one vCPU; "
            "lower `concurrency` to 1, or raise `cpu` to 1."
        )
    if spec.cpu_always:
        yield f"cpu_always is true with cpu {cpu:g}; Cloud Run allows it from one vCPU; nearest: cpu 1."
    if spec.execution_environment is ExecutionEnvironment.GEN2:
        yield (
            f"execution_environment is the second generation with cpu {cpu:g}; below one vCPU Cloud Run "
            "has the first only; leave it out, or raise `cpu` to 1."
        )


def _gpu_faults(spec: CloudRunSpec) -> Iterator[str]:
    service = spec.service
    gpu = limits.GPUS.get(service.gpu)
    if gpu is None:
        yield f"gpu is {service.gpu!r}; Cloud Run has {', '.join(limits.GPUS)}; nearest: nvidia-l4."
        return
    if service.gpu_count > 1:
        yield f"gpu_count is {service.gpu_count}; Cloud Run allows 1 for each instance."
    if service.cpu < gpu.cpu:
        yield f"cpu is {service.cpu:g} with {service.gpu}; it takes at least {gpu.cpu}; nearest: {gpu.cpu}."
    if spec.memory_mib < gpu.memory_mib:
        yield (
            f"memory_gib is {service.memory_gib:g} with {service.gpu}; it takes at least "
            f"{gpu.memory_mib / 1024:g}; nearest: {quantity(gpu.memory_mib)}."
        )
    if not spec.cpu_always:
        yield f"cpu_always is false with {service.gpu}; a GPU needs CPU all the time: leave it out, or true."
    if spec.region and spec.region not in gpu.regions:
        yield f"region is {spec.region} with {service.gpu}, which is in {', '.join(gpu.regions)}."
    yield from _driver_faults(service.gpu, spec.cuda_version)


def _driver_faults(gpu: str, cuda: str) -> Iterator[str]:
    """Google installs the driver: an image that it does not run finds no GPU, and would not start."""
    driver = gpu_drivers.CLOUD_RUN[gpu]
    if not gpu_drivers.is_too_old(driver, cuda):
        return
    others = [other for other, its in gpu_drivers.CLOUD_RUN.items() if not gpu_drivers.is_too_old(its, cuda)]
    yield (
        f"gpu is {gpu}, whose driver on Cloud Run is {driver}; the image has CUDA {cuda}, which needs driver "
        f"{gpu_drivers.least_driver(cuda)} or newer; nearest: {''.join(f'gpu {other}, ' for other in others)}"
        "the target gke, or an image of your own that is for an older CUDA or brings NVIDIA's "
        f"{gpu_drivers.compat_package(cuda)}."
    )


def size_warnings(spec: CloudRunSpec) -> Iterator[str]:
    yield from _load_warnings(spec)
    gpu = limits.GPUS.get(spec.service.gpu)
    if gpu is None:
        return
    if spec.region in gpu.by_invitation:
        open_to_all = [region for region in gpu.regions if region not in gpu.by_invitation]
        yield (
            f"{spec.service.gpu} in {spec.region} is by invitation of Google; without one the service is "
            f"refused. Open to everybody: {', '.join(open_to_all)}."
        )
    yield (
        f"a new project has no quota for {spec.service.gpu}; ask for it first, "
        f"{'with' if spec.gpu_zonal_redundancy else 'without'} zonal redundancy (two separate quotas)."
    )
    driver = gpu_drivers.CLOUD_RUN[spec.service.gpu]
    yield from gpu_drivers.driver_warnings(f"{spec.service.gpu} on Cloud Run", driver, spec.cuda_version)


def _load_warnings(spec: CloudRunSpec) -> Iterator[str]:
    """Elsewhere a start gets three times its load."""
    if LOADS_OF_A_START * spec.service.load_seconds > limits.STARTUP_SECONDS:
        yield (
            f"the model may take {spec.service.load_seconds:.0f} s to load, and Cloud Run waits for at most "
            f"{limits.STARTUP_SECONDS} s: a slower start fails. Where it is quicker, set `loadSeconds` to "
            "what `slipway fit` measures; the target gke has no such limit."
        )

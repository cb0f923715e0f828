"""Checks of CPU, memory, disk, number of tasks, Spot and scaling of a service, against limits.py. Pure."""

import math
from collections import Counter
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..aws.schedules import has_passed, schedule_faults
from ..fault import Fault
from ..load_time import LOADS_OF_A_START
from ..log_retention import DEFAULT_DAYS
from ..sizes import FARGATE_MIB
from ..spec import InferenceServiceSpec
from . import limits
from .args import ScalingSchedule
from .spec import LISTEN_ON_SECONDS, FargateSpec

# The server's variable: the share of requests that its log has, anonymised.
PAYLOAD_SHARE = "PAYLOAD_SHARE"


def size_faults(spec: FargateSpec) -> Iterator[Fault]:
    yield from task_faults(spec)
    yield from _storage_faults(spec)
    yield from _count_faults(spec)
    yield from _spot_faults(spec)
    yield from _scaling_faults(spec)
    for schedule in spec.schedules:
        yield from _schedule_faults(schedule)
    yield from _retention_faults(spec)


def task_faults(spec: FargateSpec) -> Iterator[Fault]:
    service = spec.service
    if service.gpu:
        allowed = "Fargate has no GPU: take GKE, or Cloud Run for nvidia-l4, or leave `gpu` out"
        yield Fault("gpu", repr(service.gpu), allowed)
    if not (math.isfinite(service.cpu) and math.isfinite(service.memory_mib)):
        return  # named by the cloud-neutral checks
    if service.memory_mib not in FARGATE_MIB.get(service.cpu, ()):
        yield _size_fault(service)


def _size_fault(service: InferenceServiceSpec) -> Fault:
    """Return the fault of a size that Fargate lacks: of the memory if the CPU is valid, else of the CPU."""
    nearest = ", ".join(_size(cpu, mib) for cpu, mib in nearest_sizes(service.cpu, service.memory_mib))
    allowed = f"Fargate has no {_size(service.cpu, service.memory_mib)}; nearest: {nearest}"
    cpu, memory = f"{service.cpu:.10g}", f"{service.memory_gib:.10g}"
    if service.cpu in FARGATE_MIB:
        return Fault("memory_gib", memory, allowed, f"with `cpu` {cpu}")
    return Fault("cpu", cpu, allowed, f"with `memory_gib` {memory} GiB")


def _size(cpu: float, mib: float) -> str:
    return f"{cpu:.10g} vCPU with {mib / 1024:.10g} GiB"


def nearest_sizes(cpu: float, mib: float) -> list[tuple[float, int]]:
    """Return the offered sizes around one that Fargate does not have, by CPU: vCPU and MiB.

    They have that CPU, or those around it; and one has the nearest CPU that offers that memory.
    """
    below = [offered for offered in FARGATE_MIB if offered < cpu]
    above = [offered for offered in FARGATE_MIB if offered > cpu]
    if cpu in FARGATE_MIB:
        near = {(cpu, memory) for memory in _around(FARGATE_MIB[cpu], mib)}
    else:
        near = {(offered, _enough(FARGATE_MIB[offered], mib)) for offered in (*below[-1:], *above[:1])}
    if mib > FARGATE_MIB.get(cpu, (0,))[-1]:
        larger = [offered for offered in above if mib <= FARGATE_MIB[offered][-1]]
        near |= {(offered, _enough(FARGATE_MIB[offered], mib)) for offered in larger[:1]}
    if mib < FARGATE_MIB.get(cpu, (0,))[0]:
        smaller = [offered for offered in below if mib >= FARGATE_MIB[offered][0]]
        near |= {(offered, _enough(FARGATE_MIB[offered], mib)) for offered in smaller[-1:]}
    return sorted(near)


def _around(offered: tuple[int, ...], mib: float) -> list[int]:
    """Return the largest offered memory below `mib` and the smallest from it on, as far as they exist."""
    below = [memory for memory in offered if memory < mib]
    return [*below[-1:], *[memory for memory in offered if memory >= mib][:1]]


def _enough(offered: tuple[int, ...], mib: float) -> int:
    """Return the smallest memory that is enough, else the largest there is."""
    return next((memory for memory in offered if memory >= mib), offered[-1])


def _storage_faults(spec: FargateSpec) -> Iterator[Fault]:
    gib, allowed = spec.ephemeral_storage_gib, limits.STORAGE_GIB
    if gib != limits.STORAGE_INCLUDED_GIB and gib not in allowed:
        sizes = (limits.STORAGE_INCLUDED_GIB, *allowed)
        near = next((size for size in sizes if size >= gib), sizes[-1])
        text = (
            f"Fargate includes {limits.STORAGE_INCLUDED_GIB} GiB and allows {allowed[0]} to {allowed[-1]}, "
            "whole GiB"
        )
        yield Fault("ephemeral_storage_gib", f"{gib:g}", text, nearest=near)


def _count_faults(spec: FargateSpec) -> Iterator[Fault]:
    if spec.service.min_replicas == 0:
        allowed = (
            "a Fargate service does not scale to zero, because nothing would wake it: set it to 1 or more, "
            "or take Cloud Run, which scales to zero"
        )
        yield Fault("min_replicas", "0", allowed, nearest=1)


def _spot_faults(spec: FargateSpec) -> Iterator[Fault]:
    if not (0 <= spec.spot_percent <= 100 and _is_whole(spec.spot_percent)):
        yield Fault("spot_percent", f"{spec.spot_percent:g}", "it must be a whole number from 0 to 100")
    if not (0 <= spec.on_demand_base <= limits.BASE and _is_whole(spec.on_demand_base)):
        allowed = f"it must be a whole number from 0 to {limits.BASE}"
        yield Fault("on_demand_base", f"{spec.on_demand_base:g}", allowed)


def _is_whole(number: float) -> bool:
    return number % 1 == 0


def _scaling_faults(spec: FargateSpec) -> Iterator[Fault]:
    target = spec.cpu_target_percent
    if not (10 <= target <= 90 and _is_whole(target)):
        yield Fault("cpu_target_percent", f"{target:g}", "it must be a whole number from 10 to 90")
    if spec.request_seconds is not None and not 0 < spec.request_seconds <= 3600:
        allowed = "it must be above 0 and at most 3600"
        yield Fault("request_seconds", f"{spec.request_seconds:g}", allowed)
    yield from _rate_faults(spec)
    for name, count in Counter(schedule["name"] for schedule in spec.schedules).items():
        if count > 1:
            yield Fault("schedules", f"{count} of the name {name!r}", "give each its own", verb="has")


def _rate_faults(spec: FargateSpec) -> Iterator[Fault]:
    rate = spec.requests_per_replica
    if rate is None:
        return
    if not 0.02 <= rate <= 1_000_000:
        allowed = "it must be from 0.02 to 1000000 requests a second; AWS counts whole ones a minute"
        yield Fault("requests_per_replica", f"{rate:g}", allowed, nearest=0.02 if rate < 1 else 1_000_000)
    if spec.request_seconds is not None:
        yield Fault("requests_per_replica", f"{rate:g}", "keep one of them", "with `request_seconds`")


def _schedule_faults(schedule: ScalingSchedule) -> Iterator[Fault]:
    name, low, high = schedule["name"], schedule["min_replicas"], schedule["max_replicas"]

    def fault(reason: str, allowed: str) -> Fault:
        return Fault("schedules", repr(name), allowed, reason, verb="has")

    if not limits.SCHEDULE_NAME.fullmatch(name):
        yield fault("", "a name has 1 to 40 lowercase letters, digits and hyphens, a letter first")
    for allowed in schedule_faults(schedule["schedule"]):
        yield fault(f"with the schedule {schedule['schedule']!r}", allowed)
    timezone = schedule.get("timezone", "UTC")
    if not _is_timezone(timezone):
        yield fault(f"with the time zone {timezone!r}", "allowed are names such as UTC and Europe/Berlin")
    if not (0 <= low <= high and _is_whole(low) and _is_whole(high)):
        yield fault(
            f"with a minimum of {low:g} and a maximum of {high:g} instances",
            "they must be whole numbers, 0 or more, the maximum not below the minimum",
        )
    elif low < 1 <= high:
        yield fault(
            f"with a minimum of 0 and a maximum of {high:g} instances",
            "nothing would wake a service that went down to 0: take 0-0 for a time without it, or 1 or more",
        )


def _schedule_warnings(schedule: ScalingSchedule) -> Iterator[str]:
    if has_passed(schedule["schedule"], schedule.get("timezone", "UTC")):
        yield (
            f"the time of the schedule {schedule['name']!r} has passed: AWS refuses to make it anew. Take it "
            "out of `schedules`."
        )
    if schedule["max_replicas"] == 0:
        yield (
            f"from the schedule {schedule['name']!r} on there is no instance, and the load balancer answers "
            "503, until another schedule brings one back."
        )


def _is_timezone(name: str) -> bool:
    if name == "UTC":  # also where a machine has no table of time zones
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _retention_faults(spec: FargateSpec) -> Iterator[Fault]:
    days = spec.log_retention_days
    if days not in limits.RETENTION_DAYS:
        near = min(limits.RETENTION_DAYS, key=lambda allowed: abs(allowed - days))
        allowed = f"CloudWatch allows {', '.join(map(str, limits.RETENTION_DAYS))}"
        yield Fault("log_retention_days", f"{days:g}", allowed, nearest=near)


def size_warnings(spec: FargateSpec) -> Iterator[str]:
    for schedule in spec.schedules:
        yield from _schedule_warnings(schedule)
    if spec.schedules:
        yield (
            "with `schedules`, `min_replicas` and `max_replicas` hold from the first update until the first "
            "schedule, which sets both; a later change of them has no effect on a service that is there: "
            "change the schedules."
        )
    longest = limits.HEALTH_START_SECONDS[-1]
    if LOADS_OF_A_START * spec.service.load_seconds > longest:
        yield (
            f"the model may take {spec.service.load_seconds:.0f} s to load; ECS counts failed checks of the "
            f"container after {longest} s, its maximum, in place of three times that. The check asks whether "
            "the server is alive, which it answers while it loads; where the model is quicker, set "
            "`load_seconds` to what `slipway fit` measures."
        )
    finishing = spec.drain_seconds - LISTEN_ON_SECONDS
    if spec.spot_percent and spec.service.request_timeout_seconds > finishing:
        yield (
            f"requests may take {spec.service.request_timeout_seconds:g} s; where AWS takes Spot capacity "
            f"back, a task has {finishing:g} s for those that arrived last, and longer ones are cut."
        )
    if "on_demand_base" in spec.given and not spec.spot_percent:
        yield "`on_demand_base` has no effect without `spot_percent`: no task is on Spot."
    if spec.spot_percent and spec.on_demand_base < 1:
        yield (
            "`on_demand_base` is 0 with a Spot share: where AWS takes its Spot capacity back, the service "
            "may have no task at all. Set it to 1."
        )
    yield from _sample_warnings(spec)


def _sample_warnings(spec: FargateSpec) -> Iterator[str]:
    """Warn where sampled requests, which the one log group holds too, are kept for longer than elsewhere."""
    days, most = spec.log_retention_days, DEFAULT_DAYS["payload"]
    shares = [text for name, text in spec.service.known_env.items() if name.upper() == PAYLOAD_SHARE]
    if any(text and float(text) > 0 for text in shares) and not 0 < days <= most:
        kept = f"{days:g} days" if days else "forever"
        yield (
            f"`env` has {PAYLOAD_SHARE}: sampled requests are in the service's one log group, which keeps "
            f"them {kept}. Anonymising misses some personal data, so elsewhere they stay for {most} days: "
            f"set `log_retention_days` to {most} or less."
        )

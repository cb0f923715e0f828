"""CPU and memory, disk, number of tasks, Spot and scaling of a service, against limits.py. Pure."""

import math
from collections import Counter
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..load_time import LOADS_OF_A_START
from ..sizes import FARGATE_MIB
from . import limits
from .args import ScalingSchedule
from .spec import FargateSpec


def size_faults(spec: FargateSpec) -> Iterator[str]:
    yield from _task_faults(spec)
    yield from _storage_faults(spec)
    yield from _count_faults(spec)
    yield from _spot_faults(spec)
    yield from _scaling_faults(spec)
    for schedule in spec.schedules:
        yield from _schedule_faults(schedule)
    yield from _retention_faults(spec)


def _task_faults(spec: FargateSpec) -> Iterator[str]:
    service = spec.service
    if service.gpu:
        yield (
            f"gpu is {service.gpu!r}; Fargate has no GPU. Take the target gke, or cloud-run for nvidia-l4, "
            "or leave `gpu` out."
        )
    if not (math.isfinite(service.cpu) and math.isfinite(spec.memory_mib)):
        return  # named by the cloud-neutral checks
    if spec.memory_mib not in FARGATE_MIB.get(service.cpu, ()):
        nearest = ", ".join(_size(cpu, mib) for cpu, mib in nearest_sizes(service.cpu, spec.memory_mib))
        yield (
            f"cpu is {service.cpu:.10g} with memory_gib {service.memory_gib:.10g}; Fargate has no "
            f"{_size(service.cpu, spec.memory_mib)}; nearest: {nearest}."
        )


def _size(cpu: float, mib: float) -> str:
    return f"{cpu:.10g} vCPU with {mib / 1024:.10g} GiB"


def nearest_sizes(cpu: float, mib: float) -> list[tuple[float, int]]:
    """Sizes around one that Fargate does not have, by CPU: vCPU and MiB.

    With that CPU, or with those around it; and the nearest CPU that has that memory.
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
    """The next memory below and above."""
    below = [memory for memory in offered if memory < mib]
    return [*below[-1:], *[memory for memory in offered if memory >= mib][:1]]


def _enough(offered: tuple[int, ...], mib: float) -> int:
    """The least memory that is enough, else the most there is."""
    return next((memory for memory in offered if memory >= mib), offered[-1])


def _storage_faults(spec: FargateSpec) -> Iterator[str]:
    gib, allowed = spec.ephemeral_storage_gib, limits.STORAGE_GIB
    if gib != limits.STORAGE_INCLUDED_GIB and gib not in allowed:
        sizes = (limits.STORAGE_INCLUDED_GIB, *allowed)
        near = next((size for size in sizes if size >= gib), sizes[-1])
        yield (
            f"ephemeral_storage_gib is {gib:g}; Fargate includes {limits.STORAGE_INCLUDED_GIB} and allows "
            f"{allowed[0]} to {allowed[-1]}, whole GiB; nearest: {near}."
        )


def _count_faults(spec: FargateSpec) -> Iterator[str]:
    if spec.service.min_replicas == 0:
        yield (
            "min_replicas is 0; a Fargate service does not scale to zero, for nothing would wake it; "
            "set it to 1 or more. The target cloud-run scales to zero."
        )


def _spot_faults(spec: FargateSpec) -> Iterator[str]:
    if not (0 <= spec.spot_percent <= 100 and _is_whole(spec.spot_percent)):
        yield f"spot_percent is {spec.spot_percent:g}; it must be a whole number from 0 to 100."
    if not (0 <= spec.on_demand_base <= limits.BASE and _is_whole(spec.on_demand_base)):
        yield (
            f"on_demand_base is {spec.on_demand_base:g}; it must be a whole number from 0 to {limits.BASE}."
        )


def _is_whole(number: float) -> bool:
    return number % 1 == 0


def _scaling_faults(spec: FargateSpec) -> Iterator[str]:
    target = spec.cpu_target_percent
    if not (10 <= target <= 90 and _is_whole(target)):
        yield f"cpu_target_percent is {target:g}; it must be a whole number from 10 to 90."
    if spec.request_seconds is not None and not 0 < spec.request_seconds <= 3600:
        yield f"request_seconds is {spec.request_seconds:g}; it must be above 0 and at most 3600."
    for name, count in Counter(schedule["name"] for schedule in spec.schedules).items():
        if count > 1:
            yield f"schedules has {count} of the name {name!r}; give each its own."


def _schedule_faults(schedule: ScalingSchedule) -> Iterator[str]:
    name, low, high = schedule["name"], schedule["min_replicas"], schedule["max_replicas"]
    if not limits.SCHEDULE_NAME.fullmatch(name):
        yield (
            f"schedules has {name!r}; a name has 1 to 40 lowercase letters, digits and hyphens, a letter "
            "first."
        )
    if not limits.SCHEDULE.fullmatch(schedule["schedule"]):
        yield (
            f"schedule {name} is {schedule['schedule']!r}; allowed are cron(<minutes> <hours> <day of month> "
            "<month> <day of week> <year>), rate(5 minutes) and at(2027-01-31T08:00:00), such as cron(0 8 ? "
            "* MON-FRI *)."
        )
    timezone = schedule.get("timezone", "UTC")
    if not _is_timezone(timezone):
        yield (
            f"schedule {name} has the timezone {timezone!r}; allowed are names such as UTC and Europe/Berlin."
        )
    if not (1 <= low <= high and _is_whole(low) and _is_whole(high)):
        yield (
            f"schedule {name} has min_replicas {low:g} and max_replicas {high:g}; they must be whole "
            "numbers, 1 or more, the most not below the least."
        )


def _is_timezone(name: str) -> bool:
    if name == "UTC":  # also where a machine has no table of time zones
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _retention_faults(spec: FargateSpec) -> Iterator[str]:
    days = spec.log_retention_days
    if days not in limits.RETENTION_DAYS:
        near = min(limits.RETENTION_DAYS, key=lambda allowed: abs(allowed - days))
        yield (
            f"log_retention_days is {days:g}; CloudWatch allows "
            f"{', '.join(map(str, limits.RETENTION_DAYS))}; nearest: {near}."
        )


def size_warnings(spec: FargateSpec) -> Iterator[str]:
    longest = limits.HEALTH_START_SECONDS[-1]
    if LOADS_OF_A_START * spec.service.load_seconds > longest:
        yield (
            f"the model may take {spec.service.load_seconds:.0f} s to load; ECS counts failed checks of the "
            f"container after {longest} s, its maximum, in place of three times that. The check asks whether "
            "the server is alive, which it answers while it loads; where the model is quicker, set "
            "`loadSeconds` to what `slipway fit` measures."
        )
    if spec.spot_percent and spec.on_demand_base < 1:
        yield (
            "on_demand_base is 0 with a Spot share: where AWS takes its Spot capacity back, the service may "
            "have no task at all. Set it to 1."
        )

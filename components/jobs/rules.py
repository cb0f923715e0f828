"""Decides which arguments of jobs are refused, in the same words on every target. Pure."""

import re
from collections.abc import Collection, Iterator

from ..fault import Fault
from .spec import WEBHOOK_SECRET, JobsSpec

GOOGLE, AMAZON, FILE = "gs://", "s3://", "file:/"
# What follows the scheme: a bucket's name and folders, or an absolute folder; each ends in a /.
_PLACES = {
    GOOGLE: re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]/([A-Za-z0-9!_.=+-]+/)*"),
    AMAZON: re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([A-Za-z0-9!_.=+-]+/)*"),
    FILE: re.compile(r"([^\0-\x1f,/]+/)*"),
}
_EXAMPLES = {GOOGLE: "gs://bucket/input/", AMAZON: "s3://bucket/input/", FILE: "file:/srv/input/"}
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_WITHOUT_JOBS = "set `jobs` to true, or leave it out"


def jobs_faults(
    spec: JobsSpec, secrets: Collection[str] | None, schemes: Collection[str] = (GOOGLE, AMAZON)
) -> Iterator[Fault]:
    """Yield what is wrong with the arguments of jobs.

    secrets: names of the service's secret variables; None where the target makes the key of webhooks itself.
    schemes: of the places that the target's processes reach.
    """
    if not spec.jobs:
        for name in sorted(spec.given - {"jobs"}):
            yield Fault(name, "given", _WITHOUT_JOBS, ", but the service takes no jobs")
        return
    yield from _range_faults(spec)
    yield from _worker_faults(spec)
    for prefix in spec.job_files:
        yield from _prefix_faults("job_files", prefix, schemes, verb="has")
    if spec.job_results:
        yield from _prefix_faults("job_results", spec.job_results, schemes)
    yield from _webhook_faults(spec, secrets)


_RANGES = {
    "job_ttl_days": (0.001, 365, " days"),
    "jobs_per_caller": (1, 1_000_000, ""),
    "min_workers": (0, 1000, ""),
    "max_workers": (1, 1000, ""),
    "worker_cpu": (0.08, 256, " vCPU"),
    "worker_memory_gib": (0.03125, 4096, " GiB"),
}
_WHOLE = ("jobs_per_caller", "min_workers", "max_workers")


def _range_faults(spec: JobsSpec) -> Iterator[Fault]:
    for name, (low, high, unit) in _RANGES.items():
        value: float = getattr(spec, name)
        if name in _WHOLE and value != value // 1:
            yield Fault(name, f"{value:g}", "it must be a whole number")
        if not low <= value <= high:
            nearest = high if value > high else low
            yield Fault(name, f"{value:.10g}", f"it must be from {low:g} to {high:g}{unit}", nearest=nearest)


def _worker_faults(spec: JobsSpec) -> Iterator[Fault]:
    if spec.max_workers < spec.min_workers:
        reason = f", below `min_workers` {spec.min_workers:g}"
        yield Fault("max_workers", f"{spec.max_workers:g}", "raise the one or lower the other", reason)


def _prefix_faults(name: str, prefix: str, schemes: Collection[str], verb: str = "is") -> Iterator[Fault]:
    """Yield why no file can be named below a prefix.

    Without a / at its end `gs://bucket/in` would also allow gs://bucket/internal.
    """
    scheme = next((known for known in schemes if prefix.startswith(known)), None)
    place = prefix.removeprefix(scheme) if scheme else ""
    if scheme and _PLACES[scheme].fullmatch(place) and not {".", ".."} & set(place.split("/")):
        return
    examples = " or ".join(_EXAMPLES[known] for known in schemes)
    nearest = f"{prefix}/" if scheme and _PLACES[scheme].fullmatch(f"{place}/") else None
    allowed = f"a prefix of files ends in /, such as {examples}"
    yield Fault(name, repr(prefix), allowed, nearest=nearest, verb=verb)


def _webhook_faults(spec: JobsSpec, secrets: Collection[str] | None) -> Iterator[Fault]:
    for host in spec.webhook_hosts:
        if not _HOST.fullmatch(host):
            allowed = "name a host alone, without https:// and port, such as hooks.example.com"
            yield Fault("webhook_hosts", repr(host), allowed, verb="has")
    if spec.webhook_hosts and secrets is not None and WEBHOOK_SECRET not in secrets:
        allowed = f"give {WEBHOOK_SECRET} in `secrets`: the key by which the receiver knows who sent it"
        yield Fault("webhook_hosts", "given", allowed, ", but nothing signs what is sent")

"""How Cloud Monitoring measures the signals of jobs: by metrics of the log, which jobs.py creates. Pure."""

import re
from collections.abc import Iterator, Mapping

from ...observability.signal import Series
from .row import CloudRow


def metric_name(service: str, field: str) -> str:
    return f"{service}-{field.replace('_', '-')}"


def job_rows(service: str, resource: str) -> Mapping[str, CloudRow]:
    """Return what is measured of jobs, by the key of the signal. resource: kind that writes the line."""

    def metric(field: str, part: str) -> str:
        name = re.sub(r"[^a-z0-9]", "_", metric_name(service, field))
        return f'logging_googleapis_com:user_{name}_{part}{{monitored_resource="{resource}"}}'

    def mean(field: str) -> str:
        total, number = (f"sum(increase({metric(field, part)}[$w]))" for part in ("sum", "count"))
        return f"{total} / {number}"

    def states() -> Iterator[Series]:
        for state in ("waiting", "running", "set_aside"):
            yield Series(mean(f"jobs_{state}"), state.replace("_", " "))

    written = f"sum(rate({metric('jobs_waiting', 'count')}[$w])) * 60"
    return {
        "jobs": CloudRow(tuple(states())),
        "jobs-oldest": CloudRow((Series(mean("jobs_oldest_seconds"), "oldest"),)),
        "jobs-set-aside": CloudRow((Series(mean("jobs_set_aside"), "set aside"),)),
        "workers": CloudRow((Series(written, "workers"),), "Workers that write their line each minute"),
    }

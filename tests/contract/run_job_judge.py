"""Judges a Cloud Run job as it is sent: Google's own messages, then its documented limits.

`python -m tests.contract.run_job_judge` reads a JSON form a line and answers a verdict a line; a process of
its own, as cloud_run_judge.py is. DOCS: docs.cloud.google.com/run/docs/configuring/jobs.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from google.cloud import run_v2
from google.protobuf.json_format import ParseError

_CPU = ("1", "2", "4", "6", "8")


def _task(job: run_v2.Job) -> run_v2.TaskTemplate:
    return job.template.template


def _seconds(job: run_v2.Job) -> float:
    return cast("timedelta", _task(job).timeout).total_seconds()


def _limits(job: run_v2.Job) -> Mapping[str, str]:
    return _task(job).containers[0].resources.limits


def _is_mounted(job: run_v2.Job) -> bool:
    mounts = {each.name for each in _task(job).containers[0].volume_mounts}
    return {each.name for each in _task(job).volumes} == mounts


RULES: Mapping[str, Callable[[run_v2.Job], bool]] = {
    "a job has up to 10,000 tasks": lambda j: 1 <= j.template.task_count <= 10_000,
    "a task takes at most a week, with a GPU an hour": lambda j: (
        0 < _seconds(j) <= (3600 if _task(j).node_selector.accelerator else 168 * 3600)
    ),
    "a task is tried again up to ten times": lambda j: 0 <= _task(j).max_retries <= 10,
    "a task has no port and no readiness": lambda j: (
        not _task(j).containers[0].ports and not _task(j).containers[0].readiness_probe
    ),
    "a task has whole vCPU, or more with a large GPU": lambda j: (
        _limits(j)["cpu"] in _CPU or bool(_task(j).node_selector.accelerator)
    ),
    "a task has 512 MiB or more": lambda j: (
        _limits(j)["memory"].endswith("Gi") or int(_limits(j)["memory"].removesuffix("Mi")) >= 512
    ),
    "the image has its digest": lambda j: bool(
        re.search(r"@sha256:[0-9a-f]{64}$", _task(j).containers[0].image)
    ),
    "no variable is given twice, and none that Cloud Run sets": lambda j: (
        len({each.name for each in _task(j).containers[0].env}) == len(_task(j).containers[0].env)
        and not any(each.name.startswith("CLOUD_RUN_") for each in _task(j).containers[0].env)
    ),
    "it runs as an account": lambda j: _task(j).service_account.endswith(".iam.gserviceaccount.com"),
    "what is mounted is there": _is_mounted,
}


def verdict(form: str) -> dict[str, Any]:
    untyped: Any = run_v2.Job
    try:
        job = untyped.from_json(form, ignore_unknown_fields=False)
    except ParseError as error:
        return {"refused": str(error), "broken": []}
    return {"refused": None, "broken": [name for name, holds in RULES.items() if not holds(job)]}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(verdict(line)), flush=True)

"""What the tasks may do with the files of jobs: read those below its prefixes, keep large results. Pure."""

from collections.abc import Iterator
from typing import Any

from ...aws.regions import partition
from ...jobs.rules import AMAZON
from ..spec import FargateSpec

READ = ("s3:GetObject",)
KEEP = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
# A server hands results out, and deletes those whose time is over.
HAND_OUT = ("s3:DeleteObject", "s3:GetObject")


def server_statements(spec: FargateSpec) -> Iterator[dict[str, Any]]:
    """Yield what the server may do: with the results alone."""
    if spec.jobs.jobs and spec.jobs.job_results:
        yield _statement(spec, HAND_OUT, spec.jobs.job_results)


def worker_statements(spec: FargateSpec) -> Iterator[dict[str, Any]]:
    """Yield what a worker may do: read below each prefix, and keep results below theirs."""
    for prefix in dict.fromkeys(spec.jobs.job_files):
        yield _statement(spec, READ, prefix)
    if spec.jobs.job_results:
        yield _statement(spec, KEEP, spec.jobs.job_results)


def _statement(spec: FargateSpec, actions: tuple[str, ...], prefix: str) -> dict[str, Any]:
    objects = f"arn:{partition(spec.region)}:s3:::{prefix.removeprefix(AMAZON)}*"
    return {"Effect": "Allow", "Action": list(actions), "Resource": objects}

"""What the tasks may do with the files of jobs and batches: read below some prefixes, keep results. Pure.

The rights on objects are on each prefix alone. A bucket is listed below them too: a batch finds its input and
its finished parts so, and without that right S3 answers "forbidden" for a file that is not there.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ...aws.regions import partition
from ...jobs.rules import AMAZON
from ..spec import FargateSpec

LIST = "s3:ListBucket"
READ = ("s3:GetObject",)
KEEP = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")
# A server hands results out, and deletes those whose time is over.
HAND_OUT = ("s3:DeleteObject", "s3:GetObject")


def server_statements(spec: FargateSpec) -> Iterator[dict[str, Any]]:
    """Yield what the server may do: with the results alone."""
    if spec.jobs.jobs and spec.jobs.job_results:
        yield _objects(spec, HAND_OUT, spec.jobs.job_results)


def worker_statements(spec: FargateSpec) -> Iterator[dict[str, Any]]:
    """Yield what a worker may do: read below each prefix, and keep results below theirs."""
    for prefix in dict.fromkeys(spec.jobs.job_files):
        yield _objects(spec, READ, prefix)
    if spec.jobs.job_results:
        yield _objects(spec, KEEP, spec.jobs.job_results)
    for bucket in spec.jobs.buckets(AMAZON):
        places = [prefix.removeprefix(AMAZON).partition("/") for prefix in spec.jobs.prefixes]
        yield _listing(spec, bucket, sorted({place for name, _, place in places if name == bucket}))


def _objects(spec: FargateSpec, actions: tuple[str, ...], prefix: str) -> dict[str, Any]:
    objects = f"arn:{partition(spec.region)}:s3:::{prefix.removeprefix(AMAZON)}*"
    return {"Effect": "Allow", "Action": list(actions), "Resource": objects}


def _listing(spec: FargateSpec, bucket: str, places: Sequence[str]) -> dict[str, Any]:
    """Return the right to list a bucket below some places; '' is the whole bucket."""
    below = {"StringLike": {"s3:prefix": [f"{place}*" for place in places]}}
    arn = f"arn:{partition(spec.region)}:s3:::{bucket}"
    return {"Effect": "Allow", "Action": [LIST], "Resource": arn, "Condition": below}

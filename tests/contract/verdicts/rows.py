"""How a row of the list is written."""

import json
from typing import NamedTuple

# Source -> settings of a stack, next to the fewest that its target needs.
Rows = list[tuple[str, list[dict[str, str]]]]

DIGEST = f"sha256:{'0' * 64}"
IMAGE = f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@{DIGEST}"
BUCKET = {"model": f"gs://acme/model@{'1' * 16}", "image": IMAGE}
GPU = {"gpu": "nvidia-l4", "cpu": "2", "memory": "8Gi", **BUCKET}


class Verdict(NamedTuple):
    """Settings of a stack of `target`, whether the cloud takes them, and who says so."""

    target: str
    settings: dict[str, str]
    taken: bool
    source: str


def each(key: str, *values: str) -> list[dict[str, str]]:
    return [{key: value} for value in values]


def sized(*sizes: tuple[str, str]) -> list[dict[str, str]]:
    """sizes: `cpu` and `memory`."""
    return [{"cpu": cpu, "memory": memory} for cpu, memory in sizes]


def labels(count: int) -> str:
    return json.dumps({f"key{number}": "value" for number in range(count)})

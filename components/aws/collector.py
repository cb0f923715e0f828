"""AWS's OpenTelemetry collector next to a server: its container and configuration, for any pipelines. Pure.

Memory in MiB.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# github.com/aws-observability/aws-otel-collector, v0.43.3: the list of its images for amd64 and arm64.
IMAGE = (
    "public.ecr.aws/aws-observability/aws-otel-collector"
    "@sha256:8aa9ea5f67b8d318f7d6af24677e3c70f7098bc0631147cb5fa91addbe980b06"
)
# The collector sheds data before it needs more than its memory: it stops to accept at the limit less the
# spike.
_LIMIT_SHARE, _SPIKE_SHARE = 0.75, 0.19


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One way through the collector. kind: traces or metrics. receiver, exporter: type and settings."""

    kind: str
    receiver: tuple[str, Mapping[str, Any]]
    exporter: tuple[str, Mapping[str, Any]]


def configuration(pipelines: Sequence[Pipeline], mib: int) -> str:
    """Return the collector's configuration as JSON. mib: its memory."""
    document: dict[str, Any] = {
        "receivers": dict(pipeline.receiver for pipeline in pipelines),
        "processors": {
            "memory_limiter": {
                "check_interval": "1s",
                "limit_mib": int(mib * _LIMIT_SHARE),
                "spike_limit_mib": int(mib * _SPIKE_SHARE),
            },
            "batch": {},
        },
        "exporters": dict(pipeline.exporter for pipeline in pipelines),
        "service": {
            "pipelines": {
                pipeline.kind: {
                    "receivers": [pipeline.receiver[0]],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": [pipeline.exporter[0]],
                }
                for pipeline in pipelines
            }
        },
    }
    return json.dumps(document, sort_keys=True)


def collector_container(
    name: str, pipelines: Sequence[Pipeline], mib: int, logs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the container, without which the service goes on: it costs data, and no request."""
    return {
        "name": name,
        "image": IMAGE,
        "essential": False,
        "memory": mib,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
        "environment": [{"name": "AOT_CONFIG_CONTENT", "value": configuration(pipelines, mib)}],
        "logConfiguration": dict(logs),
    }

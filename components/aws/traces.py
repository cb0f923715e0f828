"""Traces of one service in AWS X-Ray: a collector of AWS's own next to the server, and what it may do.

X-Ray's own OTLP endpoint takes only signed requests, which OpenTelemetry's client for Python cannot make, and
only in an account that has sent all its traces to CloudWatch. The collector needs neither.
"""

import json
from typing import Any

from ..traces import ENDPOINT

COLLECTOR = "traces"
# github.com/aws-observability/aws-otel-collector, v0.43.3: the list of its images for amd64 and arm64.
IMAGE = (
    "public.ecr.aws/aws-observability/aws-otel-collector"
    "@sha256:8aa9ea5f67b8d318f7d6af24677e3c70f7098bc0631147cb5fa91addbe980b06"
)
# Of the task's memory. The collector sheds spans before it needs more.
COLLECTOR_MIB = 128
_LIMIT_MIB, _SPIKE_MIB = 96, 24
# docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray: neither names a resource.
ACTIONS = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
ENVIRONMENT = {ENDPOINT: "http://localhost:4318"}


def collector_configuration(region: str) -> str:
    """Return the collector's configuration as JSON: from the server's port to X-Ray, within its memory."""
    configuration: dict[str, Any] = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "localhost:4318"}}}},
        "processors": {
            "memory_limiter": {
                "check_interval": "1s",
                "limit_mib": _LIMIT_MIB,
                "spike_limit_mib": _SPIKE_MIB,
            },
            "batch": {},
        },
        "exporters": {"awsxray": {"region": region}},
        "service": {
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["awsxray"],
                }
            }
        },
    }
    return json.dumps(configuration, sort_keys=True)


def collector_container(region: str, logs: dict[str, Any]) -> dict[str, Any]:
    """Return the container, without which the service goes on: it costs spans, and no request."""
    return {
        "name": COLLECTOR,
        "image": IMAGE,
        "essential": False,
        "memory": COLLECTOR_MIB,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
        "environment": [{"name": "AOT_CONFIG_CONTENT", "value": collector_configuration(region)}],
        "logConfiguration": logs,
    }

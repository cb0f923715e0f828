"""Traces of one service in AWS X-Ray: how a collector of AWS's own takes and sends them. Pure.

X-Ray's own OTLP endpoint takes only signed requests, which OpenTelemetry's client for Python cannot make, and
only in an account that has sent all its traces to CloudWatch. The collector needs neither.
"""

from ..traces import ENDPOINT
from .collector import Pipeline

# docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray: neither names a resource.
ACTIONS = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
ENVIRONMENT = {ENDPOINT: "http://localhost:4318"}


def traces_pipeline(region: str) -> Pipeline:
    """Return the way from the server to X-Ray."""
    receiver = {"protocols": {"http": {"endpoint": "localhost:4318"}}}
    return Pipeline("traces", ("otlp", receiver), ("awsxray", {"region": region}))

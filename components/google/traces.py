"""Traces of one service in Google Cloud: the way to them, and the right to write them and nothing else.

Spans go straight to Google's OTLP endpoint; no collector runs next to the server. Its client gets a token of
the service's own account: docs.cloud.google.com/stackdriver/docs/instrumentation/migrate-to-otlp-endpoints.
"""

import pulumi
import pulumi_gcp as gcp

from ..traces import ENDPOINT

API = "telemetry.googleapis.com"
WRITER = "roles/telemetry.tracesWriter"
_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"


def google_traces(
    project: pulumi.Input[str], attributes: pulumi.Input[str] = ""
) -> dict[str, pulumi.Input[str]]:
    """Return the variables by which the server sends spans to the project, which Google wants named in each.

    attributes: further ones of the service, as in OTEL_RESOURCE_ATTRIBUTES.
    """
    own: pulumi.Input[str] = f"gcp.project_id={project}" if isinstance(project, str) else ""
    if not own:
        own = pulumi.Output.concat("gcp.project_id=", project)
    if attributes:
        own = pulumi.Output.concat(attributes, ",", own)
    return {
        ENDPOINT: f"https://{API}",
        "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER": "gcp_http_credentials",
        _ATTRIBUTES: own,
    }


def trace_writer(
    name: str, project: pulumi.Input[str], member: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    """Let the service's account write spans; it reads none."""
    return gcp.projects.IAMMember(
        f"{name}-traces-writer", project=project, role=WRITER, member=member, opts=opts
    )

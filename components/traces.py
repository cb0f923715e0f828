"""Where a service sends the spans of its traces: nowhere, to its cloud's own store, or to a collector.

The server does so by itself once its environment names an address (service/traces.py); its image needs the
client, by the build argument OTLP. Pure.
"""

import re
from collections.abc import Iterator, Mapping

import pulumi

from .fault import Fault

OFF, CLOUD = "off", "cloud"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
# service/settings.py, COLLECTOR
_ADDRESS = re.compile(r"https?://[!-~]{1,1990}")
_ALLOWED = "allowed are off, cloud, and the address of an OTLP collector, such as http://tempo:4318"


def traces_faults(
    traces: str, env: Mapping[str, pulumi.Input[str]], has_store: bool = True
) -> Iterator[Fault]:
    """Yield what is wrong with the argument `traces`. has_store: whether the target's cloud keeps traces."""
    if traces not in (OFF, CLOUD) and not _ADDRESS.fullmatch(traces):
        yield Fault("traces", repr(traces), _ALLOWED)
    if traces == CLOUD and not has_store:
        allowed = "name the address of a collector in the cluster, such as http://tempo.monitoring.svc:4318"
        yield Fault("traces", CLOUD, allowed, ", but the cluster is in no cloud that is known here")
    if traces != OFF and ENDPOINT in env:
        yield Fault("env", ENDPOINT, "keep one of the two", ", which `traces` sets", verb="has")


def trace_environment(
    name: str, traces: str, cloud: Mapping[str, pulumi.Input[str]]
) -> dict[str, pulumi.Input[str]]:
    """Return the server's variables. name: of the service. cloud: those that reach the cloud's own store."""
    if traces == OFF:
        return {}
    where = dict(cloud) if traces == CLOUD else {ENDPOINT: traces}
    return {"OTEL_SERVICE_NAME": name, **where}


def with_collector(
    env: Mapping[str, str], traces: str, cloud: Mapping[str, pulumi.Input[str]]
) -> dict[str, str]:
    """Add the address that `traces` names to an environment, for the rules that let the server out."""
    added = {CLOUD: cloud.get(ENDPOINT), OFF: None}.get(traces, traces)
    return {**env, ENDPOINT: added} if isinstance(added, str) else dict(env)

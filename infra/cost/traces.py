"""What the traces of a service cost: billed by what is written, so by the right to write. Pure.

A request of which a trace is kept has one span of its own and four inside (service/traces.py). The share of
requests is what the server takes where no caller decides, unless its environment says otherwise.
"""

import json
from collections.abc import Iterator

from slipway.infra.cost import monitoring
from slipway.infra.cost.aws import region_of
from slipway.infra.cost.charge import Charge, Free, Priced, Scene, Verdict
from slipway.infra.resources.aws import FARGATE_COMPONENT
from slipway.infra.resources.google import CLOUD_RUN
from slipway.infra.resources.kubernetes import CONFIG_MAP
from slipway.infra.resources.reading import Resource, at, items_at, number
from slipway.infra.resources.row import PERMISSION

_WRITE_SPANS = "roles/telemetry.tracesWriter"
_WRITE_SEGMENTS = "xray:PutTraceSegments"
_SPANS = 5
_MILLION = 1e6
# service/settings.py, TRACE_SHARE
_SHARE = 0.01


def project_grant(resource: Resource, scene: Scene) -> Verdict:
    if monitoring.is_writer(resource):
        return monitoring.metrics_writer(scene)
    if resource.inputs.get("role") != _WRITE_SPANS:
        return Free(PERMISSION.reason)
    return _traced("", "cloud-trace/spans", _SPANS, "spans", scene)


def role_policy(resource: Resource, scene: Scene) -> Verdict:
    if _WRITE_SEGMENTS not in json.dumps(resource.inputs.get("policy", "")):
        return Free(PERMISSION.reason)
    return _traced(region_of(resource), "xray/traces", 1, "traces", scene)


def _traced(region: str, key: str, of_a_request: int, word: str, scene: Scene) -> Verdict:
    share = min((*_shares(scene), _SHARE), key=lambda found: found == _SHARE)
    millions = scene.usage.requests * share * of_a_request / _MILLION
    charge = Charge(key, 0.0, millions, millions, share * of_a_request)
    return Priced(region, (charge,), note=f"{word} of {share * 100:g} % of the requests")


def _shares(scene: Scene) -> Iterator[float]:
    """Yield what the environments of the stack's servers set as the share of requests."""
    for service in scene.of_type(CLOUD_RUN):
        for entry in items_at(service.inputs, "template", "containers"):
            for variable in items_at(entry, "envs"):
                if at(variable, "name") == "TRACE_SHARE":
                    yield number(at(variable, "value"), _SHARE)
    for settings in scene.of_type(CONFIG_MAP):
        if (share := at(settings.inputs, "data", "TRACE_SHARE")) is not None:
            yield number(share, _SHARE)
    for component in scene.of_type(FARGATE_COMPONENT):
        if (share := at(component.inputs, "env", "TRACE_SHARE")) is not None:
            yield number(share, _SHARE)

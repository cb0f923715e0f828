"""What Cloud Monitoring is sent for the resources of the provider, which names a few fields otherwise."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, Any]
# What stands in the path of the request, or is the provider's own.
_NOT_IN_THE_BODY = ("project", "service", "sloId", "serviceId", "rollingPeriodDays", "requestBasedSli")
_SLI = {"goodTotalRatio": "goodTotalRatio", "distributionCut": "distributionCut"}


def kind_of(type_: str) -> str:
    return type_.rpartition(":")[2]


def api_form(type_: str, inputs: Mapping[str, Any]) -> Body:
    """Return the kind of a resource, and its body as the API takes it."""
    kind = kind_of(type_)
    body = {key: value for key, value in inputs.items() if key not in _NOT_IN_THE_BODY}
    return {"kind": kind, "body": _BODIES.get(kind, lambda body, inputs: body)(body, inputs)}


def _slo(body: Body, inputs: Mapping[str, Any]) -> Body:
    parent = f"projects/{inputs['project']}/services/{inputs['service']}"
    indicator = {_SLI[key]: value for key, value in inputs["requestBasedSli"].items()}
    return {
        **body,
        "name": f"{parent}/serviceLevelObjectives/{inputs['sloId']}",
        "rollingPeriod": f"{int(inputs['rollingPeriodDays']) * 86400}s",
        "serviceLevelIndicator": {"requestBased": indicator},
    }


def _service(body: Body, inputs: Mapping[str, Any]) -> Body:
    return {**body, "name": f"projects/{inputs['project']}/services/{inputs['serviceId']}", "custom": {}}


def _dashboard(body: Body, inputs: Mapping[str, Any]) -> Body:
    found: Body = json.loads(inputs["dashboardJson"])
    return found


_BODIES: Mapping[str, Callable[[Body, Mapping[str, Any]], Body]] = {
    "Slo": _slo,
    "CustomService": _service,
    "Dashboard": _dashboard,
}

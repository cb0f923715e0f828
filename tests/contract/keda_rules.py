"""What KEDA and its HTTP add-on refuse, or take and never act on, of objects that fit their schemas.

Read from github.com/kedacore/keda v2.20.2: apis/keda/v1alpha1/scaledobject_webhook.go and
scaledobject_types.go, pkg/scalers; and from github.com/kedacore/http-add-on v0.15.0: pkg/routing, scaler.
"""

import re
from collections.abc import Mapping
from typing import Any

from tests.contract.kubernetes_reading import Objects, of_kind, servers

_NEEDED: Mapping[str, frozenset[str]] = {
    "prometheus": frozenset({"serverAddress", "query", "threshold"}),
    "external-push": frozenset({"scalerAddress", "interceptorRoute"}),
    "cpu": frozenset({"value"}),
    "postgresql": frozenset({"query", "targetQueryValue"}),
}
_OF_RESOURCES = ("cpu", "memory")


def scaled_is_there(objects: Objects) -> bool:
    """Whether every Deployment has one scaler, within bounds that begin where the Deployment does."""
    deployments = {each["metadata"]["name"]: each for each in of_kind(objects, "Deployment")}
    for scaled in of_kind(objects, "ScaledObject"):
        spec = scaled["spec"]
        least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
        deployment = deployments.get(spec["scaleTargetRef"]["name"])
        if deployment is None or not 0 <= least <= most or most < 1:
            return False
        if deployment["spec"].get("replicas", 1) != max(least, 1):
            return False
    scalers = [*of_kind(objects, "ScaledObject"), *of_kind(objects, "HorizontalPodAutoscaler")]
    scaled = [each["spec"]["scaleTargetRef"]["name"] for each in scalers]
    return len(scaled) == len(set(scaled))


def triggers_are_taken(objects: Objects) -> bool:
    return all(_triggers_are_taken(each["spec"], objects) for each in of_kind(objects, "ScaledObject"))


def _triggers_are_taken(spec: Mapping[str, Any], objects: Objects) -> bool:
    triggers = spec["triggers"]
    outside = [each for each in triggers if each["type"] not in _OF_RESOURCES]
    if not outside:
        return spec.get("minReplicaCount", 0) > 0 and "fallback" not in spec
    logins = {each["metadata"]["name"] for each in of_kind(objects, "TriggerAuthentication")}
    routes = {each["metadata"]["name"] for each in of_kind(objects, "InterceptorRoute")}
    return all(
        _NEEDED[each["type"]] <= each["metadata"].keys()
        and _values_are_taken(each["metadata"])
        and each.get("authenticationRef", {}).get("name", "") in {"", *logins}
        and each["metadata"].get("interceptorRoute", "") in {"", *routes}
        and (each["type"] != "cpu" or _has_cpu_request(objects))
        for each in triggers
    )


def _values_are_taken(metadata: Mapping[str, str]) -> bool:
    """Whether a threshold is above zero: KEDA's own division by it is by the autoscaler."""
    address = metadata.get("serverAddress", "http://a")
    numbers = [metadata[key] for key in ("threshold", "value", "targetQueryValue") if key in metadata]
    return all(float(each) > 0 for each in numbers) and re.match(r"https?://[^/ ]+", address) is not None


def _has_cpu_request(objects: Objects) -> bool:
    return all("cpu" in each["resources"].get("requests", {}) for each in servers(objects))


def route_leads_to_the_pods(objects: Objects) -> bool:
    services = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "Service")}
    for route in of_kind(objects, "InterceptorRoute"):
        target = route["spec"]["target"]
        service = services.get(target["service"], {})
        if target["portName"] not in {port["name"] for port in service.get("ports", ())}:
            return False
        if "selector" not in service or not _asks_for_hosts(route["spec"], services, objects):
            return False
    return True


def _asks_for_hosts(
    route: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]], objects: Objects
) -> bool:
    """Whether the hosts are those by which callers come: a Service's full names, and an Ingress'.

    The table of hosts is the whole cluster's: a name without its namespace may be another service's.
    """
    hosts = {host for rule in route["rules"] for host in rule["hosts"]}
    namespace = of_kind(objects, "InterceptorRoute")[0]["metadata"]["namespace"]
    wanted = {
        f"{name}.{namespace}{end}"
        for name, spec in services.items()
        if spec["type"] == "ExternalName"
        for end in ("", ".svc", ".svc.cluster.local")
    }
    wanted |= {rule["host"] for each in of_kind(objects, "Ingress") for rule in each["spec"]["rules"]}
    return hosts == wanted

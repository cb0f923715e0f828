"""What the API's schemas let through of the objects around the pods. Each rule: whether it holds."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.kubernetes_reading import Objects, of_kind, pods, servers

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SUBDOMAIN = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*"
_KEY = r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_VALUE = r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?"


def _port_names(objects: Objects) -> dict[str, int]:
    return {
        port["name"]: port["containerPort"] for c in servers(objects) for port in c["ports"] if "name" in port
    }


def ports_are_ones(objects: Objects) -> bool:
    numbers = [port["containerPort"] for c in servers(objects) for port in c["ports"]]
    numbers += [port["port"] for service in of_kind(objects, "Service") for port in service["spec"]["ports"]]
    return all(isinstance(number, int) and 1 <= number <= 65535 for number in numbers)


def port_references_lead_somewhere(objects: Objects) -> bool:
    named, open_ports = (
        _port_names(objects),
        {p["containerPort"] for c in servers(objects) for p in c["ports"]},
    )
    asked = [
        container[probe]["httpGet"]["port"]
        for container in servers(objects)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        if probe in container
    ]
    asked += [
        port["targetPort"]
        for service in of_kind(objects, "Service")
        for port in service["spec"]["ports"]
        if service["spec"]["type"] != "ExternalName"
    ]
    asked += [
        port["port"]
        for policy in of_kind(objects, "NetworkPolicy")
        for rule in policy["spec"]["ingress"]
        for port in rule["ports"]
    ]
    asked += [
        end["port"] for found in of_kind(objects, "PodMonitoring") for end in found["spec"]["endpoints"]
    ]
    asked += [
        end["port"]
        for found in of_kind(objects, "PodMonitor")
        for end in found["spec"]["podMetricsEndpoints"]
    ]
    asked += [found["spec"]["healthCheck"]["port"] for found in of_kind(objects, "BackendConfig")]
    return all(port in named or port in open_ports for port in asked)


def _selectors(objects: Objects) -> Iterator[Mapping[str, str]]:
    for kind in ("PodDisruptionBudget", "PodMonitoring", "PodMonitor"):
        for found in of_kind(objects, kind):
            yield found["spec"]["selector"]["matchLabels"]
    for service in of_kind(objects, "Service"):
        if service["spec"]["type"] != "ExternalName":
            yield service["spec"]["selector"]
    for policy in of_kind(objects, "NetworkPolicy"):
        yield policy["spec"]["podSelector"]["matchLabels"]


def _own_selectors(pod: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    for spread in pod["spec"].get("topologySpreadConstraints", ()):
        yield spread["labelSelector"]["matchLabels"]


def _finds(selector: Mapping[str, str], pod: Mapping[str, Any]) -> bool:
    return bool(selector) and selector.items() <= pod["metadata"]["labels"].items()


def selectors_find_the_pods(objects: Objects) -> bool:
    """Each finds some; a Deployment's and a pod's own find those alone, whatever else runs."""
    found = all(any(_finds(selector, pod) for pod in pods(objects)) for selector in _selectors(objects))
    own = [
        (selector, deployment["spec"]["template"])
        for deployment in of_kind(objects, "Deployment")
        for selector in (
            deployment["spec"]["selector"]["matchLabels"],
            *_own_selectors(deployment["spec"]["template"]),
        )
    ]
    return found and all(
        [pod for pod in pods(objects) if _finds(selector, pod)] == [template] for selector, template in own
    )


def names_are_names(objects: Objects) -> bool:
    strict = {"Namespace", "Service", "InferenceService"}
    return all(
        re.fullmatch(_LABEL if found["kind"] in strict else _SUBDOMAIN, found["metadata"]["name"])
        for found in objects
    )


def labels_are_labels(objects: Objects) -> bool:
    maps: list[Mapping[str, str]] = [found["metadata"]["labels"] for found in objects]
    maps += [pod["metadata"]["labels"] for pod in pods(objects)]
    maps += [pod["spec"].get("nodeSelector", {}) for pod in pods(objects)]
    return all(
        re.fullmatch(_KEY, key) and re.fullmatch(_VALUE, value)
        for labels in maps
        for key, value in labels.items()
    )


def _least_pods(objects: Objects, name: str) -> int:
    """Return the minimum of pods of the Deployment of this name."""
    scalers = [*of_kind(objects, "HorizontalPodAutoscaler"), *of_kind(objects, "ScaledObject")]
    ends = [each["spec"] for each in scalers if each["spec"]["scaleTargetRef"]["name"] == name]
    return min((each.get("minReplicas", each.get("minReplicaCount")) for each in ends), default=0)


def autoscaler_fits_its_deployment(objects: Objects) -> bool:
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        spec = scaler["spec"]
        target = [
            d
            for d in of_kind(objects, "Deployment")
            if d["metadata"]["name"] == spec["scaleTargetRef"]["name"]
        ]
        if not (1 <= spec["minReplicas"] <= spec["maxReplicas"] and target):
            return False
        if target[0]["spec"].get("replicas", spec["minReplicas"]) != spec["minReplicas"]:
            return False
    scalers = [*of_kind(objects, "HorizontalPodAutoscaler"), *of_kind(objects, "ScaledObject")]
    scaled = {found["spec"]["scaleTargetRef"]["name"] for found in scalers}
    # A canary's pods are a share of the others.
    fixed = {d["metadata"]["name"] for d in of_kind(objects, "Deployment")} - scaled
    return len(scalers) == len(scaled) and all(
        name.endswith("-canary") and name.removesuffix("-canary") in scaled for name in fixed
    )


def budget_lets_a_drain_pass(objects: Objects) -> bool:
    def passes(spec: Mapping[str, Any]) -> bool:
        if ("minAvailable" in spec) == ("maxUnavailable" in spec):
            return False
        if "maxUnavailable" in spec:
            return spec["maxUnavailable"] >= 1
        name = spec["selector"]["matchLabels"]["app.kubernetes.io/name"]
        return 0 <= spec["minAvailable"] < _least_pods(objects, name)

    return all(passes(found["spec"]) for found in of_kind(objects, "PodDisruptionBudget"))


def rollout_gets_on(objects: Objects) -> bool:
    updates = [d["spec"]["strategy"]["rollingUpdate"] for d in of_kind(objects, "Deployment")]
    return all(update["maxSurge"] + update["maxUnavailable"] >= 1 for update in updates)


def ingress_leads_to_the_service(objects: Objects) -> bool:
    ports = {
        s["metadata"]["name"]: {p["name"] for p in s["spec"]["ports"]} for s in of_kind(objects, "Service")
    }
    backends = [
        path["backend"]["service"]
        for ingress in of_kind(objects, "Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    return all(b["port"]["name"] in ports.get(b["name"], ()) for b in backends)


def all_are_in_one_namespace(objects: Objects) -> bool:
    namespaces = {found["metadata"].get("namespace") for found in objects if found["kind"] != "Namespace"}
    made = [found["metadata"]["name"] for found in of_kind(objects, "Namespace")]
    return len(namespaces) == 1 and None not in namespaces and set(made) <= namespaces


def no_two_have_one_name(objects: Objects) -> bool:
    names = [(found["apiVersion"], found["kind"], found["metadata"]["name"]) for found in objects]
    return len(names) == len(set(names))

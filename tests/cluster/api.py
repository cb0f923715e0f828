"""Speaks with a real API server: applies, reads and deletes objects as they are in a manifest."""

import json
from collections.abc import Generator, Mapping
from typing import Any

import httpx

from tests.cluster.control_plane import wait_until

# Kind -> the word for it in an address.
PLURALS = {
    "Namespace": "namespaces",
    "Node": "nodes",
    "Pod": "pods",
    "ServiceAccount": "serviceaccounts",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Service": "services",
    "EndpointSlice": "endpointslices",
    "Deployment": "deployments",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "NetworkPolicy": "networkpolicies",
    "Ingress": "ingresses",
    "CustomResourceDefinition": "customresourcedefinitions",
    "BackendConfig": "backendconfigs",
    "FrontendConfig": "frontendconfigs",
    "ManagedCertificate": "managedcertificates",
    "PodMonitoring": "podmonitorings",
    "Rules": "rules",
    "PodMonitor": "podmonitors",
    "PrometheusRule": "prometheusrules",
    "InferenceService": "inferenceservices",
    "ScaledObject": "scaledobjects",
    "TriggerAuthentication": "triggerauthentications",
    "InterceptorRoute": "interceptorroutes",
    "Cluster": "clusters",
}
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_MERGE = {"Content-Type": "application/merge-patch+json"}


class Api:
    """Raises AssertionError with the server's own words where it refuses."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def apply(self, body: Mapping[str, Any], *, dry: bool = False) -> dict[str, Any]:
        """As `kubectl apply --server-side`, strictly: an unknown field is refused. dry: nothing is kept."""
        query = {"fieldManager": "slipway", "fieldValidation": "Strict", "force": "true"}
        answer = self._client.patch(
            address_of(body),
            params=query | ({"dryRun": "All"} if dry else {}),
            headers=_APPLY,
            json=dict(body),
        )
        return _checked(answer)

    def refusal(self, body: Mapping[str, Any]) -> str:
        """Return what the server says to an object that it refuses."""
        query = {"fieldManager": "slipway", "fieldValidation": "Strict", "force": "true"}
        answer = self._client.patch(address_of(body), params=query, headers=_APPLY, json=dict(body))
        assert answer.status_code >= 400, "it was taken"
        return str(answer.json()["message"])

    def get(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the object as the server has it; None if it is missing."""
        answer = self._client.get(address_of(body))
        return None if answer.status_code == 404 else _checked(answer)

    def all_of(self, kind: str, api_version: str = "v1", namespace: str = "") -> list[dict[str, Any]]:
        """Each with its kind, which the server leaves out in a list."""
        found = self.list_of(kind, api_version, namespace)["items"]
        return [{"apiVersion": api_version, "kind": kind, **each} for each in found]

    def list_of(self, kind: str, api_version: str = "v1", namespace: str = "") -> dict[str, Any]:
        """Return the list as the server gives it, with the revision from which a watch can begin."""
        return _checked(self._client.get(_place(kind, api_version, namespace)))

    def watch(
        self, kind: str, api_version: str, revision: str, seconds: int
    ) -> Generator[dict[str, Any], None, None]:
        """Yield the events of a kind's objects since the revision, as they happen, for that many seconds."""
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": revision}
        query["timeoutSeconds"] = str(seconds)
        with self._client.stream("GET", _place(kind, api_version, ""), params=query) as answer:
            assert answer.status_code < 400, answer.read()
            for line in answer.iter_lines():
                yield json.loads(line)

    def serves(self, definition: Mapping[str, Any]) -> bool:
        """Whether the kind of a CustomResourceDefinition can be asked for; that takes a moment."""
        spec = definition["spec"]
        version, plural = spec["versions"][0]["name"], spec["names"]["plural"]
        return self._client.get(f"/apis/{spec['group']}/{version}/{plural}").status_code == 200

    def patch(self, body: Mapping[str, Any], change: Mapping[str, Any], part: str = "") -> dict[str, Any]:
        return _checked(self._client.patch(address_of(body) + part, headers=_MERGE, json=dict(change)))

    def delete(self, body: Mapping[str, Any], *, grace_seconds: int | None = None) -> None:
        """Asks for it; an object that is gone already is no fault."""
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        answer = self._client.request("DELETE", address_of(body), json=options)
        if answer.status_code != 404:
            _checked(answer)

    def evict(self, pod: Mapping[str, Any]) -> bool:
        """As a drain does. False: the disruption budget forbids it now."""
        name = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": name}
        answer = self._client.post(f"{address_of(pod)}/eviction", json=body)
        if answer.status_code == 429:
            return False
        _checked(answer)
        return True

    def wait_until_gone(self, body: Mapping[str, Any]) -> None:
        wait_until(lambda: self.get(body) is None)


def _checked(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code < 400, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    return json.loads(answer.content)


def address_of(body: Mapping[str, Any]) -> str:
    metadata = body["metadata"]
    return f"{_place(body['kind'], body['apiVersion'], metadata.get('namespace', ''))}/{metadata['name']}"


def _place(kind: str, api_version: str, namespace: str) -> str:
    group = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return group + (f"/namespaces/{namespace}" if namespace else "") + f"/{PLURALS[kind]}"

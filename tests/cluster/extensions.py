"""The kinds of Google's, KServe's and the Prometheus Operator's extensions: their names, and any content."""

from typing import Any

from tests.cluster.api import PLURALS

_KINDS = (
    ("cloud.google.com", "v1", "BackendConfig"),
    ("networking.gke.io", "v1beta1", "FrontendConfig"),
    ("networking.gke.io", "v1", "ManagedCertificate"),
    ("monitoring.googleapis.com", "v1", "PodMonitoring"),
    ("monitoring.googleapis.com", "v1", "Rules"),
    ("monitoring.coreos.com", "v1", "PodMonitor"),
    ("monitoring.coreos.com", "v1", "PrometheusRule"),
    ("serving.kserve.io", "v1beta1", "InferenceService"),
)


def definitions() -> list[dict[str, Any]]:
    return [_definition(*kind) for kind in _KINDS]


def _definition(group: str, version: str, kind: str) -> dict[str, Any]:
    plural = PLURALS[kind]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    # Google's own groups would ask for an approval where they end in k8s.io; these do not.
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
            ],
        },
    }

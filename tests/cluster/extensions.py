"""The kinds of extensions. KEDA's and CloudNativePG's have their own schemas; the others take any content."""

from collections.abc import Mapping
from typing import Any

from tests.cluster.api import PLURALS
from tests.contract.extension_schemas import extension_kinds

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
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    of_operators = (
        (each["group"], each["version"], kind, each["openAPIV3Schema"])
        for kind, each in extension_kinds().items()
    )
    return [
        *(_definition(*kind, anything) for kind in _KINDS),
        *(_definition(*each) for each in of_operators),
    ]


def _definition(group: str, version: str, kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    plural = PLURALS[kind]
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
                {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }

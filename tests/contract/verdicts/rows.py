"""How a row of the list is written."""

import json
from typing import NamedTuple

# Source -> settings of a stack, next to the fewest that its target needs.
Rows = list[tuple[str, list[dict[str, str]]]]

DIGEST = f"sha256:{'0' * 64}"
IMAGE = f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@{DIGEST}"
BUCKET = {"model": f"gs://acme/model@{'1' * 16}", "image": IMAGE}
GPU = {"gpu": "nvidia-l4", "cpu": "2", "memory": "8Gi", **BUCKET}


class Verdict(NamedTuple):
    """Settings of a stack of `target`, whether the cloud takes them, and who says so."""

    target: str
    settings: dict[str, str]
    taken: bool
    source: str


def each(key: str, *values: str) -> list[dict[str, str]]:
    return [{key: value} for value in values]


def sized(*sizes: tuple[str, str]) -> list[dict[str, str]]:
    """sizes: `cpu` and `memory`."""
    return [{"cpu": cpu, "memory": memory} for cpu, memory in sizes]


def labels(count: int) -> str:
    return json.dumps({f"key{number}": "value" for number in range(count)})


# What every cluster takes and refuses.
WORKLOAD_TAKES: Rows = [
    (
        "K8S namespaces: one that exists",
        [
            {"namespace": "default", "createNamespace": "false"},
            {"namespace": "models", "createNamespace": "false"},
        ],
    ),
    (
        "K8S core/v1 Toleration: key, operator, value and effect",
        each("tolerations", '["dedicated=ml:NoSchedule"]', '["spot:NoExecute"]', '["example.com/pool"]'),
    ),
    ("K8S core/v1 LocalObjectReference", each("imagePullSecrets", '["registry-login"]', '["a.b", "c"]')),
    ("K8S ServiceAccount names: subdomains of RFC 1123", each("serviceAccount", "models", "team.models")),
    ("K8S NetworkPolicy: not every cluster has one", each("networkPolicy", "true", "false")),
    ("K8S autoscaling/v2 averageUtilization", each("cpuTarget", "10", "80")),
    ("K8S policy/v1 minAvailable", [{"minInstances": "3", "minAvailable": "2"}]),
    ("K8S DNS labels of RFC 1123", each("name", "acme-api", "a")),
]
WORKLOAD_REFUSES: Rows = [
    ("K8S namespaces of every cluster", [{"namespace": "kube-public"}]),
    (
        "K8S core/v1 Toleration",
        each(
            "tolerations", '["=ml"]', '["a:Never"]', '["a b:NoSchedule"]', '["a=b=c"]', '["a=b:NoSchedule:x"]'
        ),
    ),
    ("K8S names of Secrets", each("imagePullSecrets", '["Login"]', '["a_b"]')),
    ("K8S ServiceAccount names", each("serviceAccount", "Models", "a_b")),
    (
        "K8S annotation keys; an existing account keeps its own",
        [
            {"serviceAccountAnnotations": '{"a b": "c"}'},
            {"serviceAccount": "models", "serviceAccountAnnotations": '{"example.com/a": "b"}'},
        ],
    ),
    ("K8S autoscaling/v2 averageUtilization", each("cpuTarget", "0")),
    ("K8S policy/v1 minAvailable: a drain would wait forever", [{"minInstances": "2", "minAvailable": "2"}]),
    (
        "K8S NetworkPolicy: it alone limits callers",
        [{"networkPolicy": "false", "allowedNamespaces": '["a"]'}],
    ),
    ("K8S DNS labels of RFC 1123", each("name", "Acme", "acme_api", "1-")),
]

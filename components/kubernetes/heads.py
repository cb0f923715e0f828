"""The head of an object, and what is registered of it in addition to its body. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from . import monitoring
from .pod import labels_of
from .spec import KubernetesSpec


@dataclass(frozen=True, slots=True)
class KubernetesObject:
    """One object.

    role: its part in the service. body: the whole object. after: roles that must exist first. initial: paths
    whose values count only when the object is created; afterwards another controller owns them.
    """

    role: str
    body: Mapping[str, Any]
    after: tuple[str, ...] = ()
    initial: tuple[str, ...] = ()


def head_of(
    spec: KubernetesSpec,
    api_version: str,
    kind: str,
    name: pulumi.Input[str] | None = None,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": spec.name if name is None else name,
        "namespace": spec.namespace,
        "labels": labels_of(spec),
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def watched_head_of(
    spec: KubernetesSpec, api_version: str, kind: str, name: str | None = None
) -> dict[str, Any]:
    """Return the head of an object, with the labels by which what monitors the cluster finds its own."""
    head = head_of(spec, api_version, kind, name=name)
    head["metadata"]["labels"] |= monitoring.monitoring_labels(spec)
    return head

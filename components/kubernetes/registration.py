"""Registers plain objects as Pulumi's typed resources; kinds of a cluster's extensions as custom ones."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from .objects import KubernetesObject

# An update takes back what was changed by hand, which is another field manager's, instead of failing for it.
# pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply
FORCED = {"pulumi.com/patchForce": "true"}

_TYPES: Mapping[str, Any] = {
    "Namespace": k8s.core.v1.Namespace,
    "ServiceAccount": k8s.core.v1.ServiceAccount,
    "ConfigMap": k8s.core.v1.ConfigMap,
    "Secret": k8s.core.v1.Secret,
    "PersistentVolumeClaim": k8s.core.v1.PersistentVolumeClaim,
    "Service": k8s.core.v1.Service,
    "Deployment": k8s.apps.v1.Deployment,
    "HorizontalPodAutoscaler": k8s.autoscaling.v2.HorizontalPodAutoscaler,
    "PodDisruptionBudget": k8s.policy.v1.PodDisruptionBudget,
    "NetworkPolicy": k8s.networking.v1.NetworkPolicy,
    "Ingress": k8s.networking.v1.Ingress,
}


@dataclass(frozen=True, slots=True)
class Registrar:
    """Registers the objects of one service.

    provider: None: the parent's. before: role -> what it waits for in addition to other objects.
    """

    name: str
    parent: pulumi.Resource
    provider: k8s.Provider | None
    timeouts: pulumi.CustomTimeouts
    before: Mapping[str, Sequence[pulumi.Resource]]
    made: dict[str, pulumi.CustomResource] = field(default_factory=dict[str, pulumi.CustomResource])

    def register(self, manifest: KubernetesObject, *, protect: bool) -> pulumi.CustomResource:
        body = dict(manifest.body)
        api_version, kind = body.pop("apiVersion"), body.pop("kind")
        metadata = body["metadata"]
        body["metadata"] = {**metadata, "annotations": {**metadata.get("annotations", {}), **FORCED}}
        given = {_snake(key): value for key, value in body.items()}
        options = self._options(manifest, protect, named="name" in body["metadata"])
        if kind in _TYPES:
            resource = _TYPES[kind](f"{self.name}-{manifest.role}", **given, opts=options)
        else:
            resource = k8s.apiextensions.CustomResource(
                f"{self.name}-{manifest.role}", api_version=api_version, kind=kind, **given, opts=options
            )
        self.made[manifest.role] = resource
        return resource

    def name_of(self, role: str) -> pulumi.Output[str]:
        """Return the name that the provider gave an object; it is not secret, even if the object is."""
        resource: Any = self.made[role]
        metadata: pulumi.Output[k8s.meta.v1.outputs.ObjectMeta] = resource.metadata
        return pulumi.Output.unsecret(metadata.apply(lambda known: known.name or ""))

    def _options(self, manifest: KubernetesObject, protect: bool, *, named: bool) -> pulumi.ResourceOptions:
        """Return the resource options of an object.

        named: whether the object has the same name in every namespace and cluster. When those change, the old
        object of a name is deleted first. If it were deleted later, it would wait for that after an `up` that
        failed; undoing the change would adopt it, and then delete it. Objects are deleted with their
        namespace, which the engine must know, or it assumes that those it cannot reach still exist.
        """
        first: list[pulumi.Resource] = [self.made[role] for role in manifest.after if role in self.made]
        namespace = self.made.get("namespace")
        if namespace:
            first.append(namespace)
        first += self.before.get(manifest.role, ())
        return pulumi.ResourceOptions(
            parent=self.parent,
            provider=self.provider,
            depends_on=first,
            deleted_with=namespace,
            protect=protect,
            ignore_changes=list(manifest.initial),
            delete_before_replace=named,
            custom_timeouts=self.timeouts,
        )


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()

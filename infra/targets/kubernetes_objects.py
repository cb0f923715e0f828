"""Reads and writes the objects of one service through `kubectl`, with the person's own login."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.components.observability.signal import WORKER_SUFFIX
from slipway.components.rollouts.second import INSTANCE_LABEL, second_name
from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubectl import KubernetesPlace, kubectl, kubectl_error, listed

REVISION = "deployment.kubernetes.io/revision"


class Changed(Exception):
    """Another command changed the object since it was read."""


@dataclass(frozen=True, slots=True)
class ServiceObjects:
    """The objects of one service in its namespace."""

    place: KubernetesPlace

    @property
    def name(self) -> str:
        return self.place.service

    def deployment(self) -> dict[str, Any] | None:
        """Return the Deployment of the version that serves; None if there is none. Raises Failed."""
        return self.one("deployments.apps", self.name, "--show-managed-fields")

    def second(self) -> dict[str, Any] | None:
        """Return the Deployment of a rollout's second version; None if there is none."""
        found = self._named_second()
        return found if found and self._is_version(found) else None

    def workers(self) -> dict[str, Any] | None:
        """Return the Deployment of the workers; None for a service that takes no jobs."""
        return self.one("deployments.apps", f"{self.name}{WORKER_SUFFIX}", "--show-managed-fields")

    def require_free_name(self) -> None:
        """Raise Refused if another service of the namespace has the name that a second version would get."""
        found = self._named_second()
        if found is not None and not self._is_version(found):
            name = second_name(self.name)
            raise Refused(
                f"The namespace {self.place.namespace} has another service, {name}, and a second version of "
                f"{self.name} would be called the same. Move one of them to a `namespace` of its own, or set "
                "`rollout` to rolling."
            )

    def _named_second(self) -> dict[str, Any] | None:
        return self.one("deployments.apps", second_name(self.name))

    def _is_version(self, deployment: Mapping[str, Any]) -> bool:
        """Return whether its pods are a version of this service."""
        return at(template_of(deployment), "metadata", "labels").get(INSTANCE_LABEL) == self.name

    def one(self, kind: str, name: str, *options: str) -> dict[str, Any] | None:
        return self._read(["get", f"{kind}/{name}", "--ignore-not-found", *options])

    def replica_sets(self) -> list[dict[str, Any]]:
        """Return the ReplicaSets of the Deployment that serves, the newest revision first."""
        found = self._read(["get", "replicasets.apps", "--selector", f"app.kubernetes.io/name={self.name}"])
        own = [each for each in listed(found or {}, "items") if self._is_owner(each)]
        return sorted(own, key=revision_of, reverse=True)

    def _is_owner(self, replica_set: Mapping[str, Any]) -> bool:
        owners = listed(at(replica_set, "metadata"), "ownerReferences")
        return any(owner.get("name") == self.name for owner in owners)

    def pods(self, name: str) -> list[dict[str, Any]]:
        """Return the pods of a version that are not about to end. name: of its Deployment."""
        found = self._read(["get", "pods", "--selector", f"app.kubernetes.io/name={name}"])
        pods = listed(found or {}, "items")
        return [pod for pod in pods if "deletionTimestamp" not in at(pod, "metadata")]

    def annotate(self, kind: str, name: str, values: Mapping[str, str]) -> None:
        """Set annotations of an object; '' removes one."""
        pairs = [f"{key}={value}" if value else f"{key}-" for key, value in values.items()]
        self.run(["annotate", "--overwrite", f"{kind}/{name}", *pairs])

    def create(self, body: Mapping[str, Any]) -> None:
        """Create an object. Raises Changed if there is one."""
        self._write(["create", "--filename", "-"], body, "AlreadyExists")

    def replace(self, body: Mapping[str, Any]) -> None:
        """Replace an object that was read. Raises Changed if another command changed it since."""
        self._write(["replace", "--filename", "-"], body, "Conflict")

    def apply(self, body: Mapping[str, Any], manager: str) -> None:
        """Apply an object as this field manager, which then has exactly these fields."""
        options = ["--server-side", "--force-conflicts", "--field-manager", manager]
        self.run(["apply", *options, "--filename", "-"], json.dumps(body))

    def own(self, kind: str, name: str, owner: Mapping[str, Any]) -> None:
        """Have an object deleted together with another one."""
        patch = json.dumps({"metadata": {"ownerReferences": [owner_reference(owner)]}})
        self.run(["patch", f"{kind}/{name}", "--type", "merge", "--patch", patch])

    def wait_for_rollout(self, seconds: float) -> str:
        """Wait until the Deployment's pods are all of its newest revision; return why they are not, or ''."""
        timeout = ["--timeout", f"{seconds:.0f}s"]
        arguments = ["rollout", "status", f"deployment/{self.name}", *timeout, *self.place.flags]
        done = kubectl(arguments, seconds=seconds + 30)
        return kubectl_error(self.place, done.stderr) if done.returncode else ""

    def _read(self, arguments: list[str]) -> dict[str, Any] | None:
        done = self.run([*arguments, "--output", "json"])
        return kubectl.object_of(done) if done.strip() else None

    def _write(self, arguments: list[str], body: Mapping[str, Any], clash: str) -> None:
        done = kubectl([*arguments, *self.place.flags], json.dumps(body))
        if done.returncode and f"({clash})" in done.stderr:
            raise Changed
        if done.returncode:
            raise Failed(kubectl_error(self.place, done.stderr))

    def run(self, arguments: list[str], given: str | None = None) -> str:
        """Run `kubectl` in the service's namespace and return its output. Raises Failed."""
        done = kubectl([*arguments, *self.place.flags], given)
        if done.returncode:
            raise Failed(kubectl_error(self.place, done.stderr))
        return done.stdout


def owner_reference(owner: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reference by which the cluster deletes an object together with its owner."""
    metadata = at(owner, "metadata")
    named = {"name": metadata.get("name"), "uid": metadata.get("uid")}
    return {"apiVersion": owner.get("apiVersion"), "kind": owner.get("kind"), **named}


def revision_of(owned: Mapping[str, Any]) -> int:
    """Return the revision of a Deployment or a ReplicaSet; 0 if it has none yet."""
    text = annotations_of(owned).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def annotations_of(found: Mapping[str, Any]) -> dict[str, str]:
    return at(found, "metadata", "annotations")


def template_of(workload: Mapping[str, Any]) -> dict[str, Any]:
    return at(workload, "spec", "template")


def server_in(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the container of the server."""
    return at(template, "spec", "containers", 0)


def settings_name(template: Mapping[str, Any]) -> str:
    """Return the ConfigMap with the settings of a version; '' if it has none."""
    sources = listed(server_in(template), "envFrom")
    return next((str(at(source, "configMapRef").get("name") or "") for source in sources), "")


def secret_references(template: Mapping[str, Any], variable: str) -> dict[str, str]:
    """Return variable -> key for the variables that read the same Secret as this one, under '' its name."""
    found = {
        str(each.get("name")): at(each, "valueFrom", "secretKeyRef")
        for each in listed(server_in(template), "env")
    }
    own = str(at(found, variable).get("name") or "")
    keys = {
        name: str(reference.get("key")) for name, reference in found.items() if reference.get("name") == own
    }
    return {**keys, "": own} if own else {}

"""The releases of a service on Kubernetes: the ReplicaSets that its Deployment keeps, and how one comes back.

A ReplicaSet has a version's pods but not its settings and secrets, which go with the update that replaces
them. So each release gets copies of both, which the cluster deletes together with the ReplicaSet. A release
that comes back is applied as the field manager that Pulumi is: it then owns exactly what Pulumi did, and the
next update leaves nothing of it behind. Times are seconds since the epoch.
"""

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubectl import listed
from slipway.infra.targets.kubernetes_objects import (
    Changed,
    ServiceObjects,
    annotations_of,
    owner_reference,
    revision_of,
    secret_references,
    server_in,
    settings_name,
    template_of,
)

_PREFIX = "slipway.dev/"
COMMIT, FINGERPRINT, MODEL = f"{_PREFIX}commit", f"{_PREFIX}fingerprint", f"{_PREFIX}model-version"
WENT_BACK, REPEATS, STACK = f"{_PREFIX}went-back", f"{_PREFIX}repeats", f"{_PREFIX}stack"
_OF_A_RELEASE = (STACK, COMMIT, FINGERPRINT, MODEL)
_HASH_LABEL = "pod-template-hash"
# How the field manager of Pulumi's provider begins.
_PULUMI = "pulumi-kubernetes"
# components/input_rules.py: API_KEY_NAME, which every version reads from its own Secret.
_KEY = "MODEL_API_KEY"
BY_HAND = "by `slipway rollback`"


@dataclass(frozen=True, slots=True)
class _Copies:
    """The objects with a release's settings and secrets, by kind; None: not kept."""

    settings: dict[str, Any] | None
    secrets: dict[str, Any] | None


class KubernetesReleases:
    """The releases of one service."""

    def __init__(self, objects: ServiceObjects) -> None:
        self._objects = objects

    def keep(self, notes: Mapping[str, str] | None = None) -> None:
        """Copy the settings and secrets of the release that serves, so that it can come back.

        notes: annotations of its ReplicaSet. Raises Failed.
        """
        deployment = self._objects.deployment()
        serving = self._serving(deployment) if deployment else None
        if serving is None:
            return
        template = template_of(serving)
        names = {"ConfigMap": settings_name(template), "Secret": _secret_name(template)}
        for kind, name in names.items():
            source = self._objects.one(kind.lower(), name) if name else None
            if source is not None:
                with suppress(Changed):  # it is kept already
                    self._objects.create(_copy(source, serving["metadata"]["name"], serving))
        if notes:
            self._objects.annotate("replicasets.apps", serving["metadata"]["name"], notes)

    def listed(self, share: float = 100) -> list[dict[str, Any]]:
        """Return them, the newest first, as JSON. share: of the requests that the one that serves gets."""
        deployment = self._objects.deployment()
        current = revision_of(deployment) if deployment else 0
        return [self._as_json(each, current, share) for each in self._objects.replica_sets()]

    def roll_back(self, number: int | None, secrets: bool, say: Callable[[str], None]) -> tuple[int, int]:
        """Bring an earlier release back; return the revisions of the one that left and the one that serves.

        number: None for the newest that did not go back. secrets: whether its own come back too. Raises
        Refused and Failed.
        """
        deployment = self._objects.deployment()
        if deployment is None:
            raise Refused("Nothing serves on this stack, so there is no release to leave. Run `slipway up`.")
        target = self._target(deployment, number)
        template, made = self._template(target, template_of(deployment), deployment, secrets)
        self._objects.apply(_applied(deployment, template), _manager(deployment))
        say(f"Release {revision_of(target)} starts")
        patience = float(at(deployment, "spec").get("progressDeadlineSeconds", 600)) + 60
        if fault := self._objects.wait_for_rollout(patience):
            self._objects.apply(_applied(deployment, template_of(deployment)), _manager(deployment))
            raise Failed(
                f"Release {revision_of(target)} did not come back: {fault}. Release "
                f"{revision_of(deployment)} serves, as before."
            )
        self._note(deployment, target, made)
        self._bring_workers(template, say)
        after = self._objects.deployment() or {}
        return revision_of(deployment), revision_of(after)

    def _bring_workers(self, template: Mapping[str, Any], say: Callable[[str], None]) -> None:
        """Give the workers the image, the settings and the secrets of the release that came back."""
        workers = self._objects.workers()
        if workers is None:
            return
        own = copy.deepcopy(template_of(workers))
        for container in (*listed(at(own, "spec"), "containers"), *listed(at(own, "spec"), "initContainers")):
            container["image"] = server_in(template)["image"]
        _rename(
            own,
            {settings_name(own): settings_name(template), _secret_name(own): _secret_name(template)},
        )
        self._objects.apply(_applied(workers, own), _manager(workers))
        say("The workers follow it")

    def _note(self, left: Mapping[str, Any], target: Mapping[str, Any], made: list[tuple[str, str]]) -> None:
        """Record what came back and what left; what was made for the release goes together with it."""
        after = self._objects.deployment()
        serving = self._serving(after) if after else None
        if serving is None:
            return
        name = serving["metadata"]["name"]
        for kind, copied in made:
            self._objects.own(kind, copied, serving)
        known = annotations_of(target)
        notes = {key: known[key] for key in _OF_A_RELEASE if known.get(key)}
        self._objects.annotate(
            "replicasets.apps", name, {**notes, REPEATS: str(revision_of(target)), WENT_BACK: ""}
        )
        for each in self._objects.replica_sets():
            if revision_of(each) == revision_of(left):
                why = f"{BY_HAND}, to release {revision_of(target)}"
                self._objects.annotate("replicasets.apps", each["metadata"]["name"], {WENT_BACK: why})
        self.keep()

    def fingerprint(self) -> str:
        """Return that of the release that serves; '' if no `slipway up` brought it."""
        deployment = self._objects.deployment()
        serving = self._serving(deployment) if deployment else None
        return annotations_of(serving or {}).get(FINGERPRINT, "")

    def _serving(self, deployment: Mapping[str, Any]) -> dict[str, Any] | None:
        wanted = revision_of(deployment)
        return next((each for each in self._objects.replica_sets() if revision_of(each) == wanted), None)

    def _copies(self, replica_set: Mapping[str, Any]) -> _Copies:
        """Return what has a release's settings and secrets now: the objects it names, or their copies."""
        template, own = template_of(replica_set), replica_set["metadata"]["name"]
        return _Copies(
            self._first("configmap", settings_name(template), own),
            self._first("secret", _secret_name(template), own),
        )

    def _first(self, kind: str, *names: str) -> dict[str, Any] | None:
        found = (self._objects.one(kind, name) for name in names if name)
        return next((each for each in found if each is not None), None)

    def _target(self, deployment: Mapping[str, Any], number: int | None) -> dict[str, Any]:
        """Return the ReplicaSet of the release to bring back. Raises Refused."""
        current = revision_of(deployment)
        known = {revision_of(each): each for each in self._objects.replica_sets()}
        if number is not None:
            if number == current:
                raise Refused(f"Release {number} serves already.")
            if number not in known:
                kept = ", ".join(str(each) for each in known if each != current) or "none"
                raise Refused(f"Release {number} is not kept. Kept are {kept}.")
            return known[number]
        repeated = annotations_of(known.get(current, {})).get(REPEATS, "")
        earlier = [
            each
            for revision, each in known.items()
            if revision < current and str(revision) != repeated and not annotations_of(each).get(WENT_BACK)
        ]
        if not earlier:
            raise Refused(f"There is no earlier release than {current} that served and did not go back.")
        return earlier[0]

    def _template(
        self, target: Mapping[str, Any], current: Mapping[str, Any], owner: Mapping[str, Any], secrets: bool
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Return the pods' template of a release that comes back, and what was made for it: kind, name."""
        number, template = revision_of(target), copy.deepcopy(template_of(target))
        template["metadata"]["labels"].pop(_HASH_LABEL, None)
        copies = self._copies(target)
        if copies.settings is None:
            raise Refused(
                f"Release {number} cannot come back: its settings are gone, because no `slipway up` followed "
                "it or someone deleted them. Bring its commit back (`git revert`) and run `slipway up`."
            )
        made: list[tuple[str, str]] = []
        renamed = {settings_name(template): self._again(copies.settings, owner, made)}
        own, today = _secret_name(template), _secret_name(current)
        if secrets and copies.secrets is None:
            raise Refused(f"The secrets of release {number} are gone. Leave --secrets out: today's stay.")
        if secrets and copies.secrets is not None:
            renamed[own] = self._again(copies.secrets, owner, made)
        else:
            _require_keys(number, template, current)
            renamed[own] = today
        _rename(template, renamed)
        return template, made

    def _again(self, source: Mapping[str, Any], owner: Mapping[str, Any], made: list[tuple[str, str]]) -> str:
        """Return the name of what has these contents and stays: itself, or a copy of a release's copy."""
        name: str = source["metadata"]["name"]
        owners = listed(at(source, "metadata"), "ownerReferences")
        if not any(each.get("kind") == "ReplicaSet" for each in owners):
            return name
        copied = f"{name}-again"
        with suppress(Changed):
            self._objects.create(_copy(source, copied, owner))
        made.append((str(source["kind"]).lower(), copied))
        return copied

    def _as_json(self, replica_set: Mapping[str, Any], current: int, share: float) -> dict[str, Any]:
        known, revision = annotations_of(replica_set), revision_of(replica_set)
        image = str(server_in(template_of(replica_set)).get("image", ""))
        lost = revision != current and self._copies(replica_set).settings is None
        return {
            "release": revision,
            "commit": known.get(COMMIT),
            "version": image.rpartition("@")[2],
            "model": known.get(MODEL) or image,
            "model_version": known.get(MODEL),
            "created_at": _seconds(at(replica_set, "metadata").get("creationTimestamp")),
            "served_from": None,
            "served_until": None,
            "percent": share if revision == current else 0,
            "repeats": int(known[REPEATS]) if known.get(REPEATS, "").isdigit() else None,
            "went_back": known.get(WENT_BACK),
            "lost": "its settings are gone" if lost else None,
        }


def _secret_name(template: Mapping[str, Any]) -> str:
    return secret_references(template, _KEY).get("", "")


def _require_keys(number: int, template: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Raise Refused where today's Secret lacks what the release reads of its own."""
    then, now = secret_references(template, _KEY), secret_references(current, _KEY)
    missing = sorted({key for key in then if key} - {key for key in now if key})
    if missing:
        raise Refused(
            f"Release {number} reads {', '.join(missing)}, which today's secrets lack. With --secrets its "
            "own come back, and its API key."
        )


def _rename(template: dict[str, Any], renamed: Mapping[str, str]) -> None:
    """Have the containers of a template refer to other ConfigMaps and Secrets. renamed: old -> new name."""
    pod = template["spec"]
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        for source in container.get("envFrom", ()):
            reference = source.get("configMapRef", {})
            reference["name"] = renamed.get(reference.get("name"), reference.get("name"))
        for variable in container.get("env", ()):
            reference = at(variable, "valueFrom", "secretKeyRef")
            if reference.get("name") in renamed:
                reference["name"] = renamed[reference["name"]]


def _copy(source: Mapping[str, Any], name: str, owner: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the same contents, which is deleted together with its owner."""
    metadata = {
        "name": name,
        "namespace": source["metadata"]["namespace"],
        "labels": at(source, "metadata", "labels"),
        "ownerReferences": [owner_reference(owner)],
    }
    kept = {key: source[key] for key in ("apiVersion", "kind", "type", "data") if key in source}
    return {**kept, "immutable": True, "metadata": metadata}


def _applied(deployment: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Deployment as Pulumi applies it, with other pods."""
    metadata, spec = at(deployment, "metadata"), at(deployment, "spec")
    annotations = {
        key: value for key, value in annotations_of(deployment).items() if key.startswith("pulumi.com/")
    }
    named = {key: metadata[key] for key in ("name", "namespace", "labels") if key in metadata}
    return {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "metadata": {**named, **({"annotations": annotations} if annotations else {})},
        "spec": {**spec, "template": template},
    }


def _manager(deployment: Mapping[str, Any]) -> str:
    """Return the name under which Pulumi applied the Deployment. Raises Refused without one."""
    for each in listed(at(deployment, "metadata"), "managedFields"):
        if each.get("operation") == "Apply" and str(each.get("manager", "")).startswith(_PULUMI):
            return str(each["manager"])
    raise Refused(
        "Pulumi did not apply this Deployment, so slipway does not change it: `kubectl rollout undo` does."
    )


def _seconds(text: Any) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None

"""What is known of a service's last rollout in its cluster, so that every command and person sees the same.

A ConfigMap next to the Deployment, which is deleted together with it. Its resource version keeps two commands
from starting a rollout at once. Times are seconds since the epoch.
"""

import getpass
import json
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from slipway.components.rollouts.states import CUT_OFF, PAUSED, UNDER_WAY
from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubernetes_objects import Changed, ServiceObjects, owner_reference

PROMOTE, PAUSE, RETURN = "promote", "pause", "back"
# A command that watches a rollout writes at each look; without a word for so long it is gone.
SILENT_SECONDS = 60.0
_ROLLOUT, _ASKED, _WENT_BACK = "rollout", "asked", "went-back"
_MOST_HELD = 10


@dataclass(frozen=True, slots=True)
class KubernetesRollout:
    """One rollout.

    old, new: revisions; new is the one that the Deployment would get. percent: share of the requests that
    the new version has. by: who runs it. requests: those that each version answered. reason: why it went
    back. fingerprint: of the new version.
    """

    kind: str
    old: int
    new: int
    started_at: float
    by: str
    percent: float = 0
    bake_seconds: float = 0
    baked_seconds: float = 0
    state: str = UNDER_WAY
    reason: str = ""
    ended_at: float | None = None
    seen_at: float = 0
    requests: Mapping[str, int] = field(default_factory=dict[str, int])
    fingerprint: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in (UNDER_WAY, PAUSED)

    @property
    def is_driven(self) -> bool:
        """Return whether a command watches it."""
        return self.is_open and time.time() - self.seen_at < SILENT_SECONDS

    def to_json(self) -> dict[str, Any]:
        """Return it for people and programs, with the keys of a local rollout."""
        state = self.state if not self.is_open or self.is_driven else CUT_OFF
        found = {key: value for key, value in asdict(self).items() if key not in ("seen_at", "fingerprint")}
        reason = self.reason or ("its command was killed" if state == CUT_OFF else None)
        return {**found, "state": state, "baked_seconds": round(self.baked_seconds, 1), "reason": reason}


@dataclass(frozen=True, slots=True)
class WentBack:
    """A version that was taken back. fingerprint: of its files and settings; '' if not known."""

    fingerprint: str
    reason: str
    at: float


class ClusterRecord:
    """The ConfigMap of one service."""

    def __init__(self, objects: ServiceObjects) -> None:
        self._objects = objects
        self._body: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return f"{self._objects.name}-rollout"

    def read(self) -> Self:
        """Read it anew. Raises Failed."""
        self._body = self._objects.one("configmaps", self.name)
        return self

    @property
    def rollout(self) -> KubernetesRollout | None:
        found = self._value(_ROLLOUT)
        return None if found is None else self._made(KubernetesRollout, found)

    @property
    def has_any(self) -> bool:
        """Return whether any version went back and was not brought again."""
        return bool(self._held())

    def held_against(self, fingerprint: str) -> WentBack | None:
        """Return how a version went back; None if it did not, or was brought again since."""
        return next((each for each in self._held() if each.fingerprint == fingerprint), None)

    def _held(self) -> list[WentBack]:
        found = self._value(_WENT_BACK) or {}
        return [self._made(WentBack, each) for each in found.get("versions", ())]

    @property
    def asked(self) -> str:
        """Return what a person asked the command that watches the rollout for; '' for nothing."""
        return str(at(self._body, "data").get(_ASKED, ""))

    def begin(self, rollout: KubernetesRollout, deployment: Mapping[str, Any]) -> KubernetesRollout:
        """Record a rollout that begins. Raises Refused while another command runs one."""
        found = self.read().rollout
        if found is not None and found.is_driven:
            raise self._is_taken(found)
        begun = replace(rollout, seen_at=time.time())
        try:
            self._write({_ROLLOUT: json.dumps(asdict(begun)), _ASKED: ""}, deployment)
        except Changed:
            raise self._is_taken(self.read().rollout or rollout) from None
        return begun

    def note(self, rollout: KubernetesRollout) -> KubernetesRollout:
        """Record how far a rollout is; return it with the time."""
        seen = replace(rollout, seen_at=time.time())
        self._keep({_ROLLOUT: json.dumps(asdict(seen))})
        return seen

    def end(self, rollout: KubernetesRollout, state: str, reason: str = "") -> KubernetesRollout:
        done = replace(rollout, state=state, reason=reason, ended_at=time.time())
        self._keep({_ROLLOUT: json.dumps(asdict(done)), _ASKED: ""})
        return done

    def let_go(self, rollout: KubernetesRollout) -> None:
        """Record that no command watches a rollout any more, so that the next one need not wait to see it."""
        with suppress(Failed):  # it shows after a while
            self._keep({_ROLLOUT: json.dumps(asdict(replace(rollout, seen_at=0)))})

    def ask(self, what: str) -> None:
        """Ask the command that watches the rollout for something; '' takes it as heard."""
        self._keep({_ASKED: what})

    def hold_against(self, left: WentBack, deployment: Mapping[str, Any] | None = None) -> None:
        """Record that a version went back. deployment: where there may be no record yet."""
        others = [each for each in self.read()._held() if each.fingerprint != left.fingerprint]
        data = {_WENT_BACK: _versions([left, *others][:_MOST_HELD])}
        if self._body is None and deployment is not None:
            self._write(data, deployment)
        else:
            self._keep(data)

    def forgive(self, fingerprint: str) -> None:
        """Record that a version serves again, whatever was held against it."""
        held = self._held()
        if any(each.fingerprint == fingerprint for each in held):
            others = [each for each in held if each.fingerprint != fingerprint]
            self._keep({_WENT_BACK: _versions(others) if others else ""})

    def _keep(self, data: Mapping[str, str]) -> None:
        """Change some of it, whatever others change meanwhile."""
        for _ in range(5):
            try:
                self._write(data, None)
            except Changed:
                self.read()
            else:
                return
        raise Failed(f"The ConfigMap {self.name} is changed by something else all the time.")

    def _write(self, data: Mapping[str, str], deployment: Mapping[str, Any] | None) -> None:
        if self._body is None:
            self.read()
        body = self._body
        if body is None:
            if deployment is None:
                raise Failed(f"The ConfigMap {self.name}, which has the rollout's state, is gone.")
            self._objects.create(self._new(data, deployment))
        else:
            merged = {key: text for key, text in {**at(body, "data"), **data}.items() if text}
            self._objects.replace({**body, "data": merged})
        self.read()

    def _new(self, data: Mapping[str, str], deployment: Mapping[str, Any]) -> dict[str, Any]:
        labels = {"app.kubernetes.io/part-of": "slipway", "app.kubernetes.io/name": self._objects.name}
        metadata = {"name": self.name, "labels": labels, "ownerReferences": [owner_reference(deployment)]}
        kept = {key: text for key, text in data.items() if text}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": kept}

    def _value(self, key: str) -> dict[str, Any] | None:
        text = at(self._body, "data").get(key)
        try:
            return json.loads(text) if text else None
        except (TypeError, ValueError):
            raise self._is_damaged() from None

    def _made(self, kind: Any, found: Mapping[str, Any]) -> Any:
        try:
            return kind(**found)
        except TypeError:
            raise self._is_damaged() from None

    def _is_damaged(self) -> Failed:
        return Failed(
            f"The ConfigMap {self.name} is damaged. Delete it: `kubectl delete configmap {self.name}`."
        )

    def _is_taken(self, found: KubernetesRollout) -> Refused:
        return Refused(
            f"A rollout of {self._objects.name} runs already, by {found.by}. `slipway promote`, `slipway "
            "pause` and `slipway rollback` are for that one."
        )


class Heartbeat:
    """Records that a rollout goes on, for as long as the block runs, in which something else takes long."""

    def __init__(self, objects: ServiceObjects, rollout: KubernetesRollout) -> None:
        self._record, self._rollout = ClusterRecord(objects), rollout
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(SILENT_SECONDS / 3):
            with suppress(Failed):  # the next one may get through
                self._record.note(self._rollout)


def this_command() -> str:
    """Return who runs this command, for people."""
    return f"{getpass.getuser()}@{socket.gethostname()} (process {os.getpid()})"


def _versions(held: Sequence[WentBack]) -> str:
    return json.dumps({"versions": [asdict(each) for each in held]})

"""`slipway up` of a service on Kubernetes: what happens around `pulumi up`, and whether a rollout begins.

kubernetes_canary.py carries a rollout out. Without one, and with `rollout: rolling`, the release is recorded.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from slipway.components.local.release import project_commit
from slipway.components.rollouts.kinds import BAKE_MINUTES, CANARY, ROLLING, in_minutes
from slipway.components.rollouts.second import INSTANCE_LABEL, second_pods, share_of
from slipway.components.rollouts.states import BACK
from slipway.infra.errors import Failed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubectl import KubernetesPlace
from slipway.infra.targets.kubernetes_canary import START, SecondVersion
from slipway.infra.targets.kubernetes_objects import ServiceObjects, revision_of, server_in, template_of
from slipway.infra.targets.kubernetes_record import ClusterRecord, KubernetesRollout, this_command
from slipway.infra.targets.kubernetes_releases import (
    COMMIT,
    FINGERPRINT,
    MODEL,
    STACK,
    KubernetesReleases,
)
from slipway.infra.targets.kubernetes_watch import METRICS, port_of
from slipway.infra.targets.pulumi_updates import PulumiUpdates
from slipway.infra.targets.release_identity import fingerprint_of, model_version_of
from slipway.infra.targets.target import CommandRollout, SmokeTest
from slipway.stacks.settings.kubernetes import WorkloadSettings
from slipway.stacks.update_step import UpdateStep

# The resources whose change is another version of the pods, and what of the Deployment is.
_OF_A_VERSION = ("settings", "secrets")
_TEMPLATE = "spec.template"


class KubernetesUp(CommandRollout):
    """One `slipway up`."""

    def __init__(
        self,
        config: StackConfig,
        settings: WorkloadSettings,
        place: KubernetesPlace,
        again: bool,
        say: Callable[[str], None],
    ) -> None:
        self._config, self._settings, self._again, self._say = config, settings, again, say
        self._objects = ServiceObjects(place)
        self._record = ClusterRecord(self._objects)
        self._releases = KubernetesReleases(self._objects)
        self._updates = PulumiUpdates(config.stack)
        self._fingerprint = ""
        self._is_recorded = True
        self._second: SecondVersion | None = None

    def prepare(self) -> bool:
        """Find out what serves, and begin the rollout if there is one. Returns whether to read it first."""
        deployment = self._serving()
        if deployment is None:
            return False
        self._fingerprint = fingerprint_of(self._config, self._settings)
        self._require_good()
        if self._is_recorded:
            self._keep({})
        # What came back by `slipway rollback` is not what Pulumi's state has.
        reads_first = self._again and self._record.has_any
        if self._begins(deployment, reads_first):
            self._begin(deployment)
        return reads_first

    def going_on(self) -> AbstractContextManager[None]:
        return nullcontext() if self._second is None else self._second.going_on()

    def carry_out(self, outputs: Mapping[str, Any], smoke_test: SmokeTest | None) -> None:
        if self._second is not None:
            self._second.carry_out(smoke_test)
        self._note_release()
        if smoke_test is not None and (fault := smoke_test(str(outputs["url"]))):
            raise Failed(
                f"Stack {self._config.stack} is deployed and answers wrong: {fault}. It serves what was "
                f"deployed; `slipway rollback --stack {self._config.stack}` brings the release before back."
            )

    def after_failure(self) -> str:
        """Remove the second version if the update that started it failed, and say what serves."""
        if self._second is None:
            return ""
        if self._objects.second() is None:  # it was not confirmed, or failed before
            why = "the update that starts it was not confirmed, or failed"
            self._record.end(self._second.rollout, BACK, why)
            return ""
        self._second.go_back("it did not start; the messages of `pulumi up` above say why")
        return ""

    @property
    def _kind(self) -> str:
        return self._settings.rollout or ROLLING

    def _serving(self) -> dict[str, Any] | None:
        """Return the Deployment that serves; None if there is none, or it cannot be read and need not be."""
        try:
            return self._objects.deployment()
        except (Failed, Refused) as error:
            is_deployed = self._updates.is_deployed()
            if is_deployed and self._kind != ROLLING:
                raise
            self._is_recorded = False
            if is_deployed:
                self._say(f"The release is not recorded: {error}")
            return None

    def _require_good(self) -> None:
        """Raise Refused where this version went back, unless it is brought again on purpose."""
        try:
            left = self._record.read().held_against(self._fingerprint)
        except Failed as error:
            if self._kind != ROLLING:
                raise
            self._is_recorded = False
            self._say(f"The release is not recorded: {error}")
            return
        if left is None or self._again:
            return
        raise Refused(
            f"This version of stack {self._config.stack} went back: {left.reason}. Change what was wrong, or "
            "bring it again on purpose: `slipway up --again`."
        )

    def _begins(self, deployment: Mapping[str, Any], reads_first: bool) -> bool:
        """Return whether a second version is to run: one is wanted, can be judged, and differs."""
        kind = self._kind
        if kind == ROLLING:
            return False
        template = template_of(deployment)
        labels = at(template, "metadata", "labels")
        if INSTANCE_LABEL not in labels or port_of(server_in(template), METRICS) is None:
            self._say(
                f"The pods that serve were deployed without `rollout` {kind}, and have no metrics to compare "
                "with: this update is a rolling one, and the next one can be another."
            )
            return False
        return reads_first or self._changes_pods()

    def _changes_pods(self) -> bool:
        self._say("Comparing the program with what runs")
        changed, name = self._updates.changed(), self._objects.name
        if any(f"{name}-{role}" in changed for role in _OF_A_VERSION):
            return True
        paths = changed.get(f"{name}-deployment")
        return paths is not None and (not paths or any(path.startswith(_TEMPLATE) for path in paths))

    def _begin(self, deployment: Mapping[str, Any]) -> None:
        self._objects.require_free_name()
        settings, old = self._settings, revision_of(deployment)
        serving = int(at(deployment, "spec").get("replicas", 1))
        second = second_pods(self._kind, settings.canary_percent, serving)
        percent = share_of(serving, second) if self._kind == CANARY else 100
        minutes = BAKE_MINUTES if settings.bake_minutes is None else settings.bake_minutes
        rollout = KubernetesRollout(
            self._kind, old, old + 1, time.time(), this_command(), round(percent, 1), minutes * 60
        )
        rollout = self._record.begin(replace(rollout, fingerprint=self._fingerprint), deployment)
        self.step = step = UpdateStep(START, second)
        self._second = SecondVersion(
            self._config.stack,
            settings,
            self._objects,
            self._record,
            rollout,
            step,
            self._fingerprint,
            self._say,
        )
        if self._objects.second() is not None:
            self._second.take_back_older()
        pods = "pod" if second == 1 else "pods"
        self._say(
            f"Rollout {self._kind}: {second} {pods} of the new version next to {serving} of release "
            f"{old}, then {percent:.3g}% of the requests for {in_minutes(minutes)}"
        )

    def _note_release(self) -> None:
        """Record what the release is, which serves now, and that nothing is held against it."""
        if not self._is_recorded:
            return
        fingerprint = self._fingerprint or fingerprint_of(self._config, self._settings)
        notes = {
            STACK: self._config.stack,
            COMMIT: project_commit(),
            FINGERPRINT: fingerprint,
            MODEL: model_version_of(self._config, self._settings),
        }
        self._keep({key: text for key, text in notes.items() if text})
        self._record.read().forgive(fingerprint)

    def _keep(self, notes: Mapping[str, str]) -> None:
        """Keep what the release that serves needs to come back; an update does not fail for it."""
        try:
            self._releases.keep(notes)
        except (Failed, Refused) as error:
            self._say(f"The release is not recorded: {error}")

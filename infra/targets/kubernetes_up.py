"""`slipway up` of a service on Kubernetes: the steps of a canary or a blue-green rollout, around `pulumi up`.

The program owns the traffic: each step is an update, which the command runs one after the other. Between them
it asks the new pods for answers, and compares what both versions count. Times are in seconds.
"""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from slipway.components.rollouts.kinds import BAKE_MINUTES, BLUE_GREEN, CANARY, ROLLING
from slipway.components.rollouts.rollback_rules import DEFAULT_RULES, read_rule
from slipway.components.rollouts.second import INSTANCE_LABEL, second_name, second_pods, share_of
from slipway.infra.errors import Failed, ProgramFailed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubectl import KubernetesPlace
from slipway.infra.targets.kubernetes_objects import ServiceObjects, revision_of, server_in, template_of
from slipway.infra.targets.kubernetes_record import (
    BACK,
    PAUSE,
    PAUSED,
    PROMOTE,
    RETURN,
    SERVES,
    UNDER_WAY,
    Heartbeat,
    KubernetesRollout,
    RolloutRecord,
    WentBack,
    this_command,
)
from slipway.infra.targets.kubernetes_releases import (
    BY_HAND,
    COMMIT,
    FINGERPRINT,
    MODEL,
    STACK,
    KubernetesReleases,
)
from slipway.infra.targets.kubernetes_watch import METRICS, Comparison, WatchedPods, port_of
from slipway.infra.targets.port_forward import PodPorts
from slipway.infra.targets.pulumi_updates import PulumiUpdates
from slipway.infra.targets.release_identity import commit_of_project, fingerprint_of, model_version_of
from slipway.infra.targets.target import CommandRollout, SmokeTest
from slipway.stacks.settings.kubernetes import WorkloadSettings
from slipway.stacks.update_step import UpdateStep

START, SHARE, BACK_STEP = "start", "share", "back"
LOOK_SECONDS = 2.0
# A machine that slept has not watched meanwhile.
_LONGEST_LOOK_SECONDS = 10.0
# Pods of the new version that are asked for answers; the others run the same.
_MOST_ASKED = 3
# The resources whose change is another version of the pods, and what of the Deployment is.
_OF_A_VERSION = ("settings", "secrets")
_TEMPLATE = "spec.template"
_METRICS_PATH = "/metrics"
_INTERRUPTED = "it was interrupted"


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
        self._record = RolloutRecord(self._objects)
        self._releases = KubernetesReleases(self._objects)
        self._updates = PulumiUpdates(config.stack)
        self._fingerprint = ""
        self._is_recorded = True
        self._rollout: KubernetesRollout | None = None

    def prepare(self) -> bool:
        """Find out what serves, and begin the rollout if there is one. Returns whether to read it first."""
        deployment = self._serving()
        if deployment is None:
            return False
        self._fingerprint = fingerprint_of(self._config, self._settings)
        left = self._record.read().went_back
        self._refuse(left)
        self._releases.keep()
        # What came back by hand is not what Pulumi's state has.
        reads_first = self._again and left is not None
        if self._begins(deployment, reads_first):
            self._begin(deployment)
        return reads_first

    def carry_out(self, outputs: Mapping[str, Any], smoke_test: SmokeTest | None) -> None:
        if self._rollout is not None:
            self._roll_out(smoke_test)
        self._note_release()
        if smoke_test is not None and (fault := smoke_test(str(outputs["url"]))):
            raise Failed(
                f"Stack {self._config.stack} is deployed and answers wrong: {fault}. It serves what was "
                f"deployed; `slipway rollback --stack {self._config.stack}` brings the release before back."
            )

    def give_up(self) -> None:
        """Remove the second version if the update that started it failed, and say what serves."""
        if self._rollout is None:
            return
        if self._objects.second() is None:  # it was not confirmed, or failed before
            self._record.end(self._rollout, BACK, "the update that starts it failed")
            return
        self._go_back("it did not start; the messages of `pulumi up` above say why")

    @property
    def _kind(self) -> str:
        return self._settings.rollout or ROLLING

    def _serving(self) -> dict[str, Any] | None:
        """Return the Deployment that serves; None if there is none, or it cannot be read and need not be."""
        try:
            return self._objects.deployment()
        except (Failed, Refused) as error:
            if self._updates.is_deployed() and self._kind != ROLLING:
                raise
            self._is_recorded = False
            if self._updates.is_deployed():
                self._say(f"The release is not recorded: {error}")
            return None

    def _refuse(self, left: WentBack | None) -> None:
        if left is None or self._again or left.fingerprint != self._fingerprint:
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
        changed, name = self._updates.changed(), self._objects.name
        if any(f"{name}-{role}" in changed for role in _OF_A_VERSION):
            return True
        paths = changed.get(f"{name}-deployment")
        return paths is not None and (not paths or any(path.startswith(_TEMPLATE) for path in paths))

    def _begin(self, deployment: Mapping[str, Any]) -> None:
        settings, old = self._settings, revision_of(deployment)
        serving = int(at(deployment, "spec").get("replicas", 1))
        second = second_pods(self._kind, settings.canary_percent, serving)
        percent = share_of(serving, second) if self._kind == CANARY else 100
        self.step = UpdateStep(START, second)
        minutes = BAKE_MINUTES if settings.bake_minutes is None else settings.bake_minutes
        rollout = KubernetesRollout(
            self._kind, old, old + 1, time.time(), this_command(), round(percent, 1), minutes * 60
        )
        self._rollout = self._record.begin(rollout, deployment)
        pods = "pod" if second == 1 else "pods"
        self._say(
            f"Rollout {self._kind}: {second} {pods} of the new version next to {serving} of release "
            f"{old}, then {percent:.3g}% of the requests for {minutes:g} minutes"
        )

    def _roll_out(self, smoke_test: SmokeTest | None) -> None:
        """Carry the rollout out, from the second version's start on. Raises Failed if it goes back."""
        try:
            back = self._smoke(smoke_test) or self._watched()
        except (KeyboardInterrupt, ProgramFailed):
            back = _INTERRUPTED
        if back:
            self._go_back(back)
        self._say("The new version passed; every request goes to it")
        try:
            with self._going_on():
                self._updates.up()
        except ProgramFailed:
            self._say(
                f"The update that gives it all the requests failed. Both versions of stack "
                f"{self._config.stack} serve; `slipway up` goes on, `slipway rollback` takes it back."
            )
            raise
        self._rollout = self._record.read().end(self._running, SERVES)

    def _smoke(self, smoke_test: SmokeTest | None) -> str:
        """Ask pods of the new version for answers, which no caller reaches yet; return what is wrong."""
        if smoke_test is None:
            return ""
        for pod in self._objects.pods(second_name(self._objects.name))[:_MOST_ASKED]:
            name, port = pod["metadata"]["name"], port_of(server_in(pod), "http")
            if port is None:
                return f"pod {name} has no port `http`"
            try:
                with PodPorts(self._objects.place, name, [port]) as ports, self._going_on():
                    fault = smoke_test(f"http://127.0.0.1:{ports.local[port]}")
            except Failed as error:
                return f"its smoke test could not run: {error}".removesuffix(".")
            if fault:
                return f"it answers wrong: {fault}"
        return ""

    def _watched(self) -> str:
        """Give the second version its share, and watch both; return why it goes back, or ''."""
        name, path = self._objects.name, self._settings.metrics_path or _METRICS_PATH
        old = WatchedPods(self._objects, name, path)
        new = WatchedPods(self._objects, second_name(name), path)
        rules = [read_rule(text) for text in self._settings.rollback_on or DEFAULT_RULES]
        comparison = Comparison(old, new, rules)
        assert self.step is not None
        try:
            comparison.begin(with_past=self._kind == BLUE_GREEN)
            with self._going_on():
                self._updates.up(replace(self.step, name=SHARE))
            return self._watch(comparison, new)
        finally:
            old.close()
            new.close()

    def _watch(self, comparison: Comparison, new: WatchedPods) -> str:
        before = time.monotonic()
        while True:
            time.sleep(LOOK_SECONDS)
            now = time.monotonic()
            self._bake(min(now - before, _LONGEST_LOOK_SECONDS))
            before = now
            asked = self._asked()
            if asked is not None:
                return asked
            try:
                verdicts = comparison.look()
            except Failed as error:
                self._say(f"The cluster did not answer: {error}")
                continue
            bad = new.fault() or next((each.reason for each in verdicts if each.is_bad), "")
            rollout = self._record.note(replace(self._running, requests=comparison.requests))
            self._rollout = rollout
            if bad:
                return bad
            if rollout.baked_seconds >= rollout.bake_seconds:
                unknown = next((each.reason for each in verdicts if each.is_open), "")
                return f"undecided: {unknown}" if unknown else ""

    @property
    def _running(self) -> KubernetesRollout:
        assert self._rollout is not None
        return self._rollout

    def _bake(self, seconds: float) -> None:
        """Let the clock of the bake go on, unless it is paused."""
        if self._running.state == UNDER_WAY:
            self._rollout = replace(self._running, baked_seconds=self._running.baked_seconds + seconds)

    def _asked(self) -> str | None:
        """Return why it was asked to go back, '' if it was asked to promote, None for neither."""
        asked = self._record.read().asked
        if not asked:
            return None
        self._record.ask("")
        if asked == PROMOTE:
            return ""
        if asked == RETURN:
            return BY_HAND
        if asked == PAUSE:
            state = UNDER_WAY if self._running.state == PAUSED else PAUSED
            self._rollout = self._record.note(replace(self._running, state=state))
            self._say(f"The rollout {'is paused' if state == PAUSED else 'goes on'}, as asked")
        return None

    def _go_back(self, reason: str) -> None:
        """Remove the second version and say so. Raises Failed, which ends the command."""
        self._say(f"The new version goes back: {reason}")
        stack, old = self._config.stack, self._running.old
        try:
            with self._going_on():
                self._updates.up(UpdateStep(BACK_STEP))
        except ProgramFailed:
            raise Failed(
                f"The new version of stack {stack} is bad ({reason}), and `pulumi up` did not take it back: "
                f"it may have requests. `slipway rollback --stack {stack}` tries again."
            ) from None
        self._record.read().end(self._running, BACK, reason)
        again = ""
        if reason != _INTERRUPTED:
            self._record.mark(WentBack(self._fingerprint, reason, time.time()))
            again = " `slipway up` refuses to bring it again until something changes, or with --again."
        serves = f"Release {old} serves every request."
        raise Failed(f"The new version of stack {stack} went back: {reason}. {serves}{again}")

    def _note_release(self) -> None:
        """Record what the release is, which serves now, and that nothing is held against it."""
        if not self._is_recorded:
            return
        fingerprint = self._fingerprint or fingerprint_of(self._config, self._settings)
        notes = {
            STACK: self._config.stack,
            COMMIT: commit_of_project(),
            FINGERPRINT: fingerprint,
            MODEL: model_version_of(self._config, self._settings),
        }
        try:
            self._releases.keep({key: text for key, text in notes.items() if text})
            self._record.mark(None)
        except (Failed, Refused) as error:
            self._say(f"The release is not recorded: {error}")

    @contextmanager
    def _going_on(self) -> Generator[None]:
        with Heartbeat(self._objects, self._running):
            yield

"""The second version of a service during a rollout: asked for answers, given requests, watched, taken back.

The program owns the traffic: each step is an update, which runs here after the one that started the version.
Times are in seconds.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NoReturn

from slipway.components.rollouts.kinds import BLUE_GREEN
from slipway.components.rollouts.rollback_rules import DEFAULT_RULES, read_rule
from slipway.components.rollouts.second import second_name
from slipway.components.rollouts.states import BACK, PAUSED, SERVES, UNDER_WAY
from slipway.infra.errors import Failed, ProgramFailed, Refused
from slipway.infra.targets.kubernetes_objects import ServiceObjects, server_in
from slipway.infra.targets.kubernetes_record import (
    PAUSE,
    PROMOTE,
    RETURN,
    ClusterRecord,
    Heartbeat,
    KubernetesRollout,
    WentBack,
)
from slipway.infra.targets.kubernetes_releases import BY_HAND
from slipway.infra.targets.kubernetes_watch import Comparison, WatchedPods, port_of
from slipway.infra.targets.port_forward import PodPorts
from slipway.infra.targets.pulumi_updates import PulumiUpdates
from slipway.infra.targets.target import SmokeTest
from slipway.stacks.settings.kubernetes import WorkloadSettings
from slipway.stacks.update_step import UpdateStep

START, SHARE, BACK_STEP = "start", "share", "back"
LOOK_SECONDS = 2.0
# A machine that slept has not watched meanwhile.
_LONGEST_LOOK_SECONDS = 10.0
# Pods of the new version that are asked for answers; the others run the same.
_MOST_ASKED = 3
_METRICS_PATH = "/metrics"
_INTERRUPTED = "it was interrupted"
_NOT_SHARED = "the update that gives it requests failed or was interrupted"


@dataclass
class SecondVersion:
    """One rollout, from the start of its second version. fingerprint: of what it brings."""

    stack: str
    settings: WorkloadSettings
    objects: ServiceObjects
    record: ClusterRecord
    rollout: KubernetesRollout
    step: UpdateStep
    fingerprint: str
    say: Callable[[str], None]

    def carry_out(self, smoke_test: SmokeTest | None) -> None:
        """Carry the rollout out to its end. Raises Failed if it goes back, ProgramFailed if it is stuck."""
        try:
            back = self._smoke(smoke_test) or self._watched()
        except KeyboardInterrupt:
            self.go_back(_INTERRUPTED, is_bad=False)
        except ProgramFailed:
            self.go_back(_NOT_SHARED, is_bad=False)
        except Failed as error:
            self.go_back(f"the cluster did not answer: {error}".removesuffix("."), is_bad=False)
        if back:
            self.go_back(back)
        self.say("The new version passed; every request goes to it")
        try:
            with self.going_on():
                self._updates.up()
        except ProgramFailed:
            self.record.let_go(self.rollout)
            self.say(
                f"The update that gives it all the requests failed. Both versions of stack {self.stack} "
                "serve; `slipway up` goes on, `slipway rollback` takes it back."
            )
            raise
        self.rollout = self.record.read().end(self.rollout, SERVES)

    def take_back_older(self) -> None:
        """Remove what a rollout that was cut off left, before the Service could send requests to this one.

        Raises Failed if it stays.
        """
        self.say("Removing the version whose rollout was cut off")
        try:
            with self.going_on():
                self._updates.up(UpdateStep(BACK_STEP))
        except ProgramFailed:
            self.record.let_go(self.rollout)
            raise Failed(
                f"`pulumi up` did not remove the version of stack {self.stack} whose rollout was cut off: it "
                f"may have requests. `slipway rollback --stack {self.stack}` tries again."
            ) from None

    def go_back(self, reason: str, *, is_bad: bool = True) -> NoReturn:
        """Remove the second version and say so. Raises Failed, which ends the command.

        is_bad: whether the version is to blame, and refused until something changes.
        """
        self.say(f"The new version goes back: {reason}")
        try:
            with self.going_on():
                self._updates.up(UpdateStep(BACK_STEP))
        except ProgramFailed:
            self.record.let_go(self.rollout)
            what = "is bad" if is_bad else "was to go back"
            raise Failed(
                f"The new version of stack {self.stack} {what} ({reason}), and `pulumi up` did not take it "
                f"back: it may have requests. `slipway rollback --stack {self.stack}` tries again."
            ) from None
        self.record.read().end(self.rollout, BACK, reason)
        again = ""
        if is_bad:
            self.record.hold_against(WentBack(self.fingerprint, reason, time.time()))
            again = " `slipway up` refuses to bring it again until something changes, or with --again."
        serves = f"Release {self.rollout.old} serves every request."
        raise Failed(f"The new version of stack {self.stack} went back: {reason}. {serves}{again}")

    @contextmanager
    def going_on(self) -> Generator[None]:
        """Let other commands see that the rollout goes on, however long the block takes."""
        with Heartbeat(self.objects, self.rollout):
            yield

    @property
    def _updates(self) -> PulumiUpdates:
        return PulumiUpdates(self.stack)

    def _smoke(self, smoke_test: SmokeTest | None) -> str:
        """Ask pods of the new version for answers, which no caller reaches yet; return what is wrong."""
        if smoke_test is None:
            return ""
        for pod in self.objects.pods(second_name(self.objects.name))[:_MOST_ASKED]:
            name, port = pod["metadata"]["name"], port_of(server_in(pod), "http")
            if port is None:
                return f"pod {name} has no port `http`"
            try:
                with PodPorts(self.objects.place, name, [port]) as ports, self.going_on():
                    fault = smoke_test(f"http://127.0.0.1:{ports.local[port]}")
            except Failed as error:
                return f"its smoke test could not run: {error}".removesuffix(".")
            if fault:
                return f"it answers wrong: {fault}"
        return ""

    def _watched(self) -> str:
        """Give the second version its share, and watch both; return why it goes back, or ''."""
        name, path = self.objects.name, self.settings.metrics_path or _METRICS_PATH
        old = WatchedPods(self.objects, name, path)
        new = WatchedPods(self.objects, second_name(name), path)
        rules = [read_rule(text) for text in self.settings.rollback_on or DEFAULT_RULES]
        comparison = Comparison(old, new, rules)
        try:
            comparison.begin(with_past=self.rollout.kind == BLUE_GREEN)
            with self.going_on():
                self._updates.up(replace(self.step, name=SHARE))
            return self._watch(comparison, new)
        finally:
            old.close()
            new.close()

    def _watch(self, comparison: Comparison, new: WatchedPods) -> str:
        before, is_said = time.monotonic(), False
        while True:
            time.sleep(LOOK_SECONDS)
            now = time.monotonic()
            passed, before = min(now - before, _LONGEST_LOOK_SECONDS), now
            try:
                found = self._look(comparison, new, passed)
            except Failed as error:  # the clock stands still, because nobody watches
                if not is_said:
                    self.say(f"The cluster does not answer, and the clock stands still: {error}")
                is_said = True
                continue
            if found is not None:
                return found

    def _look(self, comparison: Comparison, new: WatchedPods, passed: float) -> str | None:
        """Look once; return why it goes back, '' if it is promoted, None if it goes on."""
        if (asked := self._asked()) is not None:
            return asked
        verdicts = comparison.look()
        bad = new.fault() or next((each.reason for each in verdicts if each.is_bad), "")
        baked = self.rollout.baked_seconds + (passed if self.rollout.state == UNDER_WAY else 0)
        seen = replace(self.rollout, requests=comparison.requests, baked_seconds=baked)
        self.rollout = self.record.note(seen)
        if bad or baked < self.rollout.bake_seconds:
            return bad or None
        unknown = next((each.reason for each in verdicts if each.is_open), "")
        return f"undecided: {unknown}" if unknown else ""

    def _asked(self) -> str | None:
        """Return why it was asked to go back, '' if it was asked to promote, None for neither."""
        now = self.record.read().rollout
        if now is None or not now.is_open or now.started_at != self.rollout.started_at:
            raise Refused(
                "Another command ended this rollout while this one did not answer; `slipway status "
                f"{self.stack}` shows what serves."
            )
        asked = self.record.asked
        if not asked:
            return None
        self.record.ask("")
        if asked == PROMOTE:
            return ""
        if asked == RETURN:
            return BY_HAND
        if asked == PAUSE:
            state = UNDER_WAY if self.rollout.state == PAUSED else PAUSED
            self.rollout = self.record.note(replace(self.rollout, state=state))
            self.say(f"The rollout {'is paused' if state == PAUSED else 'goes on'}, as asked")
        return None

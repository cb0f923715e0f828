"""Carries out a canary or a blue-green rollout on Cloud Run: what `slipway up` does around `pulumi up`.

`pulumi up` makes the new revision, which gets no requests. This tests it at its own address, gives it its
share, watches both revisions in Cloud Monitoring, and gives it all requests or none. What it does is kept
next to the service (rollout_record.py), so that `promote`, `pause` and `rollback` reach it from any machine,
and the next command knows of one that was cut off.
"""

import signal
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, NoReturn

from slipway.components.google.limits import METRICS_LATE_SECONDS
from slipway.components.local.release import project_commit
from slipway.components.rollouts.counts import DURATION
from slipway.components.rollouts.kinds import BAKE_MINUTES, BLUE_GREEN, CANARY_PERCENT, in_minutes
from slipway.components.rollouts.rollback_rules import RuleVerdict, read_rule
from slipway.components.rollouts.states import BACK, CUT_OFF, PAUSED, SERVES, UNDER_WAY
from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.clock import CLOCK, Clock
from slipway.infra.targets.cloud_run_counts import RunCounts
from slipway.infra.targets.cloud_run_moves import (
    TRIES,
    EndedElsewhere,
    changed,
    current,
    not_started,
    promoted,
    shares_of,
    split,
    taken_back,
    words,
)
from slipway.infra.targets.cloud_run_place import CloudRunPlace
from slipway.infra.targets.cloud_run_traffic import NEXT, RunApi, RunService, Share
from slipway.infra.targets.model_interface import difference
from slipway.infra.targets.rollout_record import KnownRelease, RolloutRecord
from slipway.infra.targets.target import CommandRollout, Say, SmokeTest
from slipway.stacks.settings.cloud_run import CloudRunSettings

DEFAULT_RULES = (f"{DURATION} failures > 1%", f"{DURATION} p99 > 3x")
LOOK_SECONDS = 20.0
# A machine that slept, or a process that was stopped, has not watched meanwhile.
_LONGEST_LOOK_SECONDS = 60.0
# What a rollout takes besides its bake: the smoke test, the moves, a machine that sleeps for a while.
MARGIN_SECONDS = 1800.0
_TRY_SECONDS = 3.0
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class BadRelease(Failed):
    """The new release is at fault, and is not brought again by itself."""


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """How the stack's settings want a new revision to get its requests. percent: of its first share."""

    kind: str
    percent: int
    bake_seconds: float
    rules: tuple[str, ...]

    @classmethod
    def of(cls, settings: CloudRunSettings) -> "RolloutPlan":
        percent = 100 if settings.rollout == BLUE_GREEN else settings.canary_percent or CANARY_PERCENT
        minutes = settings.bake_minutes or BAKE_MINUTES
        return cls(settings.rollout, percent, minutes * 60, settings.rollback_on or DEFAULT_RULES)


class CloudRunRollout(CommandRollout):
    """The rollout of one stack.

    remember: reads what serves into Pulumi's state. interface: of the stack's model, as far as it is known.
    again: whether a release that went back is brought again.
    """

    def __init__(
        self,
        stack: str,
        place: CloudRunPlace,
        plan: RolloutPlan,
        say: Say,
        remember: Callable[[], None],
        *,
        interface: Mapping[str, str] | None = None,
        again: bool = False,
        clock: Clock = CLOCK,
    ) -> None:
        self._stack, self._place, self._plan = stack, place, plan
        self._interface = dict(interface or {})
        self._say, self._remember, self._again, self._clock = say, remember, again, clock
        self._api = RunApi(place, clock)
        self._counts = RunCounts(place)
        self._rules = [read_rule(text) for text in plan.rules]

    def prepare(self) -> bool:
        service = self._api.find()
        if service is None:
            return False
        if not service.was_ever_ready:
            self._let_the_newest_serve(service)
            return True
        last = service.rollouts.last
        if last is not None and last.is_open:
            service = self._mended(service, last)
        self._require_same_interface(service)
        self._require_counts(service)
        if not service.is_pinned:
            self._say(f"The requests of {self._place.service} stay with {words(service.percents)}")
            self._api.write(service, [*shares_of(service.percents), *service.others_tags], service.rollouts)
        return True

    def carry_out(self, outputs: Mapping[str, Any], smoke_test: SmokeTest | None) -> None:
        try:
            self._carry_out(outputs, smoke_test)
        finally:
            if self._api.wrote:
                self._remember()

    def _carry_out(self, outputs: Mapping[str, Any], smoke_test: SmokeTest | None) -> None:
        service = self._api.service()
        new, rollouts = service.newest, service.rollouts
        if service.percents == {new: 100}:
            self._keep_what_serves(service, new)
            self._test_what_serves(outputs, smoke_test)
            return
        if (why := rollouts.why_back(new)) and not self._again:
            raise Refused(
                f"Release {new} went back: {why}. It gets no requests until something changes, or with "
                f"`slipway up {self._stack} --again`; {words(service.percents)} serves."
            )
        if why := self._api.why_not_ready(new):
            raise Failed(
                f"{not_started(service, why)} Cloud Run does not start it again by itself: repair it, or if "
                "the cause was elsewhere and is gone, change a setting, such as one of `env`."
            )
        record = self._new_record(service, new)
        with _interruptible():
            try:
                self._begin(service, record)
                self._test_new(new, smoke_test)
                record = self._give_share(record)
                if self._watch(record):
                    self._promote(record)
            except EndedElsewhere as error:
                serves = words(self._api.service().percents)
                raise Failed(f"Release {new} went back: {error}. {serves} serves all requests.") from None
            except KeyboardInterrupt:
                self._go_back(record, "the command was interrupted", CUT_OFF)
            except (Failed, Refused) as error:
                state = BACK if isinstance(error, BadRelease) else CUT_OFF
                self._go_back(record, str(error).removesuffix("."), state)

    def _let_the_newest_serve(self, service: RunService) -> None:
        """Give the requests to what the update makes, because what has them never started."""
        if service.is_pinned:
            self._say(f"{words(service.percents)} never started: the first revision that is ready serves")
            with suppress(Failed):  # Cloud Run takes it, and says that nothing is ready
                self._api.write(service, [Share("", 100)], replace(service.rollouts, last=None))

    def _require_same_interface(self, service: RunService) -> None:
        """Refuse to share the requests of one service between models that answer differently."""
        percents = service.percents
        old = max(percents, key=lambda name: percents[name])
        known = service.rollouts.known(old)
        if known and (part := difference(known.interface, self._interface)):
            raise Refused(
                f"The model's manifest has another `{part}` than that of release {old}: both would answer "
                f"the same clients. Use `rollout: rolling` for this change, not {self._plan.kind}."
            )

    def after_failure(self) -> str:
        """Say what serves after an update that failed: the requests have not moved."""
        try:
            service = self._api.find()
            why = self._api.why_not_ready(service.newest) if service else ""
        except (Failed, Refused):  # Pulumi has said what is wrong
            return ""
        if service is None:
            return ""
        return not_started(service, why) if why else f"{words(service.percents)} serves all requests."

    def _require_counts(self, service: RunService) -> None:
        """Find out whether Cloud Monitoring may be read, before there is a revision to watch."""
        now = self._clock.now()
        try:
            self._counts.between(next(iter(service.percents)), now - 60, now)
        except Failed as error:
            raise Refused(
                f"A {self._plan.kind} rollout is watched by Cloud Monitoring, which needs the role "
                f"roles/monitoring.viewer in {self._place.project}. {error}"
            ) from None

    def _mended(self, service: RunService, last: RolloutRecord) -> RunService:
        """Take back what a command left that was cut off. Raises Refused while one may be at work."""
        if self._clock.now() <= last.until or last.state == PAUSED:
            raise Refused(
                f"A rollout of {last.new} is under way; it has {service.percents.get(last.new, 0)}% of the "
                f"requests. Wait for it, or end it with `slipway promote {self._stack}` or `slipway rollback "
                f"--stack {self._stack}`; if the command that carries it out is gone, end it so too."
            )
        self._say(f"The rollout of {last.new} was cut off; {words(last.before)} gets all requests again")
        return taken_back(self._api, service, last, CUT_OFF, "the command that carried it out is gone")

    def _keep_what_serves(self, service: RunService, new: str) -> None:
        """Remember a release that the program gave its requests, or that came back with its commit."""
        known = service.rollouts.known(new)
        if known is None or known.went_back or (self._interface and not known.interface):
            release = KnownRelease(new, project_commit(), self._clock.now(), interface=self._interface)
            self._api.write(service, service.shares, service.rollouts.noting(release))

    def _test_what_serves(self, outputs: Mapping[str, Any], smoke_test: SmokeTest | None) -> None:
        fault = smoke_test(str(outputs["url"])) if smoke_test else ""
        if fault:
            raise Failed(
                f"Stack {self._stack} answers wrong: {fault}. It serves what was deployed; `slipway rollback "
                f"--stack {self._stack}` brings the release before back, if there is one."
            )

    def _new_record(self, service: RunService, new: str) -> RolloutRecord:
        plan, now = self._plan, self._clock.now()
        until = now + plan.bake_seconds + METRICS_LATE_SECONDS + MARGIN_SECONDS
        before, commit = service.percents, project_commit()
        return RolloutRecord(
            *(new, before, plan.kind, plan.percent, plan.bake_seconds, UNDER_WAY, now, until),
            commit=commit,
            interface=self._interface,
        )

    def _begin(self, service: RunService, record: RolloutRecord) -> None:
        """Give the new revision an address of its own, and keep that its rollout is under way."""
        shares = [*shares_of(record.before), Share(record.new, 0, NEXT), *service.others_tags]
        self._api.write(service, shares, replace(service.rollouts, last=record))

    def _test_new(self, new: str, smoke_test: SmokeTest | None) -> None:
        if smoke_test is None:
            return
        url = self._api.service().url_of(NEXT)
        if not url:
            raise Failed(f"Cloud Run gave {new} no address of its own")
        if fault := smoke_test(url):
            raise BadRelease(f"it answers wrong: {fault}")

    def _give_share(self, record: RolloutRecord) -> RolloutRecord:
        given = replace(record, share_at=self._clock.now())

        def move(service: RunService) -> RunService:
            shares = [*shares_of(split(record)), Share(record.new, 0, NEXT), *service.others_tags]
            return self._api.write(service, shares, replace(service.rollouts, last=given))

        changed(self._api, record, move)
        self._say(
            f"{record.new} has {record.percent}% of the requests; it is watched for "
            f"{in_minutes(record.bake_seconds / 60)}, and Cloud Monitoring is {METRICS_LATE_SECONDS // 60} "
            "minutes late"
        )
        return given

    def _watch(self, record: RolloutRecord) -> bool:
        """Watch until the minutes of the bake are counted; return whether it is still to be promoted.

        Raises BadRelease with why it goes back, and EndedElsewhere.
        """
        watched, before, until = 0.0, self._clock.now(), record.until
        while True:
            self._clock.sleep(LOOK_SECONDS)
            now = self._clock.now()
            passed, before = min(now - before, _LONGEST_LOOK_SECONDS), now
            try:
                last = current(self._api, record, SERVES)[1]
            except EndedElsewhere:
                raise
            except (Failed, Refused):  # a network that is away for a minute ends no rollout, nor does a login
                if now > until:
                    raise
                continue
            until = last.until  # a pause moves it
            if last.state == SERVES:
                self._say(f"{record.new} was promoted by another command; it serves all requests")
                return False
            watched += passed if last.state != PAUSED else 0
            verdicts = self._verdicts(record, now)
            if bad := next((each.reason for each in verdicts if each.is_bad), ""):
                raise BadRelease(bad)
            if watched >= record.bake_seconds + METRICS_LATE_SECONDS:
                if unknown := next((each.reason for each in verdicts if each.is_open), ""):
                    raise BadRelease(f"undecided: {unknown}")
                return True

    def _verdicts(self, record: RolloutRecord, now: float) -> list[RuleVerdict]:
        """Judge the new revision by the old one: of the same time, or of as long before blue-green."""
        start = record.share_at or now
        span = now - start
        try:
            new = self._counts.between(record.new, start, now)
            old_start = start if record.percent < 100 else start - max(span, record.bake_seconds)
            old = self._counts.between(record.old, old_start, now if record.percent < 100 else start)
        except (Failed, Refused) as error:
            return [RuleVerdict(is_open=True, reason=f"Cloud Monitoring cannot be read: {error}")]
        return [rule.judge(new, old) for rule in self._rules]

    def _promote(self, record: RolloutRecord) -> None:
        now = self._clock.now()
        changed(self._api, record, lambda service: promoted(self._api, service, record, now))
        self._say(f"{record.new} serves all requests")

    def _go_back(self, record: RolloutRecord, why: str, state: str) -> NoReturn:
        """Give all requests to what had them before. Raises Failed, which says whether it worked."""
        last: Exception | None = None
        for number in range(TRIES):
            self._clock.sleep(_TRY_SECONDS * number)
            try:
                with suppress(EndedElsewhere):
                    changed(
                        self._api, record, lambda service: taken_back(self._api, service, record, state, why)
                    )
                break
            except (Failed, Refused) as error:
                last = error
        else:
            raise Failed(
                f"Release {record.new} must go back: {why}. That did not work: {last} Run `slipway rollback "
                f"--stack {self._stack}`, or `gcloud run services update-traffic {self._place.service} "
                f"--to-revisions={record.old}=100 --project {self._place.project} --region "
                f"{self._place.region}`."
            )
        raise Failed(f"Release {record.new} went back: {why}. {words(record.before)} serves all requests.")


@contextmanager
def _interruptible(numbers: Iterable[int] = _SIGNALS) -> Generator[None]:
    """End by a signal as by Ctrl-C inside the block, so that the rollout goes back first."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = dict[int, Any]()
    with suppress(ValueError):  # only the main thread may have handlers
        before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

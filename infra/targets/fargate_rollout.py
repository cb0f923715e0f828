"""What `slipway up` does of a Fargate rollout: refuse what went back, and tell what became of it.

ECS moves the traffic and takes a bad version back; the program says which version is wanted. The command
keeps, as tags of the task definitions, which release each is, so that every machine refuses the same.
"""

from collections.abc import Callable, Mapping
from typing import Any

from slipway.components.local.release import project_commit
from slipway.infra.errors import Failed, Refused, SlipwayError
from slipway.infra.plan.run import Plan
from slipway.infra.targets.fargate_cli import AWS, FargatePlace
from slipway.infra.targets.fargate_deployments import (
    COMMIT,
    FINGERPRINT,
    STACK,
    UNDER_WAY,
    WENT,
    WENT_BACK,
    EcsDeployment,
    TaskRelease,
    kept_releases,
    newest_deployment,
    release_of,
    revision_of,
)
from slipway.infra.targets.fargate_groups import outage_of
from slipway.infra.targets.fargate_images import keep_image
from slipway.infra.targets.fargate_releases import mark, serving_task, unmark
from slipway.infra.targets.release_fingerprint import fingerprint_of
from slipway.infra.targets.target import CommandRollout, SmokeTest


class FargateRollout(CommandRollout):
    """The command's part of one `up`."""

    def __init__(self, stack: str, place: FargatePlace, again: bool, say: Callable[[str], None]) -> None:
        self._stack, self._place, self._again, self._say = stack, place, again, say
        self._fingerprint = ""
        self._plan: Plan | None = None

    def begin(self, plan: Callable[[], Plan]) -> None:
        self._plan = plan()
        self._fingerprint = fingerprint_of(self._plan)

    def prepare(self) -> bool:
        """Refuse a second rollout, one that would answer nothing, and a release that went back.

        Read first what ECS or a command changed.
        """
        try:
            newest = newest_deployment(self._place)
            kept = kept_releases(self._place) if newest else []
        except Failed as error:
            self._say(f"Whether the last release went back is not known: {error}")
            return False
        if newest is None:
            return False
        if newest.status in UNDER_WAY:
            raise Refused(
                f"A rollout of release {newest.release} is under way: wait for its end, or take it back with "
                "`slipway rollback`."
            )
        self._refuse_outage()
        self._refuse_again(kept)
        if newest.status in WENT and not any(each.arn == newest.task and each.went_back for each in kept):
            self._say(f"The last rollout, of release {newest.release}, went back: {_why(newest)}.")
        return newest.status in WENT or any(each.went_back for each in kept)

    def _refuse_outage(self) -> None:
        try:
            outage = outage_of(self._plan, self._place) if self._plan else None
        except Failed as error:
            self._say(f"Whether the requests go to where tasks are is not known: {error}")
            return
        if outage:
            raise Refused(f"The service would answer 503 until the end of this `up`. {outage}")

    def _refuse_again(self, kept: list[TaskRelease]) -> None:
        mine = [each for each in kept if each.tags.get(FINGERPRINT) == self._fingerprint]
        if not mine or not mine[0].went_back or self._again:
            return
        raise Refused(
            f"This is release {mine[0].name}, which went back: {mine[0].went_back}. Nothing has changed "
            "since: repair it, or bring it on purpose with --again."
        )

    def carry_out(self, outputs: Mapping[str, Any], smoke_test: SmokeTest | None) -> None:
        """Name the release that serves, and ask it for answers."""
        try:
            serving = serving_task(self._place)
            tags = {FINGERPRINT: self._fingerprint, COMMIT: project_commit(), STACK: self._stack}
            mark(self._place, serving, tags)
            if self._again:
                unmark(self._place, serving)
        except SlipwayError as error:
            self._say(f"The release is not marked, and `slipway releases` knows less of it: {error}")
        else:
            self._keep_image(serving)
        if smoke_test is None or "url" not in outputs:
            return
        if fault := smoke_test(str(outputs["url"])):
            raise Failed(
                f"Stack {self._stack} is deployed and answers wrong: {fault}. It serves what was deployed; "
                f"`slipway rollback --stack {self._stack}` brings the release before back."
            )

    def _keep_image(self, serving: str) -> None:
        if self._plan is None:
            return
        try:
            keep_image(self._plan, self._place, release_of(self._place, serving))
        except SlipwayError as error:
            self._say(f"`keepImages` may delete the image of this release while it serves: {error}")

    def after_failure(self) -> str:
        """Mark the release if ECS took it back; return that and what serves, '' if ECS did not."""
        try:
            newest = newest_deployment(self._place)
            if newest is None or newest.status not in WENT:
                return ""
            reason = _why(newest)
            tags = {FINGERPRINT: self._fingerprint, STACK: self._stack, COMMIT: project_commit()}
            mark(self._place, newest.task, {**tags, WENT_BACK: reason})
            serving = revision_of(serving_task(self._place))
        except SlipwayError as error:
            return f"What ECS did is not known: {error}"
        return (
            f"Release {newest.release} went back: {reason}. Release {serving} serves. `slipway up` refuses "
            "to bring it again until something changes, or with --again."
        )


def rollout_at(
    stack: str, place: FargatePlace, again: bool, say: Callable[[str], None]
) -> FargateRollout | None:
    """Return the command's part; None where `aws` is missing, which only reading what went back needs."""
    try:
        _ = AWS.path
    except Refused:
        say("Without `aws` on PATH it is not known whether this release went back before.")
        return None
    return FargateRollout(stack, place, again, say)


def _why(deployment: EcsDeployment) -> str:
    return deployment.reason or "ECS states no reason"

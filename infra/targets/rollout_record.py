"""What a command keeps of the rollouts of a service in a cloud, next to the service itself. Pure.

It is JSON in an annotation of the service, so that every machine with a login reads the same, and it is
written in the same request as the traffic that it describes. Times are seconds since 1970.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from slipway.components.rollouts.states import CUT_OFF, PAUSED, UNDER_WAY

KEPT_RELEASES = 10


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """One revision that got requests or went back. went_back: why; '' if it did not.

    interface: of its model, as model_interface.py says.
    """

    revision: str
    commit: str = ""
    served_from: float | None = None
    went_back: str = ""
    interface: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class RolloutRecord:
    """A rollout from what served before to one new revision.

    before: revision -> its percent of the requests. until: the time by which the command that carries it out
    is done, or was cut off. share_at: since when `percent` holds; None: not yet. interface: of the new model.
    """

    new: str
    before: Mapping[str, int]
    kind: str
    percent: int
    bake_seconds: float
    state: str
    started_at: float
    until: float
    share_at: float | None = None
    commit: str = ""
    reason: str = ""
    interface: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_open(self) -> bool:
        return self.state in (UNDER_WAY, PAUSED)

    @property
    def old(self) -> str:
        """Return the revision that had most of the requests."""
        return max(self.before, key=lambda name: self.before[name])

    def to_status(self, now: float) -> dict[str, Any]:
        """Return it as `slipway status` shows rollouts, and as JSON."""
        baked = 0.0 if self.share_at is None else min(now - self.share_at, self.bake_seconds)
        state = self.state
        reason = self.reason
        if self.state == UNDER_WAY and now > self.until:
            state, reason = CUT_OFF, "the command that carried it out is gone"
        return {
            "new": self.new,
            "old": self.old,
            "kind": self.kind,
            "state": state,
            "percent": self.percent if self.share_at is not None else 0,
            "bake_seconds": self.bake_seconds,
            "baked_seconds": baked,
            "reason": reason,
        }


@dataclass(frozen=True, slots=True)
class Rollouts:
    """The last rollout, and the newest releases first."""

    last: RolloutRecord | None = None
    releases: tuple[KnownRelease, ...] = ()

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the annotation. A damaged one is none: the service itself says what serves."""
        try:
            found = json.loads(text)
            last = RolloutRecord(**found["last"]) if found.get("last") else None
            return cls(last, tuple(KnownRelease(**each) for each in found["releases"]))
        except (ValueError, KeyError, TypeError):
            return cls()

    def to_text(self) -> str:
        last = asdict(self.last) if self.last else None
        return json.dumps({"last": last, "releases": [asdict(each) for each in self.releases]})

    def known(self, revision: str) -> KnownRelease | None:
        return next((each for each in self.releases if each.revision == revision), None)

    def why_back(self, revision: str) -> str:
        """Return why a revision went back; '' if it did not, or came again since."""
        found = self.known(revision)
        return found.went_back if found else ""

    def noting(self, release: KnownRelease) -> Self:
        """Return them with this release, the newest, in place of what is known of it."""
        others = [each for each in self.releases if each.revision != release.revision]
        return replace(self, releases=(release, *others)[:KEPT_RELEASES])

    def marking(self, revision: str, why: str) -> Self:
        """Return them with the reason why a release went back, in its place."""
        found = self.known(revision)
        if found is None:
            return self.noting(KnownRelease(revision, went_back=why))
        marked = tuple(replace(each, went_back=why) if each is found else each for each in self.releases)
        return replace(self, releases=marked)

"""Judges a version that several processes run, such as pods, by what each of them has counted. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .counts import ServerCounts
from .rollback_rules import RollbackRule, RuleVerdict

_SILENT = RuleVerdict(is_open=True, reason="its metrics page does not answer")


def total_of(each: Iterable[ServerCounts]) -> ServerCounts:
    """Return the sum of what they counted, without gauges, which have none."""
    total = ServerCounts()
    for counts in each:
        total.requests += counts.requests
        total.failures += counts.failures
        for name, buckets in counts.buckets.items():
            sums = total.buckets.setdefault(name, {})
            for bound, count in buckets.items():
                sums[bound] = sums.get(bound, 0) + count
    return total


@dataclass
class Counting:
    """What the processes of one version have counted since a moment.

    before: process -> its counts at that moment; one that started later has none.
    """

    before: Mapping[str, ServerCounts] = field(default_factory=dict[str, ServerCounts])
    now: dict[str, ServerCounts] = field(default_factory=dict[str, ServerCounts])

    def see(self, counts: Mapping[str, ServerCounts]) -> None:
        """Take the newest counts; those of a process that has ended stay as they were."""
        self.now |= counts

    def each(self) -> list[ServerCounts]:
        return [counts.since(self.before.get(name, ServerCounts())) for name, counts in self.now.items()]


def verdicts_of(
    rules: Sequence[RollbackRule], new: Sequence[ServerCounts], old: Sequence[ServerCounts]
) -> list[RuleVerdict]:
    """Judge a version: its requests together, and the gauges of each process."""
    if not new:
        return [_SILENT]
    new_total, old_total = total_of(new), total_of(old)
    return [
        rule.judge(new_total, old_total) if rule.what else _worst(rule.judge(each, old_total) for each in new)
        for rule in rules
    ]


def _worst(verdicts: Iterable[RuleVerdict]) -> RuleVerdict:
    found = list(verdicts)
    return next((each for each in found if each.is_bad), found[0])

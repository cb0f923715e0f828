"""The verdicts on changes whose labels were written by somebody who had not read the rules.

First run, before any rule was mended for them: of 58 changes, 53 of which had a valid base, two dangerous
ones were called safe (a live key named in `plainEnv`, an Ingress whose range of callers went), and no safe
one dangerous. Of the 22 that were labelled after that was mended, one dangerous one was called safe (a
webhook's address) and no safe one dangerous. Some settings that the program refused were corrected since; no
label was.
"""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.infra.preview.grading import verdict_of
from slipway.infra.preview.other_commit import Base
from slipway.infra.preview.plans import planned
from slipway.infra.preview.stack import compared, stack_preview
from slipway.infra.preview.verdict import StackVerdict
from tests.infra.preview.labelled_diffs import Diff, labelled

TODAY = date(2026, 11, 30)
DIFFS = [*labelled("rules-unread"), *labelled("rules-mended")]
# Changes that are called more than their label: what a deletion protection guards is gone with one command.
STRICTER = {"protection switched off": "dangerous"}


@pytest.fixture
def verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return the verdict on a change of a stack `prod`."""
    monkeypatch.setenv("KUBECONFIG", "/dev/null")

    def of(diff: Diff) -> StackVerdict:
        _write(tmp_path / "base", diff.before)
        _write(tmp_path / "here", diff.after)
        monkeypatch.chdir(tmp_path / "base")
        there = planned(tmp_path / "base", "prod")
        assert there.plan is not None, there.refused
        found = frozenset(each["title"] for each in stack_preview(there, TODAY).findings)
        sides: dict[str, Any] = {"plans": {"prod": there.plan}, "findings": {"prod": found}}
        base = Base("main", "0" * 40, tmp_path / "base", tmp_path, ("prod",), **sides)
        monkeypatch.chdir(tmp_path / "here")
        return verdict_of(compared(planned(tmp_path / "here", "prod"), base, TODAY))

    return of


def _write(folder: Path, settings: dict[str, Any]) -> None:
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    config = {f"slipway:{key}": value for key, value in settings.items()}
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))


def test_both_sets_have_changes_of_every_label() -> None:
    for part in ("rules-unread", "rules-mended"):
        counts = Counter(diff.label for diff in labelled(part))
        assert sum(counts.values()) >= 20
        assert min(counts[label] for label in ("safe", "look", "dangerous")) >= 5
    assert len({diff.name for diff in DIFFS}) == len(DIFFS)


@pytest.mark.parametrize("diff", DIFFS, ids=[diff.name for diff in DIFFS])
def test_the_verdict_is_that_of_the_label(diff: Diff, verdict: Any) -> None:
    found = verdict(diff)
    assert found.grade.word == STRICTER.get(diff.name, diff.label), found.reasons

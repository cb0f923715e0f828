"""Judges the plans that are made here by the rules of the other commit too, where its code of them differs.

Its program gets the plans as a file in its own home, confined as for its preview, with secrets masked.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from slipway.infra.diff.risk import Level, Risk
from slipway.infra.policy.judge import Violation
from slipway.infra.preview.foreign_report import report_of
from slipway.infra.preview.other_commit import Base
from slipway.infra.preview.other_program import environment, policy_command
from slipway.infra.preview.stack import StackPreview
from slipway.infra.preview.unchanged import changes_rules

_TIMEOUT_SECONDS = 120
_LEVELS = {"error": Level.HIGH, "warning": Level.MEDIUM}


def judge_by_base(root: Path, base: Base, previews: Iterable[StackPreview]) -> None:
    """Store in the base what its rules say of the stacks as they are here, if these rules are others."""
    if not (root / "infra/policy").is_dir() or not changes_rules(root, base.commit):
        return
    if not (base.root / "infra/preview/foreign_report.py").is_file():
        base.notes.append(f"The rules' code differs, and {base.name} cannot judge by its own.")
        return
    plans = [(each.plan, each.findings) for each in previews if each.plan]
    report = base.home / "here.json"
    report.write_text(json.dumps(report_of(plans)))
    base.judged = _asked(root, base, report)
    base.notes.append(f"The code of the rules differs from {base.name}: the stacks are judged by both.")


def risks_by_base(base: Base, stack: str, own: Iterable[Violation]) -> Iterator[Risk]:
    """Yield what the base's rules say of a stack and those here do not, or less strictly."""
    said = {(one.rule, one.resource): one.level for one in own}
    for finding in base.judged.get(stack, ()):
        rule, resource = finding.get("rule", ""), finding.get("resource", "")
        level = _LEVELS.get(finding.get("severity", ""))
        here = said.get((rule, resource))
        if level is None or here == "mandatory" or (here and level is Level.MEDIUM):
            continue
        text = f"breaks the rule {rule} as {base.name} has it"
        yield Risk(level, text, finding.get("title", ""), resource)


def _asked(root: Path, base: Base, report: Path) -> dict[str, list[dict[str, str]]]:
    try:
        done = subprocess.run(
            policy_command(base.root, base.home, root, report),
            cwd=base.root,
            env=environment(base.root, base.home, root),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        found: Any = json.loads(done.stdout)
        return {str(each["name"]): [_plain(row) for row in each["findings"]] for each in found["stacks"]}
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError, AttributeError):
        base.notes.append(f"The rules of {base.name} did not judge what is here.")
        return {}


def _plain(row: Any) -> dict[str, str]:
    fields = cast("dict[str, Any]", row)
    return {key: str(fields[key]) for key in ("severity", "title", "rule", "resource") if key in fields}

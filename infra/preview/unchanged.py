"""Finds the stacks that a commit has as they are here: their plan there is the one that is made here.

A plan follows from the program, the stack's file and what that names. Where git sees no difference in any of
them, the program of the other commit need not run for that stack.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from slipway.infra.preview.base_commit import run_git
from slipway.infra.preview.needed_files import NO_PROGRAM, names_in, top_of

# Where the code lies by which a plan is judged.
_RULES = (
    *("infra/policy/", "infra/resources/", "infra/cost/", "stacks/settings/readers.py"),
    *("infra/preview/foreign_report.py", "infra/cli/decisions.py"),
)


def unchanged_stacks(root: Path, commit: str, stacks: Iterable[str]) -> frozenset[str]:
    """Return those of the stacks whose plan cannot differ between the work tree and a commit."""
    changed = _changed(root, commit)
    if changed is None:
        return frozenset()
    return frozenset(stack for stack in stacks if _is_unchanged(root, stack, changed))


def changes_rules(root: Path, commit: str) -> bool:
    """Return whether the code that judges differs between the work tree and a commit."""
    changed = _changed(root, commit)
    return changed is None or any(path.startswith(_RULES) for path in changed)


def _changed(root: Path, commit: str) -> list[str] | None:
    """Return what differs below the project, with what git does not know; None where git does not say."""
    differing = run_git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", commit, "--", ".")
    unknown = run_git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    if differing.returncode or unknown.returncode:
        return None
    return [path for text in (differing.stdout, unknown.stdout) for path in text.split("\0") if path]


def _is_unchanged(root: Path, stack: str, changed: list[str]) -> bool:
    own = f"Pulumi.{stack}.yaml"
    try:
        named = names_in([(root / own).read_text(errors="replace")])
    except OSError:
        return False
    return own not in changed and not any(_is_read(path, named) for path in changed)


def _is_read(path: str, named: frozenset[str]) -> bool:
    """Return whether a program may read a file: any but other stacks' files, prose and tests."""
    place = PurePosixPath(path)
    if any(str(folder) in named for folder in (place, *place.parents)):
        return True
    is_other = place.parent == PurePosixPath() and (place.match("Pulumi.*.yaml") or place.suffix == ".md")
    return not is_other and top_of(path) not in NO_PROGRAM

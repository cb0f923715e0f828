"""Makes the Plans of another commit: from a clean checkout, by its own code, in a process of its own.

The checkout is a temporary folder that `git archive` fills: neither the work tree nor `.git` is touched. Its
program runs with the packages that are installed here, and confined (other_program.py).
"""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from slipway.infra.confinement.command import open_doors
from slipway.infra.errors import Refused
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.preview.known_clusters import give_clusters
from slipway.infra.preview.other_program import environment, preview_command
from slipway.infra.preview.report import plans_of
from slipway.infra.program import main as program_of_today
from slipway.infra.settings.stackfile import stack_config, stack_names

_TIMEOUT_SECONDS = 300
_REQUIREMENTS = ("requirements-local.txt", "requirements.txt")
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


@dataclass
class Base:
    """Holds the other side of a comparison. plans: stack -> Plan. failed: stack -> why it has none.

    notes: what a reader must know of it. findings: stack -> titles of what was found there. with_options:
    whether its Plans have resource options. home: a folder that its program has for its own.
    """

    ref: str
    commit: str
    root: Path
    home: Path
    stacks: tuple[str, ...]
    plans: dict[str, Plan] = field(default_factory=dict[str, Plan])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])
    findings: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    with_options: bool = True

    @property
    def name(self) -> str:
        short = self.commit[:12]
        return short if self.commit.startswith(self.ref) else f"{self.ref} ({short})"


@contextmanager
def checkout_of(root: Path, ref: str) -> Generator[Base]:
    """Check the project out at `ref` into a folder that is gone afterwards. Raises Refused."""
    commit = _commit_of(root, ref)
    prefix = _git(root, "rev-parse", "--show-prefix").strip()
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        checkout, home = (Path(folder).resolve() / name for name in ("checkout", "home"))
        checkout.mkdir()
        home.mkdir()
        archive = subprocess.run(
            [_program(), "archive", "--format=tar", f"{commit}:{prefix}"],
            cwd=_git(root, "rev-parse", "--show-toplevel").strip(),  # below it, it takes only what is there
            capture_output=True,
            check=False,
        )
        if archive.returncode == 0:
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
                tar.extractall(checkout, filter="data")
        base = Base(ref, commit, checkout, home, tuple(stack_names(checkout)))
        if not (checkout / "Pulumi.yaml").is_file():
            base.notes.append(f"{base.name} has no Pulumi.yaml here: every stack is new.")
            base.stacks = ()
        base.notes += _requirements_notes(root, base)
        yield base


class Planning:
    """Runs the base's preview in a process of its own, so that this one can plan meanwhile."""

    def __init__(self, root: Path, base: Base, stacks: Iterable[str]) -> None:
        self._root, self._base = root, base
        self._stacks = [stack for stack in stacks if stack in base.stacks]
        runs = bool(self._stacks) and _holds_slipway(root) and _can_preview(base.root)
        self._process = self._start(self._stacks) if runs else None

    def finish(self) -> None:
        """Wait for the preview of the other commit, and store its plans in the base.

        Raises Refused, with the reasons, if none of the wanted stacks has a plan.
        """
        if self._process is not None:
            self._take(self._process, self._stacks)
        elif self._stacks:
            self._with_todays_program()
        if self._stacks and not self._base.plans:
            reasons = "; ".join(dict.fromkeys(self._base.failed.values()))
            raise Refused(f"There is nothing to compare with at {self._base.name}. {reasons}")

    def stop(self) -> None:
        """End the process if it still runs."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # what it started itself among it
            self._process.wait()
            for pipe in filter(None, (self._process.stdout, self._process.stderr)):
                pipe.close()  # not read to its end: what left the group may hold it open

    def _start(self, stacks: list[str]) -> subprocess.Popen[str]:
        checkout, home = self._base.root, self._base.home
        options = [give_clusters(checkout, stack, home) for stack in stacks]
        alone = options[0] if len(stacks) == 1 else []
        self._note_of_open_doors()
        return subprocess.Popen(
            preview_command(checkout, home, self._root, [*stacks, *alone]),
            cwd=checkout,
            env=environment(checkout, home, self._root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _take(self, process: subprocess.Popen[str], stacks: list[str]) -> None:
        try:
            said, complained = process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Refused(
                f"The preview at {self._base.name} did not end within {_TIMEOUT_SECONDS} s."
            ) from None
        report = _json_of(said)
        if "stacks" in report:
            plans = plans_of(self._relocated(report), self._base.name)
            self._base.plans |= plans
            for stack in report["stacks"]:
                self._base.findings[stack["name"]] = frozenset(each["title"] for each in stack["findings"])
            if not report.get("version"):
                self._base.with_options = False
                self._note_of_the_old_version()
            self._base.failed |= {name: str(why) for name, why in report.get("left_out", {}).items()}
        elif "errors" in report and len(stacks) > 1:
            for stack in stacks:
                self._process = self._start([stack])
                self._take(self._process, [stack])
        elif "errors" in report:
            message = " ".join(str(error.get("message")) for error in report["errors"])
            self._base.failed[stacks[0]] = message
        else:
            raise Refused(
                f"The program at {self._base.name} does not run: {self._place(complained)} Compare with a "
                "commit whose program runs, or leave --against out."
            )

    def _note_of_the_old_version(self) -> None:
        self._note(
            f"{self._base.name} has an older `slipway preview`: aliases and protection are not compared."
        )

    def _note_of_open_doors(self) -> None:
        if doors := open_doors():
            self._note(
                f"The program of {self._base.name} could {' and '.join(doors)}: only Linux with Landlock and "
                "seccomp keeps it from that."
            )

    def _note(self, note: str) -> None:
        if note not in self._base.notes:
            self._base.notes.append(note)

    def _relocated(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """Rewrite it as if it lay where this checkout does: an absolute path is no change."""
        here, there = (json.dumps(str(path))[1:-1] for path in (self._root.resolve(), self._base.root))
        return json.loads(json.dumps(report).replace(there, here))

    def _place(self, complained: str) -> str:
        """Return the innermost line of that program in a traceback, with what was raised there."""
        lines = complained.strip().splitlines()
        own = [
            f"{Path(found['file']).relative_to(self._base.root)}:{found['line']}"
            for found in _FRAME.finditer(complained)
            if Path(found["file"]).is_relative_to(self._base.root)
        ]
        return ": ".join([*own[-1:], lines[-1] if lines else "it says nothing"]) + "."

    def _with_todays_program(self) -> None:
        """Plan the stack files of the base here. In a project without Slipway's code there is no other."""
        if _holds_slipway(self._root):
            self._base.notes.append(
                f"{self._base.name} has no `slipway preview --format json`: its stack files were run through "
                "today's program, so that what changed in the program itself is not shown."
            )
        for stack in self._stacks:
            try:
                self._base.plans[stack] = plan_of(program_of_today, stack_config(self._base.root, stack))
            except Exception as error:
                self._base.failed[stack] = str(error)


def _holds_slipway(project: Path) -> bool:
    """Return whether the program lies in the project, not in an installed package of the same folders."""
    return (project / "slipway" / "infra" / "program.py").is_file()


def _can_preview(checkout: Path) -> bool:
    folder = checkout / "infra"
    has_module = (folder / "preview.py").is_file() or (folder / "preview").is_dir()
    return has_module and ((folder / "cli.py").is_file() or (folder / "cli").is_dir())


def _json_of(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _requirements_notes(root: Path, base: Base) -> list[str]:
    """Name the packages whose pins differ: what is installed here is used for both sides."""
    differing: list[str] = []
    for name in _REQUIREMENTS:
        old, new = _pins(base.root / name), _pins(root / name)
        if old:
            differing += [
                f"{each} {old.get(each, 'none')} there, {new.get(each, 'none')} here"
                for each in sorted({*old, *new})
                if old.get(each) != new.get(each)
            ]
    if not differing:
        return []
    shown = list(dict.fromkeys(differing))
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return [
        f"{base.name} pins other packages ({'; '.join(shown[:5])}{more}); it was planned with those that are "
        "installed here."
    ]


def _pins(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return dict(re.findall(r"^([A-Za-z0-9_.-]+(?:\[[^\]]*\])?)==(\S+)", path.read_text(), re.MULTILINE))


def _commit_of(root: Path, ref: str) -> str:
    _git(root, "rev-parse", "--git-dir")
    done = _run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if done.returncode:
        raise Refused(
            f"--against got {ref!r}, which is no commit here; it takes a branch, a tag or a commit. "
            "`git branch --all` lists the branches, `git fetch` gets those of the remote; a shallow clone "
            "lacks older commits (`git fetch --unshallow`)."
        )
    return done.stdout.strip()


def _program() -> str:
    found = shutil.which("git")
    if found is None:
        raise Refused("--against needs git, which is not on PATH.")
    return found


def _git(root: Path, *arguments: str) -> str:
    done = _run_git(root, *arguments)
    if done.returncode:
        raise Refused(f"--against needs a git repository: {done.stderr.strip()}")
    return done.stdout


def _run_git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([_program(), *arguments], cwd=root, capture_output=True, text=True, check=False)

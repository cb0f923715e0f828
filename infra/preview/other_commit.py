"""Makes the Plans of another commit: from a clean checkout, by its own code, in a process of its own.

The checkout is a temporary folder (checkout.py): neither the work tree nor `.git` is touched. Its program
runs with the packages that are installed here, and confined (other_program.py).
"""

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, cast

from slipway.infra.confinement.command import open_doors
from slipway.infra.errors import Refused
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.preview.base_commit import BaseCommit, base_commit, git
from slipway.infra.preview.checkout import check_out
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
    whether its Plans have resource options. home: a folder that its program has for its own. renamed: stack
    -> the name that its file has on the other side. judged: stack -> what its rules say of the plan here.
    """

    name: str
    commit: str
    root: Path
    home: Path
    stacks: tuple[str, ...]
    plans: dict[str, Plan] = field(default_factory=dict[str, Plan])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])
    findings: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    with_options: bool = True
    renamed: dict[str, str] = field(default_factory=dict[str, str])
    judged: dict[str, list[dict[str, str]]] = field(default_factory=dict[str, list[dict[str, str]]])


@contextmanager
def checkout_of(root: Path, ref: str) -> Generator[Base]:
    """Check the project out at the base of `ref` into a folder that is gone afterwards. Raises Refused."""
    found = base_commit(root, ref)
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        try:
            base = _base_in(Path(folder).resolve(), root, found)
        except OSError as error:
            raise Refused(
                f"--against could not write {found.label} to {folder}: {error.strerror or error}. Make room "
                "there, or name another folder in the variable TMPDIR."
            ) from error
        yield base


def _base_in(folder: Path, root: Path, found: BaseCommit) -> Base:
    prefix = git(root, "rev-parse", "--show-prefix").removesuffix("\n")
    checkout, home = (folder / name for name in ("checkout", "home"))
    checkout.mkdir()
    home.mkdir()
    written = check_out(root, f"{found.commit}:{prefix}", found.label, checkout)
    base = Base(found.label, found.commit, checkout, home, tuple(stack_names(checkout)))
    base.notes += [*found.notes, *written.notes]
    if not (checkout / "Pulumi.yaml").is_file():
        base.notes.append(f"{base.name} has no Pulumi.yaml here: every stack is new.")
        base.stacks = ()
    base.notes += _requirements_notes(root, base)
    return base


@contextmanager
def _ended_by_signals() -> Generator[None]:
    """Let a request to end this process leave through the `finally` of everything that it has begun."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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

    def _relocated_plan(self, plan: Plan) -> Plan:
        resources = (replace(each, inputs=self._relocated(each.inputs)) for each in plan.resources)
        return replace(plan, resources=tuple(resources), outputs=self._relocated(plan.outputs))

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
                with chdir(self._base.root):  # what a stack file names is relative to it
                    plan = plan_of(program_of_today, stack_config(self._base.root, stack))
                self._base.plans[stack] = self._relocated_plan(plan)
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

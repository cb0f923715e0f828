"""Runs updates of a stack by the Pulumi CLI, and asks it what one would change."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from slipway.infra.errors import Failed, ProgramFailed, Refused
from slipway.infra.targets.rollout_step import ROLLOUT_STEP, step_text
from slipway.stacks.update_step import UpdateStep

_PREVIEW_SECONDS, _ANSWER_SECONDS = 600, 60


def answer_of(*command: str) -> Any:
    """Parse the JSON that a command prints; None if it prints none."""
    try:
        done = subprocess.run(
            [*command, "--non-interactive"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=True,
        )
        return json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, json.JSONDecodeError):
        return None


def variables_of(step: UpdateStep | None) -> dict[str, str]:
    """Return the environment that makes an update this step of a rollout."""
    return {} if step is None else {ROLLOUT_STEP: step_text(step)}


def run_program(command: list[str], variables: Mapping[str, str] | None = None) -> None:
    """Run a program that gets the terminal's and the caller's signals. Raises ProgramFailed.

    variables: of its environment, in addition to those of this process.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    child: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT and child:  # a terminal sends Ctrl-C to both
            child[0].send_signal(number)

    for number in numbers:
        signal.signal(number, pass_on)
    try:
        child.append(subprocess.Popen(command, env={**os.environ, **(variables or {})}))
        code = child[0].wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if code:
        raise ProgramFailed(code if code > 0 else 128 - code)


@dataclass(frozen=True, slots=True)
class PulumiUpdates:
    """The updates of one stack that need no confirmation, because they go on with one that was confirmed."""

    stack: str

    def up(self, step: UpdateStep | None = None, *options: str) -> None:
        """Run `pulumi up` for a step; None: the version of the stack's file. Raises ProgramFailed."""
        command = [self._path, "up", "--stack", self.stack, "--yes", "--skip-preview", *options]
        run_program(command, variables_of(step))

    def changed(self) -> dict[str, list[str]]:
        """Return what `pulumi up` would change: name of a resource -> paths of its inputs; [] if not known.

        Raises Failed where the preview fails.
        """
        done = subprocess.run(
            [self._path, "preview", "--stack", self.stack, "--json", "--non-interactive"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=_PREVIEW_SECONDS,
            check=False,
        )
        try:
            steps: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
        except (KeyError, TypeError, ValueError):
            raise Failed(f"`pulumi preview --stack {self.stack} --json` did not say what changes.") from None
        changing = [each for each in steps if each.get("op") not in ("same", "read", "refresh")]
        return {_name(each): list(each.get("detailedDiff") or ()) for each in changing}

    def is_deployed(self) -> bool:
        """Return whether the stack has outputs, which its first `up` makes."""
        return bool(answer_of(self._path, "stack", "output", "--json", "--stack", self.stack))

    @property
    def _path(self) -> str:
        found = shutil.which("pulumi")
        if found is None:
            raise Refused(f"Stack {self.stack} is applied by the Pulumi CLI, which is not on PATH.")
        return found


def _name(step: Mapping[str, Any]) -> str:
    return str(step.get("urn", "")).rpartition("::")[2]

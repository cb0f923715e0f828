"""Reads what a command changed in a cloud into Pulumi's state, so that a bare `pulumi up` keeps it."""

import json
import shutil
import subprocess
from typing import Any

from slipway.infra.targets.target import Say

_TIMEOUT_SECONDS = 300


def read_into_state(stack: str, type_: str, say: Say) -> None:
    """Refresh the stack's resources of one type. Says what to do where that does not work; raises nothing."""
    pulumi = shutil.which("pulumi")
    try:
        fault = _refreshed(pulumi, stack, type_) if pulumi else "`pulumi` is not on PATH"
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        fault = str(error) or type(error).__name__
    if fault:
        say(
            f"Pulumi's state does not know yet who gets the requests: {fault}. `slipway up {stack}` reads it "
            f"first; before a bare `pulumi up`, run `pulumi refresh --stack {stack}`."
        )


def _refreshed(pulumi: str, stack: str, type_: str) -> str:
    """Return why it did not work; '' if it did."""
    options = ["--stack", stack, "--non-interactive"]
    exported = _run([pulumi, "stack", "export", *options])
    if exported.returncode:
        return exported.stderr.strip()
    resources: list[dict[str, Any]] = json.loads(exported.stdout)["deployment"].get("resources", [])
    urns = [str(each["urn"]) for each in resources if each["type"] == type_]
    if not urns:
        return f"it has no {type_}"
    targets = [option for urn in urns for option in ("--target", urn)]
    done = _run([pulumi, "refresh", "--yes", "--skip-preview", *targets, *options])
    return (done.stderr.strip() or done.stdout.strip())[-300:] if done.returncode else ""


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )

"""Runs a step of a workflow or an action here, as GitHub's runner does, with a `gh` that keeps its state."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.checkout import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
ACTIONS = ROOT / ".github" / "actions"


def workflow(name: str) -> dict[Any, Any]:
    return yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())


def action(name: str) -> dict[str, Any]:
    return yaml.safe_load((ACTIONS / name / "action.yml").read_text())


def steps_of(name: str) -> list[dict[str, Any]]:
    """List the steps of the workflow or, for `actions/<name>`, of the action."""
    if name.startswith("actions/"):
        return action(name.removeprefix("actions/"))["runs"]["steps"]
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", [])]


def command(name: str, step_name: str) -> list[str]:
    """How the runner starts the step of that name.

    docs.github.com/actions/reference/workflow-syntax: `bash -e` where no shell is named, more where bash is.
    """
    [step] = [each for each in steps_of(name) if each.get("name") == step_name]
    named = ["--noprofile", "--norc", "-eo", "pipefail"]
    return ["bash", *(named if step.get("shell") == "bash" else ["-e"]), "-c", step["run"]]


@dataclass
class Runner:
    """folder: where the step runs. Programs that it should find stand in folder/bin."""

    folder: Path

    def run(self, name: str, step: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the workflow, or of the action `actions/<name>`."""
        return self.start(command(name, step), **environment)

    def start(self, words: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
                "GITHUB_OUTPUT": str(self.folder / "output.txt"),
                "GH_STATE": str(self.folder / "gh.json"),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def program(self, name: str, text: str, folder: str = "bin") -> None:
        (self.folder / folder).mkdir(parents=True, exist_ok=True)
        path = self.folder / folder / name
        path.write_text(text)
        path.chmod(0o755)

    def github(self, **known: Any) -> None:
        """Write a `gh`, with what GitHub knows: pulls, comments, issues, environments, and answers by path.

        refusal: status and message of every request about an environment.
        """
        state: dict[str, Any] = {
            "pulls": [],
            "comments": [],
            "issues": [],
            "environments": {},
            "answers": {},
            "refusal": None,
            "calls": [],
            "written": [],
            **known,
        }
        (self.folder / "gh.json").write_text(json.dumps(state))
        stand_in = Path(__file__).with_name("github.py")
        self.program("gh", f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')

    def written(self) -> list[list[str]]:
        """List what `gh` was called to write: how, where, what."""
        return json.loads((self.folder / "gh.json").read_text())["written"]

    def environments(self) -> dict[str, dict[str, Any]]:
        return json.loads((self.folder / "gh.json").read_text())["environments"]

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

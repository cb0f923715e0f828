"""Runs a step of a workflow here, as GitHub's runner does; a `gh` that keeps what it is told in a file."""

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

# Answers as GitHub's REST API does, its --jq by the real jq: docs.github.com/en/rest.
GH = """#!{python}
import json, os, sys
from pathlib import Path
import jq

state = Path(os.environ["GH_STATE"])
known = json.loads(state.read_text())
words = sys.argv[1:]
known["calls"].append(words)


def value(*names):
    return next((words[place + 1] for place, word in enumerate(words) if word in names), "")


def answer(found):
    for each in jq.compile(value("--jq")).input_value(found).all():
        print(each)


if words[0] == "api" and words[-1] != "--silent":
    answer(known["comments"] if words[2].endswith("/comments") else known["pulls"])
elif words[0] == "api":
    known["written"].append([value("--method"), words[3], Path(value("--field")[6:]).read_text()])
elif words[:2] == ["issue", "list"]:
    answer(known["issues"])
elif words[0] == "issue":
    known["written"].append([words[1], words[2], Path(value("--body-file")).read_text()])
state.write_text(json.dumps(known))
"""


def workflow(name: str) -> dict[Any, Any]:
    return yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())


def script(workflow_name: str, step: str) -> str:
    """What the step of that name runs."""
    jobs = workflow(workflow_name)["jobs"].values()
    [found] = [each["run"] for job in jobs for each in job.get("steps", []) if each.get("name") == step]
    return found


@dataclass
class Runner:
    """folder: where the step runs. Programs that it should find stand in folder/bin."""

    folder: Path

    def run(self, workflow_name: str, step: str, **environment: str) -> subprocess.CompletedProcess[str]:
        # docs.github.com/actions/reference/workflow-syntax: bash without a word is `bash -e`.
        return subprocess.run(
            ["bash", "-e", "-c", script(workflow_name, step)],
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

    def program(self, name: str, text: str) -> None:
        (self.folder / "bin").mkdir(exist_ok=True)
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def github(self, **known: list[dict[str, Any]]) -> None:
        """A `gh`, and what GitHub knows: pulls, comments, issues."""
        state: dict[str, Any] = {
            "pulls": [],
            "comments": [],
            "issues": [],
            "calls": [],
            "written": [],
            **known,
        }
        (self.folder / "gh.json").write_text(json.dumps(state))
        self.program("gh", GH.replace("{python}", sys.executable))

    def written(self) -> list[list[str]]:
        """What `gh` was told to write: how, where, what."""
        return json.loads((self.folder / "gh.json").read_text())["written"]

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

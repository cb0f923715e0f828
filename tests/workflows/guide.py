"""Runs the commands of docs/guides/pull-requests.md with stand-ins, and keeps what they made."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.checkout import ROOT
from tests.docs.pages import commands
from tests.workflows.steps import Runner

GUIDE = (ROOT / "docs/guides/pull-requests.md").read_text()
# As GitHub puts owner and repository into the subject of a newer repository.
PREFIX = "repo:acme@12/slipway@34"
ANSWERS = {
    "users/ada": {"id": 7},
    "repos/acme/slipway": {"id": 34},
    "repos/acme/slipway/actions/oidc/customization/sub": {"use_default": True, "sub_claim_prefix": PREFIX},
}
# Keeps what it was started with in `calls`; knows the number of the project and of the account.
STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path

with (Path(os.environ["GH_STATE"]).parent / "calls").open("a") as calls:
    calls.write(json.dumps([Path(sys.argv[0]).name, *sys.argv[1:]]) + "\\n")
print("1234567890" if "describe" in sys.argv else "123456789012" if "get-caller-identity" in sys.argv else "")
"""


@dataclass(frozen=True)
class Made:
    """What the commands of the guide have made."""

    runner: Runner
    calls: list[list[str]]

    def option(self, call: list[str], name: str) -> str:
        """`--name value` or `--name=value`."""
        for place, word in enumerate(call):
            if word == name:
                return call[place + 1]
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return ""

    def named(self, *words: str) -> list[list[str]]:
        return [call for call in self.calls if all(word in call for word in words)]

    def json(self, name: str) -> Any:
        return json.loads(self.runner.text(name))

    def granted(self, account: str) -> set[str]:
        """Roles on the project."""
        member = f"serviceAccount:{account}@my-project-id.iam.gserviceaccount.com"
        return {
            self.option(call, "--role").removeprefix("roles/")
            for call in self.named("projects", "add-iam-policy-binding")
            if self.option(call, "--member") == member
        }


def made_in(folder: Path) -> Made:
    runner = Runner(folder)
    runner.github(answers=ANSWERS)
    for name in ("gcloud", "aws"):
        runner.program(name, STAND_IN.replace("{python}", sys.executable))
    done = runner.start(["bash", "-euo", "pipefail", "-c", "".join(commands(GUIDE))])
    assert done.returncode == 0, done.stdout + done.stderr
    return Made(runner, [json.loads(line) for line in runner.text("calls").splitlines()])

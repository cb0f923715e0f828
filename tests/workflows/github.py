"""A `gh` for tests. It answers as GitHub's REST API does, --jq included, and keeps its state in $GH_STATE.

docs.github.com/en/rest: /deployments/environments, /deployments/branch-policies, /pulls, /issues/comments.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

jq: Any = importlib.import_module("jq")  # untyped


def refuse(status: int, message: str) -> NoReturn:
    """As `gh api` does: the answer on stdout, the reason on stderr."""
    print(json.dumps({"message": message, "status": str(status)}))
    sys.exit(f"gh: {message} (HTTP {status})")


class GitHub:
    """known: what GitHub knows. words: of the command line."""

    def __init__(self, known: dict[str, Any], words: list[str]) -> None:
        self.known = known
        self.words = words
        self.path = next((word for word in words if word.startswith(("repos/", "users/", "orgs/"))), "")

    def run(self) -> None:
        self.known["calls"].append(self.words)
        kind, parts = self.words[0], self.path.split("/")
        if kind == "api" and parts[3:4] == ["environments"]:
            self.environment(parts[4], of_policies=parts[5:] == ["deployment-branch-policies"])
        elif kind == "api" and self.path in self.known["answers"]:
            self.answer(self.known["answers"][self.path])
        elif kind == "api" and self.words[-1] != "--silent":
            self.answer(self.known["comments" if self.path.endswith("/comments") else "pulls"])
        elif kind == "api":
            body = Path(self.value("--field")[len("body=@") :]).read_text()
            self.known["written"].append([self.value("--method"), self.path, body])
        elif self.words[:2] == ["issue", "list"]:
            self.answer(self.known["issues"])
        elif kind == "variable":
            name, where = self.words[2], self.value("--env") or "repository"
            self.known["written"].append([name, where, self.value("--body")])
        elif kind == "issue":
            body = Path(self.value("--body-file")).read_text()
            self.known["written"].append([self.words[1], self.words[2], body])

    def value(self, *names: str) -> str:
        return next((self.words[place + 1] for place, word in enumerate(self.words) if word in names), "")

    def given(self) -> dict[str, Any]:
        return json.loads(sys.stdin.read()) if self.value("--input") == "-" else {}

    def answer(self, found: Any) -> None:
        for each in jq.compile(self.value("--jq") or ".").input_value(found).all():
            print(each if isinstance(each, str) else json.dumps(each))

    def environment(self, name: str, *, of_policies: bool) -> None:
        environments = self.known["environments"]
        if self.known["refusal"]:
            refuse(*self.known["refusal"])
        if self.value("--method") == "PUT":
            environments[name] = _made(name, self.given(), environments.get(name, {}))
        elif name not in environments:
            refuse(404, "Not Found")
        elif self.value("--method") == "POST":
            field = self.value("-f").partition("=")
            environments[name]["branch_policies"].append({"type": "branch", field[0]: field[2]})
        elif of_policies:
            self.answer({"branch_policies": environments[name]["branch_policies"]})
        else:
            self.answer({key: each for key, each in environments[name].items() if key != "branch_policies"})


def _made(name: str, given: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Apply a PUT, which replaces the existing rules and keeps the branches by name."""
    rules: list[dict[str, Any]] = []
    if given.get("reviewers"):
        rules.append({"type": "required_reviewers", "reviewers": given["reviewers"]})
    if given.get("deployment_branch_policy"):
        rules.append({"type": "branch_policy"})
    return {
        "name": name,
        "protection_rules": rules,
        "deployment_branch_policy": given.get("deployment_branch_policy"),
        "branch_policies": before.get("branch_policies", []),
    }


def main() -> None:
    state = Path(os.environ["GH_STATE"])
    github = GitHub(json.loads(state.read_text()), sys.argv[1:])
    github.run()
    state.write_text(json.dumps(github.known))


if __name__ == "__main__":
    main()

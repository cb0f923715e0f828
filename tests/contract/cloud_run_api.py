"""An emitted Cloud Run service as the API takes it, and the verdict on it.

The provider's names differ from the API's in the few places named here; every other one is handed on as it
is, so that one the API does not know is refused.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
# What the provider keeps to itself, or what stands in the path of the request.
_NOT_IN_THE_BODY = ("deletionProtection", "location", "project")
_SERVICE_NAMES = {"traffics": "traffic"}
_CONTAINER_NAMES = {"envs": "env", "dependsOns": "dependsOn"}


def api_form(inputs: Mapping[str, Any], collection: str = "services") -> dict[str, Any]:
    """Build the body and name of a service from the inputs of gcp.cloudrunv2.Service.

    collection: `workerPools` for those of gcp.cloudrunv2.WorkerPool.
    """
    body = {
        _SERVICE_NAMES.get(key, key): value for key, value in inputs.items() if key not in _NOT_IN_THE_BODY
    }
    template = dict(body["template"])
    template["containers"] = [_container(container) for container in template["containers"]]
    name = f"projects/{inputs['project']}/locations/{inputs['location']}/{collection}/{inputs['name']}"
    return {**body, "name": name, "template": template}


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a container: the API has a list of ports, of which Cloud Run takes one."""
    named = {_CONTAINER_NAMES.get(key, key): value for key, value in container.items()}
    return {**named, "ports": [named["ports"]]} if "ports" in named else named


@dataclass(frozen=True, slots=True)
class Verdict:
    """refused: what Google's messages say against it. broken: our rules that it breaks."""

    refused: str | None
    broken: list[str]

    @property
    def passes(self) -> bool:
        return self.refused is None and not self.broken


class Judge:
    """The judging process, kept for many questions."""

    def __init__(self, module: str = "tests.contract.cloud_run_judge") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, form: Mapping[str, Any]) -> Verdict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(form) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the judge ended; its error stands above"
        return Verdict(**json.loads(answer))

    def close(self) -> None:
        self._process.communicate()

"""A stand-in for `kubectl` over the Jobs of a namespace, their pods and their log; strict as a cluster is.

Every Job is held against the published schemas of the supported versions. A pod runs until a test ends it.
"""

import copy
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway.components.kubernetes.limits import VERSIONS
from tests.contract.kubernetes_objects import objects_of
from tests.contract.kubernetes_schemas import fault_of
from tests.infra.targets.fake_ecs_tasks import FakeClock

_LABEL = "batch.kubernetes.io/job-name"
_INDEX = "batch.kubernetes.io/job-completion-index"
_ALONE = ("--ignore-not-found", "--show-managed-fields", "--ignore-errors", "--timestamps")


@dataclass
class KubectlJobs:
    """A namespace. deployments: by name. pods: of the Job, as the cluster has them. calls: each, as words."""

    clock: FakeClock
    deployments: dict[str, dict[str, Any]]
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    pods: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    lines: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    calls: list[list[str]] = field(default_factory=list[list[str]])

    @classmethod
    def of(cls, args: dict[str, Any]) -> "KubectlJobs":
        """Return a namespace in which the component's Deployments run."""
        found = [each for each in objects_of(args) if each["kind"] == "Deployment"]
        return cls(FakeClock(), {each["metadata"]["name"]: each for each in found})

    def __call__(self, arguments: list[str], given: str | None = None, **_: Any) -> Any:
        self.calls.append(arguments)
        verb, what, options = arguments[0], "", dict[str, str]()
        rest = iter(arguments[1:])
        for word in rest:
            if not word.startswith("--"):
                what = word
            elif "=" in word or word in _ALONE:
                options[word.partition("=")[0]] = word.partition("=")[2]
            else:
                options[word] = next(rest)
        answer = getattr(self, f"_{verb}")(what, options, given)
        if isinstance(answer, str):
            return subprocess.CompletedProcess(arguments, 0, answer, "")
        return subprocess.CompletedProcess(arguments, 1, "", answer[0])

    def begin(self, *shards: int) -> None:
        """Let the pods of these shards start."""
        for pod in self._of(*shards):
            pod["status"] = self._status("Running", running={"startedAt": self._now()})

    def write(self, shard: int, **fields: Any) -> None:
        """Write a line of progress, as a container does, and one of another kind."""
        [pod] = self._of(shard)
        lines = self.lines.setdefault(pod["metadata"]["name"], [])
        for entry in ({"message": "Batch", "shard": shard, **fields}, {"message": "read"}):
            lines.append(f"{self._now()} {json.dumps(entry)}")

    def end(self, shard: int, code: int) -> None:
        """End the pod of a shard; the Job ends once all have."""
        [pod] = self._of(shard)
        [container] = pod["status"]["containerStatuses"]
        begun = container["state"]["running"]["startedAt"]
        ending = {"exitCode": code, "startedAt": begun, "finishedAt": self._now()}
        pod["status"] = self._status("Failed" if code else "Succeeded", terminated=ending)
        [job] = self.jobs.values()
        codes = [each["status"]["containerStatuses"][0]["state"].get("terminated") for each in self.pods]
        if all(codes):
            ends = {"type": "Complete", "status": "True"}
            if any(each["exitCode"] for each in codes):
                message = "Job has failed indexes"
                ends = {"type": "Failed", "status": "True", "reason": "FailedIndexes", "message": message}
            job["status"] = {"conditions": [ends]}

    def wait_for(self, reason: str) -> None:
        """Let all pods wait for a node with this reason."""
        condition = {"type": "PodScheduled", "status": "False", "message": reason}
        for pod in self.pods:
            pod["status"] = {"phase": "Pending", "conditions": [condition]}

    def _of(self, *shards: int) -> list[dict[str, Any]]:
        numbers = {str(each) for each in shards}
        return [each for each in self.pods if each["metadata"]["annotations"][_INDEX] in numbers]

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock.now(), UTC).isoformat().replace("+00:00", "Z")

    @staticmethod
    def _status(phase: str, **state: Any) -> dict[str, Any]:
        return {"phase": phase, "containerStatuses": [{"name": "batch", "state": state}]}

    def _get(self, what: str, options: dict[str, str], _: str | None) -> str:
        assert options["--output"] == "json"
        kind, _, name = what.partition("/")
        if kind == "pods":
            return json.dumps({"kind": "List", "items": list(self._selected(options))})
        found = {"jobs.batch": self.jobs, "deployments.apps": self.deployments}[kind].get(name)
        assert found or "--ignore-not-found" in options
        return json.dumps(found) if found else ""

    def _create(self, _what: str, options: dict[str, str], given: str | None) -> str | list[str]:
        assert (options["--filename"], given is not None) == ("-", True)
        job = json.loads(given or "")
        name = job["metadata"]["name"]
        assert [fault_of(job, version) for version in VERSIONS] == [""] * len(VERSIONS)
        if name in self.jobs:
            return [f'Error from server (AlreadyExists): jobs.batch "{name}" already exists']
        self.jobs[name] = job
        for shard in range(job["spec"]["completions"]):
            pod = copy.deepcopy(job["spec"]["template"])
            pod["metadata"]["labels"][_LABEL] = name
            pod["metadata"] |= {"name": f"{name}-{shard}", "creationTimestamp": self._now()}
            pod["metadata"].setdefault("annotations", {})[_INDEX] = str(shard)
            self.pods.append({**pod, "status": {"phase": "Pending"}})
        return ""

    def _patch(self, what: str, options: dict[str, str], _: str | None) -> str:
        job = self.jobs[what.partition("/")[2]]
        job["spec"] |= json.loads(options["--patch"])["spec"]
        if job["spec"]["suspend"]:  # the cluster deletes the pods of a suspended Job once they have ended
            self.pods.clear()
        return ""

    def _delete(self, what: str, options: dict[str, str], _: str | None) -> str:
        assert (options["--cascade"], options["--wait"]) == ("foreground", "true")
        self.jobs.pop(what.partition("/")[2], None)
        self.pods.clear()
        self.lines.clear()
        return ""

    def _logs(self, _what: str, options: dict[str, str], _: str | None) -> str:
        assert {"--timestamps", "--ignore-errors"} <= options.keys()
        most, found = int(options["--tail"]), list[str]()
        for pod in self._selected(options):
            found += self.lines.get(pod["metadata"]["name"], [])[-most:]
        return "".join(f"{line}\n" for line in found)

    def _selected(self, options: dict[str, str]) -> Iterator[dict[str, Any]]:
        label, _, value = options["--selector"].partition("=")
        return (each for each in self.pods if each["metadata"]["labels"].get(label) == value)

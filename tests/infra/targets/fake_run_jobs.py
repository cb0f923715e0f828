"""Cloud Run's jobs in memory, and the log of their tasks: what the Admin API takes and refuses of a batch.

Each body is judged by Google's own messages (tests/contract/run_job_judge.py). DOCS:
cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slipway.infra.errors import Failed
from slipway.infra.targets.google_api import Conflict, NotFound
from tests.contract.cloud_run_api import Judge
from tests.infra.targets.fake_run import Time

_PARENT = "v2/projects/acme-prod/locations/europe-west4"
_JOB_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass
class FakeJobs:
    """A project with the service `api` and its jobs.

    calls: each write, in words. refuse_next: the error that the next operation ends with. names_executions:
    whether a job names an execution as soon as it is begun.
    """

    judge: Judge
    clock: Time
    service: dict[str, Any] | None
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    executions: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    tasks: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    lines: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    calls: list[str] = field(default_factory=list[str])
    refuse_next: str = ""
    names_executions: bool = True
    _pending: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def __call__(self, method: str, path: str, query: Any = (), body: Any = None) -> dict[str, Any]:
        if path == "v2/entries:list":
            return self._logged(body)
        if "/operations/" in path:
            return self._pending.pop(path.removeprefix("v2/"))
        if path == f"{_PARENT}/services/api" and method == "GET":
            return self._found(self.service)
        if path == f"{_PARENT}/jobs" and method == "POST":
            return self._create(dict(query)["jobId"], body)
        name, _, rest = path.removeprefix(f"{_PARENT}/jobs/").partition("/")
        if rest:
            return self._of_execution(method, name, rest.removeprefix("executions/"))
        return self._of_job(method, name, body)

    def now(self) -> str:
        return datetime.fromtimestamp(self.clock.now(), UTC).isoformat()

    def begin(self, tasks: int | None = None) -> None:
        """Let the tasks of the newest execution start: all of them, or so many."""
        execution, found = self._newest()
        count = execution["taskCount"] if tasks is None else tasks
        execution["runningCount"] = count
        for task in found[:count]:
            task["startTime"] = self.now()

    def end(self, *codes: int) -> None:
        """Let the tasks end with these exit codes; a number that fails its task is -1 for a cancelled one."""
        execution, found = self._newest()
        for task, code in zip(found, codes, strict=True):
            task |= {"completionTime": self.now(), "lastAttemptResult": {"exitCode": code} if code else {}}
            if code > 0:
                text = f"Task {task['index']} failed with exit code {code}."
                task["conditions"] = [{"type": "Completed", "state": "CONDITION_FAILED", "message": text}]
        failed = sum(code > 0 for code in codes)
        execution |= {
            "runningCount": 0,
            "succeededCount": codes.count(0),
            "failedCount": failed,
            "completionTime": self.now(),
        }

    def _newest(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        name = list(self.executions)[-1]
        return self.executions[name], self.tasks[name]

    def _found(self, thing: dict[str, Any] | None) -> dict[str, Any]:
        if thing is None:
            raise NotFound("Google Cloud says: not found (404)")
        return thing

    def _create(self, id_: str, body: dict[str, Any]) -> dict[str, Any]:
        if id_ in self.jobs:
            raise Conflict(f"Google Cloud says: Resource '{id_}' already exists. (409)")
        if not _JOB_ID.fullmatch(id_):
            raise Failed(f"Google Cloud says: invalid job id {id_} (400)")
        return self._kept(id_, body, "create")

    def _kept(self, id_: str, body: dict[str, Any], verb: str) -> dict[str, Any]:
        name = f"{_PARENT.removeprefix('v2/')}/jobs/{id_}"
        said = self.judge({key: value for key, value in {**body, "name": name}.items() if key != "etag"})
        if said.refused or said.broken:
            raise Failed(f"Google Cloud says: {said.refused or said.broken} (400)")
        before = self.jobs.get(id_, {})
        self.jobs[id_] = {**before, **body, "name": name, "etag": f"etag-{len(self.calls)}"}
        return self._operation(f"{verb} {id_}")

    def _operation(self, call: str) -> dict[str, Any]:
        """Return an operation that is not done yet; it is when it is asked for."""
        self.calls.append(call)
        name = f"projects/acme-prod/locations/europe-west4/operations/{len(self.calls)}"
        error, self.refuse_next = self.refuse_next, ""
        self._pending[name] = {"name": name, "done": True} | ({"error": {"message": error}} if error else {})
        return {"name": name}

    def _of_job(self, method: str, name: str, body: Any) -> dict[str, Any]:
        id_, _, verb = name.partition(":")
        job = self._found(self.jobs.get(id_))
        if method == "GET":
            return job
        if method == "POST" and verb == "run":
            return self._run(job)
        if method == "PATCH":
            if body.get("etag") != job["etag"]:
                raise Conflict("Google Cloud says: the etag is no longer the current one (409)")
            return self._kept(id_, body, "change")
        assert method == "DELETE", (method, name)
        if any(each["job"] == id_ and not each.get("completionTime") for each in self.executions.values()):
            raise Failed("Google Cloud says: the job has running executions (400)")
        del self.jobs[id_]
        return self._operation(f"delete {id_}")

    def _run(self, job: dict[str, Any]) -> dict[str, Any]:
        id_ = job["name"].rpartition("/")[2]
        short = f"{id_}-{len(self.executions) + 1}"
        count = job["template"]["taskCount"]
        self.executions[short] = {"name": f"{job['name']}/executions/{short}", "job": id_, "taskCount": count}
        self.tasks[short] = [{"index": number} for number in range(count)]
        if self.names_executions:
            job["latestCreatedExecution"] = {"name": short}
        return {**self._operation(f"run {id_}"), "metadata": {"name": self.executions[short]["name"]}}

    def _of_execution(self, method: str, job: str, rest: str) -> dict[str, Any]:
        name, _, part = rest.partition("/")
        name, _, verb = name.partition(":")
        execution = self._found(self.executions.get(name))
        assert execution["job"] == job
        if part == "tasks":
            return {"tasks": self.tasks[name]}
        if verb == "cancel":
            assert method == "POST"
            for task in self.tasks[name]:
                task["completionTime"] = self.now()
            done = {"runningCount": 0, "cancelledCount": execution["taskCount"], "completionTime": self.now()}
            execution |= done
            return self._operation(f"cancel {name}")
        return execution

    def _logged(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["resourceNames"] == ["projects/acme-prod"]
        named = re.search(r'execution_name"="([^"]+)"', body["filter"])
        assert named
        found = [line for line in self.lines if line["execution"] == named[1]]
        return {"entries": [{"jsonPayload": line} for line in reversed(found)]}

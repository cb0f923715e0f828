"""A batch as a Cloud Run job: a task for each shard, from the image, size and secrets of the live service.

The job is made, run and deleted through the Cloud Run Admin API with the person's own login; its progress is
read from the lines of its log. Source: cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs,
RUNPB: google-cloud-run 0.16.2, run_v2/types. Times in seconds.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol, cast

from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.batch_run import (
    MESSAGE,
    BatchOrder,
    BatchProgress,
    BatchRun,
    BatchState,
    ShardLines,
)
from slipway.infra.targets.clock import CLOCK, Clock
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.cloud_run_job import job_body
from slipway.infra.targets.cloud_run_place import CloudRunPlace
from slipway.infra.targets.google_api import GoogleApi, NotFound

_POLL_SECONDS, _SETTLE_SECONDS = 2, 300
_PAGE = 1000


class ApiCall(Protocol):
    """A Google API: `GoogleApi`, or what stands in for one."""

    def __call__(self, method: str, path: str, query: Any = (), body: Any = None) -> dict[str, Any]: ...


class CloudRunBatch(BatchRun):
    """One batch at one place. run, log: the Admin API and Cloud Logging."""

    where: ClassVar[str] = "Cloud Run job"

    def __init__(
        self,
        place: CloudRunPlace,
        order: BatchOrder,
        say: Callable[[str], None],
        run: ApiCall | None = None,
        log: ApiCall | None = None,
        clock: Clock = CLOCK,
    ) -> None:
        self._place, self._order, self._say, self._clock = place, order, say, clock
        self._run = run or GoogleApi("RUN", "https://run.googleapis.com/")
        self._log = log or GoogleApi("LOGGING", "https://logging.googleapis.com/")
        self._parent = f"v2/projects/{place.project}/locations/{place.region}"
        self._name = f"{place.service}-{order.name}"
        self._path = f"{self._parent}/jobs/{self._name}"
        self._lines, self._begun = ShardLines(), ""

    def start(self) -> None:
        service = self._service()
        job = self._job()
        execution = self._execution(job) if job else None
        if execution and not execution.get("completionTime"):
            self._say(f"{self._name} runs already.")
            return
        body = job_body(self._place, self._order, service)
        account = at(body, "template", "template")["serviceAccount"]
        self._say(f"{self._name} runs as {account}, which must read the input and write the output.")
        if job:
            self._wait(self._run("PATCH", self._path, (), {**body, "etag": job.get("etag", "")}))
        else:
            self._wait(self._run("POST", f"{self._parent}/jobs", {"jobId": self._name}, body))
        # The operation describes the execution (RUNPB run_job), which the job itself may name a while later.
        begun = at(self._run("POST", f"{self._path}:run", (), {}), "metadata")
        self._begun, self._lines = str(begun.get("name", "")), ShardLines()

    def progress(self) -> BatchProgress:
        job = self._job()
        execution = self._execution(job) if job else None
        if execution is None:
            return BatchProgress(BatchState.WAITING, detail="the job has not started yet")
        tasks = self._tasks(execution)
        self._read_log(execution)
        state, running = _state(execution), int(execution.get("runningCount", 0))
        found = self._lines.progress(state, self._order.shards, running)
        seconds = sum(_seconds(task, self._clock.now()) for task in tasks)
        return BatchProgress(
            state,
            found.rows,
            found.rows_done,
            found.rows_failed,
            found.rows_per_second,
            found.seconds_left,
            running,
            seconds,
            _reason(execution, tasks),
            tuple(code for task in tasks if (code := _exit_code(task)) is not None),
        )

    def stop(self) -> None:
        """Cancel the execution: Cloud Run sends SIGTERM, and ends what is left after ten seconds."""
        job = self._job()
        execution = self._execution(job) if job else None
        if execution is None or execution.get("completionTime"):
            return
        path = f"v2/{execution['name']}"
        self._run("POST", f"{path}:cancel", (), {})
        until = self._clock.now() + _SETTLE_SECONDS
        while not self._run("GET", path).get("completionTime"):
            if self._clock.now() > until:
                raise Failed(f"{self._name} has not stopped within {_SETTLE_SECONDS} s.")
            self._clock.sleep(_POLL_SECONDS)

    def collect(self) -> None:
        try:
            self._wait(self._run("DELETE", self._path))
        except NotFound:
            return

    def log_command(self) -> str:
        flags = f"--project {self._place.project} --region {self._place.region}"
        return f"gcloud beta run jobs logs read {self._name} {flags}"

    def _service(self) -> dict[str, Any]:
        """Return the live service. Raises Refused where there is none."""
        try:
            return self._run("GET", f"{self._parent}/services/{self._place.service}")
        except NotFound:
            name = self._place.service
            raise Refused(f"{self._place.project} has no Cloud Run service {name}: run `up` first.") from None

    def _job(self) -> dict[str, Any] | None:
        try:
            return self._run("GET", self._path)
        except NotFound:
            return None

    def _execution(self, job: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the execution that was begun here, or else the newest of a job; None if it has none."""
        name = (self._begun or str(at(job, "latestCreatedExecution").get("name", ""))).rpartition("/")[2]
        return self._run("GET", f"{self._path}/executions/{name}") if name else None

    def _tasks(self, execution: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query = {"pageSize": str(_PAGE)}
        while True:
            page = self._run("GET", f"v2/{execution['name']}/tasks", query)
            found += cast("list[dict[str, Any]]", page.get("tasks", []))
            if not page.get("nextPageToken"):
                return found
            query = {"pageSize": str(_PAGE), "pageToken": str(page["nextPageToken"])}

    def _read_log(self, execution: Mapping[str, Any]) -> None:
        """Take the newest lines of progress, of which each shard writes one every few seconds."""
        name = str(execution["name"]).rpartition("/")[2]
        wanted = (
            f'resource.type="cloud_run_job" AND resource.labels.job_name="{self._name}" AND '
            f'labels."run.googleapis.com/execution_name"="{name}" AND jsonPayload.message="{MESSAGE}"'
        )
        body = {
            "resourceNames": [f"projects/{self._place.project}"],
            "filter": wanted,
            "orderBy": "timestamp desc",
            "pageSize": _PAGE,
        }
        entries = cast(
            "list[dict[str, Any]]", self._log("POST", "v2/entries:list", (), body).get("entries", [])
        )
        for entry in reversed(entries):
            self._lines.take(at(entry, "jsonPayload"))

    def _wait(self, operation: Mapping[str, Any]) -> None:
        """Wait until a change is made. Raises Failed with Google's reason if it is not."""
        until = self._clock.now() + _SETTLE_SECONDS
        while not operation.get("done"):
            if self._clock.now() > until:
                raise Failed(f"{self._name} was not changed within {_SETTLE_SECONDS} s.")
            self._clock.sleep(_POLL_SECONDS)
            operation = self._run("GET", f"v2/{operation['name']}")
        if error := at(operation, "error"):
            raise Failed(f"Google Cloud says: {error.get('message', 'the change failed')}")


def _state(execution: Mapping[str, Any]) -> BatchState:
    counts = {key: int(execution.get(f"{key}Count", 0)) for key in ("running", "succeeded", "cancelled")}
    if not execution.get("completionTime"):
        return BatchState.RUNNING if counts["running"] or counts["succeeded"] else BatchState.WAITING
    if counts["succeeded"] == int(execution.get("taskCount", 0)):
        return BatchState.COMPLETE
    return BatchState.STOPPED if counts["cancelled"] else BatchState.FAILED


def _seconds(task: Mapping[str, Any], now: float) -> float:
    """Return how long a task has run so far; retries are in it."""
    if not task.get("startTime"):
        return 0.0
    end = _time(task["completionTime"]) if task.get("completionTime") else now
    return max(0.0, end - _time(task["startTime"]))


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _exit_code(task: Mapping[str, Any]) -> int | None:
    """Return the exit code of a task that has ended; the API leaves a 0 out."""
    return int(at(task, "lastAttemptResult").get("exitCode", 0)) if task.get("completionTime") else None


def _reason(execution: Mapping[str, Any], tasks: list[dict[str, Any]]) -> str:
    """Return why an execution or a task failed, in Google's words; '' if nothing did."""
    for each in (execution, *tasks):
        for condition in cast("list[dict[str, Any]]", each.get("conditions", [])):
            if condition.get("state") == "CONDITION_FAILED" and condition.get("message"):
                return str(condition["message"])
    return ""

"""A batch on a cluster: an indexed Job, made and watched with the person's own login to `kubectl`.

The Job has the batch's name, so that another call of the command finds it. It is stopped by suspending it:
Kubernetes then ends its pods, which stop at a checkpoint. What is started again is a new Job; shards that are
complete end at once. Results and checkpoints are the containers' own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.batch_run import BatchOrder, BatchProgress, BatchRun, BatchState, ShardLines
from slipway.infra.targets.clock import CLOCK, Clock
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubectl import KubernetesPlace, kubectl, listed
from slipway.infra.targets.kubernetes_batch_job import INDEX_ANNOTATION, batch_job, job_name
from slipway.infra.targets.kubernetes_objects import Changed, ServiceObjects
from slipway.infra.targets.kubernetes_pods import ended, pod_seconds, running, why_waiting

_POLL_SECONDS = 2.0
# Beyond the grace period of a pod.
_END_SECONDS = 300.0
_TAIL = 20
# Pods that `kubectl logs` follows at once if it is told no number.
_FOLLOWED = 5
_JOB = "jobs.batch"


class KubernetesBatch(BatchRun):
    """One batch in the namespace of a stack's service."""

    where: ClassVar[str] = "Kubernetes Job"

    def __init__(
        self, place: KubernetesPlace, order: BatchOrder, say: Callable[[str], None], clock: Clock = CLOCK
    ) -> None:
        self._place, self._order, self._say, self._clock = place, order, say, clock
        self._objects, self._name = ServiceObjects(place), job_name(place.service, order)
        self._lines = ShardLines()

    def start(self) -> None:
        base = self._base()
        found = self._job()
        if found is not None:
            if _is_complete(found) or not (_has_ended(found) or at(found, "spec").get("suspend")):
                return
            self._say(f"Deleting the Job {self._name}, which ended or was stopped")
            self._delete()
        try:
            self._objects.create(batch_job(base, self._place.service, self._order))
        except Changed:
            raise Failed(f"Another command started {self._name} at the same moment.") from None
        self._lines = ShardLines()

    def progress(self) -> BatchProgress:
        job = self._job()
        if job is None:
            return BatchProgress(BatchState.FAILED, detail=f"The Job {self._name} is gone.")
        pods = self._pods()
        self._lines.read(self._log())
        now = self._clock.now()
        at_work = [pod for pod in pods if running(pod)]
        state = _state_of(job, bool(at_work))
        found = self._lines.progress(state, self._order.shards, len(at_work))
        return replace(
            found,
            instance_seconds=sum(pod_seconds(pod, now) for pod in pods),
            detail=_failure_of(job) or next((why for pod in pods if (why := why_waiting(pod))), ""),
            exit_codes=tuple(_exit_codes(pods)),
        )

    def stop(self) -> None:
        if self._job() is None:
            return
        patch = ["--type", "merge", "--patch", '{"spec":{"suspend":true}}']
        self._objects.run(["patch", f"{_JOB}/{self._name}", *patch])
        self._wait(lambda: not any(ended(pod) is None for pod in self._pods()), "its pods still run")

    def collect(self) -> None:
        """Delete a complete Job; one that failed stays for its pods' log, for a day or until it goes on."""
        job = self._job()
        if job is not None and _is_complete(job):
            self._delete()

    def log_command(self) -> str:
        flags = " ".join(self._place.flags)
        many = f"--max-log-requests {max(self._order.shards, _FOLLOWED)}"
        return f"kubectl logs {flags} --selector {self._selector} {many} --tail -1 --prefix --follow"

    @property
    def _selector(self) -> str:
        return f"batch.kubernetes.io/job-name={self._name}"

    def _base(self) -> Mapping[str, Any]:
        """Return the Deployment whose image a batch runs, the workers' if there is one. Raises Refused."""
        deployment = self._objects.deployment()
        if deployment is None:
            raise Refused(
                f"Namespace {self._place.namespace} has no {self._place.service}, whose image a batch runs: "
                "`slipway up`."
            )
        return self._objects.workers() or deployment

    def _job(self) -> dict[str, Any] | None:
        return self._objects.one(_JOB, self._name)

    def _pods(self) -> list[dict[str, Any]]:
        done = self._objects.run(["get", "pods", "--selector", self._selector, "--output", "json"])
        return listed(kubectl.object_of(done), "items")

    def _log(self) -> list[str]:
        """Return the last lines of every pod, the oldest first; none of one whose container has not begun."""
        arguments = ["logs", "--selector", self._selector, "--tail", f"{_TAIL}", "--ignore-errors"]
        done = kubectl([*arguments, "--timestamps", *self._place.flags])
        return [line.partition(" ")[2] for line in sorted(done.stdout.splitlines())]

    def _delete(self) -> None:
        patience = ["--wait=true", "--timeout", f"{_END_SECONDS:.0f}s"]
        options = ["--ignore-not-found", "--cascade=foreground", *patience]
        self._objects.run(["delete", f"{_JOB}/{self._name}", *options])

    def _wait(self, is_done: Callable[[], bool], otherwise: str) -> None:
        deadline = self._clock.now() + _END_SECONDS
        while not is_done():
            if self._clock.now() > deadline:
                raise Failed(f"The Job {self._name} was stopped, but {otherwise}: {self.log_command()}")
            self._clock.sleep(_POLL_SECONDS)


def _conditions(job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in listed(at(job, "status"), "conditions") if each.get("status") == "True")


def _has(job: Mapping[str, Any], *types: str) -> bool:
    return any(each.get("type") in types for each in _conditions(job))


def _is_complete(job: Mapping[str, Any]) -> bool:
    return _has(job, "Complete")


def _has_ended(job: Mapping[str, Any]) -> bool:
    return _has(job, "Complete", "Failed")


def _state_of(job: Mapping[str, Any], is_at_work: bool) -> BatchState:
    if _is_complete(job):
        return BatchState.COMPLETE
    if _has(job, "Failed"):
        return BatchState.FAILED
    if is_at_work:
        return BatchState.RUNNING
    return BatchState.STOPPED if at(job, "spec").get("suspend") else BatchState.WAITING


def _failure_of(job: Mapping[str, Any]) -> str:
    failed = (each for each in _conditions(job) if each.get("type") == "Failed")
    return next((str(each.get("message") or "") for each in failed), "")


def _exit_codes(pods: list[dict[str, Any]]) -> Iterator[int]:
    """Yield the exit code of each shard's newest pod that has ended."""
    newest: dict[str, int] = {}
    for pod in sorted(pods, key=lambda each: str(at(each, "metadata").get("creationTimestamp"))):
        code = ended(pod)
        if code is not None:
            newest[str(at(pod, "metadata", "annotations").get(INDEX_ANNOTATION))] = code
    yield from newest.values()

"""Asks Google Cloud about the workers of a Cloud Run service and their jobs, through `gcloud`."""

import json
from collections.abc import Mapping
from typing import Any, cast

from slipway.components.cloud_run.names import resource_filter, workers, workers_filter
from slipway.components.google.monitoring.jobs import LINE
from slipway.components.jobs.spec import DATABASE
from slipway.infra.errors import Failed
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.cloud_run_place import GCLOUD, CloudRunPlace
from slipway.infra.targets.job_words import worker_group

# A line comes once a minute; one that is older than this says nothing of now.
_FRESH = "10m"
_READY = {"True": "ready", "False": "failed"}


def log_filter(place: CloudRunPlace) -> str:
    """Return the filter of Cloud Logging for the lines of the service and of its workers."""
    return (
        f"({resource_filter(place.region, place.service)}) OR ({workers_filter(place.region, place.service)})"
    )


def takes_jobs(container: Mapping[str, Any]) -> bool:
    """Return whether a server's container has a job database."""
    return any(entry.get("name") == DATABASE for entry in container.get("env", []))


def jobs_of(place: CloudRunPlace) -> dict[str, Any]:
    """Return the numbers of the last line of jobs, None where there is none, and the workers.

    Raises Failed if gcloud cannot read them.
    """
    counted = _last_line(place)
    states = {state: counted.get(f"jobs_{state}") for state in ("waiting", "running", "set_aside")}
    return {**states, "oldest_seconds": counted.get("jobs_oldest_seconds"), "workers": _workers(place)}


def _last_line(place: CloudRunPlace) -> Mapping[str, Any]:
    wanted = f'({log_filter(place)}) AND jsonPayload.message="{LINE}"'
    options = ["--project", place.project, "--limit", "1", "--freshness", _FRESH, "--format", "json"]
    done = GCLOUD(["logging", "read", wanted, *options])
    if done.returncode:
        raise Failed(GCLOUD.said(done))
    entries: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return at(entries, 0, "jsonPayload")


def _workers(place: CloudRunPlace) -> list[dict[str, Any]]:
    """Return the worker pool, with its number of instances; nothing where there is none."""
    name = workers(place.service)
    flags = ["--project", place.project, "--region", place.region, "--format", "json"]
    done = GCLOUD(["run", "worker-pools", "describe", name, *flags])
    if done.returncode:
        if "NOT_FOUND" in done.stderr or "Cannot find" in done.stderr:
            return []
        raise Failed(GCLOUD.said(done))
    pool = GCLOUD.object_of(done.stdout)
    conditions = cast("list[dict[str, Any]]", at(pool, "status").get("conditions", []))
    ready = next((each for each in conditions if each.get("type") == "Ready"), dict[str, Any]())
    annotations = at(pool, "metadata", "annotations")
    wanted = int(annotations.get("run.googleapis.com/manualInstanceCount", 0))
    state = _READY.get(str(ready.get("status")), "starting")
    reason = None if ready.get("status") == "True" else ready.get("message")
    return [worker_group(name, None, wanted, state, None, reason)]

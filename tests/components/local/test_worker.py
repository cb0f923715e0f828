"""The worker of a local service: it computes jobs, comes back when it dies, and changes with the release."""

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.components.local import process, worker
from slipway.components.local.process import StartFailed
from slipway.components.local.provider import LocalProcessProvider
from slipway.infra.local.runner import SlipwayProvider
from slipway.infra.targets.job_words import job_words
from slipway.infra.targets.local_jobs import local_jobs
from slipway.infra.targets.logs import lines_of
from tests.components.local.rolling import started, until, updated


@pytest.fixture
def jobs_props(props: dict[str, Any]) -> dict[str, Any]:
    return {**props, "jobs": {"JOBS_PER_CALLER": "50"}, "worker_memory_gib": 0.75}


def the_worker(folder: Path) -> dict[str, Any]:
    [found] = worker.running_workers(folder)
    return found


def ended_job(outputs: dict[str, Any]) -> dict[str, Any]:
    """Hand a job in and return it when it has ended."""
    headers = {"Authorization": f"Bearer {outputs['api_key']}"}
    with httpx.Client(base_url=outputs["url"], headers=headers, timeout=60) as client:
        id = client.post("/jobs", json={"request": {"text": "x"}}).json()["id"]
        until(lambda: client.get(f"/jobs/{id}?wait=5").json()["ended_at"])
        return client.get(f"/jobs/{id}").json()


def test_a_service_that_takes_jobs_has_a_worker_with_its_own_limit_and_log(
    jobs_props: dict[str, Any], folder: Path
) -> None:
    outputs = started(jobs_props)
    assert ended_job(outputs)["state"] == "succeeded"
    found = the_worker(folder)
    assert (found["release"], found["state"]) == (1, "ready")
    record = process.ProcessRecord.read(folder / "releases/1/worker")
    assert record is not None
    assert record.limit_bytes == int(0.75 * 2**30)
    assert "Taking jobs" in "".join(lines_of(folder, 100, follow=False))
    for name in ("jobs.sqlite", "jobs.sqlite-wal"):
        assert (folder / name).stat().st_mode & 0o077 == 0
    server = process.running(folder)
    assert server is not None
    status = local_jobs(folder, server.server.process(), outputs["url"])
    assert status is not None
    assert f"pid {found['pid']} ready" in job_words(status)


def test_a_worker_that_dies_is_started_again(jobs_props: dict[str, Any], folder: Path) -> None:
    outputs = started(jobs_props)
    before = the_worker(folder)["pid"]
    os.kill(before, signal.SIGKILL)
    until(lambda: the_worker(folder)["pid"] not in (None, before))
    assert ended_job(outputs)["state"] == "succeeded"
    assert "SIGKILL" in "".join(lines_of(folder, 100, follow=False))


def test_a_worker_without_its_supervisor_is_replaced(jobs_props: dict[str, Any], folder: Path) -> None:
    """It computes on, but nobody would start it again, and nobody has its log."""
    outputs = started(jobs_props)
    record = process.ProcessRecord.read(folder / "releases/1/worker")
    assert record is not None
    os.kill(record.supervisor.pid, signal.SIGKILL)
    until(lambda: worker.running_workers(folder) == [])
    outputs = updated(outputs, jobs_props)
    assert the_worker(folder)["pid"] not in (None, record.server.pid)
    until(lambda: record.server.process() is None)
    assert ended_job(outputs)["state"] == "succeeded"


def test_the_worker_changes_with_the_release_and_no_job_is_lost_between_stop_and_start(
    jobs_props: dict[str, Any], folder: Path
) -> None:
    outputs = started(jobs_props)
    id = ended_job(outputs)["id"]
    outputs = updated(outputs, jobs_props, memory_gib=0.9)
    until(lambda: [each["release"] for each in worker.running_workers(folder)] == [2])
    assert ended_job(outputs)["state"] == "succeeded"
    process.stop(folder)
    assert worker.running_workers(folder) == []
    again = updated(outputs, {**jobs_props, "memory_gib": 0.9})
    shown = httpx.get(f"{again['url']}/jobs/{id}", headers={"Authorization": f"Bearer {again['api_key']}"})
    assert shown.json()["state"] == "succeeded"


@pytest.mark.long
def test_a_service_that_takes_no_more_jobs_has_no_worker(
    props: dict[str, Any], jobs_props: dict[str, Any]
) -> None:
    folder = Path(props["run_folder"])
    outputs = started(jobs_props)
    updated(outputs, props)
    until(lambda: worker.running_workers(folder) == [])
    assert (folder / "jobs.sqlite").is_file()


@pytest.mark.long
def test_a_worker_that_is_gone_is_a_change(jobs_props: dict[str, Any], folder: Path) -> None:
    outputs = started(jobs_props)
    provider: LocalProcessProvider = SlipwayProvider()
    assert not provider.diff("test", outputs, jobs_props).changes
    process.end(folder / "releases/1/worker")
    assert provider.diff("test", outputs, jobs_props).changes
    updated(outputs, jobs_props)
    assert the_worker(folder)["release"] == 1


@pytest.mark.long
def test_a_worker_that_cannot_start_is_reported_with_its_reason(
    jobs_props: dict[str, Any], folder: Path
) -> None:
    with pytest.raises(StartFailed, match=r"JOBS_TTL_SECONDS"):
        started({**jobs_props, "jobs": {"JOBS_TTL_SECONDS": "none"}})
    assert worker.running_workers(folder) == []


def test_the_key_of_webhooks_is_made_once_for_the_owner_alone(folder: Path) -> None:
    inputs = {"jobs": {"JOBS_WEBHOOK_HOSTS": "hooks.example.com"}}
    first = worker.jobs_environment(folder, inputs)["JOBS_WEBHOOK_SECRET"]
    assert first.startswith("whsec_")
    assert worker.jobs_environment(folder, inputs)["JOBS_WEBHOOK_SECRET"] == first
    assert (folder / "webhook-secret").stat().st_mode & 0o777 == 0o600
    assert "JOBS_WEBHOOK_SECRET" not in worker.jobs_environment(folder, {"jobs": {}})
    assert worker.jobs_environment(folder, {}) == {}

"""Changes of a live `CloudRunService` that takes jobs, in a project that enforces what Google enforces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pulumi_engine.live import Args, Changes, Live, each_of, lives
from tests.pulumi_engine.strict.google import google_account
from tests.pulumi_engine.test_cloud_run_changes import BROKEN_IMAGE, ELSEWHERE, program

pytestmark = pytest.mark.pulumi_engine

JOBS: dict[str, Any] = {"jobs": True}
FILES: dict[str, Any] = {**JOBS, "job_files": ["gs://acme-in/a/"], "job_results": "gs://acme-out/"}
EXISTING: dict[str, Any] = {
    **JOBS,
    "jobs_database": "projects/acme-prod/secrets/existing/versions/1",
}
SECRET, VERSION = "gcp:secretmanager/secret:Secret", "gcp:secretmanager/secretVersion:SecretVersion"
INSTANCES = "sql.DatabaseInstance"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run an engine on a project that has a secret alone; destroy what a test created."""
    account = google_account()
    account.create(SECRET, "existing secret", {"secretId": "existing", "project": "acme-prod"})
    version = {"secret": "projects/acme-prod/secrets/existing", "project": "acme-prod"}
    account.create(VERSION, "existing version", version)
    account.calls.clear()
    with lives(tmp_path, account, program, "gcp") as live:
        yield live
    assert account.left() == set()


CHANGES: Changes = {
    "jobs": ({}, JOBS),
    "an existing database": (JOBS, EXISTING),
    "other files": (FILES, {**FILES, "job_files": ["gs://acme-in/b/"]}),
    "no worker": (JOBS, {**JOBS, "min_workers": 0}),
}
LONG_CHANGES: Changes = {
    "jobs in another region": (JOBS, {**JOBS, **ELSEWHERE}),
    "jobs in another project": (JOBS, {**JOBS, "project": "acme-dev"}),
    "jobs under another name": (JOBS, {**JOBS, "name": "service"}),
    "files": (JOBS, FILES),
    "more workers": (JOBS, {**JOBS, "min_workers": 3, "worker_cpu": 2}),
    "a canary": (JOBS, {**JOBS, "rollout": "canary"}),
}
# What takes from a service what it starts with, before it is itself deleted.
MOVES = ("project", "region")


@each_of(CHANGES)
def test_a_change_of_jobs_that_failed_goes_on_or_is_taken_back(live: Live, one: Args, other: Args) -> None:
    live.fail_go_on_and_go_back(one, other)
    assert live.is_as_wanted(**one)
    assert not live.account.noticed or any(key in other for key in MOVES)


@pytest.mark.long
@each_of(LONG_CHANGES)
def test_a_longer_change_of_jobs_that_failed_goes_on_or_is_taken_back(
    live: Live, one: Args, other: Args
) -> None:
    live.fail_go_on_and_go_back(one, other)
    assert live.is_as_wanted(**one)
    assert not live.account.noticed or any(key in other for key in MOVES)


def test_jobs_are_turned_off_and_on_again_with_a_database_of_another_name(live: Live) -> None:
    live.up(**JOBS)
    [first] = live.account.of_kind(INSTANCES)
    live.up()
    assert live.account.of_kind(INSTANCES, "cloudrunv2.WorkerPool") == []
    live.up(**JOBS)
    [second] = live.account.of_kind(INSTANCES)
    assert first.inputs["name"] != second.inputs["name"]
    assert live.account.noticed == []


def test_a_protected_database_is_not_lost_by_turning_jobs_off(live: Live) -> None:
    live.up(**JOBS, deletion_protection=True)
    assert "cannot be deleted" in live.preview(deletion_protection=True, ok=False)
    assert "cannot be deleted" in live.fails()
    assert len(live.account.of_kind(INSTANCES)) == 1
    live.up(**JOBS)
    live.up()
    assert live.is_as_wanted()


def test_workers_keep_their_version_when_the_next_one_does_not_start(live: Live) -> None:
    live.up(**JOBS)
    [pool] = live.account.of_kind("cloudrunv2.WorkerPool")
    before = pool.inputs
    assert "not found" in live.fails(**JOBS, image_ref=BROKEN_IMAGE)
    assert pool.inputs == before
    live.up(**JOBS)
    assert live.is_as_wanted(**JOBS)

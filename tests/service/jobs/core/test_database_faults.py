"""What callers get while the database is away, full or not theirs, and that it is over afterwards."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from bench.postgresql import Missing, running_postgresql
from slipway.service.faults import BadSettings, JobsDatabaseUnusable, JobsUnavailable
from slipway.service.jobs import NewJob, OneInput
from slipway.service.jobs.database import address_of, engine_of, is_full, passes, reason_of
from slipway.service.jobs.database_store import DatabaseStore

JOB = NewJob("default", "/predict", OneInput(b"{}"))


def store_at(address: str) -> DatabaseStore:
    url = address_of(address)
    return DatabaseStore(url, engine_of(url, 4), 1000, 3600)


async def test_a_database_that_is_away_refuses_jobs_until_it_is_back():
    try:
        with running_postgresql() as postgresql:
            store = store_at(postgresql.address)
            await store.accept(JOB)
            postgresql.kill()
            with pytest.raises(JobsUnavailable, match="does not answer") as away:
                await store.accept(JOB)
            assert away.value.retry_after_seconds
            with pytest.raises(JobsUnavailable):
                await store.counts()
            postgresql.wait_until_up()
            await store.accept(JOB)
            assert (await store.counts()).waiting == 2
            store.close()
            store.engine.dispose()
    except Missing as missing:
        pytest.skip(str(missing))


async def test_a_full_disk_is_named_and_loses_no_accepted_job(tmp_path: Path):
    store = store_at(f"sqlite:///{tmp_path}/jobs.sqlite")
    store.prepare()

    @event.listens_for(store.engine, "connect")
    def limited(connection: Any, _: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.execute("PRAGMA max_page_count=150")

    store.engine.dispose()
    kept: list[str] = []
    large = NewJob("default", "/predict", OneInput(b"x" * 20_000))
    with pytest.raises(JobsUnavailable, match="no room left on its disk"):
        await until_refused(store, large, kept)
    assert kept
    assert {job.id for job in (await store.page("default", limit=200)).jobs} == set(kept)
    store.close()
    store.engine.dispose()


async def until_refused(store: DatabaseStore, job: NewJob, kept: list[str]) -> None:
    for _ in range(100):
        kept.append((await store.accept(job)).id)


def test_a_full_disk_of_postgresql_passes():
    error = OperationalError(
        "", {}, psycopg.errors.DiskFull("could not extend file: No space left on device")
    )
    assert passes(error)
    assert is_full(error)


def test_a_database_that_does_not_let_the_service_in_says_so():
    try:
        with running_postgresql() as postgresql:
            address = f"{postgresql.address.rpartition('/')[0]}/postgres?user=stranger"
            store = store_at(address)
            with pytest.raises(JobsDatabaseUnusable, match=r'JOBS_DATABASE: .*"stranger" does not exist'):
                store.prepare()
    except Missing as missing:
        pytest.skip(str(missing))


def test_a_directory_that_is_not_there_is_told_as_unavailable(tmp_path: Path):
    store = store_at(f"sqlite:///{tmp_path}/absent/jobs.sqlite")
    with pytest.raises(JobsUnavailable):
        store.prepare()


def test_an_address_that_cannot_be_read_is_refused():
    with pytest.raises(BadSettings, match="percent-encode"):
        address_of("postgresql://user@host:port/name")


async def test_a_deleted_file_takes_no_jobs_that_would_end_with_the_process(tmp_path: Path):
    """Also not a new, empty file at its place; put back, the file is used again."""
    store = store_at(f"sqlite:///{tmp_path}/jobs.sqlite")
    kept = await store.accept(JOB)
    files = sorted(tmp_path.glob("jobs.sqlite*"))
    (tmp_path / "away").mkdir()
    for file in files:
        file.rename(tmp_path / "away" / file.name)
    for _ in range(2):
        with pytest.raises(JobsUnavailable):
            await store.accept(JOB)
    with pytest.raises(JobsUnavailable) as away:
        await store.counts()
    assert "deleted" in reason_of(away.value.__cause__ or away.value)
    assert list(tmp_path.glob("jobs.sqlite")) == []
    (tmp_path / "jobs.sqlite").touch()
    with pytest.raises(JobsUnavailable):
        await store.accept(JOB)
    for file in files:
        (tmp_path / "away" / file.name).rename(file)
    other = await store.accept(JOB)
    assert {job.id for job in (await store.page("default")).jobs} == {kept.id, other.id}
    store.close()
    store.engine.dispose()


async def test_a_file_that_cannot_be_written_refuses_jobs(tmp_path: Path):
    store = store_at(f"sqlite:///{tmp_path}/jobs.sqlite")
    store.prepare()

    @event.listens_for(store.engine, "connect")
    def limited(connection: Any, _: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.execute("PRAGMA query_only=ON")

    store.engine.dispose()
    with pytest.raises(JobsUnavailable):
        await store.accept(JOB)
    store.close()
    store.engine.dispose()

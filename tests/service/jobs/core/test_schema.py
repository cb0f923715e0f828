"""The tables are made once, and tables that this version cannot use are refused with the reason."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from slipway.service.faults import JobsDatabaseUnusable
from slipway.service.jobs import NewJob, OneInput, schema
from slipway.service.jobs.database import address_of, engine_of
from slipway.service.jobs.database_store import DatabaseStore
from slipway.service.jobs.schema import VERSIONS, prepare
from slipway.service.jobs.transactions import writing

from .conftest import OpenStore


def test_several_processes_may_prepare_a_database_at_once(empty_address: str):
    engines = [engine_of(address_of(empty_address), 1) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prepare, engines))
    with engines[0].connect() as connection:
        assert connection.execute(sa.select(VERSIONS)).all() == [(schema.VERSION, schema.READABLE_FROM)]
    for engine in engines:
        engine.dispose()


def test_tables_of_a_later_version_are_refused_where_this_one_cannot_use_them(
    open_store: OpenStore, engine: sa.Engine
):
    with writing(engine) as connection:
        connection.execute(sa.update(VERSIONS).values(version=9, readable_from=8))
    with pytest.raises(
        JobsDatabaseUnusable, match=r"version 9.*with version 1, cannot use.*version 8 or later"
    ):
        open_store()
    with writing(engine) as connection:
        connection.execute(sa.update(VERSIONS).values(version=9, readable_from=1))
    open_store()  # as during a rollout, or after one was taken back
    with engine.connect() as connection:
        assert connection.execute(sa.select(VERSIONS.c.version)).scalar() == 9


def test_tables_of_an_earlier_version_are_brought_up_to_date(
    monkeypatch: pytest.MonkeyPatch, open_store: OpenStore, engine: sa.Engine
):
    def noted(dialect: Dialect) -> list[str]:
        del dialect
        return ["ALTER TABLE slipway_jobs ADD COLUMN note text"]

    later = (*schema.CHANGES, noted)
    monkeypatch.setattr(schema, "CHANGES", later)
    monkeypatch.setattr(schema, "VERSION", len(later))
    open_store()
    columns = {column["name"] for column in sa.inspect(engine).get_columns("slipway_jobs")}
    assert "note" in columns


async def test_an_autoscaler_reads_the_open_jobs_in_postgresql(store: DatabaseStore, engine: sa.Engine):
    if engine.dialect.name != "postgresql":
        pytest.skip("the view is for autoscalers that ask PostgreSQL")
    view = sa.text("SELECT waiting, running, oldest_seconds FROM slipway_jobs_open")
    with engine.connect() as connection:
        assert connection.execute(view).all() == [(0, 0, 0.0)]
    await store.accept(NewJob("default", "/predict", OneInput(b"{}")))
    with engine.connect() as connection:
        [(waiting, running, oldest)] = connection.execute(view)
    assert (waiting, running) == (1, 0)
    assert 0 <= oldest < 60

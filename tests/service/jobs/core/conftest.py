"""A new store for each test, on each of the two databases."""

import asyncio
import inspect
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from slipway.service.jobs.database import address_of, engine_of
from slipway.service.jobs.database_store import DatabaseStore
from tests.service.jobs.databases import KINDS, Database, engine_to, running

OpenStore = Callable[..., DatabaseStore]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine on an event loop of its own."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    asyncio.run(test(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(scope="package", params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with running(request.param, tmp_path_factory.mktemp("database")) as found:
        yield found


@pytest.fixture(scope="package")
def template(database: Database, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a database with its tables, to be copied; making them takes a second."""
    if database.kind == "sqlite":
        address = f"sqlite:///{tmp_path_factory.mktemp('template')}/jobs.sqlite"
    else:
        address = _created(database, "template_of_tests", None)
    url = address_of(address)
    store = DatabaseStore(url, engine_of(url, 4), 1000, 3600)
    store.prepare()
    store.close()
    store.engine.dispose()
    return address


def _created(database: Database, name: str, template: str | None) -> str:
    engine = engine_to(database)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        of = f' TEMPLATE "{template}"' if template else ""
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"{of}')
    engine.dispose()
    return address_of(database.address).set(database=name, drivername="postgresql").render_as_string(False)


@pytest.fixture
def empty_address(database: Database, tmp_path: Path) -> str:
    """Return the address of a database without tables."""
    if database.kind == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.sqlite"
    return _created(database, f"test_{uuid4().hex}", None)


@pytest.fixture
def address(database: Database, template: str, tmp_path: Path) -> str:
    """Return the address of a database without jobs."""
    if database.kind == "sqlite":
        shutil.copy(template.removeprefix("sqlite:///"), tmp_path / "jobs.sqlite")
        return f"sqlite:///{tmp_path}/jobs.sqlite"
    return _created(database, f"test_{uuid4().hex}", "template_of_tests")


@pytest.fixture
def open_store(address: str) -> Iterator[OpenStore]:
    """Return what opens a store on the test's database."""
    opened: list[DatabaseStore] = []

    def opening(jobs_per_caller: int = 1000, ttl_seconds: int = 3600) -> DatabaseStore:
        url = address_of(address)
        store = DatabaseStore(url, engine_of(url, 4), jobs_per_caller, ttl_seconds)
        opened.append(store)
        store.prepare()
        return store

    yield opening
    for store in opened:
        store.close()
        store.engine.dispose()


@pytest.fixture
def store(open_store: OpenStore) -> DatabaseStore:
    return open_store()


@pytest.fixture
def engine(store: DatabaseStore) -> sa.Engine:
    return store.engine

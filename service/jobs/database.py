"""Connections to the database of jobs, and what its errors mean. Its clock is the one that jobs go by."""

import os
import re
import sqlite3
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ..faults import BadSettings, JobsUnavailable

RETRY_AFTER_SECONDS = 5
# A database that does not answer for so long is away; PostgreSQL's own limits are minutes to hours.
CONNECT_SECONDS, SILENT_SECONDS, STATEMENT_SECONDS = 3, 10, 20
BUSY_SECONDS = 10
# What an operator has to mend: no wait helps. libpq gives no code for what ends a connection at its start.
_REFUSED = re.compile(
    "authentication failed|does not exist|no pg_hba.conf entry|permission denied|not permitted|certificate",
    re.IGNORECASE,
)
_FULL = re.compile("disk is full|disk full|no space left", re.IGNORECASE)
_PASSING_SQLITE = re.compile(
    "locked|disk is full|disk I/O error|unable to open database file|readonly database", re.IGNORECASE
)
_LOST = (
    "unable to open database file: it was deleted, or another is in its place; put it back, or end the "
    "service and start it again"
)
# PostgreSQL's classes of errors that pass: connections, resources, an operator's stop, serialisation; and
# read-only, of a standby that is being promoted (postgresql.org/docs/current/errcodes-appendix.html).
_PASSING_POSTGRESQL = ("08", "53", "57", "40", "25006")


class now(FunctionElement[float]):  # noqa: N801 - written as SQL's functions are
    """The database's clock, in seconds since 1970."""

    type = cast(Any, sa.Double())  # the class that it overrides is wider than what it holds
    inherit_cache = True


@compiles(now, "sqlite")
def _now_of_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    del element, compiler, kwargs
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _now_of_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    del element, compiler, kwargs
    return "extract(epoch from clock_timestamp())::double precision"


def address_of(address: str, password: str = "") -> sa.URL:
    """Return the address for SQLAlchemy, with the password where it has none.

    Raises BadSettings for an address that cannot be read.
    """
    try:
        url = sa.make_url(address)
    except (ArgumentError, ValueError):
        raise BadSettings(
            "JOBS_DATABASE: the address cannot be read; write postgresql://user@host:port/name and "
            "percent-encode what is special in user and password."
        ) from None
    if url.get_backend_name() == "sqlite":
        return url
    url = url.set(drivername="postgresql+psycopg")
    return url.set(password=password) if password and not url.password else url


def engine_of(
    url: sa.URL, connections: int, is_durable: bool = True, pool_seconds: float = STATEMENT_SECONDS
) -> sa.Engine:
    """Return an engine; nothing connects yet.

    is_durable: a commit is on the disk when it returns. False: it may be lost with the machine's power, but
    never with a process, and what is committed later is never kept without it. pool_seconds: how long a
    thread waits for a connection while all are in use.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, connections, is_durable, pool_seconds)
    arguments = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": SILENT_SECONDS * 1000,
        "keepalives_idle": SILENT_SECONDS,
        "application_name": "slipway",
        "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c idle_in_transaction_session_timeout=60s",
    }
    return sa.create_engine(
        url,
        connect_args=arguments,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=pool_seconds,
        pool_pre_ping=True,
        pool_recycle=1800,
    )


def _sqlite(url: sa.URL, connections: int, is_durable: bool, pool_seconds: float) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=pool_seconds,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepared(connection: Any, record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        del record
        connection.isolation_level = "IMMEDIATE"  # writers wait for each other at their start
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")

    _refuse_a_lost_file(engine, url.database or "")
    return engine


def _refuse_a_lost_file(engine: sa.Engine, path: str) -> None:
    """Use no connection, and make none, once the file of the first one is not at its path any more.

    SQLite would write on into a deleted file, or make an empty one: what is accepted then is lost later.
    """
    known: list[tuple[int, int]] = []

    def check(*_: Any) -> None:
        found = _identity(path)
        if known and found != known[0]:
            raise OperationalError(None, None, sqlite3.OperationalError(_LOST))
        if not known and found is not None:
            known.append(found)

    event.listen(engine, "do_connect", check)
    event.listen(engine, "checkout", check)


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file from another that is put in its place; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def passes(error: BaseException) -> bool:
    """Return whether a database error may be gone after a while: it is away, restarts, or has no room."""
    if isinstance(error, TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_PASSING_POSTGRESQL)
    if type(error.orig).__module__.startswith("sqlite3"):
        return isinstance(error, OperationalError) and bool(_PASSING_SQLITE.search(str(error.orig)))
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def is_refused(error: BaseException) -> bool:
    """Return whether the database is there, and does not let this service in."""
    return isinstance(error, DBAPIError) and bool(_REFUSED.search(str(error.orig)))


def unavailable(error: BaseException) -> JobsUnavailable:
    """Return what a caller gets while the database cannot be used."""
    reason = "has no room left on its disk" if is_full(error) else "does not answer"
    return JobsUnavailable(f"the database of jobs {reason}", retry_after_seconds=RETRY_AFTER_SECONDS)


def is_full(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and bool(_FULL.search(str(error.orig)))


def reason_of(error: BaseException) -> str:
    """Return why the database cannot be used, in one line without the statement and its values."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    return str(orig).strip().partition("\n")[0][:300]

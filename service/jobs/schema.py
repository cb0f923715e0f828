"""The tables of jobs next to those of DBOS, in the same database and so in the same transactions.

Each change of the tables is one more entry of CHANGES. It must leave the tables usable for the servers of the
version before, because both run during a rollout; where it cannot, READABLE_FROM rises with it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from ..faults import JobsDatabaseUnusable
from .database import now

# The oldest version of the code, by the number of its CHANGES, that can use these tables.
READABLE_FROM = 1
# Any number that the other programs of a database do not lock by.
LOCK = 7_141_527_001

METADATA = sa.MetaData()

VERSIONS = sa.Table(
    "slipway_jobs_schema",
    METADATA,
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("readable_from", sa.Integer, nullable=False),
)

JOBS = sa.Table(
    "slipway_jobs",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("caller", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    # The worker that has the job; a number of its attempts is another claim of the same worker.
    sa.Column("owner", sa.Text),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sa.Column("expires", sa.Double),
    sa.Column("result", sa.LargeBinary),
    sa.Column("result_file", sa.Text),
    sa.Column("problem", sa.LargeBinary),
    sa.Column("webhook", sa.Text),
    sa.Column("webhook_due", sa.Double),
    sa.Column("webhook_tries", sa.Integer, nullable=False),
)

# Apart from the job, so that its states are written without its body.
INPUTS = sa.Table(
    "slipway_job_inputs",
    METADATA,
    sa.Column("id", sa.Text, sa.ForeignKey(JOBS.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("input", sa.LargeBinary, nullable=False),
)

WORKERS = sa.Table(
    "slipway_workers",
    METADATA,
    sa.Column("executor", sa.Text, primary_key=True),
    sa.Column("beats", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
)

_IS_OPEN = JOBS.c.state.in_(("waiting", "running"))
_INDEXES = (
    sa.Index(
        "slipway_jobs_key",
        JOBS.c.caller,
        JOBS.c.idempotency_key,
        unique=True,
        sqlite_where=JOBS.c.idempotency_key.isnot(None),
        postgresql_where=JOBS.c.idempotency_key.isnot(None),
    ),
    sa.Index(
        "slipway_jobs_open_of", JOBS.c.caller, JOBS.c.state, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN
    ),
    sa.Index("slipway_jobs_newest", JOBS.c.caller, JOBS.c.created, JOBS.c.id),
    sa.Index("slipway_jobs_state", JOBS.c.state, JOBS.c.created),
    sa.Index("slipway_jobs_expires", JOBS.c.expires),
    sa.Index(
        "slipway_jobs_webhook",
        JOBS.c.webhook_due,
        sqlite_where=JOBS.c.webhook_due.isnot(None),
        postgresql_where=JOBS.c.webhook_due.isnot(None),
    ),
)
_VIEW = """
    CREATE VIEW slipway_jobs_open AS SELECT
        count(*) FILTER (WHERE state = 'waiting') AS waiting,
        count(*) FILTER (WHERE state = 'running') AS running,
        coalesce(max({now} - created) FILTER (WHERE state = 'waiting'), 0)::double precision AS oldest_seconds
    FROM slipway_jobs WHERE state IN ('waiting', 'running')
"""


def _first_tables(dialect: Dialect) -> Sequence[str]:
    statements = [str(CreateTable(table).compile(dialect=dialect)) for table in (JOBS, INPUTS, WORKERS)]
    statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in _INDEXES]
    if dialect.name == "postgresql":
        statements.append(_VIEW.format(now=now().compile(dialect=dialect)))
    return statements


CHANGES = (_first_tables,)
VERSION = len(CHANGES)


def prepare(engine: sa.Engine) -> None:
    """Create the tables, or bring them up to this version. Several processes may do so at once.

    Raises JobsDatabaseUnusable for the tables of a later version that this one cannot use.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:  # kept in the file; readers do not wait for the writer then
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        _bring_up(connection)


def _bring_up(connection: sa.Connection) -> None:
    VERSIONS.create(connection, checkfirst=True)
    found = connection.execute(sa.select(VERSIONS.c.version, VERSIONS.c.readable_from)).first()
    version, readable_from = found or (0, 0)
    if readable_from > VERSION:
        raise JobsDatabaseUnusable(
            f"JOBS_DATABASE: its tables have version {version}, which this service, with version {VERSION}, "
            f"cannot use; allowed: a service with version {readable_from} or later. Deploy the newer version "
            "again, or take another database."
        )
    if version >= VERSION:
        return
    for change in CHANGES[version:]:
        for statement in change(connection.dialect):
            connection.exec_driver_sql(statement)
    connection.execute(sa.delete(VERSIONS))
    connection.execute(sa.insert(VERSIONS).values(version=VERSION, readable_from=READABLE_FROM))

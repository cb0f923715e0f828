"""DBOS as this service uses it: one application, one fixed version, one queue, JSON alone.

DBOS gives a workflow only to executors of the version that it belongs to, and computes that version from the
source of the workflows by default: a deploy would leave the open jobs to nobody. So the version is fixed; it
changes only if a workflow of the old code could not be run by the new one.
"""

from collections.abc import Sequence
from typing import Any, Never

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from dbos._serialization import DefaultSerializer
from sqlalchemy.exc import ProgrammingError

from ..faults import JobsDatabaseUnusable
from .database import reason_of

APPLICATION = "slipway"
APPLICATION_VERSION = "jobs-1"
QUEUE = "slipway-jobs"
WORKFLOW = "slipway-job"


def _refuse(*_: Any) -> Never:
    raise ValueError("a pickled value in the database of jobs is not loaded; only JSON is")


# The serializer that DBOS is given is for what it writes. What it reads is loaded as the row itself says, and
# that may be pickle (dbos/_serialization.py, deserialize_args): so pickle is taken from it altogether.
DefaultSerializer.deserialize = _refuse  # pyright: ignore[reportAttributeAccessIssue]


def migrate(url: sa.URL) -> None:
    """Create DBOS's tables, or bring them up to date. Raises JobsDatabaseUnusable if they cannot be."""
    try:
        DBOS.migrate(url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False))
    except ProgrammingError as error:  # above all, that the user may not create a schema
        raise JobsDatabaseUnusable(
            f"JOBS_DATABASE: the tables of DBOS cannot be created: {reason_of(error)}. Allow the user to "
            "create a schema in this database."
        ) from None


def client_of(engine: sa.Engine) -> DBOSClient:
    """Return a client that enqueues, and that raises while the database is away."""
    return DBOSClient(
        system_database_engine=engine,
        serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
        lazy=True,
        retry_connection_errors=False,
    )


def pending(client: DBOSClient) -> dict[str, str]:
    """Return the workflows that executors have, and which executor has each."""
    workflows = client.list_workflows(
        status="PENDING", name=WORKFLOW, load_input=False, load_output=False, queues_only=False
    )
    return {each.workflow_id: each.executor_id or "" for each in workflows}


def resume(client: DBOSClient, ids: Sequence[str]) -> None:
    """Put workflows back into the queue; one that has ended, or is gone, stays so."""
    if not ids:
        return
    there = client.list_workflows(workflow_ids=list(ids), load_input=False, load_output=False)
    client.resume_workflows([each.workflow_id for each in there], queue_name=QUEUE)


def forget(client: DBOSClient, ids: Sequence[str]) -> None:
    """Delete workflows."""
    client.delete_workflows(list(ids))

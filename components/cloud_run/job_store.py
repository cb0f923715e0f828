"""Where a service on Cloud Run keeps its jobs: a database of its own in Cloud SQL, or one that is there.

Owns the database where none is given, and the right of the service and its workers to connect. A database of
Cloud SQL is mounted at /cloudsql; any other is reached by the address in the given secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_gcp as gcp

from ..google.cloud_sql import DatabaseHome, PostgresDatabase, connecting_grant, postgres_database
from ..jobs.spec import DATABASE
from .spec import CloudRunSpec

_PASSWORD = f"{DATABASE}_PASSWORD"


@dataclass(frozen=True, slots=True)
class JobConnection:
    """A job database, as those see it who connect.

    environment, secret_values, references: variables of every process that works with jobs. connection: the
    instance to mount, `project:region:instance`; None for none. place: its project and its name.
    """

    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    secret_values: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    references: Mapping[str, str] = field(default_factory=dict[str, str])
    connection: pulumi.Input[str] | None = None
    place: tuple[pulumi.Input[str], pulumi.Input[str]] = ("", "")


def job_store(spec: CloudRunSpec, parent: pulumi.Resource, apis: list[pulumi.Resource]) -> JobConnection:
    """Return where the jobs are kept, and create it where the arguments name nothing; empty without jobs."""
    if not spec.jobs.jobs:
        return JobConnection()
    if spec.jobs.jobs_database:
        return _existing(spec)
    home = DatabaseHome(
        *(spec.name, spec.project, spec.region, spec.service.labels, parent, tuple(apis)),
        protect=spec.deletion_protection,
    )
    return _own(spec, postgres_database(home))


def _own(spec: CloudRunSpec, made: PostgresDatabase) -> JobConnection:
    return JobConnection(
        {**spec.jobs.environment, DATABASE: made.address},
        {_PASSWORD: made.password},
        connection=made.connection,
        place=(spec.project, made.instance),
    )


def _existing(spec: CloudRunSpec) -> JobConnection:
    named = spec.jobs_database_instance
    project, _, instance = named.rsplit(":", 2) if named else ("", "", "")
    return JobConnection(
        spec.jobs.environment,
        references={DATABASE: spec.jobs.jobs_database},
        connection=named or None,
        place=(project, instance),
    )


def connecting_grants(
    store: JobConnection, accounts: Mapping[str, gcp.serviceaccount.Account], parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """Let accounts connect to a mounted instance. accounts: by the name that their grants begin with."""
    if store.connection is None:
        return []
    return [
        connecting_grant(f"{name}-jobs-client", *store.place, account.member, parent)
        for name, account in accounts.items()
    ]

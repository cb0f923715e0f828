"""A small PostgreSQL database of one service in Cloud SQL, which only Cloud SQL's own connectors reach.

Owns the instance and the password of its first user, who has its first database. Grants the right to connect;
what connects mounts the instance at /cloudsql, and needs nothing else.
DOCS: docs.cloud.google.com/sql/docs/postgres. PGCP: pulumi-gcp 10.2.0, sql.
"""

# Else the annotations import all of `gcp.sql`, for those who keep nothing there.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
import pulumi_random as random

from ..content_hash import shortened
from ..drawn_names import SUFFIX_CHARACTERS, drawn_name

API = "sqladmin.googleapis.com"
CLIENT = "roles/cloudsql.client"
# DOCS/db-versions: supported until 2029. From 16 on an instance is of the edition ENTERPRISE_PLUS where it
# names none, and that has no shared cores: PGCP DatabaseInstanceSettingsArgs.edition.
VERSION, EDITION = "POSTGRES_17", "ENTERPRISE"
# A shared core, 1.7 GB of memory and 50 connections: DOCS/quotas#maximum_concurrent_connections.
TIER = "db-g1-small"
SOCKETS = "/cloudsql"
# Every instance comes with both: DOCS/users, DOCS/create-manage-databases. A database and a user of one's own
# would leave the state before the instance does, and be in the way when a deletion that failed is taken back.
DATABASE = USER = "postgres"
# unix(7): a socket's path has 108 bytes with the NUL at its end. PostgreSQL and the mount take some of them.
_SOCKET_BYTES = 107
_AROUND_BYTES = len(f"{SOCKETS}//.s.PGSQL.5432")
# The longest names of a project without a domain and of a region, with colons: components/google/limits.py.
_PLACE_BYTES = 30 + 1 + 23 + 1
_NAME_CHARACTERS = _SOCKET_BYTES - _AROUND_BYTES - _PLACE_BYTES - SUFFIX_CHARACTERS
_PASSWORD_CHARACTERS = 40
# An instance takes ten minutes to be made, and longer on a busy day.
_TIMEOUTS = pulumi.CustomTimeouts(create="40m", update="40m", delete="40m")


@dataclass(frozen=True, slots=True)
class DatabaseHome:
    """Where the database of one service is created. after: what it waits for. protect: it from deletion."""

    service: str
    project: pulumi.Input[str]
    region: str
    labels: Mapping[str, str]
    parent: pulumi.Resource
    after: tuple[pulumi.Resource, ...]
    protect: bool


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A database, as those see it who connect.

    connection: `project:region:instance`. address: without the password. instance: its name.
    """

    connection: pulumi.Output[str]
    address: pulumi.Output[str]
    password: pulumi.Output[str]
    instance: pulumi.Output[str]


def base_name(service: str) -> str:
    """Return the beginning of the instance's name, short enough for the path of its socket everywhere."""
    name = f"{service}-jobs"
    return name if len(name) <= _NAME_CHARACTERS else shortened(name, _NAME_CHARACTERS, name)


def socket_path(connection: str) -> str:
    """Return the path of the socket at which a mounted instance answers."""
    return f"{SOCKETS}/{connection}/.s.PGSQL.5432"


def fits_a_socket(connection: str) -> bool:
    return len(socket_path(connection).encode()) <= _SOCKET_BYTES


def postgres_database(home: DatabaseHome) -> PostgresDatabase:
    """Create the instance.

    The name of a deleted instance was long taken for up to a week; DOCS/delete-instance now says that it is
    free at once. It is drawn, so that neither matters when jobs are turned off and on again.
    """
    password = _password(home)
    instance = _instance(home, password)
    connection = instance.connection_name
    address = pulumi.Output.concat(f"postgresql://{USER}@/{DATABASE}?host={SOCKETS}/", connection)
    return PostgresDatabase(connection, address, password, instance.name)


def _instance(home: DatabaseHome, password: pulumi.Output[str]) -> gcp.sql.DatabaseInstance:
    name = f"{home.service}-jobs-database"
    place = {"project": home.project, "region": home.region}
    return gcp.sql.DatabaseInstance(
        name,
        name=drawn_name(name, base_name(home.service), place, home.parent),
        project=home.project,
        region=home.region,
        database_version=VERSION,
        root_password=password,
        deletion_protection=home.protect,
        settings=_settings(home),
        opts=pulumi.ResourceOptions(
            parent=home.parent,
            depends_on=list(home.after),
            ignore_changes=["name"],
            additional_secret_outputs=["rootPassword"],
            custom_timeouts=_TIMEOUTS,
            # The provider refuses only once it deletes; with this the preview refuses it.
            protect=home.protect,
        ),
    )


def _settings(home: DatabaseHome) -> gcp.sql.DatabaseInstanceSettingsArgsDict:
    """Return the settings: an address that takes no connection but those of Google's connectors.

    The connector of Cloud Run reaches an instance by its public address, or, in a network of the project, by
    a private one: DOCS/connect-run. Nobody else gets in: no network is authorised, and what is no connector
    is refused before it may name a user (DOCS/connect-connectors, connectorEnforcement).
    """
    settings: gcp.sql.DatabaseInstanceSettingsArgsDict = {
        "tier": TIER,
        "edition": EDITION,
        "availability_type": "ZONAL",
        "disk_type": "PD_SSD",
        "disk_autoresize": True,
        "connector_enforcement": "REQUIRED",
        "ip_configuration": {"ipv4_enabled": True, "ssl_mode": "ENCRYPTED_ONLY"},
        "backup_configuration": {
            "enabled": True,
            "start_time": "03:00",
            "point_in_time_recovery_enabled": True,
            "transaction_log_retention_days": 7,
        },
        # The same protection against whoever deletes it elsewhere.
        "deletion_protection_enabled": home.protect,
    }
    return {**settings, "user_labels": dict(home.labels)} if home.labels else settings


def _password(home: DatabaseHome) -> pulumi.Output[str]:
    created = random.RandomPassword(
        f"{home.service}-jobs-password",
        length=_PASSWORD_CHARACTERS,
        special=False,
        opts=pulumi.ResourceOptions(parent=home.parent),
    )
    return pulumi.Output.secret(created.result)


def connecting_grant(
    name: str,
    project: pulumi.Input[str],
    instance: pulumi.Input[str],
    member: pulumi.Input[str],
    parent: pulumi.Resource,
) -> gcp.projects.IAMMember:
    """Let an account connect to one instance of a project.

    The role can be granted on a project alone; the condition keeps it to the instance (DOCS/iam-conditions).
    """
    expression = pulumi.Output.concat(
        *("resource.name == 'projects/", project, "/instances/", instance, "' && "),
        "resource.type == 'sqladmin.googleapis.com/Instance'",
    )
    return gcp.projects.IAMMember(
        name,
        project=project,
        role=CLIENT,
        member=member,
        condition={"title": "one-instance", "expression": expression},
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )

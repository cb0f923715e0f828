"""The database that keeps jobs: a small PostgreSQL of RDS in the service's network, or an existing one.

A new one has a private address, which the tasks of the service and its workers reach, over TLS alone. Nobody
knows it by its name, so the name is drawn. What an instance cannot change is made anew, and its jobs are lost
then; `deletion_protection` refuses that. It leaves no last snapshot: protection holds until an `up` without
it, and of an instance that never was ready RDS takes none, so that a deletion would fail for good.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from ...drawn_names import SUFFIX_CHARACTERS, Replacing, drawn_name
from ...jobs.spec import DATABASE
from .. import names
from ..network import EVERYWHERE, Network
from ..spec import FargateSpec

PORT = 5432
PASSWORD = "JOBS_DATABASE_PASSWORD"  # noqa: S105  its name
# docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits: an identifier; a password has 8 to 128 printable
# characters, no / @ " and space.
IDENTIFIER_CHARACTERS = 63
_PASSWORD_LENGTH = 40
_USER, _NAME = "slipway", "jobs"
# docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes: minor versions follow by themselves.
ENGINE_VERSION, FAMILY = "17", "postgres17"
INSTANCE_CLASS = "db.t4g.micro"
# docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits, MaxConnections: by the memory of the class, less
# what the system takes.
CONNECTIONS = 80
# docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage: gp3 begins at 20 GiB; it grows by itself up to
# the second number.
STORAGE_GIB, MOST_STORAGE_GIB = 20, 100
BACKUP_DAYS, LEAST_BACKUP_DAYS = 7, 1
# docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC: subnets of two zones.
ZONES = 2


@dataclass(frozen=True, slots=True)
class Database:
    """How tasks reach the jobs. environment: plain variables. values: secrets to keep, by variable.

    references: existing secrets, by variable. made: what a task must wait for.
    """

    environment: Mapping[str, pulumi.Input[str]]
    values: Mapping[str, pulumi.Input[str]]
    references: Mapping[str, str]
    made: tuple[pulumi.Resource, ...]


NO_DATABASE = Database({}, {}, {}, ())


def database_of(
    spec: FargateSpec, network: Network, tasks: aws.ec2.SecurityGroup, parent: pulumi.Resource
) -> Database:
    """Return how the jobs are reached, creating what is not given. tasks: their security group."""
    if not spec.jobs.jobs:
        return NO_DATABASE
    if spec.jobs.jobs_database:
        rule = _way_out(spec, tasks, parent, cidr_ipv4=EVERYWHERE)
        return Database({}, {}, {DATABASE: spec.jobs.jobs_database}, (rule,))
    group, rules = _group(spec, network, tasks, parent)
    password = _password(spec, parent)
    instance = _instance(spec, network, group, password, parent)
    address = pulumi.Output.concat(
        f"postgresql://{_USER}@", instance.address, f":{PORT}/{_NAME}?sslmode=require"
    )
    return Database({DATABASE: address}, {PASSWORD: password}, {}, (*rules, instance))


def _password(spec: FargateSpec, parent: pulumi.Resource) -> pulumi.Output[str]:
    made = random.RandomPassword(
        f"{spec.name}-database-password",
        length=_PASSWORD_LENGTH,
        special=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return pulumi.Output.secret(made.result)


def _group(
    spec: FargateSpec, network: Network, tasks: aws.ec2.SecurityGroup, parent: pulumi.Resource
) -> tuple[aws.ec2.SecurityGroup, list[pulumi.Resource]]:
    """Create the database's security group, and the rules by which only the tasks reach it.

    Each is made for a new group of the tasks before the one for the old group goes: both run meanwhile.
    """
    group = aws.ec2.SecurityGroup(
        f"{spec.name}-database-group",
        region=spec.region,
        description=f"Database of the jobs of the inference service {spec.name}",
        vpc_id=network.vpc_id,
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    way_in = aws.vpc.SecurityGroupIngressRule(
        f"{spec.name}-database-ingress",
        region=spec.region,
        security_group_id=group.id,
        referenced_security_group_id=tasks.id,
        ip_protocol="tcp",
        from_port=PORT,
        to_port=PORT,
        opts=pulumi.ResourceOptions(parent=parent, replace_on_changes=["referencedSecurityGroupId"]),
    )
    return group, [way_in, _way_out(spec, tasks, parent, referenced_security_group_id=group.id)]


def _way_out(
    spec: FargateSpec, tasks: aws.ec2.SecurityGroup, parent: pulumi.Resource, **peer: Any
) -> pulumi.Resource:
    return aws.vpc.SecurityGroupEgressRule(
        f"{spec.name}-task-database-egress",
        region=spec.region,
        security_group_id=tasks.id,
        ip_protocol="tcp",
        from_port=PORT,
        to_port=PORT,
        opts=pulumi.ResourceOptions(
            parent=parent, replace_on_changes=["referencedSecurityGroupId", "cidrIpv4"]
        ),
        **peer,
    )


def subnets_of(spec: FargateSpec, network: Network) -> pulumi.Output[list[str]]:
    """Return the subnets of the database: of two zones of a new network; a third one changes nothing.

    Their order says nothing, and another one would be another list.
    """
    made = network.task_subnets
    if spec.own_network and isinstance(made, list):
        return pulumi.Output.all(*made[:ZONES]).apply(sorted)
    found = pulumi.Output.from_input(made).apply(lambda ids: pulumi.Output.all(*ids))
    return found.apply(sorted)


def _subnet_group(
    spec: FargateSpec, subnets: pulumi.Output[list[str]], replacing: Replacing, parent: pulumi.Resource
) -> aws.rds.SubnetGroup:
    """Create the group of subnets, replaced when they change.

    RDS moves no instance to another group of its VPC, and lets go of no subnet that an instance is in
    (terraform-provider-aws#512).
    """
    resource = f"{spec.name}-database-subnets"
    return aws.rds.SubnetGroup(
        resource,
        name=drawn_name(resource, _base(spec), {"region": spec.region}, parent, replacing),
        region=spec.region,
        description=f"Database of the jobs of the inference service {spec.name}",
        subnet_ids=subnets,
        tags=spec.service.labels or None,
        # Replaced before its database, which would be refused too late to take it back.
        opts=replacing.into(
            pulumi.ResourceOptions(
                parent=parent,
                protect=spec.deletion_protection,
                ignore_changes=["name"],
                replace_on_changes=["subnetIds"],
            )
        ),
    )


def _parameters(spec: FargateSpec, parent: pulumi.Resource) -> aws.rds.ParameterGroup:
    """Create the parameters, by which RDS refuses connections without TLS."""
    resource = f"{spec.name}-database-parameters"
    return aws.rds.ParameterGroup(
        resource,
        name=drawn_name(resource, _base(spec), {"region": spec.region, "family": FAMILY}, parent),
        region=spec.region,
        family=FAMILY,
        description=f"Database of the jobs of the inference service {spec.name}",
        parameters=[{"name": "rds.force_ssl", "value": "1"}],
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["name"]),
    )


def _instance(
    spec: FargateSpec,
    network: Network,
    group: aws.ec2.SecurityGroup,
    password: pulumi.Output[str],
    parent: pulumi.Resource,
) -> aws.rds.Instance:
    subnets = subnets_of(spec, network)
    places = Replacing(trigger=subnets.apply(" ".join))
    subnet_group = _subnet_group(spec, subnets, places, parent)
    replacing = Replacing((subnet_group,), places.trigger)
    resource = f"{spec.name}-database"
    return aws.rds.Instance(
        resource,
        identifier=drawn_name(resource, _base(spec), {"region": spec.region}, parent, replacing),
        region=spec.region,
        engine="postgres",
        engine_version=ENGINE_VERSION,
        auto_minor_version_upgrade=True,
        instance_class=INSTANCE_CLASS,
        storage_type="gp3",
        allocated_storage=STORAGE_GIB,
        max_allocated_storage=MOST_STORAGE_GIB,
        storage_encrypted=True,
        db_name=_NAME,
        username=_USER,
        password=password,
        port=PORT,
        db_subnet_group_name=subnet_group.name,
        parameter_group_name=_parameters(spec, parent).name,
        vpc_security_group_ids=[group.id],
        publicly_accessible=False,
        backup_retention_period=BACKUP_DAYS if spec.deletion_protection else LEAST_BACKUP_DAYS,
        copy_tags_to_snapshot=True,
        deletion_protection=spec.deletion_protection,
        skip_final_snapshot=True,
        apply_immediately=True,
        tags=spec.service.labels or None,
        opts=replacing.into(
            pulumi.ResourceOptions(
                parent=parent,
                protect=spec.deletion_protection,
                ignore_changes=["identifier"],
                additional_secret_outputs=["password"],
            )
        ),
    )


def _base(spec: FargateSpec) -> str:
    """Return the beginning of the names; random characters follow, new for each resource.

    RDS allows no two hyphens in a row.
    """
    name = re.sub("-+", "-", f"{spec.name}-jobs")
    return names.short(name, IDENTIFIER_CHARACTERS - SUFFIX_CHARACTERS)

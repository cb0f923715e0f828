"""Requests that break a rule of RDS, one for each rule, in the world of test_strict_aws.py."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.pulumi_engine.strict.account import Thing
from tests.pulumi_engine.strict.aws import REGION, Existing

DATABASE, SUBNETS = "aws:rds/instance:Instance", "aws:rds/subnetGroup:SubnetGroup"
PARAMETERS, FILTER = "aws:rds/parameterGroup:ParameterGroup", "aws:cloudwatch/logMetricFilter:LogMetricFilter"


def database(world: Any, **changed: Any) -> Thing:
    """Make a database with its groups in the existing network."""
    made = {group.inputs["name"] for group in world.account.of_kind("rds.SubnetGroup", "rds.ParameterGroup")}
    if "subnets" not in made:
        world.make(SUBNETS, name="subnets", region=REGION, subnetIds=list(Existing.subnets))
        world.make(PARAMETERS, name="parameters", region=REGION, family="postgres17")
    inputs = {
        "identifier": "jobs",
        "region": REGION,
        "username": "slipway",
        "password": "p" * 40,
        "allocatedStorage": 20,
        "dbSubnetGroupName": "subnets",
        "parameterGroupName": "parameters",
        "vpcSecurityGroupIds": [Existing.group],
        "skipFinalSnapshot": True,
    }
    return world.make(DATABASE, **{**inputs, **changed})


def _group_of(world: Any, type_: str) -> Thing:
    kind = {SUBNETS: "rds.SubnetGroup", PARAMETERS: "rds.ParameterGroup"}[type_]
    [group] = world.account.of_kind(kind)
    return group


def _delete_used(type_: str) -> Callable[[Any], object]:
    return lambda world: [database(world), world.delete(_group_of(world, type_))]


def snapshot_taken(world: Any) -> None:
    """Delete a database with a last snapshot whose name is taken."""
    world.account.things["snapshot"] = Thing("snapshot", "aws:rds/snapshot:Snapshot", "s", {"name": "last"})
    world.delete(database(world, skipFinalSnapshot=False, finalSnapshotIdentifier="last"))


DATABASE_CASES: Mapping[str, tuple[Callable[[Any], object], str]] = {
    "database_name_once": (lambda w: [database(w), database(w)], "InstanceAlreadyExists: jobs"),
    "database_names_are_valid": (lambda w: database(w, identifier="a--b"), "a--b is not a valid identifier"),
    "database_is_valid": (lambda w: database(w, password="p@ssword"), "MasterUserPassword is not a valid"),
    "database_is_placed": (lambda w: database(w, dbSubnetGroupName="none"), "DBSubnetGroupNotFoundFault"),
    "database_not_protected": (
        lambda w: w.delete(database(w, deletionProtection=True)),
        "Cannot delete protected DB Instance",
    ),
    "last_snapshot_is_possible": (snapshot_taken, "DBSnapshotAlreadyExists"),
    "subnets_span_zones": (
        lambda w: w.make(SUBNETS, name="one", region=REGION, subnetIds=[Existing.subnets[0]]),
        "at least 2 availability zones",
    ),
    "subnet_group_unused": (_delete_used(SUBNETS), "InvalidDBSubnetGroupStateFault"),
    "parameter_group_unused": (_delete_used(PARAMETERS), "InvalidDBParameterGroupState"),
    "log_group_exists": (
        lambda w: w.make(FILTER, name="f", region=REGION, logGroupName="none"),
        "The specified log group does not exist",
    ),
}

# Further requests that RDS refuses, by what is wrong with them.
ALSO_REFUSED: Mapping[str, tuple[Callable[[Any], object], str]] = {
    "a reserved user": (lambda w: database(w, username="rdsadmin"), "it is reserved"),
    "a small disk": (lambda w: database(w, allocatedStorage=10), "Invalid storage size"),
    "groups of another VPC": (
        lambda w: database(
            w,
            vpcSecurityGroupIds=[w.make("aws:ec2/securityGroup:SecurityGroup", vpcId=w.network().id).id],
        ),
        "in different VPCs",
    ),
    "no name of a last snapshot": (
        lambda w: w.delete(database(w, skipFinalSnapshot=False)),
        "final_snapshot_identifier is required",
    ),
    "another group of the same VPC": (
        lambda w: [
            w.make(SUBNETS, name="others", region=REGION, subnetIds=list(Existing.subnets)),
            w.change(database(w), dbSubnetGroupName="others"),
        ],
        "You cannot move DB instance",
    ),
    "a subnet in use leaves its group": (
        lambda w: [
            database(w),
            w.change(
                _group_of(w, SUBNETS),
                subnetIds=[Existing.subnets[0], w.subnet(Existing.vpc, "10.8.9.0/24", "c").id],
            ),
        ],
        "SubnetAlreadyInUse",
    ),
    "a network with a database": (
        lambda w: [database(w), w.delete(w.existing(Existing.subnets[0]))],
        "DependencyViolation",
    ),
}

"""What RDS refuses, and whether tasks reach the database of their jobs. DOCS: docs.aws.amazon.com.

Texts of errors: the `Errors` of each operation in AmazonRDS/latest/APIReference. PROVIDER:
terraform-provider-aws 6, internal/service/rds/instance.go.
"""

import json
import re
from collections.abc import Iterator, Mapping

from tests.pulumi_engine.strict.account import Account, Inputs, Request, Rule, Thing, Verb
from tests.pulumi_engine.strict.aws_network import network_of, zone_of

# DOCS AmazonRDS/latest/UserGuide/CHAP_Limits, of names; API_CreateDBInstance, of the password.
_NAME = re.compile(r"(?!.*--)[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_PASSWORD = re.compile(r"[!#-.0-?A-~]{8,128}")
_RESERVED_USERS = ("admin", "rdsadmin", "rds_superuser")
# DOCS AmazonRDS/latest/UserGuide/CHAP_Storage: gp3 of PostgreSQL.
_LEAST_GIB = 20
_DATABASE = re.compile(r"postgresql://[a-z]+@(?P<address>[a-z0-9.-]+):5432/")


def database_name_once(account: Account, request: Request) -> Iterator[str]:
    """DOCS API_CreateDBInstance, API_CreateDBSubnetGroup, API_CreateDBParameterGroup: AlreadyExists."""
    if request.verb is not Verb.CREATE:
        return
    key = "identifier" if request.kind == "rds.Instance" else "name"
    for other in account.of_kind(request.kind):
        if all(other.inputs.get(each) == request.inputs.get(each) for each in (key, "region")):
            yield f"{request.kind.partition('.')[2]}AlreadyExists: {request.inputs[key]} already exists"


def database_names_are_valid(_account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonRDS/latest/UserGuide/CHAP_Limits: InvalidParameterValue."""
    name = request.inputs.get("identifier") or request.inputs.get("name")
    if request.verb is Verb.CREATE and not _NAME.fullmatch(str(name)):
        yield f"InvalidParameterValue: {name} is not a valid identifier"


def database_is_valid(_account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonRDS/latest/APIReference/API_CreateDBInstance: password, user and disk."""
    inputs = request.inputs
    if request.verb is Verb.DELETE:
        return
    if not _PASSWORD.fullmatch(str(inputs["password"])):
        yield "InvalidParameterValue: The parameter MasterUserPassword is not a valid password."
    if inputs["username"] in _RESERVED_USERS:
        yield f"InvalidParameterValue: MasterUsername {inputs['username']} cannot be used as it is reserved"
    if inputs["allocatedStorage"] < _LEAST_GIB:
        yield "InvalidParameterValue: Invalid storage size for engine name postgres and storage type gp3"


def database_is_placed(account: Account, request: Request) -> Iterator[str]:
    """DOCS API_CreateDBInstance, API_ModifyDBInstance: its subnets and security groups are of one VPC.

    It moves to no other group of subnets of its VPC: InvalidVPCNetworkStateFault.
    """
    if request.verb is Verb.DELETE:
        return
    name = request.inputs["dbSubnetGroupName"]
    group = _named(account, "rds.SubnetGroup", name, request.inputs)
    if group is None:
        yield f"DBSubnetGroupNotFoundFault: {name}"
        return
    if _named(account, "rds.ParameterGroup", request.inputs["parameterGroupName"], request.inputs) is None:
        yield f"DBParameterGroupNotFound: {request.inputs['parameterGroupName']}"
    networks = {network_of(account, subnet) for subnet in group.inputs["subnetIds"]}
    for id_ in request.inputs["vpcSecurityGroupIds"]:
        thing = account.get(id_)
        if thing is None or thing.inputs["vpcId"] not in networks:
            yield "InvalidVPCNetworkStateFault: The DB instance and EC2 security group are in different VPCs."
    before = request.thing and request.thing.inputs["dbSubnetGroupName"]
    if before and before != name:
        yield f"InvalidVPCNetworkStateFault: You cannot move DB instance to subnet group {name}."


def database_not_protected(_account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonRDS/latest/APIReference/API_DeleteDBInstance: InvalidParameterCombination."""
    if request.verb is Verb.DELETE and request.inputs.get("deletionProtection"):
        yield "InvalidParameterCombination: Cannot delete protected DB Instance, please disable it first"


def last_snapshot_is_possible(account: Account, request: Request) -> Iterator[str]:
    """DOCS API_DeleteDBInstance: a name that is free, of an instance that is available. PROVIDER: a name."""
    if request.verb is not Verb.DELETE or request.inputs.get("skipFinalSnapshot"):
        return
    name = request.inputs.get("finalSnapshotIdentifier")
    if not name:
        yield "final_snapshot_identifier is required when skip_final_snapshot is false"
    if any(each.inputs["name"] == name for each in account.of_kind("rds.Snapshot")):
        yield f"DBSnapshotAlreadyExists: Cannot create the snapshot {name}, because it exists"
    if request.thing is not None and request.thing.id in account.never_ready:
        yield "InvalidDBInstanceState: the instance is not available, so no snapshot of it can be made"


def subnets_span_zones(account: Account, request: Request) -> Iterator[str]:
    """DOCS API_CreateDBSubnetGroup, API_ModifyDBSubnetGroup: two zones of one VPC, and none in use goes."""
    if request.verb is Verb.DELETE:
        return
    subnets: list[str] = request.inputs["subnetIds"]
    if len({zone_of(account, subnet) for subnet in subnets}) < 2:
        yield "DBSubnetGroupDoesNotCoverEnoughAZs: Please add subnets to cover at least 2 availability zones."
    if len({network_of(account, subnet) for subnet in subnets}) != 1:
        yield "InvalidSubnet: the subnets are not of one VPC"
    gone = set(request.thing.inputs["subnetIds"]) - set(subnets) if request.thing else set[str]()
    if gone and any(_users(account, request.inputs, "dbSubnetGroupName")):
        yield f"SubnetAlreadyInUse: {', '.join(sorted(gone))} is used by a DB instance"


def subnet_group_unused(account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonRDS/latest/APIReference/API_DeleteDBSubnetGroup: InvalidDBSubnetGroupStateFault."""
    if request.verb is Verb.DELETE and (used := _users(account, request.inputs, "dbSubnetGroupName")):
        yield f"InvalidDBSubnetGroupStateFault: {used[0].name} is still using it"


def parameter_group_unused(account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonRDS/latest/APIReference/API_DeleteDBParameterGroup: InvalidDBParameterGroupState."""
    if request.verb is Verb.DELETE and (used := _users(account, request.inputs, "parameterGroupName")):
        yield f"InvalidDBParameterGroupState: {used[0].name} is still a member of this parameter group"


def database_of(account: Account, container: Mapping[str, object]) -> tuple[str, Thing | None]:
    """Return the address of the database that a container is given, '' for none, and the database."""
    environment = json.loads(json.dumps(container.get("environment", [])))
    addresses = [each["value"] for each in environment if each["name"] == "JOBS_DATABASE"]
    found = _DATABASE.match(addresses[0]) if addresses else None
    if found is None:
        return "", None
    address = found["address"]
    instances = account.of_kind("rds.Instance")
    return address, next((each for each in instances if each.outputs.get("address") == address), None)


def _named(account: Account, kind: str, name: str, inputs: Inputs) -> Thing | None:
    wanted = {"name": name, "region": inputs.get("region")}
    return next((each for each in account.of_kind(kind) if wanted.items() <= each.inputs.items()), None)


def _users(account: Account, inputs: Inputs, key: str) -> list[Thing]:
    wanted = {key: inputs["name"], "region": inputs.get("region")}
    return [each for each in account.of_kind("rds.Instance") if wanted.items() <= each.inputs.items()]


DATABASE_RULES: Mapping[str, tuple[Rule, ...]] = {
    "rds.Instance": (
        database_name_once,
        database_names_are_valid,
        database_is_valid,
        database_is_placed,
        database_not_protected,
        last_snapshot_is_possible,
    ),
    "rds.SubnetGroup": (
        database_name_once,
        database_names_are_valid,
        subnets_span_zones,
        subnet_group_unused,
    ),
    "rds.ParameterGroup": (database_name_once, database_names_are_valid, parameter_group_unused),
}

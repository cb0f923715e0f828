"""Our rules for workers and their database, read backwards from the calls that make them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from slipway.components.fargate.jobs.counts import FIELDS
from tests.contract.fargate_jobs import Parts
from tests.contract.fargate_task_rules import TASK_RULES

# DOCS AmazonRDS/latest/UserGuide/CHAP_Limits, USER_VPC.WorkingWithRDSInstanceinaVPC.
_IDENTIFIER = re.compile(r"(?!.*--)[a-z][a-z0-9-]{0,61}[a-z0-9]")
# The log's group and the load balancer's patience are the service's.
_OF_SERVERS = {"the log has a group of its own, kept for a while", "a rollout gets time to load"}


def _database(parts: Parts) -> dict[str, Any] | None:
    return next(iter(parts.every.all("CreateDBInstance")), None)


def _is_closed(parts: Parts) -> bool:
    """Check that nothing but the tasks reaches the database, and nothing reads what it stores."""
    made = _database(parts)
    if made is None:
        return True
    [group] = made["VpcSecurityGroupIds"]
    ways = [each for each in parts.every.all("AuthorizeSecurityGroupIngress") if each["GroupId"] == group]
    [tasks] = parts.service.service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]
    [way] = [one for each in ways for one in each["IpPermissions"]]
    only = way["UserIdGroupPairs"] == [{"GroupId": tasks}] and way["FromPort"] == way["ToPort"] == 5432
    return only and made["PubliclyAccessible"] is False and made["StorageEncrypted"] is True


def _forces_tls(parts: Parts) -> bool:
    made = _database(parts)
    if made is None:
        return True
    changed = parts.every.one("ModifyDBParameterGroup")
    forced = {each["ParameterName"]: each["ParameterValue"] for each in changed["Parameters"]}
    own = changed["DBParameterGroupName"] == made["DBParameterGroupName"]
    address = parts.service.environment["JOBS_DATABASE"]
    return own and forced == {"rds.force_ssl": "1"} and address.endswith("?sslmode=require")


def _names_are_allowed(parts: Parts) -> bool:
    names = [str(each["DBInstanceIdentifier"]) for each in parts.every.all("CreateDBInstance")]
    names += [str(each["DBSubnetGroupName"]) for each in parts.every.all("CreateDBSubnetGroup")]
    names += [str(each["DBParameterGroupName"]) for each in parts.every.all("CreateDBParameterGroup")]
    return all(_IDENTIFIER.fullmatch(name) for name in names)


def _password_is_kept(parts: Parts) -> bool:
    """Check that both kinds of tasks get the password as a secret, and the address has none."""
    if _database(parts) is None:
        return True
    secrets = [{each["name"] for each in made.server["secrets"]} for made in (parts.service, parts.workers)]
    addresses = [made.environment["JOBS_DATABASE"] for made in (parts.service, parts.workers)]
    hidden = all("JOBS_DATABASE_PASSWORD" in names for names in secrets)
    return hidden and all(re.match(r"postgresql://[a-z]+@", address) for address in addresses)


def _spans_two_zones(parts: Parts) -> bool:
    return all(len(set(each["SubnetIds"])) >= 2 for each in parts.every.all("CreateDBSubnetGroup"))


def _workers_take_no_requests(parts: Parts) -> bool:
    service = parts.workers.service
    return "loadBalancers" not in service and "healthCheckGracePeriodSeconds" not in service


def _workers_are_the_service(parts: Parts) -> bool:
    """Check that they are the same image in the same place, with another role and time to end."""
    server, worker = parts.service.server, parts.workers.server
    theirs, mine = parts.workers.environment, parts.service.environment
    same = {name: value for name, value in mine.items() if name.startswith("JOBS_")}
    place = [
        made.service["networkConfiguration"]["awsvpcConfiguration"] for made in (parts.service, parts.workers)
    ]
    return (
        worker["image"] == server["image"]
        and theirs["ROLE"] == "worker"
        and "ROLE" not in mine
        and same.items() <= theirs.items()
        and place[0] == place[1]
        and worker["stopTimeout"] == 120
    )


def _steps_have_no_gap(parts: Parts) -> bool:
    """DOCS autoscaling/application/userguide/step-scaling-policy-overview: no overlap and no gap."""
    for policy in parts.workers.all("PutScalingPolicy"):
        steps = policy["StepScalingPolicyConfiguration"]["StepAdjustments"]
        ends = [step.get("MetricIntervalUpperBound") for step in steps]
        begins = [step["MetricIntervalLowerBound"] for step in steps]
        if begins[0] != 0 or ends[-1] is not None or ends[:-1] != begins[1:] or len(steps) > 20:
            return False
    return True


def _scaling_is_bounded(parts: Parts) -> bool:
    targets = parts.workers.all("RegisterScalableTarget")
    count = parts.workers.service["desiredCount"]
    policies = [each["PolicyName"] for each in parts.workers.all("PutScalingPolicy")]
    names = [each.rpartition("-")[2] for each in policies]
    bounded = all(each["MinCapacity"] == count < each["MaxCapacity"] for each in targets)
    return bounded and len(targets) <= 1 and names == (["out", "in"] if targets else [])


def _lines_are_counted(parts: Parts) -> bool:
    """Check that each number of the line becomes a metric of the service's own log."""
    filters = parts.every.all("PutMetricFilter")
    log = parts.service.server["logConfiguration"]["options"]["awslogs-group"]
    names = [each["metricTransformations"][0]["metricName"] for each in filters]
    return names == list(FIELDS) and {each["logGroupName"] for each in filters} == {log}


def _rights_are_few(parts: Parts) -> bool:
    """Check that buckets are listed below prefixes alone, and a server does not read what jobs name."""
    statements = parts.every.statements("-worker")
    files = [one for one in statements if any(action.startswith("s3:") for action in one["Action"])]
    listing = [one for one in files if one["Action"] == ["s3:ListBucket"]]
    below = all(one["Condition"]["StringLike"]["s3:prefix"] for one in listing)
    objects = [one for one in files if one not in listing]
    folders = all(re.fullmatch(r"arn:aws:s3:::[^*]+/\*", one["Resource"]) for one in objects)
    wild = any("*" in action or "List" in action for one in objects for action in one["Action"])
    writes = [one for one in parts.every.statements("-task") if "s3:PutObject" in one["Action"]]
    return below and folders and not wild and not writes


JOB_RULES: Mapping[str, Callable[[Parts], bool]] = {
    **{
        name: (lambda parts, rule=rule: rule(parts.workers))
        for name, rule in TASK_RULES.items()
        if name not in _OF_SERVERS
    },
    "only the tasks reach the database": _is_closed,
    "the database takes no plain connection": _forces_tls,
    "the database's names are allowed": _names_are_allowed,
    "the password is a secret": _password_is_kept,
    "the database has subnets of two zones": _spans_two_zones,
    "workers take no requests": _workers_take_no_requests,
    "workers run what the service runs": _workers_are_the_service,
    "steps have no gap": _steps_have_no_gap,
    "the number of workers is bounded": _scaling_is_bounded,
    "the numbers of jobs are counted": _lines_are_counted,
    "workers may do little": _rights_are_few,
}

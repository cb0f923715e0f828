"""What ECS, IAM, Secrets Manager, CloudWatch and Application Auto Scaling refuse; and whether tasks start.

DOCS: docs.aws.amazon.com. Texts of errors: the `Errors` of each operation there.
"""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tests.pulumi_engine.standin import BROKEN
from tests.pulumi_engine.strict.account import (
    Account,
    NotReady,
    Refusal,
    Request,
    Rule,
    Thing,
    Verb,
    values_at,
)
from tests.pulumi_engine.strict.aws_balancing import balancers_of
from tests.pulumi_engine.strict.aws_database import database_of
from tests.pulumi_engine.strict.aws_network import network_of

_PULL = "ecr:BatchGetImage"
_READ_SECRET = "secretsmanager:GetSecretValue"
_TAKEN = {
    "iam.Role": "EntityAlreadyExists: Role with name {} already exists.",
    "cloudwatch.LogGroup": "ResourceAlreadyExistsException: The specified log group already exists: {}",
    "secretsmanager.Secret": "ResourceExistsException: the secret {} already exists.",
    "ecr.Repository": "RepositoryAlreadyExistsException: The repository with name '{}' already exists",
    "ecs.Service": "InvalidParameterException: Creation of service {} was not idempotent.",
}


def service_name_once(account: Account, request: Request) -> Iterator[str]:
    """Require unique names: DOCS API_CreateRole, API_CreateLogGroup, API_CreateSecret, API_CreateService."""
    keys = ("name", "region", "cluster")
    for other in account.of_kind(request.kind):
        if request.verb is Verb.CREATE and all(other.inputs.get(k) == request.inputs.get(k) for k in keys):
            reserved = "InvalidRequestException: a secret with the name {} is scheduled for deletion."
            taken = reserved if other.id in account.let_go else _TAKEN[request.kind]
            yield taken.format(request.inputs["name"])


def role_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS IAM/latest/APIReference/API_PutRolePolicy: NoSuchEntity."""
    names = {role.inputs["name"] for role in account.of_kind("iam.Role")}
    if request.verb is not Verb.DELETE and request.inputs["role"] not in names:
        yield f"NoSuchEntity: The role with name {request.inputs['role']} cannot be found."


def role_without_policies(account: Account, request: Request) -> Iterator[str]:
    """DOCS IAM/latest/APIReference/API_DeleteRole: DeleteConflict while it has policies."""
    if request.verb is Verb.DELETE and any(_policies_of(account, request.inputs["name"])):
        yield "DeleteConflict: Cannot delete entity, must delete policies first."


def cluster_without_services(account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonECS/latest/APIReference/API_DeleteCluster: ClusterContainsServicesException."""
    for service in account.of_kind("ecs.Service"):
        ours = request.thing is not None and service.inputs["cluster"] == request.thing.id
        if request.verb is Verb.DELETE and ours:
            yield f"ClusterContainsServicesException: {service.name}"


def capacity_unused(account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonECS/latest/APIReference/API_PutClusterCapacityProviders: ResourceInUseException."""
    for service in account.of_kind("ecs.Service"):
        ours = _is_of(service.inputs["cluster"], request.inputs)
        if request.verb is Verb.DELETE and ours:
            yield f"ResourceInUseException: a capacity provider is in use by {service.name}"


def service_fits(account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonECS/latest/APIReference/API_CreateService, API_UpdateService: what the parts must be."""
    if request.verb is Verb.DELETE:
        return
    if account.get(request.inputs["cluster"]) is None:
        yield "ClusterNotFoundException: Cluster not found."
    if account.get(request.inputs["taskDefinition"]) is None:
        yield f"ClientException: TaskDefinition {request.inputs['taskDefinition']} is inactive"
    subnets = [subnet for found in values_at(request.inputs, "subnets") for subnet in found]
    networks = {network_of(account, subnet) for subnet in subnets}
    if len(networks) != 1 or "" in networks:
        yield "InvalidParameterException: Error retrieving subnet information, or subnets of several VPCs"
    for group in (each for found in values_at(request.inputs, "securityGroups") for each in found):
        thing = account.get(group)
        if thing is None or {thing.inputs["vpcId"]} != networks:
            yield f"InvalidParameterException: {group} and the subnets belong to different networks."
    for group in values_at(request.inputs, "targetGroupArn"):
        if not balancers_of(account, group):
            yield (
                f"InvalidParameterException: The target group with targetGroupArn {group} does not have an "
                "associated load balancer."
            )


def capacity_attached(account: Account, request: Request) -> Iterator[str]:
    """Require that a strategy names the cluster's providers: DOCS AmazonECS, cluster-capacity-providers."""
    if request.verb is Verb.DELETE or not any(values_at(request.inputs, "capacityProvider")):
        return
    attached = account.of_kind("ecs.ClusterCapacityProviders")
    if not any(_is_of(request.inputs["cluster"], each.inputs) for each in attached):
        yield "InvalidParameterException: The specified capacity provider was not found."


def rollout_gets_ready(account: Account, request: Request) -> Iterator[str]:
    """End a rollout whose tasks do not start: DOCS AmazonECS, deployment-circuit-breaker.

    A service that is made stays, without tasks; one that is changed goes back to what it was.
    """
    if request.verb is Verb.DELETE:
        return
    wanted = Thing("", request.type, "", request.inputs)
    reasons = [*starting(account, wanted), *reached(account, wanted)]
    if reasons and request.verb is Verb.CREATE:
        raise NotReady(f"the tasks do not get ready: {reasons[0]}")
    if reasons:
        raise Refusal(f"the deployment was rolled back: {reasons[0]}")
    yield from ()


def repository_empty(account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonECR/latest/APIReference/API_DeleteRepository; every repository here has images."""
    if request.verb is Verb.DELETE and not request.inputs.get("forceDelete"):
        yield f"RepositoryNotEmptyException: {request.inputs['name']} cannot be deleted: it has images"


def target_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS autoscaling/application/APIReference/API_RegisterScalableTarget: ValidationException."""
    region = request.inputs["region"]
    services = [each for each in account.of_kind("ecs.Service") if each.inputs["region"] == region]
    names = {f"service/{each.id.split(':service/')[1]}" for each in services}
    if request.verb is not Verb.DELETE and request.inputs["resourceId"] not in names:
        yield f"ValidationException: ECS service doesn't exist: {request.inputs['resourceId']}"


def target_registered(account: Account, request: Request) -> Iterator[str]:
    """Require a registered target (ObjectNotFoundException): DOCS autoscaling, API_PutScalingPolicy."""
    wanted = {key: request.inputs[key] for key in ("resourceId", "region")}
    targets = account.of_kind("appautoscaling.Target")
    if request.verb is not Verb.DELETE and not any(wanted.items() <= each.inputs.items() for each in targets):
        yield "ObjectNotFoundException: No scalable target registered"


def label_routes(account: Account, request: Request) -> Iterator[str]:
    """Require a balancer that forwards to the group: DOCS API_PredefinedMetricSpecification."""
    if request.verb is Verb.DELETE:
        return
    for label in values_at(request.inputs, "resourceLabel"):
        known = {
            f"{balancer.outputs['arnSuffix']}/{group.outputs['arnSuffix']}"
            for group in account.of_kind("lb.TargetGroup")
            for balancer in map(account.get, balancers_of(account, group.id))
            if balancer
        }
        if label not in known:
            yield f"ValidationException: The balancer does not route traffic to the target group: {label}"


def starting(account: Account, service: Thing) -> Iterator[str]:
    """Why a task of a service would not start now; nothing where it would."""
    task = account.get(service.inputs["taskDefinition"])
    if task is None:
        yield "its task definition is inactive"
        return
    containers: list[dict[str, Any]] = json.loads(task.inputs["containerDefinitions"])
    for container in containers:
        if BROKEN in container["image"]:
            yield f"CannotPullContainerError: {container['image'].rpartition('@')[2]}"
        for secret in container.get("secrets", ()):
            yield from _unreadable(account, task, secret["valueFrom"])
        yield from _unlogged(account, container)
        yield from _unstored(account, service, container)
        repository = _repository_of(container["image"])
        if repository and not _allows(account, task, _PULL, repository):
            yield f"AccessDeniedException: the execution role may not pull from {repository}"


def _is_of(cluster: object, capacity: Mapping[str, Any]) -> bool:
    """Whether the ARN of a cluster is of the one that has these capacity providers."""
    return str(cluster).endswith(f"/{capacity['clusterName']}") and f":{capacity['region']}:" in str(cluster)


def _unreadable(account: Account, task: Thing, reference: str) -> Iterator[str]:
    arn = ":".join(reference.split(":")[:7])
    if not _allows(account, task, _READ_SECRET, arn):
        yield f"AccessDeniedException: the execution role may not read {arn}"


def _unlogged(account: Account, container: Mapping[str, Any]) -> Iterator[str]:
    """DOCS AmazonECS/latest/developerguide/using_awslogs: the group must be there when a task starts."""
    for options in values_at(container, "options"):
        wanted = {"name": options["awslogs-group"], "region": options["awslogs-region"]}
        groups = account.of_kind("cloudwatch.LogGroup")
        if not any(wanted.items() <= each.inputs.items() for each in groups):
            yield f"ResourceNotFoundException: no log group {wanted['name']} in {wanted['region']}"


def _unstored(account: Account, service: Thing, container: Mapping[str, Any]) -> Iterator[str]:
    """Why a task does not reach the database of its jobs: it is gone, or a security group is in the way."""
    address, database = database_of(account, container)
    if not address:
        return
    if database is None:
        yield f"could not translate host name {address} to address"
        return
    tasks: list[str] = [each for found in values_at(service.inputs, "securityGroups") for each in found]
    theirs: list[str] = database.inputs["vpcSecurityGroupIds"]
    ways_in = _open(account, "vpc.SecurityGroupIngressRule", theirs, tasks, [5432])
    if not (ways_in and _open(account, "vpc.SecurityGroupEgressRule", tasks, theirs, [5432])):
        yield f"no way to the database {address}"


def _repository_of(image: str) -> str:
    """ARN of an image's repository in ECR; '' elsewhere."""
    host, _, rest = image.partition("/")
    account, _, tail = host.partition(".dkr.ecr.")
    region = tail.partition(".")[0]
    return f"arn:aws:ecr:{region}:{account}:repository/{rest.partition('@')[0]}" if tail else ""


def _allows(account: Account, task: Thing, action: str, resource: str) -> bool:
    """Whether the role that starts a task allows it; one that is not of this account's program allows all."""
    role = str(task.inputs["executionRoleArn"]).rpartition("/")[2]
    if not any(each.inputs["name"] == role for each in account.of_kind("iam.Role")):
        return True
    statements = [
        statement
        for policy in _policies_of(account, role)
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    ]
    return any(
        action in statement["Action"] and fnmatchcase(resource, statement["Resource"])
        for statement in statements
    )


def _policies_of(account: Account, role: str) -> list[Thing]:
    return [each for each in account.of_kind("iam.RolePolicy") if each.inputs["role"] == role]


def reached(account: Account, service: Thing) -> Iterator[str]:
    """Why requests would not reach a service's tasks now; nothing where they would, or none are meant to."""
    if service.inputs.get("loadBalancers") is None:
        return
    groups = list(values_at(service.inputs, "targetGroupArn"))
    balancers = [
        found for group in groups for found in map(account.get, balancers_of(account, group)) if found
    ]
    if not balancers:
        yield "no load balancer forwards to its tasks"
    ports = [int(port) for port in values_at(service.inputs, "containerPort")]
    tasks: list[str] = [each for found in values_at(service.inputs, "securityGroups") for each in found]
    for balancer in balancers:
        theirs: list[str] = balancer.inputs.get("securityGroups") or []
        if not _open(account, "vpc.SecurityGroupIngressRule", tasks, theirs, ports):
            yield f"its tasks do not let {balancer.name} in"
        if not _open(account, "vpc.SecurityGroupEgressRule", theirs, tasks, ports):
            yield f"{balancer.name} may not call its tasks"


def _open(account: Account, kind: str, of: list[str], peers: list[str], ports: list[int]) -> bool:
    """Whether a rule of the groups `of` lets the ports through to or from one of the peers."""
    return any(
        rule.inputs["securityGroupId"] in of
        and (
            rule.inputs.get("referencedSecurityGroupId") in peers
            or rule.inputs.get("cidrIpv4") == "0.0.0.0/0"
        )
        and all(int(rule.inputs["fromPort"]) <= port <= int(rule.inputs["toPort"]) for port in ports)
        for rule in account.of_kind(kind)
    )


def answers(account: Account) -> Iterator[str]:
    """Check the invariant that every service gets requests and could restart its tasks at any moment."""
    for service in account.of_kind("ecs.Service"):
        if service.id in account.never_ready:
            continue
        for reason in (*reached(account, service), *starting(account, service)):
            yield f"{service.name}: {reason}"


def redirects_arrive(account: Account) -> Iterator[str]:
    """Check the invariant that the target of every redirect has a listener."""
    ports = {
        (each.inputs["loadBalancerArn"], int(each.inputs["port"])) for each in account.of_kind("lb.Listener")
    }
    for listener in account.of_kind("lb.Listener"):
        for redirect in values_at(listener.inputs, "redirect"):
            if (listener.inputs["loadBalancerArn"], int(redirect["port"])) not in ports:
                yield f"{listener.name}: redirects to port {redirect['port']}, where nothing listens"


SERVICE_RULES: Mapping[str, tuple[Rule, ...]] = {
    "iam.Role": (service_name_once, role_without_policies),
    "iam.RolePolicy": (role_exists,),
    "cloudwatch.LogGroup": (service_name_once,),
    "ecr.LifecyclePolicy": (),
    "ecr.Repository": (service_name_once, repository_empty),
    "secretsmanager.Secret": (service_name_once,),
    "secretsmanager.SecretVersion": (),
    "ecs.Cluster": (cluster_without_services,),
    "ecs.ClusterCapacityProviders": (capacity_unused,),
    "ecs.TaskDefinition": (),
    "ecs.Service": (service_name_once, service_fits, capacity_attached, rollout_gets_ready),
    "appautoscaling.Target": (target_exists,),
    "appautoscaling.Policy": (target_registered, label_routes),
    "appautoscaling.ScheduledAction": (target_registered,),
}

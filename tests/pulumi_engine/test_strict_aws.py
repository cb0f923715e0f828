"""The stand-in for AWS refuses, rule by rule, what AWS refuses: for each rule a request that breaks it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.pulumi_engine.strict.account import Account, AnswerLost, Fault, Inputs, NotReady, Refusal, Thing
from tests.pulumi_engine.strict.aws import ELSEWHERE, REGION, RULES, Existing, aws_account
from tests.pulumi_engine.strict.aws_balancing import RULES_PER_BALANCER
from tests.pulumi_engine.strict.aws_network import RULES_PER_GROUP, TAGS
from tests.pulumi_engine.strict.aws_traffic import weights_of
from tests.pulumi_engine.strict.database_cases import ALSO_REFUSED, DATABASE_CASES, database

VPC, SUBNET, GROUP = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
GATEWAY, TABLE = "aws:ec2/internetGateway:InternetGateway", "aws:ec2/routeTable:RouteTable"
ROUTE, ENDPOINT = "aws:ec2/route:Route", "aws:ec2/vpcEndpoint:VpcEndpoint"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
BALANCER, TARGETS = "aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup"
LISTENER, RULE = "aws:lb/listener:Listener", "aws:lb/listenerRule:ListenerRule"
ROLE, POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
CLUSTER, SERVICE = "aws:ecs/cluster:Cluster", "aws:ecs/service:Service"
CAPACITY = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
TASK, SCALING = "aws:ecs/taskDefinition:TaskDefinition", "aws:appautoscaling/target:Target"
SCALING_POLICY = "aws:appautoscaling/policy:Policy"
REPOSITORY = "aws:ecr/repository:Repository"
ALARM, COMPOSITE = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm"
EVENTS, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
LOG, SECRET = "aws:cloudwatch/logGroup:LogGroup", "aws:secretsmanager/secret:Secret"
PENDING = f"arn:aws:acm:{REGION}:123456789012:certificate/00000000-0000-0000-0000-000000000000"


class World:
    """An account with an existing network and a service that runs in it, whose parts a case changes."""

    def __init__(self) -> None:
        self.account = aws_account()
        Existing.into(self.account)
        self.group = self.make(GROUP, vpcId=Existing.vpc)
        self.make(INGRESS, **self.opening(8080, Existing.group))
        self.targets = self.make(TARGETS, name="api", region=REGION, vpcId=Existing.vpc, port=8080)
        self.rule = self.make(RULE, listenerArn=Existing.listener, priority=1, **self.forward())
        self.cluster = self.make(CLUSTER, name="api", region=REGION)
        self.capacity = self.make(CAPACITY, clusterName="api", region=REGION)
        self.role = self.make(ROLE, name="execution")
        self.policy = self.make(
            POLICY, name="service", role="execution", policy=json.dumps({"Statement": []})
        )
        self.task = self.make(
            TASK, family="api", region=REGION, **self.containers("ghcr.io/acme/api@sha256:0")
        )
        self.service = self.make(SERVICE, **self.of_service())
        self.scaled = {"resourceId": "service/api/api", "name": "api", "region": REGION}
        self.target = self.make("aws:appautoscaling/target:Target", **self.scaled)

    def make(self, type_: str, **inputs: Any) -> Thing:
        return self.account.create(type_, "a thing", inputs)

    def change(self, thing: Thing, **inputs: Any) -> Thing:
        return self.account.update(thing.id, {**thing.inputs, **inputs})

    def delete(self, thing: Thing) -> None:
        self.account.delete(thing.id)

    def existing(self, id_: str) -> Thing:
        return self.account.things[id_]

    def opening(self, port: int, source: str = "", **peer: str) -> dict[str, Any]:
        ports = {"securityGroupId": self.group.id, "ipProtocol": "tcp", "fromPort": port, "toPort": port}
        return {**ports, "referencedSecurityGroupId": source, **peer} if source else {**ports, **peer}

    def forward(self) -> dict[str, Any]:
        return {"actions": [{"type": "forward", "targetGroupArn": self.targets.id}]}

    def containers(self, image: str, **container: Any) -> dict[str, Any]:
        return {
            "containerDefinitions": json.dumps([{"name": "server", "image": image, **container}]),
            "executionRoleArn": self.role.outputs["arn"],
        }

    def of_service(self, **changed: Any) -> dict[str, Any]:
        return {
            "name": "api",
            "region": REGION,
            "cluster": self.cluster.id,
            "taskDefinition": self.task.id,
            "capacityProviderStrategies": [{"capacityProvider": "FARGATE"}],
            "networkConfiguration": {
                "subnets": list(Existing.subnets),
                "securityGroups": [self.group.id],
                "assignPublicIp": True,
            },
            "loadBalancers": [{"targetGroupArn": self.targets.id, "containerPort": 8080}],
            **changed,
        }

    def balancer(self, **changed: Any) -> dict[str, Any]:
        """Return the inputs of another load balancer in the same network."""
        inputs = {"name": "other", "region": REGION, "internal": True, "subnets": list(Existing.subnets)}
        return {**inputs, "securityGroups": [Existing.group], "enableDeletionProtection": False, **changed}

    def network(self) -> Thing:
        return self.make(VPC, cidrBlock="10.9.0.0/16")

    def subnet(self, network: str, cidr: str, zone: str = "a") -> Thing:
        return self.make(SUBNET, vpcId=network, cidrBlock=cidr, availabilityZone=f"{REGION}{zone}")


def _on_another_balancer(world: World) -> None:
    other = world.make(BALANCER, **world.balancer())
    world.make(LISTENER, loadBalancerArn=other.id, port=80, **world.forward())


def _in_another_network(world: World) -> None:
    targets = world.make(TARGETS, name="far", region=REGION, vpcId=world.network().id, port=8080)
    forward = {"actions": [{"targetGroupArn": targets.id}]}
    world.make(RULE, listenerArn=Existing.listener, priority=2, **forward)


def _subnets_elsewhere(world: World) -> None:
    network = world.network()
    ids = [world.subnet(network.id, f"10.9.{place}.0/24", "ab"[place]).id for place in (0, 1)]
    world.change(world.make(BALANCER, **world.balancer()), subnets=ids, securityGroups=[])


def _endpoint(world: World, **changed: Any) -> Thing:
    inputs = {
        "vpcId": Existing.vpc,
        "serviceName": "s",
        "vpcEndpointType": "Interface",
        "privateDnsEnabled": True,
    }
    return world.make(ENDPOINT, **{**inputs, "subnetIds": [], **changed})


def _many_rules(world: World) -> None:
    for port in range(RULES_PER_GROUP):
        world.make(INGRESS, **world.opening(port, cidrIpv4="10.0.0.0/8"))


def _many_listener_rules(world: World) -> None:
    for priority in range(2, RULES_PER_BALANCER + 3):
        world.make(RULE, listenerArn=Existing.listener, priority=priority, **world.forward())


def _twice(type_: str, **inputs: Any) -> Callable[[World], object]:
    return lambda world: [world.make(type_, **{"vpcId": Existing.vpc, **inputs}) for _ in (1, 2)]


def _table_in_use(world: World) -> None:
    table = world.make(TABLE, vpcId=Existing.vpc)
    world.make(ASSOCIATION, subnetId=Existing.subnets[0], routeTableId=table.id)
    world.delete(table)


def _read_alarm_deleted(world: World) -> None:
    alarm = world.make(ALARM, name="one", region=REGION, metricName="CPUUtilization")
    world.make(COMPOSITE, alarmName="both", region=REGION, alarmRule='ALARM("one")')
    world.delete(alarm)


def _rule_with_a_target_deleted(world: World) -> None:
    rule = world.make(EVENTS, name="rule", region=REGION)
    world.make(TARGET, rule="rule", targetId="topic", region=REGION)
    world.delete(rule)


# Rule -> a request that breaks it, and the error.
MODIFY, REGISTER = "elasticloadbalancing:ModifyRule", "elasticloadbalancing:RegisterTargets"


def _moving(world: World, *allowed: str, **changed: Any) -> Thing:
    """Make another service, whose traffic ECS moves, with what that needs; allowed: what ECS may do."""
    green = world.make(TARGETS, name="green", region=REGION, vpcId=Existing.vpc, port=8080)
    weights = [{"arn": world.targets.id, "weight": 100}, {"arn": green.id, "weight": 0}]
    forward = {"actions": [{"type": "forward", "forward": {"targetGroups": weights}}]}
    rule = world.make(RULE, listenerArn=Existing.listener, priority=2, **forward)
    trust = json.dumps({"Statement": [{"Principal": {"Service": "ecs.amazonaws.com"}}]})
    role = world.make(ROLE, name="traffic", assumeRolePolicy=trust)
    statement = {"Action": list(allowed), "Resource": [rule.id, world.targets.id, green.id]}
    world.make(POLICY, name="traffic", role="traffic", policy=json.dumps({"Statement": [statement]}))
    advanced = {
        "alternateTargetGroupArn": green.id,
        "productionListenerRule": rule.id,
        "roleArn": role.outputs["arn"],
    }
    balancer = {"targetGroupArn": world.targets.id, "containerPort": 8080, "advancedConfiguration": advanced}
    bake = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "5"}
    inputs = {"name": "other", "loadBalancers": [balancer], "deploymentConfiguration": bake}
    return world.make(SERVICE, **world.of_service(**{**inputs, **changed}))


def _bad_version(world: World) -> None:
    """Roll out a version that sets an alarm off, where that takes it back."""
    world.account.alarming["bad"] = "errors"
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
    _moving(world, MODIFY, REGISTER)
    task = world.make(TASK, family="other", region=REGION, **world.containers("ghcr.io/acme/bad@sha256:0"))
    service = next(each for each in world.account.of_kind("ecs.Service") if each.inputs["name"] == "other")
    world.change(service, taskDefinition=task.id, alarms=alarms)


CASES: Mapping[str, tuple[Callable[[World], object], str]] = {
    "strategy_is_whole": (
        lambda w: _moving(w, deploymentCircuitBreaker={"enable": True, "rollback": True}),
        "only for rolling deployments",
    ),
    "traffic_can_move": (lambda w: _moving(w, MODIFY), f"not authorized to perform {REGISTER}"),
    "is_rolled_out": (_bad_version, "the alarm errors was triggered"),
    "network_exists": (lambda w: w.make(TABLE, vpcId="vpc-0"), "InvalidVpcID.NotFound"),
    "range_inside_its_network": (lambda w: w.subnet(Existing.vpc, "10.9.0.0/24"), "InvalidSubnet.Range"),
    "range_of_its_own": (lambda w: w.subnet(Existing.vpc, "10.8.0.128/25"), "InvalidSubnet.Conflict"),
    "network_empty": (lambda w: w.delete(w.existing(Existing.vpc)), "DependencyViolation: The vpc"),
    "subnet_unused": (lambda w: w.delete(w.existing(Existing.subnets[0])), "DependencyViolation: The subnet"),
    "group_unused": (lambda w: w.delete(w.existing(Existing.group)), "DependencyViolation: resource"),
    "gateway_without_addresses": (
        lambda w: w.delete(w.existing("igw-0123456789abcdef0")),
        "has some mapped public address",
    ),
    "one_gateway": (lambda w: w.make(GATEWAY, vpcId=Existing.vpc), "Resource.AlreadyAssociated: the VPC"),
    "rule_once": (
        lambda w: w.make(INGRESS, **w.opening(8080, Existing.group)),
        "InvalidPermission.Duplicate",
    ),
    "rules_within_quota": (_many_rules, "RulesPerSecurityGroupLimitExceeded"),
    "group_exists": (lambda w: w.make(INGRESS, **w.opening(81, "sg-0")), "InvalidGroup.NotFound"),
    "route_once": (
        _twice(ROUTE, routeTableId="rtb-0", destinationCidrBlock="0.0.0.0/0"),
        "RouteAlreadyExists",
    ),
    "one_table": (
        _twice(ASSOCIATION, subnetId="subnet-0", routeTableId="rtb-0"),
        "AlreadyAssociated: the spec",
    ),
    "table_unused": (_table_in_use, "DependencyViolation: The routeTable"),
    "one_name_of_an_endpoint": (lambda w: [_endpoint(w), _endpoint(w)], "conflicting DNS domain"),
    "subnets_in_their_network": (
        lambda w: _endpoint(w, subnetIds=["subnet-0"]),
        "not in the VPC of the endpoint",
    ),
    "tags_within_quota": (
        lambda w: w.make(VPC, cidrBlock="10.0.0.0/16", tags={f"k{n}": "" for n in range(TAGS + 1)}),
        "TagLimitExceeded",
    ),
    "name_once": (lambda w: w.make(BALANCER, **w.balancer(name="shared")), "DuplicateLoadBalancerName"),
    "one_network": (_subnets_elsewhere, "not in the VPC of the load balancer"),
    "two_zones": (
        lambda w: w.make(BALANCER, **w.balancer(subnets=[Existing.subnets[0]])),
        "two different Availability Zones",
    ),
    "way_to_the_internet": (
        lambda w: [
            w.account.things.pop("igw-0123456789abcdef0"),
            w.make(BALANCER, **w.balancer(internal=False)),
        ],
        "InvalidSubnet: VPC has no internet gateway",
    ),
    "not_protected": (
        lambda w: w.delete(w.make(BALANCER, **w.balancer(enableDeletionProtection=True))),
        "OperationNotPermitted",
    ),
    "one_balancer_of_a_group": (_on_another_balancer, "TargetGroupAssociationLimit"),
    "group_in_the_balancers_network": (_in_another_network, "not in the VPC of the load balancer"),
    "port_once": (
        lambda w: w.make(LISTENER, loadBalancerArn=Existing.balancer, port=443),
        "DuplicateListener",
    ),
    "certificate_issued": (
        lambda w: w.make(LISTENER, loadBalancerArn=Existing.balancer, port=8443, certificateArn=PENDING),
        "UnsupportedCertificate",
    ),
    "priority_once": (
        lambda w: w.make(RULE, listenerArn=Existing.listener, priority=1, **w.forward()),
        "PriorityInUse",
    ),
    "balancer_rules_within_quota": (_many_listener_rules, "TooManyRules"),
    "target_group_unused": (lambda w: w.delete(w.targets), "ResourceInUse"),
    "found_in_its_region": (
        lambda w: w.make(TARGETS, name="far", region=ELSEWHERE, vpcId=Existing.vpc, port=8080),
        f"is in {REGION}, not in {ELSEWHERE}",
    ),
    "repository_empty": (
        lambda w: w.delete(w.make(REPOSITORY, name="api", region=REGION, forceDelete=False)),
        "RepositoryNotEmptyException",
    ),
    "service_name_once": (lambda w: w.make(SERVICE, **w.of_service()), "was not idempotent"),
    "role_exists": (lambda w: w.make(POLICY, name="p", role="nobody", policy="{}"), "NoSuchEntity"),
    "role_without_policies": (lambda w: w.delete(w.role), "DeleteConflict"),
    "cluster_without_services": (lambda w: w.delete(w.cluster), "ClusterContainsServicesException"),
    "capacity_unused": (lambda w: w.delete(w.capacity), "ResourceInUseException"),
    "service_fits": (lambda w: w.change(w.service, taskDefinition="gone"), "TaskDefinition gone is inactive"),
    "capacity_attached": (
        lambda w: [w.account.things.pop(w.capacity.id), w.change(w.service)],
        "specified capacity provider was not found",
    ),
    "rollout_gets_ready": (
        lambda w: w.make(SERVICE, **w.of_service(name="second", loadBalancers=[])),
        "no load balancer forwards",
    ),
    "target_exists": (
        lambda w: w.make(SCALING, **{**w.scaled, "resourceId": "service/x/y"}),
        "doesn't exist",
    ),
    "target_registered": (
        lambda w: w.make(SCALING_POLICY, **{**w.scaled, "resourceId": "service/x/y"}),
        "ObjectNotFoundException",
    ),
    "label_routes": (
        lambda w: w.make(
            SCALING_POLICY, **w.scaled, configuration={"resourceLabel": "app/x/1/targetgroup/y/2"}
        ),
        "does not route traffic",
    ),
    "read_alarms_exist": (
        lambda w: w.make(COMPOSITE, alarmName="both", region=REGION, alarmRule='ALARM("one")'),
        "alarms .one. do not exist",
    ),
    "alarm_unread": (_read_alarm_deleted, "composite alarm.s. depending on it"),
    "alarm_is_whole": (lambda w: w.make(ALARM, name="one", region=REGION), "exactly one of MetricName"),
    "dashboard_fits": (
        lambda w: w.make(DASHBOARD, dashboardName="a b", dashboardBody='{"widgets": []}'),
        "DashboardName is invalid",
    ),
    "topic_exists": (
        lambda w: w.make("aws:sns/topicSubscription:TopicSubscription", topic="arn:aws:sns:none"),
        "Topic does not exist",
    ),
    "event_rule_exists": (
        lambda w: w.make(TARGET, rule="none", targetId="topic", region=REGION),
        "Rule none does not exist",
    ),
    **DATABASE_CASES,
    "event_rule_without_targets": (_rule_with_a_target_deleted, "Rule can't be deleted"),
}


@pytest.mark.parametrize(("request_", "error"), CASES.values(), ids=CASES)
def test_a_request_that_breaks_a_rule_is_refused(request_: Callable[[World], object], error: str) -> None:
    with pytest.raises((Refusal, NotReady), match=error.replace("(", r"\(")):
        request_(World())


@pytest.mark.parametrize(("request_", "error"), ALSO_REFUSED.values(), ids=ALSO_REFUSED)
def test_rds_refuses(request_: Callable[[World], object], error: str) -> None:
    with pytest.raises(Refusal, match=error):
        request_(World())


def test_a_task_that_does_not_reach_its_database_does_not_start() -> None:
    world = World()
    made = database(world, vpcSecurityGroupIds=[world.group.id])
    address = f"postgresql://slipway@{made.outputs['address']}:5432/jobs"
    given = {"environment": [{"name": "JOBS_DATABASE", "value": address}]}
    task = world.make(TASK, family="api", region=REGION, **world.containers("a", **given))
    with pytest.raises(Refusal, match="rolled back: no way to the database"):
        world.change(world.service, taskDefinition=task.id)
    open_port = {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "securityGroupId": world.group.id}
    world.make(INGRESS, **open_port, referencedSecurityGroupId=world.group.id)
    world.make(EGRESS, **open_port, referencedSecurityGroupId=world.group.id)
    world.change(world.service, taskDefinition=task.id)
    world.delete(made)
    assert [text for text in world.account.noticed if "could not translate host name" in text]


def test_every_rule_is_broken_by_a_case() -> None:
    rules = {rule.__name__ for each in RULES.values() for rule in each}
    assert rules <= CASES.keys()


NO_GROUP = {"targetGroupArn": "arn:tg", "containerPort": 8080}
NEEDS: Mapping[str, tuple[dict[str, Any], str]] = {
    "advanced": ({"loadBalancers": [NO_GROUP]}, "associated load balancer|advancedConfiguration is required"),
    "canary": ({"deploymentConfiguration": {"strategy": "CANARY"}}, "canaryConfiguration is for"),
    "bake": ({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}, "bakeTimeInMinutes must be given"),
}


@pytest.mark.parametrize(("changed", "error"), NEEDS.values(), ids=NEEDS)
def test_a_strategy_without_what_it_needs_is_refused(changed: dict[str, Any], error: str) -> None:
    with pytest.raises(Refusal, match=error):
        _moving(World(), MODIFY, REGISTER, **changed)


def test_ecs_moves_the_traffic_and_the_tasks_to_the_other_group() -> None:
    world = World()
    service = _moving(world, MODIFY, REGISTER)
    [rule] = [each for each in world.account.of_kind("lb.ListenerRule") if each.inputs["priority"] == 2]
    first = weights_of(rule)
    world.change(service, deploymentMaximumPercent=200)
    assert weights_of(rule) == {group: 100 - weight for group, weight in first.items()}
    busy = {group for group, weight in weights_of(rule).items() if weight}
    tasks = {group for group, names in world.account.registered.items() if any("other" in n for n in names)}
    assert tasks == busy


@pytest.mark.parametrize("type_", [ROLE, LOG, SECRET])
def test_a_name_is_taken_once(type_: str) -> None:
    world = World()
    world.make(type_, name="one", region=REGION)
    with pytest.raises(Refusal, match="already exists"):
        world.make(type_, name="one", region=REGION)


@pytest.mark.parametrize("type_", [LOG, SECRET, CLUSTER, REPOSITORY])
def test_a_name_of_one_region_is_free_in_another(type_: str) -> None:
    world = World()
    wanted = {"name": "one", "forceDelete": True}
    one, other = (world.make(type_, region=region, **wanted) for region in (REGION, ELSEWHERE))
    assert one.id != other.id
    world.delete(one)
    assert world.account.get(other.id) is other


def test_a_deleted_secret_keeps_its_name_until_its_recovery_window_ends() -> None:
    world = World()
    for days in (0, 30):
        world.delete(world.make(SECRET, name="one", region=REGION, recoveryWindowInDays=days))
    with pytest.raises(Refusal, match="one is scheduled for deletion"):
        world.make(SECRET, name="one", region=REGION)


def test_a_task_whose_log_group_is_of_another_region_does_not_start() -> None:
    world = World()
    world.make(LOG, name="/ecs/api", region=ELSEWHERE)
    log = {"options": {"awslogs-group": "/ecs/api", "awslogs-region": REGION}}
    task = world.make(TASK, family="api", region=REGION, **world.containers("a", logConfiguration=log))
    with pytest.raises(Refusal, match=f"no log group /ecs/api in {REGION}"):
        world.change(world.service, taskDefinition=task.id)


def test_tasks_that_may_not_read_their_secret_do_not_start() -> None:
    world = World()
    secret = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:api/KEY-a1B2c3"
    task = world.make(
        TASK, family="api", region=REGION, **world.containers("a", secrets=[{"valueFrom": secret}])
    )
    with pytest.raises(Refusal, match="rolled back: AccessDeniedException"):
        world.change(world.service, taskDefinition=task.id)
    allowed = {"Action": ["secretsmanager:GetSecretValue"], "Resource": secret}
    world.change(world.policy, policy=json.dumps({"Statement": [allowed]}))
    world.change(world.service, taskDefinition=task.id)
    world.change(world.policy, policy=json.dumps({"Statement": []}))
    assert world.account.noticed == [
        f"a thing: AccessDeniedException: the execution role may not read {secret}"
    ]


def test_an_image_that_its_role_may_not_pull_is_noticed() -> None:
    world = World()
    image = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/api@sha256:0"
    task = world.make(TASK, family="api", region=REGION, **world.containers(image))
    with pytest.raises(Refusal, match="may not pull from arn:aws:ecr"):
        world.change(world.service, taskDefinition=task.id)


def test_tasks_that_are_cut_off_are_noticed() -> None:
    world = World()
    [rule] = world.account.of_kind("vpc.SecurityGroupIngressRule")
    world.change(rule, fromPort=9000, toPort=9000)
    assert world.account.noticed == [
        "a thing: its tasks do not let existing loadbalancer/app/shared/0123456789abcdef in"
    ]


def test_a_redirect_to_where_nothing_listens_is_noticed() -> None:
    world = World()
    redirect = {"defaultActions": [{"type": "redirect", "redirect": {"port": "8443"}}]}
    world.make(LISTENER, loadBalancerArn=Existing.balancer, port=80, **redirect)
    assert world.account.noticed == ["a thing: redirects to port 8443, where nothing listens"]


def made_by_number(account: Account, type_: str, inputs: Inputs) -> Inputs:
    return {"id": account.made}


def test_what_belongs_to_a_thing_is_deleted_with_it() -> None:
    account = Account({}, made_by_number, parts={"lb.LoadBalancer": ("lb.Listener", "loadBalancerArn")})
    balancer = account.create(BALANCER, "balancer", {})
    account.things["b"] = Thing("b", LISTENER, "listener", {"loadBalancerArn": balancer.id})
    account.delete(balancer.id)
    assert account.things == {}


@pytest.mark.parametrize(("after", "error"), [(False, Refusal), (True, AnswerLost)])
def test_the_call_of_a_number_fails_once_before_or_after_its_work(
    after: bool, error: type[Exception]
) -> None:
    account = Account({}, made_by_number)
    account.fault = Fault(2, after)
    account.create(VPC, "first", {})
    with pytest.raises(error):
        account.create(VPC, "second", {})
    account.create(VPC, "third", {})
    assert [thing.name for thing in account.things.values()] == [
        "first",
        *(["second"] if after else []),
        "third",
    ]


def test_what_is_not_there_is_deleted_without_an_error_and_not_changed() -> None:
    account = aws_account()
    account.delete("vpc-0")
    with pytest.raises(Refusal, match="NotFound: vpc-0"):
        account.update("vpc-0", {})

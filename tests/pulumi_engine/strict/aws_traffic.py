"""How ECS rolls a service out, and where its requests go: what each strategy needs, does and goes back from.

DOCS AmazonECS/latest/developerguide/deployment-type-blue-green, canary-deployment, deployment-alarm-failure.
ECS changes the weights of a service's rule by itself, also when the service is made: the new tasks are then
in the alternate group.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.pulumi_engine.strict.account import Account, Inputs, Refusal, Request, Rule, Thing, Verb, values_at
from tests.pulumi_engine.strict.aws_balancing import groups_of

MOVING = ("BLUE_GREEN", "CANARY", "LINEAR")
_INVALID = "InvalidParameterException: "


@dataclass
class AwsAccount(Account):
    """registered: target group -> the services whose tasks are in it.

    alarming: image -> the alarm that it sets off. steps: what ECS did by itself, each with the number of
    calls that came before.
    """

    registered: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    alarming: dict[str, str] = field(default_factory=dict[str, str])
    steps: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def note(self, text: str) -> None:
        self.steps.append((len(self.calls), text))

    def register(self, service: str, groups: set[str]) -> None:
        """Have the tasks of a service in these groups alone."""
        for names in self.registered.values():
            names.discard(service)
        for group in groups:
            self.registered.setdefault(group, set()).add(service)

    def story(self, *names: str) -> str:
        """Return the calls for things of these names, with what ECS did by itself in their places."""
        lines: list[str] = []
        for number, (verb, name) in enumerate([*self.calls, ("", "")]):
            lines += [text for before, text in self.steps if before == number]
            if name in names:
                lines.append(f"{verb} {name}")
        return "".join(f"{line}\n" for line in lines)


def strategy_of(inputs: Inputs) -> str:
    return str(_part(inputs, "deploymentConfiguration").get("strategy", "ROLLING"))


def _part(inputs: Inputs, key: str) -> Inputs:
    nothing: dict[str, Any] = {}
    return inputs.get(key) or nothing


def strategy_is_whole(_account: Account, request: Request) -> Iterator[str]:
    """DOCS AmazonECS/latest/APIReference/API_DeploymentConfiguration: what each strategy has of its own."""
    strategy, deployment = strategy_of(request.inputs), _part(request.inputs, "deploymentConfiguration")
    breaker = _part(request.inputs, "deploymentCircuitBreaker")
    if strategy in MOVING and breaker.get("enable"):
        yield f"{_INVALID}the deployment circuit breaker is only for rolling deployments"
    if (strategy == "CANARY") is not ("canaryConfiguration" in deployment):
        yield f"{_INVALID}canaryConfiguration is for the strategy CANARY, which needs it"
    if strategy == "BLUE_GREEN" and "bakeTimeInMinutes" not in deployment:
        yield f"{_INVALID}bakeTimeInMinutes must be given with BLUE_GREEN"


def traffic_can_move(account: Account, request: Request) -> Iterator[str]:
    """Require the resources of DOCS AmazonECS, blue-green-deployment-implementation."""
    if request.verb is Verb.DELETE or strategy_of(request.inputs) not in MOVING:
        return
    for balancer in request.inputs.get("loadBalancers", []):
        advanced = balancer.get("advancedConfiguration")
        if not advanced:
            yield f"{_INVALID}advancedConfiguration is required for the strategy"
            return
        groups = {balancer["targetGroupArn"], advanced["alternateTargetGroupArn"]}
        rule = account.get(advanced["productionListenerRule"])
        if len(groups) != 2:
            yield f"{_INVALID}the alternate target group must be another one"
        if rule is None or rule.kind != "lb.ListenerRule":
            yield f"{_INVALID}productionListenerRule is not the ARN of a listener rule"
        elif set(groups_of(rule.inputs)) != groups:
            yield f"{_INVALID}the production listener rule must forward to both target groups"
        else:
            yield from _not_allowed(account, advanced["roleArn"], rule.id, groups)


def _not_allowed(account: Account, role_arn: str, rule: str, groups: set[str]) -> Iterator[str]:
    name = role_arn.rpartition("/")[2]
    roles = [each for each in account.of_kind("iam.Role") if each.inputs["name"] == name]
    if not any("ecs.amazonaws.com" in role.inputs["assumeRolePolicy"] for role in roles):
        yield f"{_INVALID}ECS was unable to assume the role {role_arn}"
    wanted = [("elasticloadbalancing:ModifyRule", rule)]
    wanted += [("elasticloadbalancing:RegisterTargets", group) for group in sorted(groups)]
    statements = [
        statement
        for policy in account.of_kind("iam.RolePolicy")
        if policy.inputs["role"] == name
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    ]
    for action, resource in wanted:
        if not any(action in each["Action"] and _names(each["Resource"], resource) for each in statements):
            yield f"AccessDenied: {name} is not authorized to perform {action} on {resource}"


def _names(resources: str | list[str], resource: str) -> bool:
    listed = [resources] if isinstance(resources, str) else resources
    return any(fnmatchcase(resource, each) for each in listed)


def is_rolled_out(account: Account, request: Request) -> Iterator[str]:
    """Move tasks and traffic as the strategy says; a bad version goes back by the alarms that are given."""
    assert isinstance(account, AwsAccount)
    yield from ()
    service = f"{request.inputs['cluster']}/{request.inputs['name']}"
    if request.verb is Verb.DELETE:
        account.note("delete api-service")
        account.register(service, set())
        return
    strategy = strategy_of(request.inputs)
    account.note(f"{request.verb.value} api-service, {strategy}")
    if strategy in MOVING:
        _move(account, request, service, strategy)
    else:
        groups = list(values_at(request.inputs.get("loadBalancers", []), "targetGroupArn"))
        account.note(f"    ECS replaces the tasks, in {' and '.join(_named(account, groups))}")
        account.register(service, set(groups))


def _move(account: AwsAccount, request: Request, service: str, strategy: str) -> None:
    [balancer] = request.inputs["loadBalancers"]
    advanced, deployment = balancer["advancedConfiguration"], request.inputs["deploymentConfiguration"]
    rule = account.things[advanced["productionListenerRule"]]
    groups = (balancer["targetGroupArn"], advanced["alternateTargetGroupArn"])
    blue, green = _blue_and_green(account, groups, service, rule)
    old = [group for group, names in account.registered.items() if service in names]
    steps = [(100, deployment["bakeTimeInMinutes"])]
    if strategy == "CANARY" and request.verb is Verb.UPDATE:
        canary = deployment["canaryConfiguration"]
        steps.insert(0, (canary["canaryPercent"], canary["canaryBakeTimeInMinutes"]))
    account.note(f"    ECS starts tasks in {_named(account, [green])[0]}")
    account.register(service, {*old, green})
    for percent, minutes in steps:
        account.note(f"    ECS moves {percent:g} % there, and watches for {minutes} min")
        set_weights(rule, {blue: 100 - percent, green: percent})
        if alarm := _alarm(account, request.inputs):
            account.note(f"    {alarm} is in ALARM: ECS moves all of it back, and ends the new tasks")
            set_weights(rule, {blue: 100, green: 0})
            account.register(service, set(old))
            raise Refusal(f"service deployment ROLLBACK_SUCCESSFUL: the alarm {alarm} was triggered")
    if old:
        account.note("    ECS ends the old tasks")
    account.register(service, {green})


def _blue_and_green(
    account: AwsAccount, groups: tuple[str, str], service: str, rule: Thing
) -> tuple[str, str]:
    """Return the group that gets the requests now, and the other; the alternate one is green at first."""
    weights = weights_of(rule)
    serving = [
        each for each in groups if weights.get(each) and service in account.registered.get(each, set[str]())
    ]
    blue = serving[0] if serving else groups[0]
    return blue, groups[1 - groups.index(blue)]


def _named(account: Account, groups: list[str]) -> list[str]:
    return [account.things[group].name for group in groups]


def _alarm(account: AwsAccount, inputs: Inputs) -> str:
    """Return the alarm that the new version sets off and that takes it back; '' if there is none."""
    alarms = _part(inputs, "alarms")
    task = account.things[inputs["taskDefinition"]]
    found = (
        alarm for image, alarm in account.alarming.items() if image in task.inputs["containerDefinitions"]
    )
    active = alarms.get("enable") and alarms.get("rollback")
    return next((alarm for alarm in found if active and alarm in alarms["alarmNames"]), "")


def weights_of(forwarding: Thing) -> dict[str, float]:
    """Return target group -> weight of what a listener or a rule forwards to."""
    inputs = forwarding.inputs
    actions: list[Inputs] = [*inputs.get("actions", ()), *inputs.get("defaultActions", ())]
    weights = {str(each["targetGroupArn"]): 1.0 for each in actions if each.get("targetGroupArn")}
    for groups in values_at(actions, "targetGroups"):
        weights |= {str(each["arn"]): float(each["weight"]) for each in groups}
    return weights


def set_weights(rule: Thing, weights: Mapping[str, float]) -> None:
    """Write them as ECS does: the group with more of the requests first."""
    ordered = sorted(weights.items(), key=lambda each: -each[1])
    groups = [{"arn": group, "weight": weight} for group, weight in ordered]
    rule.inputs = {**rule.inputs, "actions": [{"type": "forward", "forward": {"targetGroups": groups}}]}


def traffic_arrives(account: Account) -> Iterator[str]:
    """Check the invariant that a listener in use sends no request to a group without tasks."""
    assert isinstance(account, AwsAccount)
    in_use = {group for group, services in account.registered.items() if services}
    for listener in account.of_kind("lb.Listener"):
        rules = [
            each for each in account.of_kind("lb.ListenerRule") if each.inputs["listenerArn"] == listener.id
        ]
        for forwarding in rules or [listener]:
            weights = weights_of(forwarding)
            if in_use & {*weights, *weights_of(listener)}:
                for group in (each for each, weight in weights.items() if weight and each not in in_use):
                    name = account.things[group].name if group in account.things else group
                    yield f"{forwarding.name}: 503, no task is in {name}"


_SERVICE: tuple[Rule, ...] = (strategy_is_whole, traffic_can_move, is_rolled_out)
TRAFFIC_RULES: Mapping[str, tuple[Rule, ...]] = {"ecs.Service": _SERVICE}

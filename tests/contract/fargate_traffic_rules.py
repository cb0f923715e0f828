"""What ECS needs to move the traffic of a service, read backwards from the calls that make it.

DOCS AmazonECS/latest/developerguide/blue-green-deployment-implementation: two target groups that are alike, a
rule of the listener that forwards to both, and a role; BC ecs DeploymentConfiguration, DeploymentAlarms.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.contract.fargate_calls import Made

_MOVES = {"CANARY", "BLUE_GREEN", "LINEAR"}


def _deployment(made: Made) -> dict[str, Any]:
    return made.service["deploymentConfiguration"]


def _moves(made: Made) -> bool:
    return _deployment(made).get("strategy", "ROLLING") in _MOVES


def _strategy_is_whole(made: Made) -> bool:
    """One strategy with its own numbers; BLUE_GREEN needs a bake, and only CANARY has a canary."""
    deployment = _deployment(made)
    strategy = deployment.get("strategy", "ROLLING")
    if ("canaryConfiguration" in deployment) is not (strategy == "CANARY"):
        return False
    canary = deployment.get("canaryConfiguration", {"canaryPercent": 1, "canaryBakeTimeInMinutes": 1})
    minutes = (canary["canaryBakeTimeInMinutes"], deployment.get("bakeTimeInMinutes", 0))
    has_bake = strategy == "ROLLING" or "bakeTimeInMinutes" in deployment
    return has_bake and all(0 <= each <= 1440 for each in minutes) and 0.1 <= canary["canaryPercent"] <= 100


def _something_takes_it_back(made: Made) -> bool:
    """Check for the circuit breaker of a rolling deployment, or the alarms of one that moves the traffic."""
    deployment = _deployment(made)
    breaker, alarms = deployment["deploymentCircuitBreaker"], deployment.get("alarms")
    if not _moves(made):
        return breaker == {"enable": True, "rollback": True} and alarms is None
    return not breaker["enable"] and bool(alarms and alarms["alarmNames"] and alarms["rollback"])


def _groups_are_alike(made: Made) -> bool:
    first, *others = made.all("CreateTargetGroup")
    return all({**first, "Name": ""} == {**other, "Name": ""} for other in others)


def _traffic_can_move(made: Made) -> bool:
    """Each of the needs, and none of them where the traffic does not move."""
    advanced = [each.get("advancedConfiguration") for each in made.service["loadBalancers"]]
    if not _moves(made):
        return not any(advanced)
    [needed] = advanced
    groups = {made.service["loadBalancers"][0]["targetGroupArn"], needed["alternateTargetGroupArn"]}
    weights = [
        {each["TargetGroupArn"]: each["Weight"] for each in action["ForwardConfig"]["TargetGroups"]}
        for rule in made.all("CreateRule")
        for action in rule["Actions"]
    ]
    trusted = [params["AssumeRolePolicyDocument"] for params in made.all("CreateRole")]
    return (
        len(groups) == 2
        and [set(each) for each in weights] == [groups]
        and sorted(weights[0].values()) == [0, 100]
        and ":listener-rule/" in needed["productionListenerRule"]
        and any('"ecs.amazonaws.com"' in document for document in trusted)
    )


def _role_moves_this_traffic_alone(made: Made) -> bool:
    """Check that changing names the rule, its listener and the groups; reading has no narrower resource."""
    for statement in made.statements("-traffic"):
        changes = [action for action in statement["Action"] if ":Describe" not in action]
        if changes and "*" in f"{statement['Resource']}":
            return False
    return bool(made.statements("-traffic")) is _moves(made)


TRAFFIC_RULES: Mapping[str, Callable[[Made], bool]] = {
    "the strategy is whole": _strategy_is_whole,
    "something takes a bad version back": _something_takes_it_back,
    "target groups are alike": _groups_are_alike,
    "the traffic can move": _traffic_can_move,
    "its role moves this traffic alone": _role_moves_this_traffic_alone,
}

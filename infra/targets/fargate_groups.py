"""Whether an `up` would send requests to a target group without tasks, which answers 503 until its end.

ECS moves the requests of a canary or a blue-green rollout between two target groups, and nothing in the
program knows in which one they are. A rule of another listener, or a service with one group, begins with the
first.
"""

from slipway.components.rollouts.kinds import BLUE_GREEN, CANARY
from slipway.infra.plan.run import Plan
from slipway.infra.resources.aws import ECS_SERVICE, LISTENER
from slipway.infra.resources.reading import at, items_at
from slipway.infra.targets.fargate_cli import FargatePlace, answer, objects_at

_WAY = (
    f"ECS moved its requests between two target groups ({CANARY} or {BLUE_GREEN}), and they may be in the "
    "second. Go over to `rollout: rolling` in an `up` of its own first: it has the tasks in both."
)


def outage_of(plan: Plan, place: FargatePlace) -> str | None:
    """Return why requests to the service that runs would get no answer; None where they do. Raises Failed."""
    rule = _live_rule(place)
    services = (each for each in plan.resources if each.type == ECS_SERVICE)
    wanted = next((each for each in services if items_at(each.inputs, "loadBalancers")), None)
    if rule is None or wanted is None:
        return None
    groups = items_at(wanted.inputs, "loadBalancers")
    if len(groups) == 1 and at(groups[0], "advancedConfiguration") is None:
        return f"Without `rollout` the service has one target group. {_WAY}"
    if len(groups) == 1 and _is_secure(place, rule) is not _will_be_secure(plan):
        return f"With or without `certificate` another listener gets the requests. {_WAY}"
    return None


def _live_rule(place: FargatePlace) -> str | None:
    """Return the ARN of the rule by which ECS moves the service's requests; None where it moves none."""
    asked = ["ecs", "describe-services", "--cluster", place.cluster, "--services", place.service]
    service = at(objects_at(answer(place, asked), "services"), 0)
    found = at(service, "loadBalancers", 0, "advancedConfiguration", "productionListenerRule")
    return str(found) if found else None


def _is_secure(place: FargatePlace, rule: str) -> bool:
    """rule: `<prefix>:listener-rule/app/<name>/<id>/<listener>/<rule>`."""
    listener = rule.replace(":listener-rule/", ":listener/").rpartition("/")[0]
    found = answer(place, ["elbv2", "describe-listeners", "--listener-arns", listener])
    return at(objects_at(found, "Listeners"), 0, "Protocol") == "HTTPS"


def _will_be_secure(plan: Plan) -> bool:
    listeners = (each for each in plan.resources if each.type == LISTENER)
    return any(each.inputs.get("protocol") == "HTTPS" for each in listeners)

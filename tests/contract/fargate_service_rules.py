"""Our rules for scaling and for rights, read backwards from the calls that make them."""

import re
from collections.abc import Callable, Mapping

from tests.contract.fargate_calls import Made


def _scaling_is_bounded(made: Made) -> bool:
    count = made.service["desiredCount"]
    targets = made.all("RegisterScalableTarget")
    bounds = [(target["MinCapacity"], target["MaxCapacity"]) for target in targets]
    bounds += [
        (action["ScalableTargetAction"]["MinCapacity"], action["ScalableTargetAction"]["MaxCapacity"])
        for action in made.all("PutScheduledAction")
    ]
    return count >= 1 and len(targets) <= 1 and all(1 <= low <= high for low, high in bounds)


def _scaling_names_the_service(made: Made) -> bool:
    cluster = made.service["cluster"].split("/")[-1]
    expected = f"service/{cluster}/{made.service['serviceName']}"
    operations = ("RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction")
    return all(params["ResourceId"] == expected for one in operations for params in made.all(one))


def _metrics_are_labelled(made: Made) -> bool:
    for params in made.all("PutScalingPolicy"):
        metric = params["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
        label = metric.get("ResourceLabel")
        by_requests = metric["PredefinedMetricType"] == "ALBRequestCountPerTarget"
        pattern = r"app/[A-Za-z0-9-]+/[0-9a-f]+/targetgroup/[A-Za-z0-9-]+/[0-9a-f]+"
        if by_requests != bool(label and re.fullmatch(pattern, label)):
            return False
    return True


def _rights_are_few(made: Made) -> bool:
    """No action or resource with a wildcard but the login to ECR, a log's streams and a model's files."""
    for statement in (*made.statements("-execution"), *made.statements("-task")):
        resource, actions = statement["Resource"], statement["Action"]
        if any("*" in action for action in actions):
            return False
        allowed = {
            "*": ["ecr:GetAuthorizationToken"],
            ":*": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "/*": ["s3:GetObject", "s3:GetObjectVersion"],
        }
        wild = next((end for end in ("/*", ":*", "*") if resource.endswith(end)), None)
        if "*" in resource[:-1] or (wild is not None and actions != allowed[wild]):
            return False
    return True


def _each_secret_has_a_statement(made: Made) -> bool:
    if not made.all("PutRolePolicy"):
        return True  # existing roles: their rights are their owner's
    read = [
        statement["Resource"]
        for statement in made.statements("-execution")
        if statement["Action"] == ["secretsmanager:GetSecretValue"]
    ]
    used = {":".join(secret["valueFrom"].split(":")[:7]) for secret in made.server["secrets"]}
    return sorted(read) == sorted(used)


SERVICE_RULES: Mapping[str, Callable[[Made], bool]] = {
    "the number of tasks is bounded": _scaling_is_bounded,
    "scaling names the service": _scaling_names_the_service,
    "requests per target name both": _metrics_are_labelled,
    "roles may do little": _rights_are_few,
    "each secret has a statement": _each_secret_has_a_statement,
}

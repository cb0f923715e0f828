"""Our rules for a task and its rollout, read backwards from the calls that make them."""

import json
import re
from collections.abc import Callable, Mapping

from slipway.components.fargate import limits
from slipway.components.sizes import FARGATE_MIB
from tests.contract.fargate_calls import Made


def _size_is_offered(made: Made) -> bool:
    return int(made.task["memory"]) in FARGATE_MIB.get(int(made.task["cpu"]) / 1024, ())


def _storage_is_offered(made: Made) -> bool:
    storage = made.task.get("ephemeralStorage")
    return storage is None or 21 <= storage["sizeInGiB"] <= 200


def _is_for_fargate(made: Made) -> bool:
    task = made.task
    shape = (task["networkMode"], task["requiresCompatibilities"])
    return shape == ("awsvpc", ["FARGATE"]) and "resourceRequirements" not in made.server


def _server_is_locked_in(made: Made) -> bool:
    server = made.server
    return (
        server["user"] == "10001:10001"
        and server["readonlyRootFilesystem"] is True
        and server["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    )


def _stops_after_the_drain(made: Made) -> bool:
    return int(made.environment["DRAIN_SECONDS"]) < made.server["stopTimeout"] <= 120


def _container_is_asked(made: Made) -> bool:
    check = made.server["healthCheck"]
    return (
        check["command"][:2] == ["CMD", "python"]
        and check["interval"] in limits.HEALTH_INTERVAL_SECONDS
        and check["timeout"] in limits.HEALTH_TIMEOUT_SECONDS
        and check["retries"] in limits.HEALTH_RETRIES
        and check["startPeriod"] in limits.HEALTH_START_SECONDS
    )


def _log_is_kept(made: Made) -> bool:
    options = made.server["logConfiguration"]["options"]
    groups = {params["logGroupName"] for params in made.all("CreateLogGroup")}
    kept = {params["logGroupName"]: params["retentionInDays"] for params in made.all("PutRetentionPolicy")}
    needed = {"awslogs-group", "awslogs-region", "awslogs-stream-prefix"}
    driver = made.server["logConfiguration"]["logDriver"]
    own = groups == kept.keys() and {each for each in groups if not each.endswith("/metrics")} == {
        options.get("awslogs-group")
    }
    allowed = all(days in limits.RETENTION_DAYS for days in kept.values())
    return driver == "awslogs" and needed <= options.keys() and own and allowed


def _secrets_are_pinned(made: Made) -> bool:
    pattern = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^:]+:[^:]*::[A-Za-z0-9-]{32,64}"
    return all(re.fullmatch(pattern, secret["valueFrom"]) for secret in made.server["secrets"])


def _environment_is_allowed(made: Made) -> bool:
    names = [entry["name"] for entry in (*made.server["environment"], *made.server["secrets"])]
    fits = len(json.dumps(made.task["containerDefinitions"]).encode()) <= 65536
    plain = all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)
    return len(names) == len(set(names)) and plain and fits and "AWS_EXECUTION_ENV" not in names


def _volume_is_writable(made: Made) -> bool:
    """Check that another container has given a fetched model's volume to the server's user before."""
    place = made.environment.get("MODEL_CACHE_DIR")
    if place is None:
        return "mountPoints" not in made.server and not made.task.get("volumes")
    [mount] = made.server["mountPoints"]
    others = [one for one in made.task["containerDefinitions"] if not one["essential"]]
    [giver] = [one for one in others if "mountPoints" in one]
    waits = made.server["dependsOn"] == [{"containerName": giver["name"], "condition": "SUCCESS"}]
    named = [volume["name"] for volume in made.task["volumes"]] == [mount["sourceVolume"]]
    return waits and named and mount["containerPath"] == place and giver["mountPoints"] == [mount]


def _strategy_is_a_strategy(made: Made) -> bool:
    strategy = made.service["capacityProviderStrategy"]
    bases = [item for item in strategy if item.get("base")]
    return (
        "launchType" not in made.service
        and {item["capacityProvider"] for item in strategy} <= {"FARGATE", "FARGATE_SPOT"}
        and sum(item["weight"] for item in strategy) > 0
        and [item["capacityProvider"] for item in bases] in ([], ["FARGATE"])
    )


def _rollout_goes_back(made: Made) -> bool:
    deployment = made.service["deploymentConfiguration"]
    breaker = deployment["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    goes_back = breaker or deployment.get("alarms", {}).get("rollback") is True
    return goes_back and deployment["minimumHealthyPercent"] == 100 < deployment["maximumPercent"]


TASK_RULES: Mapping[str, Callable[[Made], bool]] = {
    "the size is offered": _size_is_offered,
    "the disk is offered": _storage_is_offered,
    "it is a task for Fargate, without a GPU": _is_for_fargate,
    "the image has its digest": lambda m: bool(re.search(r"@sha256:[0-9a-f]{64}$", m.server["image"])),
    "the server is not root, on a read-only root": _server_is_locked_in,
    "a task stops after its drain": _stops_after_the_drain,
    "the container is asked within limits": _container_is_asked,
    "the log has a group of its own, kept for a while": _log_is_kept,
    "every secret's version is pinned": _secrets_are_pinned,
    "the environment is allowed": _environment_is_allowed,
    "a fetched model has a writable place": _volume_is_writable,
    "capacity comes from a strategy alone": _strategy_is_a_strategy,
    "a failed rollout goes back": _rollout_goes_back,
    "a rollout gets time to load": lambda m: m.service["healthCheckGracePeriodSeconds"] >= 60,
    "tasks spread over zones": lambda m: m.service["availabilityZoneRebalancing"] == "ENABLED",
}

import json

import pulumi
import pytest

from tests.components.fargate.emitted import (
    MODEL,
    containers,
    emitted,
    emitted_now,
    environment,
    service,
    task,
)
from tests.contract.fargate_cases import EXISTING


def test_defaults_are_small_private_and_stated() -> None:
    made = service()
    assert made["desiredCount"] == 1
    assert made["capacityProviderStrategies"] == [{"base": 1, "capacityProvider": "FARGATE", "weight": 100}]
    assert "launchType" not in made
    assert made["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert made["waitForSteadyState"] is True
    assert made["availabilityZoneRebalancing"] == "ENABLED"
    assert made["healthCheckGracePeriodSeconds"] == 60
    inputs = task()
    assert (inputs["cpu"], inputs["memory"], inputs["networkMode"]) == ("1024", "2048", "awsvpc")
    assert inputs["runtimePlatform"] == {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}
    assert "ephemeralStorage" not in inputs
    assert emitted().named("api-cluster").inputs["settings"] == [
        {"name": "containerInsights", "value": "disabled"}
    ]


def test_a_value_of_the_environment_may_be_known_later() -> None:
    made = emitted_now(**EXISTING, env=lambda: {"QUEUE": pulumi.Output.from_input("https://sqs/1"), "A": "b"})
    server = json.loads(made.named("api-task").inputs["containerDefinitions"])[0]
    given = {entry["name"]: entry["value"] for entry in server["environment"]}
    assert (given["QUEUE"], given["A"]) == ("https://sqs/1", "b")


def test_the_server_is_locked_in() -> None:
    [server] = containers()
    assert server["user"] == "10001:10001"
    assert server["readonlyRootFilesystem"] is True
    assert server["linuxParameters"] == {"capabilities": {"drop": ["ALL"]}}
    assert server["logConfiguration"]["options"]["awslogs-group"] == "/ecs/api"


@pytest.mark.parametrize(("timeout", "drain", "stop"), [(1, 45, 55), (60, 95, 105), (3600, 110, 120)])
def test_a_task_is_killed_only_after_its_drain(timeout: float, drain: int, stop: int) -> None:
    server = containers(request_timeout_seconds=timeout)[0]
    assert server["stopTimeout"] == stop
    assert environment(request_timeout_seconds=timeout)["DRAIN_SECONDS"] == str(drain)


def test_a_task_takes_requests_until_failed_checks_have_taken_it_out_of_the_load_balancer() -> None:
    """Source: DOCS elasticloadbalancing/latest/application/target-group-health-checks."""
    check = emitted().named("api-targets").inputs["healthCheck"]
    latest = check["unhealthyThreshold"] * check["interval"] + check["timeout"]
    assert int(environment()["LISTEN_ON_SECONDS"]) >= latest


def test_the_server_hears_what_the_platform_does() -> None:
    said = environment(request_timeout_seconds=90, cpu=2, memory_gib=4, port=9000)
    assert (said["HOST"], said["PORT"], said["REQUEST_TIMEOUT_SECONDS"]) == ("0.0.0.0", "9000", "90")
    assert (said["INFERENCE_THREADS"], said["AWS_REGION"]) == ("2", "eu-west-1")
    assert environment(env={"AWS_REGION": "us-east-1"})["AWS_REGION"] == "us-east-1"


def test_the_health_check_is_a_program_that_the_image_has() -> None:
    command = containers()[0]["healthCheck"]["command"]
    assert command[:4] == ["CMD", "python", "-IS", "-c"]
    compile(command[4], "health", "exec")
    assert "/alive" in command[4]


def test_a_model_is_in_the_image_or_fetched_to_a_volume_of_the_server() -> None:
    assert not {"MODEL_SOURCE", "MODEL_CACHE_DIR"} & environment().keys()
    server, owner = containers(model=MODEL)
    said = {entry["name"]: entry["value"] for entry in server["environment"]}
    assert said["MODEL_SOURCE"] == MODEL
    assert said["MODEL_CACHE_DIR"] == server["mountPoints"][0]["containerPath"]
    assert server["dependsOn"] == [{"containerName": owner["name"], "condition": "SUCCESS"}]
    assert (owner["essential"], owner["user"], owner["readonlyRootFilesystem"]) == (False, "0", True)
    assert owner["mountPoints"] == server["mountPoints"]
    compile(owner["command"][0], "owner", "exec")
    assert task(model=MODEL)["volumes"] == [{"name": server["mountPoints"][0]["sourceVolume"]}]


def test_a_slow_model_gets_three_times_its_load_and_a_fetched_one_time_to_fetch() -> None:
    assert service(load_seconds=200)["healthCheckGracePeriodSeconds"] == 600
    assert service(model=MODEL)["healthCheckGracePeriodSeconds"] == 660

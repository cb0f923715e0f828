from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from slipway.components.fargate import Architecture, ContainerInsights
from tests.components.fargate.emitted import emitted, emitted_now, planned, without_inputs_of
from tests.contract import cloud
from tests.contract.aws_outputs import arn
from tests.contract.fargate_cases import (
    CLUSTER,
    IMAGE,
    MORNING,
    SHARED,
)


def test_an_existing_cluster_is_used_and_left_alone() -> None:
    made = emitted(cluster_arn=CLUSTER, request_seconds=1)
    assert not made.of_type(aws.ecs.Cluster)
    assert not made.of_type(aws.ecs.ClusterCapacityProviders)
    assert made.named("api-scaling").inputs["resourceId"] == "service/shared/api"
    assert "/clusters/shared/services/api/" in made.outputs["console_url"]


def test_insights_and_arm_are_asked_for() -> None:
    made = emitted(architecture=Architecture.ARM64, container_insights=ContainerInsights.ENHANCED)
    assert made.named("api-task").inputs["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert made.named("api-cluster").inputs["settings"][0]["value"] == "enhanced"


def test_the_number_of_tasks_is_left_to_the_autoscaler_only_where_there_is_one() -> None:
    def ignored(**args: Any) -> tuple[str, ...]:
        return emitted(**args).named("api-service").ignore_changes

    assert ignored(min_replicas=2, max_replicas=2) == ()
    assert ignored() == ("desiredCount",)
    assert ignored(min_replicas=2, max_replicas=2, schedules=[MORNING]) == ("desiredCount",)
    assert not emitted(min_replicas=2, max_replicas=2).of_type(aws.appautoscaling.Target)


def test_what_a_schedule_has_set_is_no_change_that_an_update_undoes() -> None:
    """Source: DOCS autoscaling/application, scheduled-scaling-overview: an action sets the target's range."""
    assert emitted().named("api-scaling").ignore_changes == ()
    scheduled = emitted(schedules=[MORNING]).named("api-scaling")
    assert set(scheduled.ignore_changes) == {"minCapacity", "maxCapacity"}


def test_scaling_follows_cpu_and_where_measured_requests() -> None:
    def metrics(**args: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for policy in emitted(**args).of_type(aws.appautoscaling.Policy):
            tracking = policy.inputs["targetTrackingScalingPolicyConfiguration"]
            kind = tracking["predefinedMetricSpecification"]["predefinedMetricType"]
            found[kind] = tracking["targetValue"]
        return found

    assert metrics() == {"ECSServiceAverageCPUUtilization": 60}
    assert metrics(request_seconds=1, cpu_target_percent=50) == {
        "ECSServiceAverageCPUUtilization": 50,
        "ALBRequestCountPerTarget": 336,
    }


def test_requests_are_counted_where_the_listener_is() -> None:
    made = emitted(**SHARED, request_seconds=1).named("api-requests-scaling").inputs
    metric = made["targetTrackingScalingPolicyConfiguration"]["predefinedMetricSpecification"]
    assert metric["resourceLabel"].startswith("app/shared/0123456789abcdef/targetgroup/api-8080-")


def test_a_schedule_is_handed_over() -> None:
    [action] = emitted(schedules=[MORNING]).of_type(aws.appautoscaling.ScheduledAction)
    assert (action.inputs["schedule"], action.inputs["timezone"]) == (MORNING["schedule"], "Europe/Berlin")
    assert action.inputs["scalableTargetAction"] == {"minCapacity": 4, "maxCapacity": 20}


def test_outputs_are_those_of_every_target() -> None:
    outputs = emitted().outputs
    assert (outputs["image_ref"], outputs["service_name"]) == (IMAGE, "api")
    assert outputs["logs_command"] == "aws logs tail /ecs/api --follow --region eu-west-1"
    assert planned().outputs["key"] == "[secret]"


def test_more_memory_changes_nothing_but_the_task_and_what_names_it() -> None:
    before, after = planned(), planned(memory_gib=4)
    changed = ("api", "api-task")
    assert without_inputs_of(before, *changed) == without_inputs_of(after, *changed)
    assert before != after


def test_a_service_that_ecs_has_rolled_back_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider reads the service after the rollout: it runs another task definition than asked for."""

    def rolled_back(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        made = arn("ecs", inputs, "service/api/api")
        return {"id": made, "arn": made, "taskDefinition": arn("ecs", inputs, "task-definition/api:7")}

    monkeypatch.setitem(cloud.OUTPUTS, aws.ecs.Service, rolled_back)  # pyright: ignore[reportArgumentType]
    with pytest.raises(
        pulumi.RunError, match=r"api: ECS runs .*api:7, not .*requested .*api:1: .*rolled back"
    ):
        emitted_now()


@pytest.mark.parametrize("image_ref", ["acme/slipway:latest", "acme/slipway"])
def test_an_image_that_turns_out_to_have_no_digest_stops_the_service(image_ref: str) -> None:
    with pytest.raises(pulumi.RunError, match="must have its digest"):
        emitted(image_ref=lambda: pulumi.Output.from_input(image_ref))


@pytest.mark.parametrize("key", ["short-and-hushed", "hush hush hush hush hush", "hush" * 1025])
def test_a_key_that_turns_out_wrong_stops_the_service_and_is_not_shown(key: str) -> None:
    key = key[:15] if key.startswith("short") else key
    with pytest.raises(
        pulumi.RunError, match=r"api_key has \d+ characters \(they are not shown\)"
    ) as refusal:
        emitted(api_key=lambda: pulumi.Output.secret(key))
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(("value", "size"), [("", 0), ("x" * 65537, 65537)])
def test_a_secret_that_cannot_be_kept_stops_the_service(value: str, size: int) -> None:
    with pytest.raises(
        pulumi.RunError, match=f"secret HF_TOKEN has {size} bytes; it must have from 1 to 65536"
    ):
        emitted(secret_values=lambda: {"HF_TOKEN": pulumi.Output.secret(value)})


def test_a_warning_reaches_the_person_who_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def warn(text: str, resource: pulumi.Resource) -> None:
        told.append(text)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    emitted_now()
    assert any("no one can call the service" in text for text in told)

"""Of what is not known before `up` a rule says so; a component's recorded arguments are judged instead."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slipway.infra.policy.judge import judged, unjudged_notes
from slipway.infra.resources.reading import Resource
from tests.infra.plain import DIGEST, PROJECT, cost, plan, resource
from tests.infra.policy.test_rules import Choices

TASK = "aws:ecs/taskDefinition:TaskDefinition"
UNKNOWN_TASK = resource(TASK, {"memory": "2048", "containerDefinitions": "[unknown]"}, "api-task")


def component(**inputs: Any) -> Resource:
    kind = "slipway:index:FargateService"
    return replace(resource(kind, inputs, "api"), urn=PROJECT, parent=None)


def broken(*resources: Resource) -> list[str]:
    return [one.rule for one in judged("dev", resources, Choices(), cost(*resources)).violations]


def unjudged(*resources: Resource) -> Mapping[str, Mapping[str, str]]:
    return judged("dev", resources, Choices(), None).unjudged


def test_unknown_containers_of_a_task_are_not_taken_to_keep_the_rules() -> None:
    assert broken(UNKNOWN_TASK) == []
    assert unjudged(UNKNOWN_TASK).keys() == {"api-task"}
    assert unjudged(UNKNOWN_TASK)["api-task"].keys() == {"image-digest", "plain-secret", "probe"}
    [note] = unjudged_notes(unjudged(UNKNOWN_TASK))
    assert note.startswith(
        "Not judged of api-task: image-digest, because the image of the task is known after"
    )


def test_what_the_component_was_given_is_judged_in_place_of_what_is_unknown() -> None:
    given = component(image_ref="acme/server:latest", env={"HUB": f"hf_{'a' * 34}", "LOG_LEVEL": "info"})
    assert sorted(broken(given, UNKNOWN_TASK)) == ["image-digest", "plain-secret"]
    assert unjudged(given, UNKNOWN_TASK)["api-task"].keys() == {"probe"}
    assert broken(component(image_ref=DIGEST, env={"LOG_LEVEL": "info"}), UNKNOWN_TASK) == []


def test_a_name_that_is_said_to_be_no_secret_is_none() -> None:
    assert broken(component(image_ref=DIGEST, env={"CACHE_KEY": "abc"}), UNKNOWN_TASK) == ["plain-secret"]
    said = component(image_ref=DIGEST, env={"CACHE_KEY": "abc"}, plain_env=["CACHE_KEY"])
    assert broken(said, UNKNOWN_TASK) == []


def test_an_image_that_the_stack_builds_has_its_digest() -> None:
    build = "urn:pulumi:dev::slipway::slipway:index:InferenceImage$docker-build:index:Image::api-image-build"
    given = replace(component(image_ref="[unknown]", env={}), uses={"image_ref": (build,)})
    assert "image-digest" not in unjudged(given, UNKNOWN_TASK)["api-task"]
    assert "image-digest" in unjudged(component(image_ref="[unknown]", env={}), UNKNOWN_TASK)["api-task"]


def test_a_policy_whose_statements_are_unknown_is_not_judged() -> None:
    policy = resource("aws:iam/rolePolicy:RolePolicy", {"policy": "[unknown]"}, "api-execution-policy")
    assert broken(policy) == []
    assert unjudged(policy) == {"api-execution-policy": {"wide-role": "its statements are known after `up`"}}


def test_a_whole_fargate_stack_says_which_rules_wait_for_up() -> None:
    settings = {"target": "fargate", "region": "eu-west-1", "allowedCidrs": '["203.0.113.0/24"]'}
    waiting = unjudged(*plan(settings).resources)
    assert {name: set(rules) for name, rules in waiting.items()} == {
        "slipway-dev-execution-policy": {"wide-role"},
        "slipway-dev-task": {"probe"},
    }


def test_of_a_cloud_run_stack_everything_is_judged() -> None:
    settings = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"}
    assert unjudged(*plan(settings).resources) == {}

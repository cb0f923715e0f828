from collections.abc import Mapping

import pulumi
import pytest
from pulumi.dynamic import Resource, ResourceProvider

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.monitor import Answer, PlanError
from slipway.infra.plan.run import plan_of


class Thing(Resource, module="test", name="Thing"):
    made: pulumi.Output[str]

    def __init__(
        self, name: str, inputs: dict[str, object], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(ResourceProvider(), name, {**inputs, "made": None}, opts)


class Box(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Box", name, {"size": 2, "secret": pulumi.Output.secret("hidden")}, opts)
        self.register_outputs({})


def config(stack: str = "dev", **values: str) -> StackConfig:
    return StackConfig(
        "demo", stack, {f"demo:{key}": value for key, value in values.items()}, frozenset(), {}
    )


def nested() -> None:
    outer = Box("outer")
    inner = Box("inner", pulumi.ResourceOptions(parent=outer))
    thing = Thing(
        "thing",
        {"count": 3, "ratio": 0.5, "tags": ["a", None, {"b": True}]},
        pulumi.ResourceOptions(parent=inner),
    )
    Thing("after", {"of": thing.made}, pulumi.ResourceOptions(depends_on=[thing]))
    pulumi.export("made", thing.made)
    pulumi.export("size", pulumi.Config().require("size"))
    pulumi.export("key", pulumi.Output.secret("hidden"))


def test_urns_carry_every_components_type_but_never_the_stacks() -> None:
    urns = {resource.name: resource.urn for resource in plan_of(nested, config(size="4")).resources}
    assert urns == {
        "demo-dev": "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev",
        "outer": "urn:pulumi:dev::demo::test:index:Box::outer",
        "inner": "urn:pulumi:dev::demo::test:index:Box$test:index:Box::inner",
        "thing": "urn:pulumi:dev::demo::test:index:Box$test:index:Box$pulumi-python:dynamic/test:Thing::thing",  # noqa: E501
        "after": "urn:pulumi:dev::demo::pulumi-python:dynamic/test:Thing::after",
    }


def test_every_resource_names_its_parent_and_what_it_depends_on() -> None:
    resources = {resource.name: resource for resource in plan_of(nested, config(size="4")).resources}
    assert resources["demo-dev"].parent is None
    assert resources["outer"].parent == resources["demo-dev"].urn
    assert resources["thing"].parent == resources["inner"].urn
    assert resources["after"].dependencies == (resources["thing"].urn,)


def test_inputs_are_plain_json_with_secrets_and_unknowns_named() -> None:
    resources = {resource.name: resource for resource in plan_of(nested, config(size="4")).resources}
    assert resources["outer"].inputs == {"secret": "[secret]", "size": 2}
    assert resources["thing"].inputs == {"count": 3, "ratio": 0.5, "tags": ["a", None, {"b": True}]}
    assert resources["after"].inputs == {"of": "[unknown]"}


def test_no_secret_and_no_pickled_provider_is_anywhere_in_the_plan() -> None:
    text = repr(plan_of(nested, config(size="4")))
    assert "hidden" not in text
    assert "__provider" not in text


def test_stack_outputs_are_masked_as_inputs_are() -> None:
    assert plan_of(nested, config(size="4")).outputs == {"key": "[secret]", "made": "[unknown]", "size": "4"}


def test_two_stacks_in_one_process_keep_apart() -> None:
    first, second = plan_of(nested, config("a", size="1")), plan_of(nested, config("b", size="2"))
    assert (first.outputs["size"], second.outputs["size"]) == ("1", "2")
    assert {r.urn.split("::")[0] for r in first.resources} == {"urn:pulumi:a"}
    assert {r.urn.split("::")[0] for r in second.resources} == {"urn:pulumi:b"}
    assert plan_of(nested, config("a", size="1")) == first


def two_of_a_name() -> None:
    Thing("same", {})
    Thing("same", {})


def test_a_urn_registered_twice_is_refused_as_the_engine_does() -> None:
    with pytest.raises(PlanError, match=r"Duplicate resource URN urn:pulumi:dev::demo::.*::same"):
        plan_of(two_of_a_name, config())


def asks_the_cloud() -> None:
    pulumi.export("zones", pulumi.runtime.invoke("aws:index:getZones", {"state": "up"}).value["names"])


def test_a_provider_function_without_a_declared_answer_is_refused_by_name() -> None:
    with pytest.raises(PlanError, match="aws:index:getZones, which needs the cloud"):
        plan_of(asks_the_cloud, config())


def zones_of(asked: Mapping[str, str]) -> dict[str, list[str]]:
    return {"names": ["z1"] if asked["state"] == "up" else []}


@pytest.mark.parametrize("answer", [{"names": ["z1"]}, zones_of])
def test_a_declared_answer_reaches_the_program(
    answer: Answer,
) -> None:
    assert plan_of(asks_the_cloud, config(), {"aws:index:getZones": answer}).outputs == {"zones": ["z1"]}


class Existing(pulumi.CustomResource):
    def __init__(self, name: str) -> None:
        super().__init__("test:index:Existing", name, {}, pulumi.ResourceOptions(id="id-1"))


def test_reading_an_existing_resource_is_refused() -> None:
    def program() -> None:
        Existing("old")

    with pytest.raises(PlanError, match="existing test:index:Existing old, which needs the cloud"):
        plan_of(program, config())


def fails() -> None:
    Thing("before", {})
    raise KeyError("the program's own")


def test_the_programs_own_error_travels() -> None:
    with pytest.raises(KeyError, match="the program's own"):
        plan_of(fails, config())


def test_a_run_after_a_failed_one_starts_from_nothing() -> None:
    with pytest.raises(KeyError):
        plan_of(fails, config())
    assert len(plan_of(nested, config(size="4")).resources) == 5


def test_a_plan_holds_what_the_program_warns_of_with_its_resource_and_in_its_order() -> None:
    class Group(pulumi.ComponentResource):
        def __init__(self, name: str) -> None:
            super().__init__("demo:index:Group", name)
            for text in ("second to none", "first of all"):
                pulumi.log.warn(text, self)
            pulumi.log.info("nothing to know", self)

    def program() -> None:
        Group("late")
        Group("early")
        pulumi.log.warn("of nothing")

    found = [(each.urn.rpartition("::")[2], each.text) for each in plan_of(program, config()).warnings]
    of_a_group = ["second to none", "first of all"]
    assert found == [
        ("", "of nothing"),
        *(("early", text) for text in of_a_group),
        *(("late", text) for text in of_a_group),
    ]

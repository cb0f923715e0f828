"""The URNs that a resource had before, as `infra/plan` records them of a program that gives aliases."""

from collections.abc import Callable

import pulumi
import pytest

from slipway.infra.plan.run import plan_of
from tests.infra.plan.test_plan import Box, Thing, config

PREFIX = "urn:pulumi:dev::demo::"


class Moved(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Moved", name, {}, opts)
        Thing(f"{name}-thing", {}, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


def aliases(program: Callable[[], None]) -> dict[str, tuple[str, ...]]:
    return {resource.name: resource.aliases for resource in plan_of(program, config()).resources}


def test_a_name_that_a_resource_had() -> None:
    def program() -> None:
        Thing("new", {}, pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))

    assert aliases(program)["new"] == (f"{PREFIX}pulumi-python:dynamic/test:Thing::old",)


def test_a_urn_that_a_resource_had() -> None:
    def program() -> None:
        Thing("new", {}, pulumi.ResourceOptions(aliases=[f"{PREFIX}a:b:C::old"]))

    assert aliases(program)["new"] == (f"{PREFIX}a:b:C::old",)


def test_children_named_for_a_renamed_component_had_its_old_name_in_theirs() -> None:
    def program() -> None:
        Moved("new", pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))

    found = aliases(program)
    assert found["new"] == (f"{PREFIX}test:index:Moved::old",)
    assert found["new-thing"] == (f"{PREFIX}test:index:Moved$pulumi-python:dynamic/test:Thing::old-thing",)


def test_a_resource_that_had_another_parent_or_none() -> None:
    def program() -> None:
        box = Box("box")
        options = pulumi.ResourceOptions(
            parent=box, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]
        )
        Thing("thing", {}, options)

    assert aliases(program)["thing"] == (f"{PREFIX}pulumi-python:dynamic/test:Thing::thing",)


def test_a_renamed_child_of_a_renamed_component_has_every_pair_of_them() -> None:
    def program() -> None:
        box = Box("new", pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))
        Thing("b", {}, pulumi.ResourceOptions(parent=box, aliases=[pulumi.Alias(name="a")]))

    inside = "test:index:Box$pulumi-python:dynamic/test:Thing"
    assert set(aliases(program)["b"]) == {f"{PREFIX}{inside}::a"}


@pytest.mark.parametrize("option", [None, pulumi.ResourceOptions(protect=True)])
def test_options_are_recorded(option: pulumi.ResourceOptions | None) -> None:
    def program() -> None:
        Thing("thing", {}, option)

    [thing] = [each for each in plan_of(program, config()).resources if each.name == "thing"]
    assert thing.protect is (option is not None)


def test_what_an_input_is_made_of_is_recorded_by_input() -> None:
    def program() -> None:
        first = Thing("first", {})
        Thing("second", {"of": first.made, "plain": 1})

    plan = {each.name: each for each in plan_of(program, config()).resources}
    assert plan["second"].uses == {"of": (plan["first"].urn,)}

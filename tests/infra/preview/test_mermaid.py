from slipway.infra.diff.model import Action, StackSource
from slipway.infra.preview.mermaid import MOST_NODES, arrows, flowchart
from tests.infra.diff.plans import difference, resource, side, urn_of

VPC = "aws:ec2/vpc:Vpc"


def using(name: str, *others: str) -> object:
    return resource(VPC, name, {}, uses={"tags": tuple(urn_of(VPC, other) for other in others)})


def actions(before: StackSource, after: StackSource) -> dict[str, Action]:
    return {change.urn: change.action for change in difference(before, after).changed}


def test_an_arrow_goes_from_what_is_used_and_none_says_what_others_say() -> None:
    found = arrows([using("a"), using("b", "a"), using("c", "a", "b")])  # type: ignore[list-item]
    names = [(source[-1], user[-1]) for source, user in found]
    assert names == [("a", "b"), ("b", "c")]


def test_what_changes_is_coloured() -> None:
    before, after = side(resource(VPC, "a", {"cidrBlock": "1"})), side(resource(VPC, "a", {"cidrBlock": "2"}))
    chart = flowchart(after.plan.resources, actions(before, after))
    assert '["a<br>aws Vpc"]:::replace' in chart
    assert "classDef replace" in chart


def test_a_large_stack_is_drawn_by_what_changes() -> None:
    before = side(*(resource(VPC, f"v{n}", {}) for n in range(MOST_NODES + 1)))
    after = side(
        *(resource(VPC, f"v{n}", {"tags": {"a": "b"}} if n == 7 else {}) for n in range(MOST_NODES + 1))
    )
    chart = flowchart(after.plan.resources, actions(before, after))
    assert chart.count("aws Vpc") == 1
    assert "v7<br>" in chart


def test_nothing_is_drawn_of_nothing() -> None:
    assert flowchart([], {}) == ""

"""A change is judged by the rules that it finds, whatever it makes of them."""

from dataclasses import dataclass, field

from slipway.infra.policy.loosened import Judged, loosened
from slipway.infra.resources.reading import Resource
from tests.infra.plain import cloud_run, cost, resource

OPEN = resource(
    "gcp:cloudrunv2/serviceIamMember:ServiceIamMember",
    {"role": "roles/run.invoker", "member": "allUsers"},
    "invoker",
)


@dataclass
class Rules:
    policy: dict[str, str] = field(default_factory=dict[str, str])
    budget_usd: float | None = None
    is_public: bool = False


def found(before: Rules, after: Rules, *resources: Resource) -> list[tuple[str, str]]:
    made = [cloud_run(least=1), *resources]
    judged = Judged("dev", made, cost(*made))
    return [(risk.level.name.lower(), risk.text) for risk in loosened(judged, before, after)]


def test_what_a_switched_off_rule_would_have_refused_is_named() -> None:
    assert found(Rules(), Rules({"public": "off"}), OPEN) == [
        ("high", "breaks the rule public, which was mandatory before")
    ]


def test_a_rule_that_is_switched_off_is_named_though_nothing_breaks_it() -> None:
    assert found(Rules(), Rules({"plain-secret": "off"})) == [("high", "switches the rule off: plain-secret")]
    assert found(Rules(), Rules({"probe": "off"})) == [("medium", "switches the rule off: probe")]


def test_a_rule_that_only_warns_now_is_named() -> None:
    assert found(Rules({"gpu-taint": "mandatory"}), Rules()) == [
        ("high", "no longer refuses what breaks the rule: gpu-taint")
    ]


def test_a_stricter_rule_is_no_risk() -> None:
    assert found(Rules(), Rules({"probe": "mandatory"})) == []


def test_a_budget_that_was_kept_is_named_where_it_is_raised_or_removed() -> None:
    strict = {"budget": "mandatory"}
    assert found(Rules(strict, 10), Rules(strict, 1000)) == [
        ("high", "breaks the rule budget, which was mandatory before")
    ]
    assert found(Rules({}, 500), Rules()) == [("medium", "the budget of $500.00 a month is removed")]
    assert found(Rules({}, 500), Rules({}, 400)) == []

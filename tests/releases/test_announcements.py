"""The judge of what is announced, on changes that are made up."""

from dataclasses import replace

import pytest

from slipway.infra.plan.run import Plan
from slipway.infra.setup.changelog import REPLACES, ReleaseNotes
from tests.releases.announcements import (
    changed_names,
    is_announced,
    is_replacement_announced,
    lost_resources,
)
from tests.releases.folder import PLANS, last_release, read
from tests.releases.plans import plan_from, plans, text_of

BEFORE = "slipway up STACK: str\nslipway up --refresh: flag\nslipway up --yes: flag\n"


def plan_of_the_release(name: str) -> Plan:
    return plan_from(read(last_release())[f"{PLANS}/{name}.yaml"])


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (f"{BEFORE}slipway up --new: str\n", []),
        (BEFORE.replace("--refresh", "--reread"), ["--refresh"]),
        (BEFORE.replace("STACK: str", "STACK: str, required"), ["STACK"]),
        ("", ["STACK", "--refresh", "--yes"]),
    ],
)
def test_a_name_that_is_gone_or_whose_facts_changed_is_a_change_and_a_new_one_is_none(
    after: str, names: list[str]
) -> None:
    assert [name for _, name in changed_names(BEFORE, after)] == names


@pytest.mark.parametrize(
    ("entry", "announced"),
    [
        ("`--refresh` is `--reread` now.", True),
        ("`slipway up --refresh` is gone.", True),
        ("--refresh is gone.", False),
        ("`--refresh-all` is gone.", False),
        ("`--refreshed` is new.", False),
    ],
)
def test_an_entry_names_what_changed_as_code(entry: str, announced: bool) -> None:
    assert is_announced("--refresh", [entry]) is announced


@pytest.mark.parametrize("name", ["dev", "prod", "prod-aws", "kubernetes", "GkeCluster"])
def test_a_plan_that_was_written_and_read_again_is_the_same(name: str) -> None:
    text = read(last_release())[f"{PLANS}/{name}.yaml"]
    assert text_of(plan_from(text)) == text
    assert list(lost_resources(name, plan_from(text), plan_from(text))) == []


@pytest.mark.parametrize(
    ("stack", "kind", "target"),
    [
        ("prod-aws", "TargetGroup", "fargate"),
        ("prod", "Cluster", "gke"),
        ("dev", "Account", "cloud-run"),
        ("kubernetes", "Deployment", "kubernetes"),
    ],
)
def test_a_resource_that_is_gone_is_lost_and_one_entry_announces_it(
    stack: str, kind: str, target: str
) -> None:
    before = plan_of_the_release(stack)
    kept = tuple(resource for resource in before.resources if resource.type.rpartition(":")[2] != kind)
    found = list(lost_resources(stack, before, replace(before, resources=kept)))
    assert {(place, what) for _, place, what in found} == {(target, kind)}
    assert not is_replacement_announced(target, kind, ReleaseNotes("Unreleased"))


def test_a_rename_without_an_alias_replaces_and_one_with_an_alias_does_not() -> None:
    before = plan_of_the_release("prod-aws")
    [group] = [each for each in before.resources if each.type == "aws:lb/targetGroup:TargetGroup"]
    urn = f"{group.urn}-renamed"
    renamed = replace(group, urn=urn, name=f"{group.name}-renamed")

    def lost(new: object) -> list[str]:
        resources = tuple(new if each is group else each for each in before.resources)
        found = lost_resources("prod-aws", before, replace(before, resources=resources))  # pyright: ignore[reportArgumentType]
        return [sentence for sentence, _, _ in found]

    [sentence] = lost(renamed)
    assert "replace TargetGroup" in sentence
    assert lost(replace(renamed, aliases=(group.urn,))) == []


@pytest.mark.parametrize(
    ("entry", "announced"),
    [
        ("`fargate`: the target group is replaced once.", True),
        ("`prod` and `fargate`: one `TargetGroup` more.", True),
        ("`gke`: the target group is replaced once.", False),
        ("`fargate`: the listener is replaced once.", False),
        ("fargate: the target group is replaced once.", False),
    ],
)
def test_a_replacement_is_announced_with_its_target_and_its_kind(entry: str, announced: bool) -> None:
    release = ReleaseNotes("Unreleased", groups={REPLACES: (entry,)})
    assert is_replacement_announced("fargate", "TargetGroup", release) is announced
    assert not is_replacement_announced(
        "fargate", "TargetGroup", ReleaseNotes("", groups={"Added": (entry,)})
    )


def test_every_plan_has_a_snapshot_of_its_own_and_none_of_them_has_this_machine_in_it() -> None:
    texts = {name: text_of(plan) for name, plan in plans().items()}
    assert len(set(texts.values())) == len(texts) >= 12
    for text in texts.values():
        assert str(last_release().parents[2]) not in text

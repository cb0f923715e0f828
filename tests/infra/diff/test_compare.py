from typing import Any

import pytest

from slipway.infra.diff.model import Action, Knowledge
from slipway.infra.diff.paths import Change
from tests.infra.diff.plans import changed, difference, resource, side, urn_of

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
IMAGE, TASK, SERVICE = (
    "docker-build:index:Image",
    "aws:ecs/taskDefinition:TaskDefinition",
    "aws:ecs/service:Service",
)
VERSION = "gcp:secretmanager/secretVersion:SecretVersion"


def actions(diff: Any) -> dict[str, Action]:
    return {change.name: change.action for change in diff.changed}


def test_what_is_on_one_side_only_is_created_or_deleted() -> None:
    assert actions(changed(VPC, None, {"cidrBlock": "10.0.0.0/16"})) == {"x": Action.CREATE}
    assert actions(changed(VPC, {"cidrBlock": "10.0.0.0/16"}, None)) == {"x": Action.DELETE}


def test_a_changed_input_is_an_update_unless_the_table_forces_a_replacement() -> None:
    [update] = changed(VPC, {"enableDnsSupport": True}, {"enableDnsSupport": False}).changed
    assert (update.action, update.forced_by) == (Action.UPDATE, ())
    [replaced] = changed(VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}).changed
    assert (replaced.action, replaced.forced_by) == (Action.REPLACE, ("cidrBlock",))


def test_an_unchanged_resource_is_counted_and_not_shown() -> None:
    diff = changed(VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16"})
    assert (diff.changed, diff.counts()) == ((), {"same": 1})


def test_a_type_that_the_table_lacks_is_shown_as_unknown() -> None:
    [change] = changed("acme:index:Thing", {"a": 1}, {"a": 2}).changed
    assert (change.action, change.knowledge) == (Action.UPDATE, Knowledge.UNKNOWN)


def test_a_resource_says_itself_what_replaces_it_and_what_is_ignored() -> None:
    options: dict[str, Any] = {"replace_on_changes": ("a",), "ignore_changes": ("b",)}
    before, after = resource("acme:index:Thing", "x", {"a": 1, "b": 1}), {"a": 2, "b": 2}
    [change] = difference(side(before), side(resource("acme:index:Thing", "x", after, **options))).changed
    assert (change.action, [each.path for each in change.changes]) == (Action.REPLACE, ["a"])


def test_a_resource_is_replaced_with_the_one_that_it_names() -> None:
    replaced = [resource(VPC, "one", {"cidrBlock": cidr}) for cidr in ("10.0.0.0/16", "10.1.0.0/16")]
    bound = resource("acme:index:Thing", "x", {"a": 1}, replace_with=(urn_of(VPC, "one"),))
    changes = {change.name: change for change in difference(*(side(one, bound) for one in replaced)).changed}
    assert changes["x"].action is Action.REPLACE
    assert changes["x"].forced_by == ("what it is replaced with, one",)
    updated = [resource(VPC, "one", {"enableDnsSupport": on}) for on in (True, False)]
    assert actions(difference(*(side(one, bound) for one in updated))) == {"one": Action.UPDATE}


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ("dedicated", "app/shared/1", Action.REPLACE),
        (None, "dedicated", None),
        ("dedicated", None, None),
        ("[unknown]", "dedicated", Action.REPLACE),
        ("[unknown]", "[unknown]", None),
    ],
)
def test_a_trigger_that_is_another_one_replaces(before: str | None, after: str | None, action: Any) -> None:
    sides = (side(resource(VPC, "x", {}, replacement_trigger=trigger)) for trigger in (before, after))
    assert actions(difference(*sides)) == ({"x": action} if action else {})


def test_a_followed_value_that_replaces_on_changes_replaces() -> None:
    group = [resource("acme:index:Group", "g", {"a": a}, replace_on_changes=("a",)) for a in (1, 2)]
    options = {"uses": {"b": (group[0].urn,)}, "replace_on_changes": ("b",)}
    rule = resource("acme:index:Rule", "x", {"b": "[unknown]"}, **options)
    assert actions(difference(*(side(each, rule) for each in group)))["x"] is Action.REPLACE


def test_an_ignored_value_follows_nothing() -> None:
    group = [resource("acme:index:Group", "g", {"a": a}, replace_on_changes=("a",)) for a in (1, 2)]
    options = {"uses": {"name": (group[0].urn,)}, "ignore_changes": ("name",)}
    named = resource("acme:index:Rule", "x", {"name": "[unknown]"}, **options)
    assert actions(difference(*(side(each, named) for each in group))) == {"g": Action.REPLACE}


def test_a_rename_with_an_alias_is_no_replacement() -> None:
    inputs = {"cidrBlock": "10.0.0.0/16"}
    new = resource(VPC, "new", inputs, aliases=(urn_of(VPC, "old"),))
    [change] = difference(side(resource(VPC, "old", inputs)), side(new)).changed
    assert (change.action, change.renamed_from) == (Action.RENAME, urn_of(VPC, "old"))


def test_a_rename_without_an_alias_replaces() -> None:
    inputs = {"cidrBlock": "10.0.0.0/16"}
    [change] = difference(side(resource(VPC, "old", inputs)), side(resource(VPC, "new", inputs))).changed
    assert (change.action, change.renamed_from) == (Action.REPLACE, urn_of(VPC, "old"))
    assert "without an alias" in change.forced_by[0]


def test_two_that_are_unlike_are_no_rename() -> None:
    old = resource(
        SUBNET, "old", {"cidrBlock": "10.0.0.0/24", "mapPublicIpOnLaunch": True, "tags": {"a": "b"}}
    )
    new = resource(SUBNET, "new", {"cidrBlock": "10.9.0.0/24", "vpcId": "vpc-1"})
    assert actions(difference(side(old), side(new))) == {"old": Action.DELETE, "new": Action.CREATE}


def test_two_renamed_at_once_are_matched_with_what_they_are_like() -> None:
    zones = ("a", "b")
    before = [resource(SUBNET, f"old-{zone}", {"availabilityZone": zone, "vpcId": "v"}) for zone in zones]
    after = [
        resource(SUBNET, f"new-{zone}", {"availabilityZone": zone, "vpcId": "v"}) for zone in reversed(zones)
    ]
    found = {change.name: change.renamed_from for change in difference(side(*before), side(*after)).changed}
    assert found == {f"new-{zone}": urn_of(SUBNET, f"old-{zone}") for zone in zones}


def chain(revision: str) -> list[Any]:
    image, task = urn_of(IMAGE, "image"), urn_of(TASK, "task")
    return [
        resource(IMAGE, "image", {"buildArgs": {"REVISION": revision}}),
        resource(
            TASK, "task", {"containerDefinitions": "[unknown]"}, uses={"containerDefinitions": (image,)}
        ),
        resource(SERVICE, "service", {"taskDefinition": "[unknown]"}, uses={"taskDefinition": (task,)}),
        resource(VPC, "vpc", {"cidrBlock": "[unknown]"}),
    ]


def test_a_new_image_reaches_through_unknown_values_what_uses_it() -> None:
    diff = difference(side(*chain("1")), side(*chain("2")))
    assert actions(diff) == {"image": Action.UPDATE, "task": Action.REPLACE, "service": Action.FOLLOW}
    service = next(change for change in diff.changed if change.name == "service")
    assert service.changes == (
        Change("taskDefinition", "[unknown]", "[unknown]", follows=urn_of(TASK, "task")),
    )


def test_an_unknown_value_of_what_does_not_change_is_the_same() -> None:
    assert difference(side(*chain("1")), side(*chain("1"))).changed == ()


def test_a_changed_secret_is_told_by_the_encrypted_text_and_stays_masked() -> None:
    version = resource(VERSION, "api-HF_TOKEN-version", {"secretData": "[secret]"})
    other = resource(VERSION, "api-OTHER-version", {"secretData": "[secret]"})
    diff = difference(
        side(version, other, ciphers={"secrets.HF_TOKEN": "v1:a", "secrets.OTHER": "v1:c"}),
        side(version, other, ciphers={"secrets.HF_TOKEN": "v1:b", "secrets.OTHER": "v1:c"}),
    )
    [change] = diff.changed
    assert (change.name, change.action, change.changes[0].secret) == (version.name, Action.REPLACE, True)
    assert [(each.path, each.after, each.secret) for each in diff.settings] == [
        ("secrets.HF_TOKEN", "[secret]", True)
    ]
    assert "v1:" not in repr(diff)


def test_protection_that_an_old_commit_does_not_tell_is_no_change() -> None:
    before, after = resource(VPC, "x", {}), resource(VPC, "x", {}, protect=True)
    assert difference(side(before, with_options=False), side(after)).changed == ()
    [change] = difference(side(before), side(after)).changed
    assert (change.changes[0].before, change.changes[0].after) == (False, True)


@pytest.mark.parametrize("gone", [True, False])
def test_a_stack_on_one_side_has_nothing_but_deleted_or_created(gone: bool) -> None:
    one = side(resource(VPC, "x", {}))
    diff = difference(one, None) if gone else difference(None, one)
    assert actions(diff) == {"x": Action.DELETE if gone else Action.CREATE}
    assert (diff.before is None, diff.after is None) == (not gone, gone)


def test_the_gravest_stands_first() -> None:
    before = [
        resource(VPC, "a", {"tags": {}}),
        resource(VPC, "b", {"cidrBlock": "1"}),
        resource(SUBNET, "c", {}),
    ]
    after = [
        resource(VPC, "a", {"tags": {"x": "y"}}),
        resource(VPC, "b", {"cidrBlock": "2"}),
        resource(IMAGE, "d", {}),
    ]
    assert [each.action for each in difference(side(*before), side(*after)).changed] == [
        Action.DELETE,
        Action.REPLACE,
        Action.UPDATE,
        Action.CREATE,
    ]

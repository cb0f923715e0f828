import json
from typing import Any

import pytest

from slipway.infra.diff.paths import ABSENT, changes_between, leaf_paths


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(change.path, change.before, change.after) for change in changes_between(before, after)]


def test_equal_inputs_have_no_change() -> None:
    inputs = {"a": [{"name": "x", "b": [1, None]}], "c": "[unknown]"}
    assert told(inputs, json.loads(json.dumps(inputs))) == []


def test_a_change_has_its_path_and_both_values() -> None:
    assert told({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}) == [("a.b[0].c", 1, 2)]


def test_an_item_with_a_name_is_found_by_it_wherever_it_stands() -> None:
    before = {"envs": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    after = {"envs": [{"name": "0", "value": "0"}, {"name": "B", "value": "3"}, {"name": "A", "value": "1"}]}
    assert told(before, after) == [
        ("envs[0]", ABSENT, {"name": "0", "value": "0"}),
        ("envs[B].value", "2", "3"),
    ]


def test_items_whose_names_are_not_known_or_not_their_own_go_by_place() -> None:
    twice = {"items": [{"name": "A", "v": 1}, {"name": "A", "v": 2}]}
    assert told(twice, {"items": [{"name": "A", "v": 1}, {"name": "A", "v": 3}]}) == [("items[1].v", 2, 3)]
    unknown = {"items": [{"name": "[unknown]", "v": 1}]}
    assert told(unknown, {"items": [{"name": "[unknown]", "v": 2}]}) == [("items[0].v", 1, 2)]


def test_a_document_in_text_is_compared_by_what_it_says() -> None:
    before = {"policy": json.dumps({"Statement": [{"Action": "a", "Effect": "Allow"}]})}
    after = {"policy": json.dumps({"Statement": [{"Effect": "Allow", "Action": "b"}]}, indent=2)}
    assert told(before, after) == [("policy.Statement[0].Action", "a", "b")]


def test_text_that_only_looks_like_a_document_is_text() -> None:
    assert told({"a": "{x"}, {"a": "[y"}) == [("a", "{x", "[y")]


def test_null_is_a_value_and_a_missing_key_is_none() -> None:
    assert told({"a": None}, {}) == [("a", None, ABSENT)]
    assert told({}, {"a": None}) == [("a", ABSENT, None)]


def test_true_is_not_one_in_a_change_of_kind() -> None:
    assert told({"a": "1"}, {"a": 1}) == [("a", "1", 1)]


def test_a_block_that_is_added_touches_all_that_is_in_it() -> None:
    [change] = changes_between({}, {"nodeConfig": {"guestAccelerators": [{"type": "l4"}]}})
    assert set(leaf_paths(change)) == {
        "nodeConfig",
        "nodeConfig.guestAccelerators",
        "nodeConfig.guestAccelerators.type",
    }


@pytest.mark.parametrize(
    ("path", "plain"),
    [("a[x.y].b", "a.b"), ("a[[0]].b", "a.b"), ("spec.data[tls.crt]", "spec.data"), ("a", "a")],
)
def test_a_plain_path_has_no_items(path: str, plain: str) -> None:
    from slipway.infra.diff.paths import Change

    assert Change(path, 1, 2).plain_path == plain

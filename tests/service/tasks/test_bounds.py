"""What a body may consist of, counted before it is parsed."""

import contextlib
import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.service.faults import InvalidInput
from slipway.service.tasks import bounds
from slipway.service.tasks.bounds import Bounds

MARKS = ',[{"\\]}:'
# Read as JSON by what a request is made of.
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(MARKS + "ab", max_size=9),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(MARKS, max_size=3), inner, max_size=6)
    ),
    max_leaves=30,
)


def counted(value: Any) -> tuple[int, int]:
    """Count the lists and objects, and all values, of parsed JSON."""
    parts = [counted(each) for each in inner(value)]
    containers = isinstance(value, dict | list) + sum(containers for containers, _ in parts)
    return containers, 1 + sum(count for _, count in parts)


def inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else []


@given(values)
def test_a_body_within_its_bounds_is_let_through_whatever_its_strings_hold(value: object):
    containers, count = counted(value)
    Bounds(containers, 2 * count).check(json.dumps(value).encode())  # keys are strings too


@given(values)
def test_a_body_with_more_lists_and_objects_is_refused(value: object):
    containers, count = counted([value])
    with pytest.raises(InvalidInput, match="lists and objects; send less"):
        Bounds(containers - 1, 2 * count).check(json.dumps([value]).encode())


@given(st.lists(st.text(MARKS, max_size=5) | st.integers(), min_size=3))
def test_a_body_with_more_values_is_refused(items: list[object]):
    with pytest.raises(InvalidInput, match=r"has more than 2 (values|strings)"):
        Bounds(1, 2).check(json.dumps(items).encode())


@given(values, st.sampled_from([1, 2, 3, 5, 17]))
def test_the_count_is_the_same_wherever_a_body_is_cut_into_pieces(value: object, piece_bytes: int):
    containers, count = counted([value])
    body = json.dumps([value]).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bounds, "PIECE_BYTES", piece_bytes)
        Bounds(containers, 2 * count).check(body)
        with pytest.raises(InvalidInput, match="lists and objects"):
            Bounds(containers - 1, 2 * count).check(body)


def test_any_number_of_strings_without_a_comma_is_refused():
    with pytest.raises(InvalidInput, match="has more than 100 strings"):
        Bounds(100, 100).check(b'""' * 1_000_000 + b"," * 101)


def test_as_many_items_as_are_allowed_may_be_full_of_marks():
    texts = [MARKS * 100] * 1000
    Bounds.for_items(1000, "texts").check(json.dumps({"text": texts}).encode())


def test_the_refusal_names_the_limit_that_the_caller_knows():
    with pytest.raises(InvalidInput) as refused:
        Bounds.for_items(10, "texts").check(b'{"text":[' + b"[]," * 2000 + b"[]]}")
    detail = "has more than 1040 lists and objects; at most 10 texts are allowed in one call"
    assert refused.value.detail == f"the body {detail}"
    assert [(error.pointer, error.detail) for error in refused.value.errors] == [("#", detail)]


@given(st.binary() | st.text(MARKS).map(str.encode))
def test_no_bytes_at_all_make_the_count_fail(body: bytes):
    with contextlib.suppress(InvalidInput):
        Bounds(3, 3).check(body)

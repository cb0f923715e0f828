from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi
import pytest

from slipway.components.arguments import readable_arguments


class Size(Enum):
    SMALL = "small"


class Hours(TypedDict):
    begin: int
    end: NotRequired[int]


class Args(TypedDict):
    name: str
    secret: NotRequired[pulumi.Input[str]]
    count: NotRequired[int]
    share: NotRequired[float]
    size: NotRequired[Size]
    tags: NotRequired[dict[str, str]]
    people: NotRequired[list[str]]
    open: NotRequired[bool]
    hours: NotRequired[list[Hours]]


def read(**given: Any) -> dict[str, Any]:
    return readable_arguments("api", given, Args)


def test_right_arguments_come_back_as_they_are() -> None:
    given: dict[str, Any] = {
        "name": "a",
        "count": 2.0,
        "share": 1,
        "tags": {"a": "b"},
        "people": ["x"],
        "open": False,
    }
    given["hours"] = [{"begin": 8}, {"begin": 8, "end": 17}]
    assert read(**given) == given


def test_none_is_not_given_and_an_enum_may_be_named_by_its_value() -> None:
    assert read(name=None, size="small") == {"size": Size.SMALL} == read(size=Size.SMALL)


def test_what_may_be_an_output_is_not_looked_at() -> None:
    output = object()
    assert read(secret=output)["secret"] is output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nmae": "x"}, r"^api: nmae is no argument here; did you mean name\?$"),
        ({"q": 1}, r"^api: q is no argument here; leave it out\.$"),
        ({"name": 1}, r"^api: name is a int; it must be a text\.$"),
        ({"count": "1"}, r"^api: count is a str; it must be a whole number\.$"),
        ({"share": True}, r"^api: share is a bool; it must be a number\.$"),
        ({"open": "yes"}, r"^api: open is a str; it must be true or false\.$"),
        ({"size": "huge"}, r"^api: size is 'huge'; allowed are small\.$"),
        ({"tags": "a=b"}, r"^api: tags is a str; it must be a map\.$"),
        ({"tags": {"a": 1}}, r"^api: tags\.a is a int; it must be a text\.$"),
        ({"people": "x"}, r"^api: people is a str; it must be a list\.$"),
        ({"people": ["x", 2]}, r"^api: people\[1\] is a int; it must be a text\.$"),
        ({"hours": [8]}, r"^api: hours\[0\] is a int; it must be a map\.$"),
        ({"hours": [{"begin": "8"}]}, r"^api: hours\[0\]\.begin is a str; it must be a whole number\.$"),
        ({"hours": [{"end": 9}]}, r"^api: hours\[0\]\.begin is missing\.$"),
        ({"hours": [{"begin": 8, "ende": 9}]}, r"^api: hours\[0\]\.ende is .*; did you mean end\?$"),
    ],
)
def test_a_wrong_name_or_type_is_told_with_what_is_allowed(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(**given)


def test_all_of_them_are_told_together() -> None:
    with pytest.raises(ValueError, match=r"nmae(.|\n)*count(.|\n)*open"):
        read(nmae="x", count="1", open=3)

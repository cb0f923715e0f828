import asyncio
from collections.abc import Generator
from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi
import pytest

from slipway.components.arguments import readable_arguments

# Made where no test has closed the event loop yet.
OUTPUT = pulumi.Output.from_input("x")


@pytest.fixture(autouse=True)
def loop() -> Generator[None]:
    """Give this thread an event loop, which an Output needs and another test may have removed."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield
    asyncio.set_event_loop(None)
    made.close()


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
    env: NotRequired[dict[str, pulumi.Input[str]]]


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


class Later:
    """An awaitable, which pulumi.Input allows."""

    def __await__(self) -> Generator[None, None, str]:
        yield
        return "x"


@pytest.mark.parametrize("later", [OUTPUT, Later()], ids=["output", "awaitable"])
def test_what_is_known_later_is_passed_on_where_it_may_be(later: object) -> None:
    assert read(secret=later)["secret"] is later
    assert read(env={"A": later, "B": "b"})["env"] == {"A": later, "B": "b"}


@pytest.mark.parametrize("place", ["name", "count", "open", "size", "tags", "people", "hours", "env"])
def test_an_output_is_refused_where_it_decides_what_is_made(place: str) -> None:
    said = f"^api: {place} is an Output; it must be a plain value, because it decides what is created\\.$"
    with pytest.raises(ValueError, match=said):
        read(**{place: OUTPUT})


def test_an_output_within_a_plain_map_or_list_is_refused_by_its_place() -> None:
    with pytest.raises(ValueError, match=r"tags\.a is an Output(.|\n)*people\[1\] is an Output"):
        read(tags={"a": OUTPUT}, people=["x", OUTPUT])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nmae": "x"}, r"^api: nmae is no argument here; did you mean name\?$"),
        ({"q": 1}, r"^api: q is no argument here; leave it out\.$"),
        ({"name": 1}, r"^api: name is of type int; it must be a string\.$"),
        ({"count": "1"}, r"^api: count is of type str; it must be a whole number\.$"),
        ({"share": True}, r"^api: share is of type bool; it must be a number\.$"),
        ({"open": "yes"}, r"^api: open is of type str; it must be true or false\.$"),
        ({"size": "huge"}, r"^api: size is 'huge'; allowed are small\.$"),
        ({"tags": "a=b"}, r"^api: tags is of type str; it must be a map\.$"),
        ({"tags": {"a": 1}}, r"^api: tags\.a is of type int; it must be a string\.$"),
        ({"env": {"A": 1}}, r"^api: env\.A is of type int; it must be a string\.$"),
        ({"secret": 5}, r"^api: secret is of type int; it must be a string\.$"),
        ({"people": "x"}, r"^api: people is of type str; it must be a list\.$"),
        ({"people": ["x", 2]}, r"^api: people\[1\] is of type int; it must be a string\.$"),
        ({"hours": [8]}, r"^api: hours\[0\] is of type int; it must be a map\.$"),
        (
            {"hours": [{"begin": "8"}]},
            r"^api: hours\[0\]\.begin is of type str; it must be a whole number\.$",
        ),
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

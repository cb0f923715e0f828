"""Resources as the engine's policy SDK hands them over: behind proxies that raise at what is unknown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from slipway.infra.policy.plain import plain, stack_of


class Unknown(Exception):
    pass


class Fields(Mapping[str, Any]):
    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def __getitem__(self, key: str) -> Any:
        if self._fields[key] is Unknown:
            raise Unknown
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Items(Sequence[Any]):
    def __init__(self, *items: Any) -> None:
        self._items = items

    def __getitem__(self, position: Any) -> Any:
        if self._items[position] is Unknown:
            raise Unknown
        return self._items[position]

    def __len__(self) -> int:
        return len(self._items)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fields(b=1.0, a="x"), {"a": "x", "b": 1}),
        (Fields(known=True, other=Unknown), {"known": True, "other": "[unknown]"}),
        (Items(Fields(a=None), Unknown, 1.5), [{"a": None}, "[unknown]", 1.5]),
    ],
)
def test_a_value_of_the_engine_becomes_plain_with_its_unknowns_named(value: Any, expected: Any) -> None:
    assert plain(value, Unknown) == expected


def test_the_stack_stands_in_the_urn() -> None:
    assert stack_of("urn:pulumi:prod-aws::slipway::aws:ecs/service:Service::api") == "prod-aws"

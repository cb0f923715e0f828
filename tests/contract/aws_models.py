"""What AWS's own models say against a call.

botocore checks names, types and least values by itself; choices and largest values stand in its models, and
are walked.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import botocore.session  # pyright: ignore[reportMissingTypeStubs]
from botocore.validate import ParamValidator  # pyright: ignore[reportMissingTypeStubs]

from tests.contract.fargate_api import Call

_SESSION: Any = botocore.session.get_session()  # pyright: ignore[reportUnknownMemberType]
_LENGTHS = ("string", "list", "blob", "map")


@cache
def _input_shape(service: str, operation: str) -> Any:
    return _SESSION.get_service_model(service).operation_model(operation).input_shape


def refusals(call: Call) -> list[str]:
    """List what AWS's model of the call refuses."""
    shape = _input_shape(call.service, call.operation)
    untyped: Any = ParamValidator()
    report = str(untyped.validate(call.params, shape).generate_report())
    return [
        f"{call.operation}: {fault}" for fault in [*report.splitlines(), *_beyond(shape, call.params, "")]
    ]


def _beyond(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Values that are none of a shape's choices, or above its largest; of other types: botocore's to name."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            if name in shape.members:
                yield from _beyond(shape.members[name], item, f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for place, item in enumerate(cast("list[Any]", value)):
            yield from _beyond(shape.member, item, f"{path}[{place}]")
    choices, most = shape.metadata.get("enum"), shape.metadata.get("max")
    if choices and value not in choices:
        yield f"{path} is {value!r}; the model has {choices}"
    if most is not None and isinstance(value, str | list | dict | int):
        size = len(cast("str", value)) if shape.type_name in _LENGTHS else cast("int", value)
        if size > most:
            yield f"{path} is above {most}"


def regions_of(service: str) -> set[str]:
    """Return every region in which botocore knows the service, in each of AWS's partitions."""
    partitions: list[str] = _SESSION.get_available_partitions()
    return {region for each in partitions for region in _SESSION.get_available_regions(service, each)}

"""A resource monitor in this process: it takes the registrations that the engine would get and records them.

It follows the engine where Pulumi's own MockMonitor does not: URNs carry every component's type but
never the stack's, a URN registered twice is refused, secrets are masked on arrival, and a provider
function is answered only if its answer was declared.
"""

import asyncio
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2

from slipway.infra.errors import Refused
from slipway.infra.plan.aliases import aliases_of
from slipway.infra.plan.autoname import autonamed
from slipway.infra.plan.warning import WarningLog
from slipway.infra.resources.reading import SECRET, UNKNOWN, Resource
from slipway.infra.resources.table import STACK

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 a type tag of Pulumi's wire format
_RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"

Answer = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]


class PlanError(Refused):
    """The program asked for something that has no answer without an engine, or that the engine refuses."""


@dataclass(frozen=True, slots=True)
class _DeclaredAnswers(Mocks):
    """The answers to a program's queries: only declared provider functions, no existing resource."""

    answers: Mapping[str, Answer]

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        answer = self.answers.get(args.token)
        if answer is None:
            raise PlanError(
                f"The program calls the provider function {args.token}, which needs the cloud. "
                "Declare its answer in `invokes`, or pass the value in as a setting."
            )
        asked = cast("dict[str, Any]", args.args)  # pyright: ignore[reportUnknownMemberType]  untyped in Pulumi
        return dict(answer(asked) if callable(answer) else answer), []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise PlanError(f"The program reads the existing {args.typ} {args.name}, which needs the cloud.")


class Monitor(MockMonitor):
    """Records every registration. The program sees inputs as outputs, as in a first preview.

    applied: URN -> the wire-format outputs of a resource that really exists. log: what the program warns of.
    """

    def __init__(
        self,
        project: str,
        stack: str,
        invokes: Mapping[str, Answer] | None = None,
        applied: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(_DeclaredAnswers(invokes or {}))
        self._prefix = f"urn:pulumi:{stack}::{project}::"
        self._lock = threading.Lock()
        self._applied = applied or {}
        self.recorded: dict[str, Resource] = {}
        self.requests: dict[str, Any] = {}
        self.log = WarningLog()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Build a URN with the types of all parents but the stack (pulumi sdk, resource/urn, New)."""
        parent_type = parent.split("::")[2] if parent else ""
        if parent_type and parent_type != STACK:
            type_ = f"{parent_type}${type_}"
        return f"{self._prefix}{type_}::{name}"

    def Invoke(self, request: Any) -> resource_pb2.ResourceInvokeResponse:  # noqa: N802 Pulumi's name
        with _event_loop():
            return super().Invoke(request)  # pyright: ignore[reportUnknownMemberType]  untyped in Pulumi

    def ReadResource(self, request: Any) -> resource_pb2.ReadResourceResponse:  # noqa: N802 Pulumi's name
        with _event_loop():
            return super().ReadResource(request)  # pyright: ignore[reportUnknownMemberType]  the same

    def RegisterResource(self, request: Any) -> resource_pb2.RegisterResourceResponse:  # noqa: N802 Pulumi's name
        resource = self._record(request)
        outputs = request.object
        if resource.urn in self._applied:
            outputs = Struct()
            outputs.update(self._applied[resource.urn])
        return resource_pb2.RegisterResourceResponse(urn=resource.urn, id="", object=outputs)

    def _record(self, request: Any) -> Resource:
        urn = self.make_urn(request.parent, request.type, request.name)
        if name := autonamed(request.type, request.name, revealed(request.object), UNKNOWN):
            request.object["metadata"]["name"] = rpc.UNKNOWN if name == UNKNOWN else name
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent or None,
            custom=request.custom,
            inputs=masked({k: v for k, v in request.object.items() if k != "__provider"}),
            dependencies=tuple(sorted(set(request.dependencies))),
            uses={
                k: tuple(sorted(set(v.urns)))
                for k, v in sorted(request.propertyDependencies.items())
                if v.urns
            },
            aliases=aliases_of(urn, request, self.recorded.get(request.parent)),
            protect=request.protect,
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace,
            provider=request.provider.rpartition("::")[0],
            deleted_with=request.deletedWith,
            replace_with=tuple(sorted(request.replace_with)),
            replacement_trigger=_trigger_of(request),
        )
        with self._lock:
            if urn in self.recorded:
                raise PlanError(
                    f"Duplicate resource URN {urn}: two resources have the type {request.type}, the name "
                    f"{request.name!r} and the same parent type. Give one of them another name."
                )
            self.recorded[urn] = resource
            self.requests[urn] = request
        return resource


def _trigger_of(request: Any) -> Any:
    """Return the resource's replacement trigger as plain JSON with secrets masked; None if it has none."""
    if not request.HasField("replacement_trigger"):
        return None
    value = request.replacement_trigger
    kind = value.WhichOneof("kind")
    return None if kind == "null_value" else masked(getattr(value, kind))


@contextmanager
def _event_loop() -> Generator[None]:
    """Give this worker thread an event loop, because MockMonitor would create one and never close it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def secret(value: Any) -> dict[str, Any]:
    """Wrap a plain value as a secret in the wire format."""
    return {_SIGNATURE: _SECRET_SIGNATURE, "value": value}


def revealed(value: Any) -> Any:
    """Convert a wire-format value to plain JSON with secrets in plain text, to apply or print them."""
    return _plain(value, lambda fields: revealed(fields["value"]))


def masked(value: Any) -> Any:
    """Convert a wire-format value to plain JSON: secrets as "[secret]", unknowns as "[unknown]"."""
    return _plain(value, lambda _fields: SECRET)


def _plain(value: Any, of_secret: Callable[[dict[str, Any]], Any]) -> Any:
    """Convert to plain JSON: keys sorted, because the wire keeps no order, and whole numbers without `.0`."""
    if isinstance(value, Struct | dict):
        fields: dict[str, Any] = dict(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        signature = fields.pop(_SIGNATURE, None)
        if signature == _SECRET_SIGNATURE:
            return of_secret(fields)
        if signature == _RESOURCE_SIGNATURE:
            return fields.get("urn")
        return {key: _plain(fields[key], of_secret) for key in sorted(fields)}
    if isinstance(value, str):
        return UNKNOWN if value == rpc.UNKNOWN else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if value is None or isinstance(value, bool | int):
        return value
    return [_plain(item, of_secret) for item in value]

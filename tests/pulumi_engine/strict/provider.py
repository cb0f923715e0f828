"""The provider between the engine and an account: what a bridged provider does with checks, diffs and reads.

It is served in the tests' own process; the engine attaches to it by PULUMI_DEBUG_PROVIDERS.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from slipway.infra.diff.paths import changes_between, leaf_paths
from slipway.infra.plan.monitor import revealed
from slipway.infra.resources.table import row_of
from tests.pulumi_engine.attached_provider import AttachedProvider
from tests.pulumi_engine.serving import plain, wire
from tests.pulumi_engine.strict.account import Account, AnswerLost, NotReady, Refusal, Thing

_NONE, _SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
_KIND = provider_pb2.PropertyDiff


class StrictProvider(AttachedProvider):
    """Answers for every type of the account's rules; outputs are the inputs and what the account adds."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        """Read what forces a replacement from the previews' table, which other tests compare with sources."""
        old, new = revealed(plain(request.old_inputs)), revealed(plain(request.news))
        row = row_of(_type_of(request.urn))
        detailed: dict[str, provider_pb2.PropertyDiff] = {}
        for change in changes_between(old, new):
            forced = bool(row and row.replaced_by and row.replaced_by.forced_by(leaf_paths(change)))
            detailed[change.plain_path] = _KIND(kind=_KIND.UPDATE_REPLACE if forced else _KIND.UPDATE)
        keys = sorted({path.partition(".")[0].partition("[")[0] for path in detailed})
        replaces = [path for path, found in detailed.items() if found.kind == _KIND.UPDATE_REPLACE]
        return provider_pb2.DiffResponse(
            changes=_SOME if detailed else _NONE,
            diffs=keys,
            replaces=sorted({path.partition(".")[0].partition("[")[0] for path in replaces}),
            hasDetailedDiff=True,
            detailedDiff=detailed,
        )

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:  # noqa: N802
        inputs, type_ = plain(request.properties), _type_of(request.urn)
        if request.preview:
            made = self._account.make(self._account, type_, revealed(inputs))
            unknown = dict.fromkeys(made, rpc.UNKNOWN)
            return provider_pb2.CreateResponse(properties=wire({**unknown, **inputs}))
        with _errors(context, inputs):
            thing = self._account.create(type_, request.urn.split("::")[-1], revealed(inputs))
            return provider_pb2.CreateResponse(id=thing.id, properties=wire(_state(thing, inputs)))
        raise AssertionError("the context was aborted")

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:  # noqa: N802
        inputs = plain(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=wire({**plain(request.olds), **inputs}))
        with _errors(context, inputs):
            thing = self._account.update(request.id, revealed(inputs))
            return provider_pb2.UpdateResponse(properties=wire(_state(thing, inputs)))
        raise AssertionError("the context was aborted")

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        with _errors(context, {}):
            self._account.delete(request.id)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:  # noqa: N802
        answer = self._account.answer(self._account, request.tok, plain(request.args))
        if answer is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"{request.tok}: not found")
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(wire(answer or {}))
        return response

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:  # noqa: N802
        """Return what exists now, for a refresh or an import; an empty id if it is gone."""
        thing = self._account.get(request.id)
        if thing is None:
            return provider_pb2.ReadResponse()
        inputs = {**plain(request.inputs), **_changed(plain(request.inputs), thing.inputs)}
        return provider_pb2.ReadResponse(
            id=thing.id, inputs=wire(inputs), properties=wire(_state(thing, inputs))
        )


def _changed(known: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs from the inputs in the state; an unchanged secret stays a secret."""
    was: Mapping[str, Any] = revealed(dict(known))
    return {key: value for key, value in now.items() if was.get(key) != value}


def _state(thing: Thing, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {**inputs, **thing.outputs}


def _type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


@contextmanager
def _errors(context: Any, inputs: Mapping[str, Any]) -> Generator[None]:
    try:
        yield
    except (Refusal, AnswerLost) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    except NotReady as error:
        thing = cast("Thing", error.thing)  # the account has filled it
        detail = provider_pb2.ErrorResourceInitFailed(
            id=thing.id,
            properties=wire(_state(thing, inputs)),
            inputs=wire(dict(inputs)),
            reasons=[str(error)],
        )
        packed = any_pb2.Any()
        packed.Pack(detail)
        status = status_pb2.Status(
            code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[packed]
        )
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, str(error))

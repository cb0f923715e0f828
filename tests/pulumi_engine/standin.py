"""A resource provider that takes everything and makes nothing, for the real engine.

Inputs come back as outputs, beside those of tests/contract/cloud.py; every making and unmaking is a JSON line
of the log, and a secret's versions are counted there, as Google counts them. By the log the stand-in knows
what is there: a cluster's object that is there is adopted, as server-side apply does, a node pool refused, as
Google does. A Deployment of the image BROKEN does not get ready.
"""

import json
import secrets
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from slipway.infra.plan.autoname import autonamed
from slipway.infra.plan.monitor import revealed
from slipway.infra.resources.reading import UNKNOWN
from tests.contract.cloud import made_of
from tests.contract.kubernetes_outputs import answer_of
from tests.pulumi_engine.attached_provider import AttachedProvider
from tests.pulumi_engine.serving import attached, plain, served_provider, wire

# Digest of an image that does not start.
BROKEN = "b" * 64
# What cannot be changed in place, by the end of a type.
REPLACED_BY = {
    "SecretVersion": ("secretData",),
    "IamMember": ("member", "role", "secretId"),
    "core/v1:ConfigMap": ("data", "metadata"),
    "core/v1:Secret": ("stringData", "metadata"),
    "": ("name", "project"),
}


class StandIn(AttachedProvider):
    def __init__(self, log: Path) -> None:
        self._log = log

    def _note(self, call: str, urn: str, id_: str, inputs: Mapping[str, Any]) -> None:
        line = {"call": call, "type": type_of(urn), "name": urn.split("::")[-1], "id": id_}
        with self._log.open("a") as log:
            log.write(json.dumps({**line, "inputs": dict(inputs)}) + "\n")

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def _outputs(self, urn: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        known = revealed(dict(inputs))
        made = dict(answer_of(type_of(urn), known) or made_of(type_of(urn), known))
        if "hex" in made:
            made |= {"hex": secrets.token_hex(int(known["byteLength"]))}
        if "version" in made:
            name = urn.split("::")[-1]
            number = 1 + sum(line["call"] == "create" and line["name"] == name for line in self._lines())
            made |= {"version": str(number), "id": f"{made['id'].rpartition('/')[0]}/{number}"}
        return made

    def _unknown(self, urn: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Of a type that the table lacks nothing: to the program that is unknown too."""
        try:
            return dict.fromkeys(self._outputs(urn, inputs), rpc.UNKNOWN)
        except KeyError:
            return {}

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        inputs = plain(request.news)
        if made := self._drawn(request.urn, revealed(inputs), plain(request.olds)):
            inputs["metadata"]["name"] = rpc.UNKNOWN if made == UNKNOWN else made
        return provider_pb2.CheckResponse(inputs=wire(inputs))

    def _drawn(self, urn: str, inputs: Mapping[str, Any], old: Mapping[str, Any]) -> str:
        """Name an object without a name: as the old one, else as in a plan, or as never used before."""
        made = autonamed(type_of(urn), urn.split("::")[-1], inputs, UNKNOWN)
        if not made or made == UNKNOWN:
            return made
        if old:
            return old["metadata"]["name"]
        used = {line["id"].rpartition("/")[2] for line in self._lines()}
        return f"{made}-{secrets.token_hex(4)}" if made in used else made

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        old, new = revealed(plain(request.old_inputs)), revealed(plain(request.news))
        changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        kind = next(end for end in REPLACED_BY if type_of(request.urn).endswith(end))
        replaces = (
            changed if "random" in request.urn else [key for key in changed if key in REPLACED_BY[kind]]
        )
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if changed else none,
            diffs=changed,
            replaces=replaces,
            hasDetailedDiff=True,
            detailedDiff=dict(_paths(old, new, replaces)),
        )

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:  # noqa: N802
        inputs = plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(
                properties=wire({**self._unknown(request.urn, inputs), **inputs})
            )
        made = self._outputs(request.urn, inputs)
        if refusal := self._refusal(request.urn, made["id"], inputs):
            context.abort(grpc.StatusCode.UNKNOWN, refusal)
        self._note("create", request.urn, made["id"], inputs)
        return provider_pb2.CreateResponse(id=made["id"], properties=wire({**inputs, **made}))

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:  # noqa: N802
        inputs = plain(request.news)
        if not request.preview:
            if BROKEN in json.dumps(inputs.get("spec", {})):
                context.abort(grpc.StatusCode.UNKNOWN, "its pods do not get ready")
            self._note("update", request.urn, request.id, inputs)
        return provider_pb2.UpdateResponse(properties=wire({**inputs, **self._outputs(request.urn, inputs)}))

    def _refusal(self, urn: str, id_: str, inputs: Mapping[str, Any]) -> str:
        if type_of(urn).endswith(":NodePool") and id_ in there(self._log):
            return f"googleapi: Error 409: Already exists: {id_}"
        return ""

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        self._note("delete", request.urn, request.id, {})
        return empty_pb2.Empty()


def there(log: Path) -> set[str]:
    """Return the ids of what exists: an id counts once, however often it was created."""
    found: set[str] = set()
    for line in map(json.loads, log.read_text().splitlines()):
        if line["call"] == "create":
            found.add(line["id"])
        elif line["call"] == "delete":
            found.discard(line["id"])
    return found


def _paths(
    old: Mapping[str, Any], new: Mapping[str, Any], replaces: Iterable[str]
) -> Iterator[tuple[str, provider_pb2.PropertyDiff]]:
    """List the differing paths, one level into objects, as the engine matches `replace_on_changes`."""
    kind = provider_pb2.PropertyDiff
    for key in {*old, *new}:
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if key in replaces:
            yield key, kind(kind=kind.UPDATE_REPLACE)
        elif isinstance(before, dict) and isinstance(after, dict):
            one, other = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
            for field in {*one, *other}:
                if one.get(field) != other.get(field):
                    yield f"{key}.{field}", kind(kind=kind.UPDATE)
        else:
            yield key, kind(kind=kind.UPDATE)


def type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


@contextmanager
def standing_in(log: Path, *names: str) -> Generator[dict[str, str]]:
    """Yield the environment of an engine for which one stand-in answers as the providers of these names."""
    with served_provider(StandIn(log)) as port:
        yield {
            "PULUMI_DEBUG_PROVIDERS": attached(dict.fromkeys(names, port)),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

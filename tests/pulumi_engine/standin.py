"""A resource provider that takes everything and makes nothing, for the real engine.

Inputs come back as outputs, beside those of tests/contract/cloud.py; every making and unmaking is a JSON line
of the log, and a secret's versions are counted there, as Google counts them. By the log the stand-in knows
what is there: a cluster's object that is there is adopted, as server-side apply does, a node pool refused, as
Google does. A Deployment of the image BROKEN does not get ready.
"""

import json
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from slipway.infra.plan.autoname import autonamed
from slipway.infra.plan.monitor import UNKNOWN, revealed
from tests.contract.cloud import made_of
from tests.contract.kubernetes_outputs import answer_of

ROOT = Path(__file__).resolve().parents[2]
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


def plain(struct: Any) -> dict[str, Any]:
    return json_format.MessageToDict(struct)


def wire(value: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(value, struct_pb2.Struct())


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, log: Path, version: str) -> None:
        self._log = log
        self._version = version

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

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802 the protocol's name
        return plugin_pb2.PluginInfo(version=self._version)

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:  # noqa: N802
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        inputs = plain(request.news)
        if made := self._drawn(request.urn, revealed(inputs), plain(request.olds)):
            inputs["metadata"]["name"] = rpc.UNKNOWN if made == UNKNOWN else made
        return provider_pb2.CheckResponse(inputs=wire(inputs))

    def _drawn(self, urn: str, inputs: Mapping[str, Any], old: Mapping[str, Any]) -> str:
        """The name of an object without one: the old one's; else as a plan has it, or never used before."""
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

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()


def there(log: Path) -> set[str]:
    """The ids of what was made and not deleted since: an object has one of its name, however often made."""
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
    """What differs, one level into objects, as the engine matches `replace_on_changes` with it."""
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


def serve(log: Path, version: str) -> None:
    """Answer the engine, which reads the port from standard output and ends this process."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(StandIn(log, version), server)  # pyright: ignore[reportUnknownMemberType]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


def install(home: Path, name: str, version: str, log: Path) -> None:
    """Lay out a plugin where the engine with PULUMI_HOME `home` looks for it."""
    folder = home / "plugins" / f"resource-{name}-v{version}"
    folder.mkdir(parents=True)
    plugin = folder / f"pulumi-resource-{name}"
    plugin.write_text(
        f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"from tests.pulumi_engine.standin import serve\nserve(Path({str(log)!r}), {version!r})\n"
    )
    plugin.chmod(0o755)

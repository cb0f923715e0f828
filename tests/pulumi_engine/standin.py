"""A resource provider that takes everything and makes nothing, for the real engine.

Inputs come back as outputs, beside those of tests/contract/cloud.py; every making and unmaking is a JSON line
of the log, and a secret's versions are counted there, as Google counts them.
"""

import json
import sys
from collections.abc import Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from infra.monitor import revealed
from tests.contract.cloud import made_of
from tests.contract.kubernetes_outputs import answer_of

ROOT = Path(__file__).resolve().parents[2]
# What cannot be changed in place, by the end of a type.
REPLACED_BY = {
    "SecretVersion": ("secretData",),
    "IamMember": ("member", "role", "secretId"),
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

    def _note(self, call: str, urn: str) -> None:
        with self._log.open("a") as log:
            log.write(json.dumps({"call": call, "type": type_of(urn), "name": urn.split("::")[-1]}) + "\n")

    def _outputs(self, urn: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        known = revealed(dict(inputs))
        made = dict(answer_of(type_of(urn), known) or made_of(type_of(urn), known))
        if "version" in made:
            name = urn.split("::")[-1]
            lines = [json.loads(line) for line in self._log.read_text().splitlines()]
            number = 1 + sum(line["call"] == "create" and line["name"] == name for line in lines)
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
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        old, new = revealed(plain(request.old_inputs)), revealed(plain(request.news))
        changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        kind = next(end for end in REPLACED_BY if type_of(request.urn).endswith(end))
        replaces = (
            changed if "random" in request.urn else [key for key in changed if key in REPLACED_BY[kind]]
        )
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some if changed else none, diffs=changed, replaces=replaces)

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:  # noqa: N802
        inputs = plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(
                properties=wire({**self._unknown(request.urn, inputs), **inputs})
            )
        made = self._outputs(request.urn, inputs)
        self._note("create", request.urn)
        return provider_pb2.CreateResponse(id=made["id"], properties=wire({**inputs, **made}))

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:  # noqa: N802
        inputs = plain(request.news)
        if not request.preview:
            self._note("update", request.urn)
        return provider_pb2.UpdateResponse(properties=wire({**inputs, **self._outputs(request.urn, inputs)}))

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        self._note("delete", request.urn)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()


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

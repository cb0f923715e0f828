"""What every provider of the tests answers alike: it is attached to, configured and cancelled."""

from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.pulumi_engine.serving import NEWEST


class AttachedProvider(provider_pb2_grpc.ResourceProviderServicer):
    """A provider whose configuration is anything and never changes."""

    def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802 the protocol's name
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=NEWEST)

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:  # noqa: N802
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()

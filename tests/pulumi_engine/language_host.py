"""Pulumi's language host for Python: starts programs and plugins of this language for the engine.

Pulumi's own is in no registry that this project builds from; `.ci/pulumi` lays this one next to the engine.
It installs nothing and resolves no packages: an environment must be complete. Protocol: pulumi sdk,
proto/pulumi/language.proto.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

# The executor's exit status after it has shown an error itself: pulumi-language-python-exec.
_SHOWN = 32
# Text generation, an API server's schema: a message can be large. Pulumi's own limit: rpcutil, 400 MiB.
_MESSAGE_BYTES = 400 * 1024 * 1024


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine. executor: the path of pulumi-language-python-exec."""

    def __init__(self, engine: str, executor: Path, version: str) -> None:
        self._engine = engine
        self._executor = executor
        self._version = version

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:  # noqa: N802 the protocol's name
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self._version)

    def GetRequiredPackages(  # noqa: N802
        self, request: Any, context: Any
    ) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse()

    def GetProgramDependencies(  # noqa: N802
        self, request: Any, context: Any
    ) -> language_pb2.GetProgramDependenciesResponse:
        return language_pb2.GetProgramDependenciesResponse()

    def About(self, request: Any, context: Any) -> language_pb2.AboutResponse:  # noqa: N802
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> language_pb2.RuntimeOptionsResponse:  # noqa: N802
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(  # noqa: N802
        self, request: Any, context: Any
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        return iter(())

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        os._exit(0)

    def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:  # noqa: N802
        """Run the program to its end; what it prints goes to the engine by this process' own streams."""
        done = subprocess.run(
            [_python(request.info), "-u", str(self._executor), *self._options(request), *request.args],
            cwd=request.pwd,
            env={**_environment(request.info), **_config(request)},
            check=False,
        )
        if done.returncode == _SHOWN:
            return language_pb2.RunResponse(bail=True)
        if done.returncode:
            error = f"Program exited with non-zero exit code: {done.returncode}"
            return language_pb2.RunResponse(error=error)
        return language_pb2.RunResponse()

    def _options(self, request: Any) -> list[str]:
        info = request.info
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        flags = [text for key, value in options.items() if value for text in (f"--{key}", value)]
        return [*flags, str(Path(info.program_directory, info.entry_point))]

    def RunPlugin(self, request: Any, context: Any) -> Iterator[language_pb2.RunPluginResponse]:  # noqa: N802
        """Run a policy pack or a package of components until it ends or the engine leaves."""
        given = dict(pair.split("=", 1) for pair in request.env)
        process = subprocess.Popen(
            [_python(request.info), "-u", request.info.program_directory, *request.args],
            cwd=request.pwd,
            env={**_environment(request.info), **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(process.kill)
        assert process.stdout is not None  # both are pipes
        assert process.stderr is not None
        for is_error, text in _merged(process.stdout, process.stderr):
            if is_error:
                yield language_pb2.RunPluginResponse(stderr=text)
            else:
                yield language_pb2.RunPluginResponse(stdout=text)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())


def _merged(output: IO[bytes], errors: IO[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Yield (whether it is an error, text) in the order of arrival, until both have ended."""
    found: queue.SimpleQueue[tuple[bool, bytes]] = queue.SimpleQueue()

    def read(is_error: bool, stream: IO[bytes]) -> None:
        while text := os.read(stream.fileno(), 65536):
            found.put((is_error, text))
        found.put((is_error, b""))

    for stream in (output, errors):
        threading.Thread(target=read, args=(stream is errors, stream), daemon=True).start()
    left = 2
    while left:
        is_error, text = found.get()
        left -= not text
        if text:
            yield is_error, text


def _virtualenv(info: Any) -> Path | None:
    """Return the option `virtualenv` of Pulumi.yaml, relative to that file."""
    given = json_format.MessageToDict(info.options).get("virtualenv")
    return Path(info.root_directory, given) if given else None


def _python(info: Any) -> str:
    folder = _virtualenv(info)
    return str(folder / "bin" / "python") if folder else sys.executable


def _environment(info: Any) -> dict[str, str]:
    folder = _virtualenv(info)
    if folder is None:
        return dict(os.environ)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    return {
        **kept,
        "VIRTUAL_ENV": str(folder),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }


def _config(request: Any) -> dict[str, str]:
    return {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }


def serve(arguments: Sequence[str], executor: Path, version: str) -> None:
    """Answer the engine, which reads the port from standard output and ends this process."""
    engine = next((text for text in reversed(arguments) if not text.startswith("-")), "")
    # A graceful stop would wait for the engine's open streams, about 15 s per operation.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: os._exit(0))
    sizes = [("grpc.max_receive_message_length", _MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(16), options=sizes)
    host = LanguageHost(engine, executor, version)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)  # pyright: ignore[reportUnknownMemberType]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    executor, version, *arguments = sys.argv[1:]
    serve(arguments, Path(executor), version)

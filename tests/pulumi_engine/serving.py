"""Serves providers and programs for the real engine from the process of the tests.

The engine attaches to a provider by PULUMI_DEBUG_PROVIDERS, and to a program by the option that Pulumi's
automation API uses: no process is started and no package is imported for an operation, which then takes a
second.
"""

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent import futures
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pulumi
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import reset_options, run_in_stack, set_all_config
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS  # pyright: ignore[reportPrivateUsage]
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, provider_pb2_grpc

# The SDK connects to one engine after another here, whose ports may come back. Each connection is its own:
# gRPC would reuse the one that failed when an earlier engine of the same port ended.
_GRPC_CHANNEL_OPTIONS.append(("grpc.use_local_subchannel_pool", 1))
# A version of a provider that no SDK finds too old.
NEWEST = "99.0.0"
# A call of the engine that is under way fails at once when the engine ends.
_END_SECONDS = 30
# What the engine needs of this process; all else of its environment is made.
_PASSED_ON = ("PATH", "HOME", "TMPDIR")


def plain(struct: Any) -> dict[str, Any]:
    return json_format.MessageToDict(struct)


def wire(value: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(value), struct_pb2.Struct())


@contextmanager
def served(add: Callable[[grpc.Server], None]) -> Generator[int]:
    """Yield the port of a server that `add` puts a service into."""
    server = grpc.server(futures.ThreadPoolExecutor(32))
    add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


def run_cli(
    folder: Path, environment: Mapping[str, str], timeout_seconds: float, *arguments: str, ok: bool = True
) -> str:
    """Run a command of the CLI and return its output. ok: it must succeed, otherwise it must fail."""
    done = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
    )
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def served_provider(
    provider: provider_pb2_grpc.ResourceProviderServicer,
) -> AbstractContextManager[int]:
    """Serve a provider and yield its port."""

    def add(server: grpc.Server) -> None:
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)  # pyright: ignore[reportUnknownMemberType]

    return served(add)


def attached(ports: Mapping[str, int]) -> str:
    """Return the value of PULUMI_DEBUG_PROVIDERS for providers by the names of their packages."""
    return ",".join(f"{name}:{port}" for name, port in ports.items())


class _Inline(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs a program in this process, as Pulumi's automation API does, and leaves no event loop open."""

    def __init__(self, program: Callable[[], None]) -> None:
        self._program = program
        self._running: set[asyncio.AbstractEventLoop] = set()
        self._begun = 0
        self._stopped = False
        self._changed = threading.Condition()

    def stop(self) -> None:
        """End the runs whose engine is gone, and wait for their end.

        They would wait for its answers for ever; and the SDK has one address of an engine for all threads,
        which a run that begins or ends late would change under the next one.
        """
        with self._changed:
            self._stopped = True
            for loop in self._running:
                loop.call_soon_threadsafe(_cancel_all, loop)
            ended = self._changed.wait_for(lambda: not self._begun, _END_SECONDS)
        assert ended, "a program did not end when its engine had"

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:  # noqa: N802 the protocol's name
        return language_pb2.LanguageHandshakeResponse()

    def GetRequiredPackages(  # noqa: N802
        self, request: Any, context: Any
    ) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse()

    def About(self, request: Any, context: Any) -> language_pb2.AboutResponse:  # noqa: N802
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:  # noqa: N802
        with self._changed:
            if self._stopped:
                return language_pb2.RunResponse(bail=True)
            self._begun += 1
        try:
            return contextvars.copy_context().run(self._run, request)
        finally:
            with self._changed:
                self._begun -= 1
                self._changed.notify_all()

    def _run(self, request: Any) -> language_pb2.RunResponse:
        reset_options(
            project=request.project,
            monitor_address=request.monitor_address,
            engine_address=request.args[0],
            stack=request.stack,
            parallel=request.parallel,
            preview=request.dryRun,
            organization=request.organization or "organization",
        )
        set_all_config(dict(request.config), list(request.configSecretKeys))
        loop = asyncio.new_event_loop()
        # The engine shows what failed; what the program still waits for then is of no interest.
        loop.set_exception_handler(lambda _loop, _context: None)
        with self._changed:
            self._running.add(loop)
            if self._stopped:  # before the loop was known
                loop.call_soon(_cancel_all, loop)
        try:
            loop.run_until_complete(run_in_stack(self._program))
        except asyncio.CancelledError:
            return language_pb2.RunResponse(bail=True)
        except pulumi.RunError as error:
            pulumi.log.error(str(error))
            return language_pb2.RunResponse(bail=True)
        except Exception as error:
            return language_pb2.RunResponse(error=f"{type(error).__name__}: {error}")
        finally:
            with self._changed:
                self._running.discard(loop)
            _cancel_all(loop)
            with suppress(Exception, asyncio.CancelledError):
                loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
        return language_pb2.RunResponse()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


@dataclass
class LiveStack:
    """A stack of the real engine whose program runs in this process. folder: of its project and state.

    changed: variables of the engine's environment that are other ones.
    """

    folder: Path
    providers: Mapping[str, int]
    timeout_seconds: float = 120
    changed: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        if self.project.exists():
            return
        self.project.mkdir()
        (self.folder / "backend").mkdir()
        (self.project / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")
        self.run("stack", "init", "dev")

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "for tests",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": attached(self.providers),
            **self.changed,
        }

    def run(self, *arguments: str, ok: bool = True) -> str:
        return run_cli(self.project, self.environment, self.timeout_seconds, *arguments, ok=ok)

    def up(self, program: Callable[[], None], *options: str, ok: bool = True) -> str:
        return self._with(program, "up", "--yes", "--skip-preview", *options, ok=ok)

    def preview(self, program: Callable[[], None], *options: str, ok: bool = True) -> str:
        return self._with(program, "preview", *options, ok=ok)

    def destroy(self) -> str:
        return self.run("destroy", "--yes", "--skip-preview")

    @contextmanager
    def begun(self, program: Callable[[], None], *options: str) -> Generator[subprocess.Popen[str]]:
        """Start an `up` and yield it while it runs; kill it at the end."""
        with self._inline(program) as inline:
            process = subprocess.Popen(
                ["pulumi", "up", "--yes", "--skip-preview", *options, *inline, "--non-interactive"],
                cwd=self.project,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            with process:
                yield process
                process.kill()

    def _with(self, program: Callable[[], None], *arguments: str, ok: bool) -> str:
        with self._inline(program) as inline:
            return self.run(*arguments, *inline, ok=ok)

    @contextmanager
    def _inline(self, program: Callable[[], None]) -> Generator[tuple[str, ...]]:
        """Options for an operation that runs the program."""
        host = _Inline(program)

        def add(server: grpc.Server) -> None:
            language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)  # pyright: ignore[reportUnknownMemberType]

        with served(add) as port:
            try:
                yield f"--client=127.0.0.1:{port}", "--exec-kind=auto.inline"
            finally:
                host.stop()

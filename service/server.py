"""One process: an event loop in front, inference threads behind; its start, its drain and its end."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Generator

import uvicorn
import uvloop

from .api.app import build_app
from .lifecycle import Lifecycle
from .listener import BACKLOG, address_of, turn_away, waiting
from .loading import Origin, chosen_device, load_model, model_origin, require_engine, require_expected
from .logs import fields, log
from .protocol import HttpProtocol
from .settings import Settings
from .sizing import engine_for
from .tasks import TASKS, Limits

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# After SIGTERM new connections are still taken for this long: a load balancer needs a moment to see /ready.
LISTEN_ON_SECONDS = 0.5
# Then new ones are turned away; one that has begun has this long to end its handshake.
HANDSHAKE_SECONDS = 0.1
# And an open connection has this long to send its last request: one that was just taken, or was kept alive.
LAST_REQUEST_SECONDS = 1.0
# An inference thread takes the interpreter a few times for a text; at Python's 5 ms it would wait as long
# each time for an event loop that is busy refusing.
SWITCH_SECONDS = 0.0005
# Longer than any load balancer keeps an idle connection, or it would send into one that closes just then:
# cloud.google.com/load-balancing/docs/https#timeout_and_retries asks for 620.
KEEP_ALIVE_SECONDS = 620


def serve(settings: Settings, sock: socket.socket) -> None:
    """Returns after a stop request. Raises StartFault if the model cannot be had."""
    origin = model_origin(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, origin, sock))
    for stop in STOP_SIGNALS:  # the closed loop gave them back their default, which would spoil the exit code
        signal.signal(stop, signal.SIG_IGN)


async def _serve(settings: Settings, origin: Origin, sock: socket.socket) -> None:
    manifest = await origin.manifest(TASKS)
    require_expected(settings.expected_model, manifest)
    require_engine(manifest, settings.device)
    lifecycle = Lifecycle()
    limits = Limits(settings.max_texts, settings.max_text_characters)
    task = TASKS[manifest.task](manifest, limits)
    engine = engine_for(settings, manifest)
    host, port = address_of(sock)
    app = build_app(settings, manifest, task, engine, lifecycle, port)
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the page session trusts the client address: no header may change it
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = Server(config, lifecycle, settings.drain_seconds)

    async def load() -> None:
        log.info("Loading model %s", manifest.model_version, extra=fields(version=settings.service_version))
        try:
            started = time.perf_counter()
            device = lifecycle.device = await asyncio.to_thread(chosen_device, manifest, settings.device)
            seconds = time.perf_counter() - started
            folder = await origin.folder(manifest)
            started = time.perf_counter()
            await asyncio.to_thread(load_model, folder, manifest, task, device.kind)
            seconds += time.perf_counter() - started
        except BaseException:
            server.should_exit = True
            raise
        gc.freeze()  # what is loaded stays: the collector need not look through it again
        lifecycle.model_is_warm()
        told = fields(load_seconds=round(seconds, 3), device=device.kind, gpu=device.gpu)
        log.info("Model ready (loaded in %.1f s), computing on %s", seconds, device, extra=told)

    loading = asyncio.create_task(load())
    server.stop_on_signals()
    log.info("Listening on http://%s:%d", host, port)
    await server.serve(sockets=[sock])
    if lifecycle.phase == "draining":
        loading.cancel()  # a download need not end first
    with contextlib.suppress(asyncio.CancelledError):
        await loading
    if not engine.stop(timeout_seconds=1):
        _leave_at_once()
    log.info("Stopped")


def _leave_at_once() -> None:
    """Past the drain time: ending the interpreter under a thread that still computes could crash it."""
    log.warning("Stopped with work unfinished")
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


class Server(uvicorn.Server):
    """uvicorn's server, stopped in two steps: not ready but listening, then finishing what is under way."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, drain_seconds: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_seconds = drain_seconds

    def stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for stop in STOP_SIGNALS:
            loop.add_signal_handler(stop, self._drain, loop)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._lifecycle.phase == "draining":  # asked twice: at once
            self.should_exit = self.force_exit = True
            return
        log.info("Draining: not ready any more, finishing what is under way")
        self._lifecycle.drain()
        left_seconds = self._drain_seconds - LISTEN_ON_SECONDS - HANDSHAKE_SECONDS - LAST_REQUEST_SECONDS
        self.config.timeout_graceful_shutdown = max(1, round(left_seconds))
        loop.call_later(LISTEN_ON_SECONDS, self._stop_listening)

    def _stop_listening(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        listening = sockets or []
        for sock in listening:
            turn_away(sock)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        last = [self._take(connection) for sock in listening for connection in waiting(sock)]
        for server in self.servers:
            server.close()
        for sock in listening:
            sock.close()
        await asyncio.gather(*last)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._no_connection_left(), LAST_REQUEST_SECONDS)
        await super().shutdown(sockets)

    async def _no_connection_left(self) -> None:
        while self.server_state.connections and not self.force_exit:
            await asyncio.sleep(0.01)

    async def _take(self, connection: socket.socket) -> None:
        def protocol() -> HttpProtocol:
            return HttpProtocol(self.config, self.server_state, app_state={})

        await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield  # uvicorn would raise the signal again at the end, and the exit code would not be 0

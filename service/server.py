"""One process: an event loop in front, inference threads behind; its start, its drain and its end."""

import asyncio
import contextlib
import gc
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import partial
from typing import cast

import uvicorn
import uvloop
from prometheus_client import ProcessCollector

from .accepting import Accepting
from .account import most_held_bytes
from .allocator import give_memory_back
from .api.app import build_app, build_worker_app, ended_requests
from .api.ended import EndedRequests
from .connections import ConnectionLimits, Connections, most_connections
from .engine import Engine
from .faults import BadSettings, ServerFailed
from .handover import Handover
from .job_role import drain_of, jobs_of, take_jobs
from .lifecycle import Lifecycle
from .listener import BACKLOG, address_of, turn_away, waiting
from .loading import Origin, chosen_device, load_model, model_origin, require_engine, require_expected
from .logs import fields, log, log_loop_error
from .manifest import Manifest
from .metrics.live import Live
from .metrics.page import MetricsServer
from .metrics.payload_readings import PayloadReadings
from .metrics.quality_readings import QualityReadings
from .metrics.readings import Readings
from .payload.anonymiser import require_installed
from .payload.process import AnonymiserProcess
from .payload.sampler import Sampler
from .protocol import HttpProtocol, protocol_for
from .redaction import REDACTION
from .settings import Settings
from .sizing import engine_for
from .stop_signals import stop_signals
from .tasks import TASKS, Limits
from .traces import Traces

# A server that is not ready gets no requests: after SIGTERM it takes new connections for no longer than this.
UNREADY_LISTEN_ON_SECONDS = 0.5
# After LISTEN_ON_SECONDS new ones are turned away; one that has begun has this long to end its handshake.
HANDSHAKE_SECONDS = 0.1
# And an open connection has this long to send its last request: one that was just taken, or was kept alive.
LAST_REQUEST_SECONDS = 1.0
# An inference thread takes the interpreter a few times for a text; at Python's 5 ms it would wait as long
# each time for an event loop that is busy refusing.
SWITCH_SECONDS = 0.0005
# Longer than any load balancer keeps an idle connection, or it would send into one that closes just then:
# cloud.google.com/load-balancing/docs/https#timeout_and_retries asks for 620.
KEEP_ALIVE_SECONDS = 620


def serve(
    settings: Settings,
    sock: socket.socket,
    metrics_sock: socket.socket | None = None,
    control: socket.socket | None = None,
) -> None:
    """Serve until a stop request. metrics_sock: listens for scrapes, if the page has a port of its own.

    control: listens for another version of the service (handover.py); nothing is accepted before it says so.
    Raises StartFault if the model is not available, ServerFailed if a thread that computes cannot go on.
    """
    give_memory_back()
    origin = model_origin(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, origin, sock, metrics_sock, control))
    for (
        stop
    ) in stop_signals():  # the closed loop gave them back their default, which would spoil the exit code
        signal.signal(stop, signal.SIG_IGN)


async def _serve(
    settings: Settings,
    origin: Origin,
    sock: socket.socket,
    metrics_sock: socket.socket | None,
    control: socket.socket | None,
) -> None:
    REDACTION.keep_secret([*settings.keys_by_caller().values(), *settings.job_secrets()])
    asyncio.get_running_loop().set_exception_handler(log_loop_error)
    manifest = await origin.manifest(TASKS)
    require_expected(settings.expected_model, manifest)
    require_engine(manifest, settings.device)
    lifecycle = Lifecycle()
    limits = Limits(settings.max_texts, settings.max_text_characters)
    task = TASKS[manifest.task](manifest, limits)
    engine = engine_for(settings, manifest)
    host, port = address_of(sock)
    traces = _traces(settings, manifest)
    sampler = _sampler(settings, manifest)
    ended = ended_requests(settings, manifest, traces)
    engine.when_batch_computed(ended.instruments.batch_computed)
    connections = Connections(_connection_limits(settings))
    live = _live(settings, ended, engine, connections)
    jobs = jobs_of(settings, ended.instruments.registry, task.operations, engine, manifest.model_version)
    if jobs is not None:
        await jobs.start()
    if settings.role == "worker":
        app = build_worker_app(settings, manifest, engine, lifecycle, ended)
    else:
        store = None if jobs is None else jobs.store
        app = build_app(settings, manifest, task, engine, lifecycle, port, ended, live, sampler, store)
    config = uvicorn.Config(
        app,
        http=protocol_for(connections),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the page session trusts the client address: no header may change it
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = Server(config, connections, lifecycle, engine, settings, control, drain_of(jobs))

    def active() -> int:
        return len(server.server_state.tasks)

    readings = Readings(engine, connections, lifecycle, manifest, settings.service_version, active)
    answers = partial(ended.instruments.answers, {operation.path for operation in task.operations})
    registry = ended.instruments.registry
    registry.register(QualityReadings(ended.quality, manifest.model_version, answers))
    if sampler is not None:
        registry.register(PayloadReadings(sampler))
    _show_metrics(settings, ended, readings, metrics_sock)

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
        connections.account.limit_bytes = most_held_bytes()  # of what the model has left
        lifecycle.load_seconds = seconds
        REDACTION.serves = True
        lifecycle.model_is_warm()
        told = fields(load_seconds=round(seconds, 3), device=device.kind, gpu=device.gpu)
        log.info("Model ready (loaded in %.1f s), computing on %s", seconds, device, extra=told)
        take_jobs(jobs)

    loading = asyncio.create_task(load())
    server.stop_on_signals()
    log.info("Listening on http://%s:%d", host, port)
    await server.serve(sockets=[sock])
    if lifecycle.phase == "draining":
        loading.cancel()  # a download need not end first
    with contextlib.suppress(asyncio.CancelledError):
        await loading
    ended.record()
    if jobs is not None:
        jobs.stop()
    if traces is not None:
        await asyncio.to_thread(traces.stop)
    if not engine.stop(timeout_seconds=1):
        log.warning("Stopped with work unfinished")
        _leave_at_once(1 if server.failure else 0)
    if settings.role == "worker":
        log.info("Stopped")
        _leave_at_once(1 if server.failure else 0)
    if server.failure is not None:
        raise ServerFailed("an inference thread cannot go on") from server.failure
    log.info("Stopped")


def _traces(settings: Settings, manifest: Manifest) -> Traces | None:
    if not settings.otel_exporter_otlp_endpoint:
        return None
    return Traces(
        settings.otel_exporter_otlp_endpoint,
        settings.trace_share,
        settings.service_version,
        manifest.model_version,
    )


def _sampler(settings: Settings, manifest: Manifest) -> Sampler | None:
    if not settings.payload_share:
        return None
    if manifest.task == "tabular":
        raise BadSettings(
            "PAYLOAD_SHARE: above 0, but the model's task is tabular; allowed: 0, because nothing finds out "
            "whose a row of numbers is."
        )
    require_installed(settings.payload_spacy_model)
    anonymiser = AnonymiserProcess(settings.payload_spacy_model)
    log.warning(
        "Writing %g of the requests' texts to the log, anonymised: names may be left", settings.payload_share
    )
    return Sampler(settings.payload_share, anonymiser.clean, manifest.model_version)


def _live(settings: Settings, ended: EndedRequests, engine: Engine, connections: Connections) -> Live | None:
    if settings.metrics == "off" or not settings.serve_page:
        return None
    live = Live(ended.instruments, engine, ended.quality, connections.refusals)
    live.start()
    return live


def _show_metrics(
    settings: Settings, ended: EndedRequests, readings: Readings, sock: socket.socket | None
) -> None:
    registry = ended.instruments.registry
    registry.register(readings)
    ProcessCollector(registry=registry)
    if sock is not None:
        MetricsServer(sock, settings.metrics_path, registry, ended.settle).start()
        log.info("Metrics on http://%s:%d%s", *address_of(sock), settings.metrics_path)


def _connection_limits(settings: Settings) -> ConnectionLimits:
    return ConnectionLimits(
        most=most_connections(settings.max_connections),
        held_bytes=most_held_bytes(),
        head_seconds=settings.head_timeout_seconds,
        write_seconds=settings.write_timeout_seconds,
    )


def _leave_at_once(exit_code: int) -> None:
    """Exit whatever the threads do: ending the interpreter under one that still computes could crash it.

    Those of jobs that were handed back wait for ever.
    """
    logging.shutdown()
    sys.stdout.flush()
    os._exit(exit_code)


class Server(uvicorn.Server):
    """uvicorn's server, stopped in two steps: not ready but listening, then finishing what is in progress."""

    failure: Exception | None = None
    """Why the engine's threads cannot go on."""
    _accepting: Sequence[Accepting] = ()
    _handover: Handover | None = None
    _is_succeeded = False  # by another version, which has the listening socket

    def __init__(
        self,
        config: uvicorn.Config,
        connections: Connections,
        lifecycle: Lifecycle,
        engine: Engine,
        settings: Settings,
        control: socket.socket | None = None,
        drain: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        """Make a server. drain: finishes, within so many seconds, other work than requests before the end."""
        super().__init__(config)
        self._drain_work = drain
        self._draining: asyncio.Task[None] | None = None
        self._control = control
        self._connections = connections
        self._lifecycle = lifecycle
        self._engine = engine
        self._listen_on_seconds = settings.listen_on_seconds
        self._drain_seconds = settings.drain_seconds
        self._answer_seconds = settings.request_timeout_seconds

    def stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for stop in stop_signals():
            loop.add_signal_handler(stop, self._drain, loop, stop)
        self._engine.threads.when_failed(lambda reason: loop.call_soon_threadsafe(self._fail, reason))

    def _fail(self, reason: Exception) -> None:
        """End at once: waiting requests would only time out here, and another process may serve them."""
        self.failure = reason
        log.critical("Ending: an inference thread cannot go on", extra=self._dropped())
        self.should_exit = self.force_exit = True

    def _dropped(self) -> dict[str, dict[str, int]]:
        """Count what an immediate end leaves unanswered: requests, and those that wait or are computed."""
        connections = [cast(HttpProtocol, each) for each in self.server_state.connections]
        under_way = sum(each.active is not None for each in connections)
        return fields(dropped_requests=under_way, dropped_calls=self._engine.unanswered)

    def _drain(self, loop: asyncio.AbstractEventLoop, stop: signal.Signals) -> None:
        if self._lifecycle.phase == "draining":  # asked twice: at once
            if not self.force_exit:
                log.warning("Stopping at once on a second %s", stop.name, extra=self._dropped())
            self.should_exit = self.force_exit = True
            return
        log.info("Draining: no longer ready, finishing requests in progress", extra=fields(signal=stop.name))
        listen_on_seconds = self._listen_on_seconds
        if self._lifecycle.phase != "ready":
            listen_on_seconds = min(listen_on_seconds, UNREADY_LISTEN_ON_SECONDS)
        self._lifecycle.drain()
        left_seconds = self._drain_seconds - listen_on_seconds - HANDSHAKE_SECONDS - LAST_REQUEST_SECONDS
        self.config.timeout_graceful_shutdown = max(1, round(left_seconds))
        if self._drain_work is None:
            loop.call_later(listen_on_seconds, self._stop_listening)
        else:
            self._draining = loop.create_task(self._drain_and_stop(self._drain_work, left_seconds))

    async def _drain_and_stop(self, drain: Callable[[float], Awaitable[None]], seconds: float) -> None:
        try:
            await drain(seconds)
        finally:
            self._stop_listening()

    def _stop_listening(self) -> None:
        self.should_exit = True

    def retire(self) -> None:
        """Leave when the open connections have ended: another version accepts the new ones.

        Nothing waits for this process to end, so that each answer has the time of any other.
        """
        if self._lifecycle.phase == "draining":
            return
        log.info("Retiring: another version has the traffic, finishing what is open")
        self._is_succeeded = True
        self._lifecycle.drain()
        self.config.timeout_graceful_shutdown = math.ceil(max(self._drain_seconds, self._answer_seconds))
        self.should_exit = True

    def accept_from(self, listening: socket.socket | None) -> None:
        """Accept connections from this socket, or from none; those that are open stay."""
        if listening is None or not self._accepting:
            for accepting in self._accepting:
                accepting.stop()
            self._accepting = [] if listening is None else [self._accepted(listening)]

    def share(self, is_shared: bool) -> None:
        """Note whether connections are shared out between versions, each of them for one request then."""
        self._lifecycle.is_shared = is_shared

    def _accepted(self, listening: socket.socket) -> Accepting:
        return Accepting(listening, self._take, lambda: self._connections.free)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        listening = sockets or []
        if self._control is None:
            self._accepting = [self._accepted(sock) for sock in listening]
        else:
            self._handover = Handover(self._control, listening[0], self, self._take)
        self.servers, self.started = [], True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        listening = sockets or []
        has_listener = self._handover is None or self._handover.has_listener
        if has_listener:
            for sock in listening:
                turn_away(sock)
            await asyncio.sleep(HANDSHAKE_SECONDS)
        for accepting in self._accepting:
            accepting.stop()
        last = [self._take(each) for sock in listening if has_listener for each in waiting(sock)]
        for sock in listening:
            sock.close()
        await asyncio.gather(*last)
        with contextlib.suppress(TimeoutError):
            seconds = self._drain_seconds if self._is_succeeded else LAST_REQUEST_SECONDS
            await asyncio.wait_for(self._no_connection_left(), seconds)
        if self._handover is not None:
            self._handover.close()
        await super().shutdown(sockets)

    async def _no_connection_left(self) -> None:
        while self.server_state.connections and not self.force_exit:
            await asyncio.sleep(0.01)

    async def _take(self, connection: socket.socket) -> None:
        def protocol() -> HttpProtocol:
            http = cast("type[HttpProtocol]", self.config.http)
            return http(self.config, self.server_state, app_state={})

        await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield  # uvicorn would raise the signal again at the end, and the exit code would not be 0

"""One connection to the server's whole request path, in this process: bytes in, bytes out, no socket."""

import asyncio
import os
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from slipway.service.api.app import build_app
from slipway.service.engine import Engine
from slipway.service.jobs import Accepted, Job, JobState, NewJob, Page
from slipway.service.lifecycle import Lifecycle
from slipway.service.loading import load_model
from slipway.service.manifest import Manifest
from slipway.service.protocol import HttpProtocol
from slipway.service.settings import BUNDLED_MODEL, settings_from_environment
from slipway.service.tasks import TASKS, Limits
from tests.service.running_server import protocol

KEY = "a-key-for-the-fuzzer"
# Far longer than any answer takes: past it the server hangs.
PATIENCE_SECONDS = 30


class Wire(asyncio.Transport):
    """What the server writes, kept; a client that takes everything at once."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self._closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self._closed = True

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self._closed

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class NothingKept:
    """A store that accepts every job and has none: what is fuzzed is what comes before it."""

    async def accept(self, job: NewJob) -> Accepted:
        return Accepted(f"job-{len(job.route)}", existed=job.idempotency_key is not None)

    async def get(self, caller: str, id: str, wait_seconds: float = 0) -> Job | None:
        return None

    async def cancel(self, caller: str, id: str) -> Job | None:
        return None

    async def page(
        self, caller: str, state: JobState | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        return Page((), cursor)


class Server:
    """The bundled classifier behind HTTP, loaded once. It takes jobs."""

    def __init__(self) -> None:
        os.environ |= {
            "MODEL_API_KEY": KEY,
            "MAX_BODY_BYTES": "4096",
            "MAX_TEXTS": "4",
            "JOBS_FILE_PREFIXES": "file:/in/,gs://bucket/in/",
            "JOBS_WEBHOOK_HOSTS": "hooks.example.com",
        }
        settings = settings_from_environment()
        manifest = Manifest.read(BUNDLED_MODEL, TASKS)
        task = TASKS[manifest.task](manifest, Limits(settings.max_texts, settings.max_text_characters))
        load_model(BUNDLED_MODEL, manifest, task)
        lifecycle = Lifecycle()
        lifecycle.model_is_warm()
        self._engine = Engine(2, max_queue_calls=100, max_queue_tokens=1_000_000)
        jobs: Any = NothingKept()
        app = build_app(settings, manifest, task, self._engine, lifecycle, port=8000, jobs=jobs)
        self._config = uvicorn.Config(
            app, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False
        )
        self._config.load()
        self._state = ServerState()
        self._http = protocol()
        self._loop = asyncio.new_event_loop()

    def answers(self, parts: list[bytes]) -> bytes:
        """All that is written to a connection that sends these, waits for its answers, and hangs up."""
        return self._loop.run_until_complete(self._exchange(parts))

    def stop(self) -> None:
        self._engine.stop(timeout_seconds=PATIENCE_SECONDS)
        self._loop.close()

    async def _exchange(self, parts: list[bytes]) -> bytes:
        wire = Wire()
        connection = self._http(self._config, self._state, app_state={})
        connection.connection_made(wire)  # pyright: ignore[reportArgumentType]
        for part in parts:
            if not wire.is_closing():
                connection.data_received(part)
            await asyncio.sleep(0)
            while connection.flow.waits_for_turn:
                await asyncio.sleep(0)
        await self._answered(connection, wire)
        connection.connection_lost(None)
        await self._ended()
        return wire.written

    async def _answered(self, protocol: HttpProtocol, wire: Wire) -> None:
        """Until every request that is whole has its answer; one that is cut short would wait for the rest."""
        end = self._loop.time() + PATIENCE_SECONDS
        while not wire.is_closing() and not self._waits_for_client(protocol):
            if self._loop.time() > end:
                raise AssertionError(f"no answer within {PATIENCE_SECONDS} s; so far {wire.written!r}")
            await asyncio.sleep(0)

    def _waits_for_client(self, protocol: HttpProtocol) -> bool:
        under_way = protocol.active
        return under_way is None or (under_way is protocol.cycle and under_way.more_body)

    async def _ended(self) -> None:
        if self._state.tasks:
            _, pending = await asyncio.wait(self._state.tasks, timeout=PATIENCE_SECONDS)
            if pending:
                raise AssertionError(f"{len(pending)} requests outlive their connection")

"""What a process has of jobs by its role: a server keeps and shows them, a worker computes them as well."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from ..engine import Engine
from ..faults import RequestFault
from ..logs import fields, log
from ..machine import has_gpu
from ..settings import Settings
from ..tasks import Operation
from ..webhooks.sender import webhook_key, webhook_sender
from . import durable, leases
from .computing import Computing
from .database_store import DatabaseStore, store_of, url_of
from .dbos_log import quieten
from .executor import Executor, new_executor_id
from .expiry import Expiry
from .files import Files
from .instruments import JobInstruments, keep_counting
from .patient_engine import patient_engine_of
from .reaper import Reaper, Strays
from .records import Records
from .runner import Runner
from .transactions import DatabaseWait
from .upkeep import Every, Pulse

Drain = Callable[[float], Awaitable[None]]

REAP_SECONDS, STRAY_SECONDS, EXPIRY_SECONDS = 2.0, 10.0, 30.0
# The most threads of a worker that use the database at a time: those of upkeep, of records, and one over.
WORKER_CONNECTIONS = 9
DBOS_CONNECTIONS = 5
# Of a job's bodies in the engine at once: as many as keep it busy.
CALLS_PER_THREAD, CALLS_ON_A_GPU = 2, 64
LEAST_JOBS, JOBS_PER_THREAD = 16, 4
# Of the time to drain, for what is recorded at its end.
SPARE_SECONDS = 3.0
LEAVE_LOOK_SECONDS = 0.1


class ServerJobs:
    """The jobs of a server. Event loop's thread."""

    def __init__(self, settings: Settings, registry: CollectorRegistry, connections: int = 4) -> None:
        """Connect nothing yet. Raises BadSettings for a database's address or a key that cannot be used."""
        quieten()
        webhook_key(settings)
        self.store: DatabaseStore = store_of(settings, connections)
        self.instruments = JobInstruments(registry, lambda: self.store.accepted, lambda: self.store.cancelled)
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        """Create the tables. Raises JobsDatabaseUnusable; a database that is away is waited for later."""
        try:
            await asyncio.to_thread(self.store.prepare)
        except RequestFault as fault:
            log.warning("Jobs are refused until their database is there", extra=fields(reason=fault.detail))
        self._tasks.append(asyncio.create_task(keep_counting(self.store, self.instruments)))

    def begin(self) -> None:
        """Take jobs: a server takes none."""

    @property
    def drain(self) -> Drain | None:
        """What finishes the jobs that are computed here, within so many seconds; None of a server."""
        return None

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.store.close()


class Worker(ServerJobs):
    """The jobs of a worker. Event loop's thread."""

    def __init__(
        self,
        settings: Settings,
        registry: CollectorRegistry,
        operations: Sequence[Operation],
        engine: Engine,
        model_version: str,
    ) -> None:
        super().__init__(settings, registry, WORKER_CONNECTIONS)
        self._settings = settings
        self._id = new_executor_id()
        self._stopping = threading.Event()
        self._patience = DatabaseWait(self._stopping)
        self._files: Files | None = _files_of(settings, model_version)
        calls = CALLS_ON_A_GPU if has_gpu() else CALLS_PER_THREAD * settings.inference_threads
        records = Records(self.store.engine, self._id, settings.jobs_ttl_seconds, self._patience)
        computing = Computing(operations, engine, self._files, calls)
        self._runner = Runner(records, computing, settings.jobs_max_attempts, self.instruments.ended)
        self._executor: Executor | None = None
        self._starting: threading.Thread | None = None
        self._pulse: Pulse | None = None

    def begin(self) -> None:
        """Take jobs, from when the database is there."""
        loop = asyncio.get_running_loop()
        pulse = Pulse(self.store.engine, self._id, self._settings.service_version, self._runner, loop)
        self._pulse = pulse
        start = partial(self._start, pulse, loop)
        self._starting = threading.Thread(target=start, name="starting jobs", daemon=True)
        self._starting.start()
        sender = webhook_sender(self._settings, self.store, self.instruments.webhook)
        if sender is not None:
            self._tasks.append(loop.create_task(sender.run()))

    def _start(self, pulse: Pulse, loop: asyncio.AbstractEventLoop) -> None:
        def run(id: str) -> None:
            asyncio.run_coroutine_threadsafe(self._runner.run(id), loop).result()

        threads = self._settings.inference_threads
        dbos_engine = patient_engine_of(url_of(self._settings), DBOS_CONNECTIONS, self._patience)
        executor = Executor(dbos_engine, self._id, run, max(LEAST_JOBS, JOBS_PER_THREAD * threads))
        self._patience.until_back(self._prepared)
        self._patience.until_back(pulse.register)
        self._keep_up(pulse)
        self._patience.until_back(executor.start)
        self._executor = executor
        log.info("Taking jobs", extra=fields(executor=self._id))

    def _prepared(self) -> None:
        try:
            self.store.prepare()
        except RequestFault as fault:
            raise fault.__cause__ or fault from None

    def _keep_up(self, pulse: Pulse) -> None:
        settings, client = self._settings, self.store.client
        attempts, ttl = settings.jobs_max_attempts, settings.jobs_ttl_seconds
        reaper = Reaper(
            self.store.engine, client, attempts, ttl, leases.LeaseWatch(), self.instruments.set_aside
        )
        strays = Strays(client, self._id, lambda: self._runner.running)
        expiry = Expiry(self.store.engine, client, self._files, self.instruments.expired)
        for name, seconds, act in (
            ("pulse", leases.BEAT_SECONDS, pulse.beat),
            ("reaper", REAP_SECONDS, reaper.look),
            ("strays", STRAY_SECONDS, strays.look),
            ("expiry", EXPIRY_SECONDS, expiry.look),
        ):
            Every(f"{name} of jobs", seconds, act, self._patience, self._stopping)

    @property
    def drain(self) -> Drain | None:
        return self._drained

    async def _drained(self, seconds: float) -> None:
        """Begin nothing, finish what can be finished within so long, and hand back the rest."""
        self._runner.begin_no_more()
        seconds = max(1.0, seconds - SPARE_SECONDS)
        if self._executor is not None:
            self._executor.stop_taking(round(seconds))
        try:
            async with asyncio.timeout(seconds):
                await self._runner.idle()
        except TimeoutError:
            log.info("Handing back what could not be finished", extra=fields(jobs=len(self._runner.held)))
        try:
            async with asyncio.timeout(SPARE_SECONDS):
                await self._leave()
        except Exception:  # another worker takes over what is left
            log.warning("Left without handing everything back", exc_info=True)

    async def _leave(self) -> None:
        """Hand back what has not ended, and wait until DBOS has written what has."""
        client = self.store.client
        ids = await self._runner.hand_back()
        await asyncio.to_thread(durable.resume, client, ids)
        while self._id in (await asyncio.to_thread(durable.pending, client)).values():
            await asyncio.sleep(LEAVE_LOOK_SECONDS)
        if self._pulse is not None:
            await asyncio.to_thread(self._pulse.leave)


def _files_of(settings: Settings, model_version: str) -> Files | None:
    """Return the files that jobs may read and write; None where there are none."""
    if not (settings.jobs_file_prefixes or settings.jobs_result_prefix):
        return None
    from .file_access import file_access

    return file_access(settings, model_version)

"""`python -m bench.jobs [MODEL]`: how many jobs are accepted a second, and what one costs over a request.

Accepted: `POST /jobs` of one text on many connections, without a worker, and the CPU of the server and of
PostgreSQL for each, which says what a busy machine would do if it were not. CPU of a job: of the server and
of one worker from the first job to the last one's end, and before it of the server alone for as many requests
to the model; that of PostgreSQL's own processes apart. All on SQLite and on PostgreSQL in one run.
"""

import http.client
import json
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import sqlalchemy as sa

from bench.closed_loop import Load, closed_loop
from bench.postgresql import Missing, running_postgresql
from bench.slipway import KEY, Serving, free_port, serving, started
from bench.workload import post, short_texts
from slipway.components.spec import ROUTES
from slipway.service.jobs.database import address_of, engine_of
from slipway.service.jobs.schema import JOBS
from slipway.service.settings import BUNDLED_MODEL

CONNECTIONS, CPU_CONNECTIONS, SECONDS = 64, 8, 10.0
JOBS_SECONDS = 1.0
WAIT_SECONDS = 30
Figures = dict[str, float | None]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    print(json.dumps(jobs(folder, lambda text: print(text, file=sys.stderr))))


def jobs(model: Path, say: Callable[[str], None]) -> Figures:
    """Measure both databases; where there is no PostgreSQL, SQLite alone."""
    with tempfile.TemporaryDirectory() as folder:
        found = _measured("sqlite", f"sqlite:///{folder}/jobs.sqlite", model, None)
    try:
        with running_postgresql() as postgresql:
            return found | _measured("postgresql", postgresql.address, model, postgresql.pid)
    except Missing as missing:
        say(f"LEFT OUT of jobs: {missing}")
        return found


def _measured(name: str, address: str, model: Path, database: int | None) -> Figures:
    settings = {"JOBS_DATABASE": address, "JOBS_PER_CALLER": "1000000"}
    with serving(model, **settings) as server:
        before, database_before = _seconds([server.process]), _tree_seconds(database) or 0
        load = closed_loop(server.port, _job_posts(server), CONNECTIONS, SECONDS)
        accept = _seconds([server.process]) - before + (_tree_seconds(database) or 0) - database_before
        kept, answered = _kept(address), len(load.latencies_ms)
        if not answered <= kept <= answered + CONNECTIONS:
            raise SystemExit(f"{answered} jobs were accepted, and the database has {kept}")
    settings["JOBS_DATABASE"] = f"{address}_computed"  # without those that no worker has computed
    with serving(model, **settings) as server:
        request = _cpu_of_requests(server)
        with _worker(model, **settings) as worker:
            processes = [server.process, worker]
            job, of_database = _cpu_of_jobs(server, processes, database)
    return {
        f"{name}_accepted_per_second": round(load.per_second, 1),
        f"{name}_accepted_p99_ms": round(load.percentile_ms(0.99), 1),
        f"{name}_refused": load.refused,
        f"{name}_accept_cpu_ms": round(accept / len(load.latencies_ms) * 1000, 2),
        f"{name}_request_cpu_ms": round(request, 2),
        f"{name}_job_cpu_ms": round(job, 2),
        f"{name}_job_over_request_cpu_ms": round(job - request, 2),
        f"{name}_database_cpu_ms": None if of_database is None else round(of_database, 2),
    }


def _kept(address: str) -> int:
    engine = engine_of(address_of(address), 1)
    with engine.connect() as connection:
        kept = connection.execute(sa.select(sa.func.count()).select_from(JOBS)).scalar_one()
    engine.dispose()
    return kept


def _job_posts(server: Serving) -> list[bytes]:
    path = ROUTES[server.manifest.task]
    return [post("/jobs", {"path": path, "request": {"text": text}}, KEY) for text in short_texts()]


def _cpu_of_requests(server: Serving) -> float:
    """Return the milliseconds of CPU of a request to the model."""
    before = _seconds([server.process])
    load = closed_loop(server.port, server.posts(short_texts()), CPU_CONNECTIONS, JOBS_SECONDS)
    return (_seconds([server.process]) - before) / len(load.latencies_ms) * 1000


def _cpu_of_jobs(
    server: Serving, processes: Sequence[psutil.Process], database: int | None
) -> tuple[float, float | None]:
    """Return the milliseconds of CPU of a job, and those of the database's processes for it."""
    before, database_before = _seconds(processes), _tree_seconds(database)
    load: Load = closed_loop(server.port, _job_posts(server), CPU_CONNECTIONS, JOBS_SECONDS)
    _until_ended(server.port)
    count = len(load.latencies_ms) / 1000
    of_database = _tree_seconds(database)
    return (
        (_seconds(processes) - before) / count,
        None if of_database is None or database_before is None else (of_database - database_before) / count,
    )


def _seconds(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _tree_seconds(pid: int | None) -> float | None:
    """Return the CPU time of a process and of its children, those that have ended included."""
    if pid is None:
        return None
    top = psutil.Process(pid)
    return sum(top.cpu_times()[:4]) + _seconds(top.children())


def _until_ended(port: int) -> None:
    """Return when no job is open."""
    for state in ("waiting", "running"):
        while found := _page(port, f"/jobs?state={state}&limit=1"):
            _page(port, f"/jobs/{found[0]['id']}?wait={WAIT_SECONDS}")


def _page(port: int, path: str) -> list[dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2 * WAIT_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
        return json.loads(connection.getresponse().read()).get("jobs", [])
    finally:
        connection.close()


@contextmanager
def _worker(model: Path, **settings: str) -> Generator[psutil.Process]:
    with tempfile.TemporaryFile() as log:
        model_dir = str(model.resolve())
        worker, _ = started(
            free_port(), log.fileno(), None, ROLE="worker", MODEL_DIR=model_dir, METRICS="off", **settings
        )
        try:
            yield psutil.Process(worker.pid)
        finally:
            worker.terminate()
            worker.wait(timeout=60)


if __name__ == "__main__":
    main()

"""Jobs whose worker leaves, dies or is told to stop, and whose database goes away: with real processes."""

import base64
import json
import pickle
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from slipway.service.jobs.transactions import writing
from tests.checkout import ROOT
from tests.service.jobs.databases import KINDS, Database, Postgresql, engine_to, running
from tests.service.jobs.faulty_service import given_up, holding, killing, noting
from tests.service.jobs.kills.callers import Connection
from tests.service.jobs.kills.fleet import Code, Fleet, Member
from tests.service.running_server import HAM, SPAM

LOOK_SECONDS, STEP_SECONDS = 0.02, 120.0
AWAY_SECONDS, GOES_ON_SECONDS = 60.0, 20.0
FAULTY = Code("1.0.0", ROOT, "tests.service.jobs.faulty_service:main")


class Scene:
    """A server and workers on one database, of which the test starts and ends each."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        settings = {
            "JOBS_MAX_ATTEMPTS": "2",
            "DRAIN_SECONDS": "6",
            "JOBS_FILE_PREFIXES": f"file:{folder}/",
        }
        self.fleet = Fleet(database.address, folder, FAULTY, workers=2, **settings)
        self.connection = Connection(self.fleet.port)
        self.fleet.server.start()
        self.until(lambda: self.send("GET", "/ready")[0] == 200)

    @property
    def workers(self) -> list[Member]:
        return self.fleet.workers

    def send(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        return self.connection.send(method, path, body) or (0, None)

    def accepted(self, body: dict[str, Any]) -> str:
        status, job = self.send("POST", "/jobs", body)
        assert status == 202, job
        return job["id"]

    def job(self, id: str) -> dict[str, Any]:
        return self.send("GET", f"/jobs/{id}")[1]

    def ended(self, id: str) -> dict[str, Any]:
        self.until(lambda: self.send("GET", f"/jobs/{id}?wait=1")[0] == 200 and self.job(id)["ended_at"])
        return self.job(id)

    def until(self, is_so: Callable[[], object], seconds: float = STEP_SECONDS) -> None:
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, f"not within {seconds:g} s; see the logs of the processes"
            pause(LOOK_SECONDS)

    def close(self) -> None:
        self.connection.close()
        self.fleet.kill()


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with running(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Scene]:
    with closing(Scene(database, tmp_path)) as scene:
        yield scene


only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


class Touching:
    """What unpickles by making a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def test_a_pickle_in_the_tables_of_dbos_is_not_loaded(scene: Scene, tmp_path: Path):
    mark = tmp_path / "code-was-run"
    id = scene.accepted({"request": {"text": SPAM}})
    pickled = base64.b64encode(pickle.dumps(Touching(mark))).decode()
    schema = "" if scene.database.kind == "sqlite" else "dbos."
    engine = engine_to(scene.database)
    with writing(engine) as connection:
        statement = (
            f"UPDATE {schema}workflow_status SET inputs = :it, output = :it, serialization = 'py_pickle'"
        )
        assert connection.execute(sa.text(statement), {"it": pickled}).rowcount == 1
    engine.dispose()
    worker = scene.workers[0]
    worker.start()
    scene.until(lambda: "a pickled value" in worker.log_text)
    assert scene.ended(scene.accepted({"request": {"text": HAM}}))["result"]["label"] == "ham"
    assert scene.job(id)["state"] == "waiting"
    assert not mark.exists()
    pickle.loads(base64.b64decode(pickled))
    assert mark.exists()  # it would have been


@only_sqlite
def test_a_worker_that_is_told_to_end_hands_a_long_job_to_another(scene: Scene, tmp_path: Path):
    leaving, other = scene.workers
    gate = tmp_path / "gate"
    leaving.start()
    id = scene.accepted({"requests": [{"text": HAM}, holding(gate), {"text": SPAM}]})
    scene.until(lambda: scene.job(id)["progress"]["done"] == 1)
    other.start()
    scene.until(lambda: other.executors)
    leaving.terminate()
    assert leaving.ended(30) == 0
    assert given_up(gate).exists()
    gate.touch()
    job = scene.ended(id)
    assert (job["state"], job["attempts"]) == ("succeeded", 1)
    assert [answer["label"] for answer in job["result"]][::2] == ["ham", "spam"]
    assert "is gone" not in other.log_text


@only_sqlite
def test_a_running_job_that_is_deleted_begins_no_further_text(scene: Scene, tmp_path: Path):
    worker = scene.workers[0]
    gate, book = tmp_path / "gate", tmp_path / "book"
    worker.start()
    id = scene.accepted({"requests": [{"text": HAM}, holding(gate), *[noting(book)] * 200]})
    scene.until(lambda: scene.job(id)["progress"]["done"] == 1)
    status, job = scene.send("DELETE", f"/jobs/{id}")
    assert (status, job["state"]) == (200, "cancelled")
    scene.until(given_up(gate).exists)
    gate.touch()
    assert scene.ended(scene.accepted({"request": {"text": SPAM}}))["state"] == "succeeded"
    assert len(book.read_text().splitlines()) < 20
    assert scene.job(id)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("end", "seconds"),
    [
        pytest.param(signal.SIGTERM, 60, id="told-to-end"),
        pytest.param(signal.SIGKILL, 120, id="killed", marks=pytest.mark.long),
    ],
)
@only_sqlite
def test_a_file_goes_on_near_the_row_where_its_worker_ended(
    scene: Scene, tmp_path: Path, end: signal.Signals, seconds: int
):
    first, second = scene.workers
    gate, book, output = tmp_path / "gate", tmp_path / "book", tmp_path / "out.jsonl"
    before = [noting(book) if number % 100 else {"text": ""} for number in range(2000)]
    rows = [*before, holding(gate), *[{"text": SPAM}] * 200]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first.start()
    id = scene.accepted({"file": f"file:{tmp_path}/in.jsonl", "output": f"file:{output}"})
    scene.until(lambda: scene.job(id)["progress"]["done"] == 2000)
    first.send(end)
    first.ended(30)
    begun = len(book.read_text().splitlines())
    gate.touch()
    second.start()
    scene.until(lambda: scene.job(id)["ended_at"], seconds)
    job = scene.job(id)
    assert job["result"] == {"rows": 2201, "refused": 20, "output": f"file:{output}"}
    assert job["attempts"] == (1 if end == signal.SIGTERM else 2)
    assert len(book.read_text().splitlines()) - begun < 500
    answers = [json.loads(line) for line in output.read_text().splitlines()]
    assert [number for number, each in enumerate(answers) if "problem" in each] == list(range(0, 2000, 100))
    assert [each["label"] for each in answers[2001:]] == ["spam"] * 200
    assert not list(tmp_path.glob(".out.jsonl*"))


@pytest.mark.long
@only_sqlite
def test_a_row_that_kills_its_workers_is_set_aside_and_its_neighbours_finish(scene: Scene):
    poisoned = scene.accepted({"requests": [{"text": HAM}, killing()]})
    neighbours = [scene.accepted({"request": {"text": SPAM}}) for _ in range(20)]
    kills = Counter[str]()

    def has_ended() -> bool:
        for worker in scene.workers:
            kills[worker.name] += worker.keep_running()
        return scene.job(poisoned)["state"] == "set_aside"

    scene.until(has_ended)
    job = scene.job(poisoned)
    assert job["attempts"] == 2
    assert job["problem"]["type"] == "urn:slipway:problem:worker-lost"
    assert "each of the 2 workers that tried this job ended while it ran" in job["problem"]["detail"]
    for id in neighbours:
        assert scene.ended(id)["state"] == "succeeded"
    assert sum(kills.values()) == len(scene.workers) + 2  # the first start of each, and after each try
    assert scene.send("GET", "/jobs?state=set_aside")[1]["jobs"][0]["id"] == poisoned


@pytest.mark.long
@only_postgresql
def test_a_database_that_is_away_for_a_minute_loses_nothing(scene: Scene, tmp_path: Path):
    assert isinstance(scene.database, Postgresql)
    gate = tmp_path / "gate"
    for worker in scene.workers:
        worker.start()
    held = [scene.accepted({"requests": [{"text": HAM}, holding(gate)]}) for _ in range(4)]
    scene.until(lambda: all(scene.job(id)["progress"]["done"] == 1 for id in held))
    waiting = [scene.accepted({"request": {"text": SPAM}, "priority": 9}) for _ in range(100)]
    scene.database.kill()
    gate.touch()  # their ends are to be recorded while nothing can be
    back = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < back:
        answer = scene.connection.answer("POST", "/jobs", {"request": {"text": HAM}})
        assert answer is not None
        status, headers, problem = answer
        assert (status, problem["type"]) == (503, "urn:slipway:problem:jobs-unavailable")
        assert int(headers["Retry-After"]) > 0
        pause(1)
    scene.database.wait_until_up()
    began = time.monotonic()
    assert scene.ended(scene.accepted({"request": {"text": HAM}}))["state"] == "succeeded"
    for id in (*held, *waiting):
        assert scene.ended(id)["state"] == "succeeded"
    assert {scene.job(id)["attempts"] for id in held} == {1}
    assert time.monotonic() - began < GOES_ON_SECONDS
    print(f"\nafter a minute without database all had ended within {time.monotonic() - began:.1f} s")

"""A job belongs to one attempt of one worker, and has one result."""

import sqlalchemy as sa

from slipway.service.jobs import JobState, NewJob, OneInput, claims, leases
from slipway.service.jobs.claims import Claim, Outcome
from slipway.service.jobs.database_store import DatabaseStore
from slipway.service.jobs.expiry import Expiry
from slipway.service.jobs.reaper import Reaper
from slipway.service.jobs.schema import INPUTS, JOBS
from slipway.service.jobs.transactions import writing

TTL = 3600.0


async def accepted(store: DatabaseStore, webhook: str | None = None) -> str:
    return (await store.accept(NewJob("default", "/predict", OneInput(b"{}"), webhook=webhook))).id


def begun(engine: sa.Engine, id: str, executor: str) -> Claim | None:
    with writing(engine) as connection:
        attempt = claims.begin(connection, id, executor)
        return None if attempt is None else claims.claimed(connection, id, executor, attempt)


def ended(engine: sa.Engine, claim: Claim, result: bytes) -> bool:
    with writing(engine) as connection:
        return claims.end(connection, claim, Outcome(JobState.SUCCEEDED, result=result), TTL)


def register(engine: sa.Engine, *executors: str) -> None:
    with writing(engine) as connection:
        for executor in executors:
            leases.beat(connection, executor, "1")


def reaper(store: DatabaseStore, max_attempts: int = 3) -> Reaper:
    aside: list[int] = []
    return Reaper(store.engine, store.client, max_attempts, TTL, leases.LeaseWatch(), aside.append)


async def test_a_worker_that_lost_its_job_records_no_second_result(store: DatabaseStore, engine: sa.Engine):
    id = await accepted(store)
    register(engine, "second")
    first = begun(engine, id, "first")
    assert first is not None
    assert begun(engine, id, "second") is None
    reaper(store).look()  # the first has no row, as one that was found dead
    second = begun(engine, id, "second")
    assert second is not None
    assert (first.attempt, second.attempt) == (1, 2)
    assert ended(engine, second, b'"second"')
    assert not ended(engine, first, b'"first"')
    assert not ended(engine, second, b'"again"')
    job = await store.get("default", id)
    assert job is not None
    assert (job.state, job.result) == (JobState.SUCCEEDED, b'"second"')


async def test_an_earlier_attempt_of_the_same_worker_records_nothing(store: DatabaseStore, engine: sa.Engine):
    id = await accepted(store)
    first = begun(engine, id, "worker")
    assert first is not None
    with writing(engine) as connection:
        assert claims.again(connection, first)
    assert not ended(engine, first, b'"first"')


async def test_a_worker_asks_again_for_a_job_whose_answer_was_lost(store: DatabaseStore, engine: sa.Engine):
    id = await accepted(store)
    assert begun(engine, id, "worker") == begun(engine, id, "worker")


async def test_a_cancelled_job_gets_no_result(store: DatabaseStore, engine: sa.Engine):
    id = await accepted(store)
    claim = begun(engine, id, "worker")
    assert claim is not None
    await store.cancel("default", id)
    assert not ended(engine, claim, b"{}")
    with engine.connect() as connection:
        assert claims.held(connection, "worker") == {}


async def test_jobs_of_living_workers_are_left_alone(store: DatabaseStore, engine: sa.Engine):
    id = await accepted(store)
    register(engine, "worker")
    assert begun(engine, id, "worker") is not None
    reaper(store).look()
    with engine.connect() as connection:
        assert claims.held(connection, "worker") == {id: 1}


async def test_a_job_that_ends_its_workers_is_set_aside_and_says_so(store: DatabaseStore, engine: sa.Engine):
    id = await accepted(store)
    for attempt in (1, 2, 3):
        claim = begun(engine, id, f"worker-{attempt}")
        assert claim is not None
        assert claim.attempt == attempt
        reaper(store, max_attempts=3).look()
    job = await store.get("default", id)
    assert job is not None
    assert (job.state, job.attempts) == (JobState.SET_ASIDE, 3)
    assert b"each of the 3 workers" in (job.problem or b"")
    assert begun(engine, id, "worker-4") is None
    counts = await store.counts()
    assert (counts.waiting, counts.running, counts.set_aside) == (0, 0, 1)


async def test_a_job_that_is_handed_back_has_lost_no_attempt(store: DatabaseStore, engine: sa.Engine):
    id = await accepted(store)
    claim = begun(engine, id, "worker")
    assert claim is not None
    with writing(engine) as connection:
        claims.hand_back(connection, [claim])
    job = await store.get("default", id)
    assert job is not None
    assert (job.state, job.attempts) == (JobState.WAITING, 0)


async def test_progress_is_shown_while_a_job_runs(store: DatabaseStore, engine: sa.Engine):
    id = await accepted(store)
    claim = begun(engine, id, "worker")
    assert claim is not None
    with writing(engine) as connection:
        claims.show_progress(connection, {claim: (40, 100)})
    job = await store.get("default", id)
    assert job is not None
    assert (job.state, job.done, job.total) == (JobState.RUNNING, 40, 100)


async def test_a_webhook_is_due_with_the_end_and_again_until_it_is_settled(
    store: DatabaseStore, engine: sa.Engine
):
    address = "https://hooks.example.com/"
    id = await accepted(store, address)
    assert await store.due_webhooks(10, 60) == ()
    claim = begun(engine, id, "worker")
    assert claim is not None
    assert ended(engine, claim, b"{}")
    [due] = await store.due_webhooks(10, lease_seconds=0)
    assert (due.job.id, due.address, due.tries) == (id, address, 0)
    [again] = await store.due_webhooks(10, lease_seconds=60)
    assert again.job.id == id
    assert await store.due_webhooks(10, 60) == ()  # it is leased
    await store.webhook_tried(id, again_after_seconds=0)
    assert [each.tries for each in await store.due_webhooks(10, 0)] == [1]
    await store.webhook_tried(id, None)
    assert await store.due_webhooks(10, 60) == ()


async def test_what_has_expired_is_deleted_with_its_input_and_workflow(
    store: DatabaseStore, engine: sa.Engine
):
    old, new, open_job = [await accepted(store) for _ in range(3)]
    await store.cancel("default", old)
    await store.cancel("default", new)
    with writing(engine) as connection:
        connection.execute(sa.update(JOBS).where(JOBS.c.id == old).values(expires=1.0))
    deleted: list[int] = []
    Expiry(engine, store.client, None, deleted.append).look()
    assert deleted == [1]
    assert await store.get("default", old) is None
    with engine.connect() as connection:
        assert set(connection.execute(sa.select(INPUTS.c.id)).scalars()) == {new, open_job}
    assert {each.workflow_id for each in store.client.list_workflows()} == {new, open_job}

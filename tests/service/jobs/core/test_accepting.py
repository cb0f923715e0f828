"""What is accepted is kept once, by whomever and however often it is handed in."""

import asyncio

import pytest

from slipway.service.faults import InvalidInput, KeyConflict, TooManyJobs
from slipway.service.jobs import FileInput, JobState, ListInput, NewJob, OneInput
from slipway.service.jobs.database_store import DatabaseStore
from slipway.service.jobs.durable import QUEUE
from slipway.service.jobs.encoding import decoded, encoded

from .conftest import OpenStore

BODY = b'{"text":"hello"}'


def new_job(caller: str = "default", key: str | None = None, body: bytes = BODY, priority: int = 0) -> NewJob:
    return NewJob(caller, "/predict", OneInput(body), idempotency_key=key, priority=priority)


async def test_a_key_brings_the_same_job_again_and_no_other_body(store: DatabaseStore):
    first = await store.accept(new_job(key="k"))
    again = await store.accept(new_job(key="k"))
    assert (first.existed, again.existed, again.id) == (False, True, first.id)
    with pytest.raises(KeyConflict):
        await store.accept(new_job(key="k", body=b'{"text":"other"}'))
    assert (await store.accept(new_job("other", "k"))).id != first.id


async def test_a_key_that_comes_many_times_at_once_is_one_job(open_store: OpenStore):
    stores = [open_store(), open_store()]
    accepted = await asyncio.gather(*(stores[each % 2].accept(new_job(key="k")) for each in range(40)))
    assert len({each.id for each in accepted}) == 1
    assert sum(not each.existed for each in accepted) == 1


async def test_jobs_that_arrive_together_are_all_kept_with_their_workflows(store: DatabaseStore):
    accepted = await asyncio.gather(*(store.accept(new_job()) for _ in range(300)))
    ids = {each.id for each in accepted}
    assert (await store.counts()).waiting == len(ids) == 300
    workflows = store.client.list_workflows(queue_name=QUEUE, load_input=True)
    assert {each.workflow_id for each in workflows} == ids
    assert {each.status for each in workflows} == {"ENQUEUED"}


async def test_a_caller_has_no_more_open_jobs_than_allowed(open_store: OpenStore):
    store = open_store(jobs_per_caller=2)
    first = await store.accept(new_job())
    second = await store.accept(new_job(key="k"))
    with pytest.raises(TooManyJobs, match="2 open jobs; at most 2") as refused:
        await store.accept(new_job())
    assert refused.value.retry_after_seconds
    assert (await store.accept(new_job(key="k"))).id == second.id
    await store.accept(new_job("other"))
    await store.cancel("default", first.id)
    await store.accept(new_job())


async def test_several_servers_together_accept_no_more_than_allowed(open_store: OpenStore):
    stores = [open_store(jobs_per_caller=7) for _ in range(4)]
    handed_in = (store.accept(new_job()) for _ in range(10) for store in stores)
    accepted = await asyncio.gather(*handed_in, return_exceptions=True)
    assert sum(isinstance(each, TooManyJobs) for each in accepted) == 33
    assert (await stores[0].counts()).waiting == 7


async def test_a_cancelled_job_has_ended_and_stays_so(store: DatabaseStore):
    id = (await store.accept(new_job())).id
    cancelled = await store.cancel("default", id)
    assert cancelled is not None
    assert cancelled.state is JobState.CANCELLED
    assert cancelled.ended is not None
    assert cancelled.expires == pytest.approx(cancelled.ended + 3600, abs=1)
    assert (await store.cancel("default", id)) == cancelled
    assert store.cancelled == 1


async def test_a_caller_sees_and_cancels_its_own_jobs_alone(store: DatabaseStore):
    id = (await store.accept(new_job())).id
    assert await store.get("other", id) is None
    assert await store.cancel("other", id) is None
    assert (await store.page("other")).jobs == []
    job = await store.get("default", id)
    assert job is not None
    assert job.state is JobState.WAITING


async def test_pages_show_each_job_once_the_newest_first(store: DatabaseStore):
    ids = [(await store.accept(new_job())).id for _ in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await store.page("default", cursor=cursor, limit=3)
        seen += [job.id for job in page.jobs]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == ids[::-1]
    await store.cancel("default", ids[2])
    assert [job.id for job in (await store.page("default", JobState.CANCELLED)).jobs] == [ids[2]]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "00",
        "5b5d",
        "5b22612c",
        *(text.encode().hex() for text in ('[0,"\\u0000"]', '["nan","x"]', "[0,[1]]")),
    ],
)
async def test_a_cursor_of_nothing_is_refused(store: DatabaseStore, cursor: str):
    with pytest.raises(InvalidInput, match="cursor"):
        await store.page("default", cursor=cursor)


async def test_who_waits_is_told_of_the_end_by_this_or_another_server(open_store: OpenStore):
    one, other = open_store(), open_store()
    id = (await one.accept(new_job())).id
    waiting = [asyncio.create_task(each.get("default", id, 60)) for each in (one, other, one)]
    await asyncio.wait(waiting, timeout=0.3)
    assert not any(task.done() for task in waiting)
    await one.cancel("default", id)
    for job in await asyncio.wait_for(asyncio.gather(*waiting), 10):
        assert job is not None
        assert job.state is JobState.CANCELLED


@pytest.mark.parametrize(
    "input",
    [
        OneInput(b'{"text": "\xc3\xa9"}'),
        ListInput((b"{}", b'{"text":"a\\nb"}', b"[]")),
        FileInput("gs://a/b.jsonl", "gs://a/c.jsonl", "jsonl"),
    ],
)
def test_an_input_is_read_as_it_was_written(input: OneInput | ListInput | FileInput):
    assert decoded(*encoded(input)) == input

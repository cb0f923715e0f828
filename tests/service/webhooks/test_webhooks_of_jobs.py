"""Webhooks from the job database to a receiver: what is due there is sent, once it is due, and not again."""

import asyncio
import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from slipway.service.jobs import JobStore, NewJob, OneInput
from slipway.service.jobs.database_store import store_of
from slipway.service.jobs.job import DueWebhook
from slipway.service.settings import Settings
from slipway.service.webhooks.call import Caller
from slipway.service.webhooks.sender import WebhookSender
from slipway.service.webhooks.signature import signing_key
from tests.service.webhooks.https_server import HOST, HttpsServer, answered, https_server

KEY = signing_key("whsec_" + base64.b64encode(bytes(range(24))).decode())


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HttpsServer]:
    with https_server(tmp_path) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MODEL_API_KEY", "a-test-key-of-24-letters")
    monkeypatch.setenv("JOBS_DATABASE", f"sqlite:///{tmp_path}/jobs.sqlite")
    return Settings()  # pyright: ignore[reportCallIssue]


def sender(store: JobStore, receiver: HttpsServer, outcomes: list[str]) -> WebhookSender:
    async def here(host: str, port: int) -> Sequence[str]:
        del host, port
        return ["127.0.0.1"]

    calling = Caller(receiver.trust, here, lambda address: address == "127.0.0.1")
    return WebhookSender(store, calling, KEY, [HOST], outcomes.append)


def test_the_end_of_a_job_is_told_once_although_the_workers_restart(
    settings: Settings, receiver: HttpsServer
) -> None:
    """The first try fails, the process that made it is gone, and the next one's is in time."""
    outcomes: list[str] = []

    async def first() -> str:
        store = store_of(settings)
        store.prepare()
        job = NewJob("default", "/predict", OneInput(b'{"text":"x"}'), webhook=f"{receiver.url}/hook")
        id = (await store.accept(job)).id
        assert await sender(store, receiver, outcomes).send_due() == 0
        await store.cancel("default", id)
        receiver.answer = lambda handler: answered(handler, 503)
        assert await sender(store, receiver, outcomes).send_due() == 1
        assert await sender(store, receiver, outcomes).send_due() == 0  # not before its pause is over
        await store.webhook_tried(id, 0.0)  # which a test does not wait for
        store.close()
        return id

    async def second() -> None:
        store = store_of(settings)
        store.prepare()
        receiver.answer = lambda handler: answered(handler, 200)
        assert await sender(store, receiver, outcomes).send_due() == 1
        assert await sender(store, receiver, outcomes).send_due() == 0
        store.close()

    id = asyncio.run(first())
    asyncio.run(second())
    assert outcomes == ["failed", "delivered"]
    assert [each.headers["webhook-id"] for each in receiver.received] == [f"msg_{id}"] * 2
    assert b'"state":"cancelled"' in receiver.received[-1].body


def test_an_unforeseen_error_does_not_end_the_sending(
    settings: Settings, receiver: HttpsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.service.webhooks.sender.AWAY_SECONDS", 0.0)
    outcomes: list[str] = []

    async def told() -> None:
        store = store_of(settings)
        store.prepare()
        job = NewJob("default", "/predict", OneInput(b'{"text":"x"}'), webhook=f"{receiver.url}/hook")
        await store.cancel("default", (await store.accept(job)).id)
        lease = store.due_webhooks

        async def failing_once(limit: int, lease_seconds: float) -> Sequence[DueWebhook]:
            monkeypatch.setattr(store, "due_webhooks", lease)
            raise RuntimeError("of a kind that nobody foresaw")

        monkeypatch.setattr(store, "due_webhooks", failing_once)
        is_delivered = asyncio.Event()

        def count(outcome: str) -> None:
            outcomes.append(outcome)
            is_delivered.set()

        sending = sender(store, receiver, outcomes)
        monkeypatch.setattr(sending, "_count", count)
        task = asyncio.create_task(sending.run())
        await asyncio.wait_for(is_delivered.wait(), 20)
        task.cancel()
        store.close()

    receiver.answer = lambda handler: answered(handler, 200)
    asyncio.run(told())
    assert outcomes == ["delivered"]

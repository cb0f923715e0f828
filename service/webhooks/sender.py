"""Delivers webhooks at least once: takes those that are due from the store, and settles each.

What is due, how often it was tried and when it comes again is in the job database, so that a restart loses
nothing, and a worker that ends leaves its lease to another. A body has the job's id and state, never what was
sent or answered.
"""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from ..faults import BadSettings, JobsUnavailable
from ..job_settings import JobVariables, listed
from ..jobs.job import DueWebhook
from ..jobs.store import JobStore
from ..logs import fields, log
from .address import WebhookAddress, webhook_fault
from .call import CALL_SECONDS, Caller, CallFailed
from .signature import ALLOWED, signed_headers, signing_key

# Pauses after each failed try, as the specification of Standard Webhooks suggests; then it is given up.
PAUSES_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
AT_ONCE = 8
# Longer than a call lasts, so that one lease is one try.
LEASE_SECONDS = 4 * CALL_SECONDS
LOOK_SECONDS = 1.0
# While the database is away.
AWAY_SECONDS = 5.0
DELIVERED, FAILED, GIVEN_UP = "delivered", "failed", "given_up"


class WebhookSender:
    """Sends webhooks of one service. Event loop's thread only."""

    def __init__(
        self,
        store: JobStore,
        caller: Caller,
        key: bytes,
        hosts: list[str],
        count: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Send for this store. hosts: those that may be called now. count: called with each outcome."""
        self._store = store
        self._caller = caller
        self._key = key
        self._hosts = hosts
        self._count = count
        self._now = now

    async def run(self) -> None:
        """Send what is due, until it is cancelled."""
        while True:
            try:
                sent = await self.send_due()
            except JobsUnavailable:
                await asyncio.sleep(AWAY_SECONDS)
                continue
            except Exception:  # what is due is in the database, and comes again
                log.error("Sending webhooks failed, and is tried again", exc_info=True)
                await asyncio.sleep(AWAY_SECONDS)
                continue
            if not sent:
                await asyncio.sleep(LOOK_SECONDS)

    async def send_due(self) -> int:
        """Send what is due now, some of it; return how many tries that were."""
        due = await self._store.due_webhooks(AT_ONCE, LEASE_SECONDS)
        await asyncio.gather(*(self._try(each) for each in due))
        return len(due)

    async def _try(self, due: DueWebhook) -> None:
        try:
            await self._deliver(due)
        except CallFailed as failure:
            await self._failed(due, failure)
            return
        await self._store.webhook_tried(due.job.id, None)
        self._count(DELIVERED)

    async def _deliver(self, due: DueWebhook) -> None:
        """Make one call. Raises CallFailed."""
        if fault := webhook_fault(due.address, self._hosts):  # the hosts may have changed since
            raise CallFailed("forbidden", f"the address {fault}")
        body = body_of(due)
        headers = signed_headers(self._key, f"msg_{due.job.id}", int(self._now()), body)
        await self._caller.post(WebhookAddress.parse(due.address), headers, body)

    async def _failed(self, due: DueWebhook, failure: CallFailed) -> None:
        is_last = due.tries >= len(PAUSES_SECONDS)
        pause = None if is_last else PAUSES_SECONDS[due.tries] * (1 + random.random() / 5)  # noqa: S311
        await self._store.webhook_tried(due.job.id, pause)
        self._count(GIVEN_UP if is_last else FAILED)
        log.warning(
            "A webhook was %s: %s",
            "given up" if is_last else "not delivered, and is tried again",
            failure,
            extra=fields(job=due.job.id, cause=failure.cause, tries=due.tries + 1),
        )


def webhook_key(settings: JobVariables) -> bytes | None:
    """Return the key that signs webhooks; None where no host may be called. Raises BadSettings."""
    if not listed(settings.jobs_webhook_hosts):
        return None
    try:
        return signing_key(settings.jobs_webhook_secret.get_secret_value())
    except ValueError as error:
        raise BadSettings(
            f"JOBS_WEBHOOK_SECRET: it {error}; allowed with JOBS_WEBHOOK_HOSTS: {ALLOWED}, by which those "
            "who are called know this service."
        ) from None


def webhook_sender(
    settings: JobVariables, store: JobStore, count: Callable[[str], None]
) -> WebhookSender | None:
    """Return what sends the webhooks of a store; None where no host may be called. Raises BadSettings."""
    key = webhook_key(settings)
    if key is None:
        return None
    return WebhookSender(store, Caller(), key, listed(settings.jobs_webhook_hosts), count)


def body_of(due: DueWebhook) -> bytes:
    """Return what is sent of a job: its id, its state and when it ended."""
    job = due.job
    ended = datetime.fromtimestamp(job.ended or 0, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    event = {
        "type": f"job.{job.state.value}",
        "timestamp": ended,
        "data": {"id": job.id, "state": job.state.value},
    }
    return orjson.dumps(event)

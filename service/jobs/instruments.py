"""What is counted of jobs, and the line with their number that the log gets once a minute."""

import asyncio
import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..faults import RequestFault
from ..logs import fields, log
from .database import reason_of
from .job import JobCounts, JobState
from .store import JobStore

COUNT_SECONDS, LINE_SECONDS = 10.0, 60.0
ENDS: tuple[JobState, ...] = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.SET_ASIDE)
SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)


class JobInstruments(Collector):
    """The instruments of one process. accepted, cancelled: return how many jobs it has."""

    def __init__(
        self, registry: CollectorRegistry, accepted: Callable[[], int], cancelled: Callable[[], int]
    ) -> None:
        self._accepted = accepted
        self._cancelled = cancelled
        self.counts: JobCounts | None = None
        """None while the database does not answer."""
        self._ended = dict.fromkeys(ENDS, 0)
        self._seconds = Histogram(
            "slipway_job_seconds",
            "Seconds from the beginning of a job's last attempt to its end.",
            buckets=SECONDS,
            registry=registry,
        )
        self._expired = Counter(
            "slipway_jobs_expired", "Jobs that were deleted because their time was over.", registry=registry
        )
        self.webhooks = Counter(
            "slipway_webhooks", "Webhooks that were sent, by outcome.", ("outcome",), registry=registry
        )
        registry.register(self)

    def ended(self, state: JobState, seconds: float) -> None:
        self._ended[state] += 1
        self._seconds.observe(seconds)

    def set_aside(self, jobs: int) -> None:
        self._ended[JobState.SET_ASIDE] += jobs

    def expired(self, jobs: int) -> None:
        self._expired.inc(jobs)

    def webhook(self, outcome: str) -> None:
        self.webhooks.labels(outcome).inc()

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "slipway_jobs_accepted", "Jobs that were accepted here.", value=self._accepted()
        )
        ended = CounterMetricFamily("slipway_jobs_ended", "Jobs that ended here.", labels=("outcome",))
        for state, count in {**self._ended, JobState.CANCELLED: self._cancelled()}.items():
            ended.add_metric((state.value,), count)
        yield ended
        counts = self.counts
        if counts is None:
            return
        jobs = GaugeMetricFamily("slipway_jobs", "Jobs in the database, by state.", labels=("state",))
        jobs.add_metric(("waiting",), counts.waiting)
        jobs.add_metric(("running",), counts.running)
        jobs.add_metric(("set_aside",), counts.set_aside)
        yield jobs
        yield GaugeMetricFamily(
            "slipway_jobs_oldest_seconds",
            "Age of the job that has waited longest.",
            value=counts.oldest_seconds,
        )


async def keep_counting(store: JobStore, instruments: JobInstruments) -> None:
    """Count the jobs of the database every COUNT_SECONDS, and write the log's line, until cancelled."""
    lined = -LINE_SECONDS
    told = ""
    while True:
        told = await _count(store, instruments, told)
        if instruments.counts is not None and time.monotonic() - lined >= LINE_SECONDS:
            lined = time.monotonic()
            _write_line(instruments.counts)
        await asyncio.sleep(COUNT_SECONDS)


async def _count(store: JobStore, instruments: JobInstruments, told: str) -> str:
    """Count once; return why that cannot be done, and tell it to the log unless it was told before."""
    instruments.counts = None
    try:
        instruments.counts = await store.counts()
    except RequestFault as fault:
        reason = reason_of(fault.__cause__ or fault)
    except Exception as error:
        reason = reason_of(error)
    else:
        return ""
    if reason != told:
        log.warning("The database of jobs cannot be used", extra=fields(reason=reason))
    return reason


def _write_line(counts: JobCounts) -> None:
    values = fields(
        jobs_waiting=counts.waiting,
        jobs_running=counts.running,
        jobs_oldest_seconds=round(counts.oldest_seconds, 1),
        jobs_set_aside=counts.set_aside,
    )
    log.info("Jobs", extra=values)

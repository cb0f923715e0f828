"""The raw limit: the model called in this process by one thread per CPU, and nothing else."""

import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.peers.text_model import PlainTextModel
from slipway.service.cpus import usable_cpus

CALLS = 200


@dataclass(frozen=True, slots=True)
class Limit:
    """The raw limit.

    cpu_ms: CPU time per text. cpus_share: the part of the CPUs that it got, 1 if idle otherwise.
    """

    per_second: float
    cpu_ms: float
    cpus_share: float


def limit_per_second(model: PlainTextModel, texts: Sequence[str], seconds: float) -> float:
    return limit(model, texts, seconds).per_second


def limit(model: PlainTextModel, texts: Sequence[str], seconds: float) -> Limit:
    """Measure the limit, tokenising included; the threads share out the texts in turn."""
    threads_count = usable_cpus()
    done = [0] * threads_count
    end = time.perf_counter() + seconds

    def work(place: int) -> None:
        while time.perf_counter() < end:
            model.outputs([texts[(done[place] * threads_count + place) % len(texts)]])
            done[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(threads_count)]
    begun, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
    return Limit(
        per_second=sum(done) / seconds,
        cpu_ms=cpu_seconds * 1000 / sum(done),
        cpus_share=cpu_seconds / seconds / threads_count,
    )


def call_ms(model: PlainTextModel, texts: Sequence[str]) -> float:
    """Return the median milliseconds of a call with no other load."""
    times_ms: list[float] = []
    for number in range(CALLS):
        begun = time.perf_counter()
        model.outputs([texts[number % len(texts)]])
        times_ms.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times_ms)

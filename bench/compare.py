"""Compares one peer with Slipway and the raw limit: all started, then measured in turn, round by round.

While one is measured, the others' processes are stopped (SIGSTOP), so that they cost it nothing. The clients
are one process on the same CPUs, the same for all.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.closed_loop import closed_loop
from bench.contender import Contender, NotReady, Running, ask, numbers_of, running
from bench.limit import Limit, call_ms, limit
from bench.peers.catalog import DEFAULT, TUNED_BATCHING, Peer
from bench.peers.text_model import PlainTextModel
from bench.results import KINDS, SLIPWAY, Block, Measured, Point, point_key
from bench.slipway import KEY
from bench.workload import mixed_texts, post, short_texts
from slipway.components.spec import ROUTES
from slipway.service.manifest import TextManifest
from slipway.service.tasks import TASKS

ROUNDS, MORE_ROUNDS = 3, 1
# The part of the CPUs that the raw limit gets on a machine without other work.
QUIET = 0.9
LIMIT_SECONDS = 1.2
LOAD_SECONDS = {1: 0.7, 8: 0.8, 64: 1.6}
WARM_UP = 0.25  # of those seconds, in a round that is not counted
TOLERANCE = 1e-3
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Round:
    """One round of measurements. limits: by kind. points: per contender, by `kind/connections`."""

    limits: Mapping[str, Limit]
    call_ms: float
    points: Sequence[Mapping[str, Point]]

    @property
    def cpus_share(self) -> float:
        return min(each.cpus_share for each in self.limits.values())


def slipway(folder: Path) -> list[Contender]:
    """Return Slipway as shipped, with key, access log and default settings; and in batches, as peers are."""
    manifest = TextManifest.read(folder, TASKS)
    path = ROUTES[manifest.task]

    def numbers(answer: Any) -> Sequence[float]:
        return answer["embedding"] if manifest.task == "embed" else [answer["proba"]]

    shipped = Contender(
        name=SLIPWAY,
        variant=DEFAULT,
        setup="one process, key and access log on",
        version="this checkout",
        folder=ROOT,
        command=[sys.executable, "-m", "service"],
        env={"MODEL_API_KEY": KEY, "MODEL_DIR": str(folder.resolve()), "HOST": "127.0.0.1", "PORT": "{port}"},
        request=lambda text: post(path, {"text": text, "truncate": True}, KEY),
        numbers=numbers,
    )
    batches = {"variant": TUNED_BATCHING, "setup": f"{shipped.setup}, batches of 8, no wait"}
    return [shipped, replace(shipped, **batches, env={**shipped.env, "MAX_BATCH_SIZE": "8"})]


def block(peer: Peer, folder: Path, say: Callable[[str], None]) -> Block:
    """Measure one peer with Slipway, in rounds, leaving out with a report a variant that does not start.

    Raises NotReady if that leaves none, or Slipway does not start.
    """
    model = PlainTextModel(folder)
    texts = {"short": short_texts(), "mixed": mixed_texts(model.manifest["max_tokens"])}
    with ExitStack() as stack:
        entrants = [_entered(each, model, texts["short"][0], stack) for each in slipway(folder)]
        own = len(entrants)
        for contender in peer.contenders(folder):
            try:
                entrants.append(_entered(contender, model, texts["short"][0], stack))
            except (NotReady, OSError) as error:
                say(f"LEFT OUT {contender.name} ({contender.variant}): {error}")
        if len(entrants) == own:
            raise NotReady(f"{peer.name} started in none of its variants")
        _round(model, texts, entrants, WARM_UP)
        kept = _quietest(lambda: _round(model, texts, entrants))
        return _block(kept, [_weighed(contender, started) for contender, started in entrants])


def _quietest(round_of: Callable[[], Round]) -> list[Round]:
    """Return the ROUNDS in which the raw limit got the largest part of the CPUs.

    If other work took CPU from it, MORE_ROUNDS more are made to choose from.
    """
    found: list[Round] = []
    while len(found) < ROUNDS + MORE_ROUNDS and sum(each.cpus_share >= QUIET for each in found) < ROUNDS:
        found.append(round_of())
    return sorted(found, key=lambda each: -each.cpus_share)[:ROUNDS]


def _block(rounds: Sequence[Round], measured: Sequence[Measured]) -> Block:
    for place, each in enumerate(measured):
        each.points = {key: [found.points[place][key] for found in rounds] for key in rounds[0].points[place]}
    return Block(
        limit_per_second={kind: [found.limits[kind].per_second for found in rounds] for kind in KINDS},
        limit_cpu_ms={kind: [found.limits[kind].cpu_ms for found in rounds] for kind in KINDS},
        call_ms=[found.call_ms for found in rounds],
        cpus_share=[found.cpus_share for found in rounds],
        measured=list(measured),
    )


def _entered(
    contender: Contender, model: PlainTextModel, text: str, stack: ExitStack
) -> tuple[Contender, Running]:
    """Start a contender, compare its answer with the model's in this process, and pause it."""
    with ExitStack() as attempt:
        started = attempt.enter_context(running(contender, contender.request(text)))
        answer = model.answers([text])[0]
        expected = np.array(answer["embedding"] if "embedding" in answer else [answer["proba"]])
        got = np.array(numbers_of(contender, started.port, text))
        if got.shape != expected.shape or np.abs(got - expected).max() > TOLERANCE:
            raise NotReady(f"its answer {got[:4]}… is not the model's {expected[:4]}…")
        started.pause()
        stack.push(attempt.pop_all())
    return contender, started


def _weighed(contender: Contender, started: Running) -> Measured:
    """Return a contender's measurements, still without points."""
    return Measured(
        name=contender.name,
        variant=contender.variant,
        setup=contender.setup,
        version=contender.version,
        ready_seconds=started.ready_seconds,
        pss_mb=started.pss_mb(),
    )


def _round(
    model: PlainTextModel,
    texts: dict[str, list[str]],
    entrants: Sequence[tuple[Contender, Running]],
    share: float = 1.0,
) -> Round:
    """Measure one round. share: of the seconds that a measurement takes."""
    limits: dict[str, Limit] = {}
    points: list[dict[str, Point]] = [{} for _ in entrants]
    for kind, some in texts.items():
        limits[kind] = limit(model, some, LIMIT_SECONDS * share)
        for found, (contender, started) in zip(points, entrants, strict=True):
            for connections, point in _points(contender, started, some, share).items():
                found[point_key(kind, connections)] = point
    return Round(limits, call_ms(model, texts["short"]), points)


def _points(contender: Contender, started: Running, texts: Sequence[str], share: float) -> dict[int, Point]:
    """Return the points of a contender by the number of connections."""
    requests = [contender.request(text) for text in texts]
    started.resume()
    with contextlib.suppress(OSError):
        ask(started.port, requests[0])  # whatever waited for it to go on is done before the clock runs
    try:
        return {
            connections: _point(started, requests, connections, seconds * share)
            for connections, seconds in LOAD_SECONDS.items()
        }
    finally:
        started.pause()


def _point(started: Running, requests: Sequence[bytes], connections: int, seconds: float) -> Point:
    """Return the point of a load; without a good answer, the latencies are the time that was waited."""
    cpu = started.cpu_seconds()
    load = closed_loop(started.port, requests, connections, seconds)
    cpu_ms = (started.cpu_seconds() - cpu) * 1000
    answers = len(load.latencies_ms)
    return Point(
        per_second=load.per_second,
        p50_ms=load.percentile_ms(0.5) if answers else seconds * 1000,
        p99_ms=load.percentile_ms(0.99) if answers else seconds * 1000,
        cpu_ms=cpu_ms / max(1, answers),
        refused=load.refused,
    )

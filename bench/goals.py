"""The goals for the server, and whether the results meet them. A ratio is of one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.peers.catalog import BATCHING, DEFAULT, TUNED
from bench.results import (
    SLIPWAY,
    Results,
    Row,
    point_key,
    quietness,
    rows,
    single_over_call,
)

SHORT_8, SHORT_64, MIXED_64 = point_key("short", 8), point_key("short", 64), point_key("mixed", 64)
FLAT_MB = 5.0
# Below this part of the CPUs for the raw limit others were at work, and no time or rate is judged.
QUIET = 0.8


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal. value: None if it was not measured. at_least: the bound is a minimum, else a maximum.

    quietness: the part of the CPUs that the raw limit got at the same time; None if other work does not
    matter.
    """

    name: str
    value: float | None
    bound: float
    at_least: bool = False
    quietness: float | None = None

    @property
    def met(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        if self.quietness is not None and self.quietness < QUIET:
            return "not judged"
        return "met" if self.met else "**missed**"

    @property
    def wanted(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


def goals(results: Results) -> list[Goal]:
    every = rows(results)
    own = [row for row in every if row.name == SLIPWAY]
    ours = next((row for row in own if row.variant == DEFAULT), None)
    peers = [row for row in every if row.name != SLIPWAY]
    quiet = quietness(results)
    timed = [*_throughput(ours, own, peers), *_latency(ours, results)]
    return [
        *(replace(goal, quietness=quiet) for goal in timed),
        *_overload(results),
        *_attack(results),
        *_writers(results.pieces.get("writers", {})),
        *_size(ours, results, quiet),
        *_jobs(results),
    ]


def _throughput(ours: Row | None, own: Sequence[Row], peers: Sequence[Row]) -> list[Goal]:
    """Return the goals of throughput. ours: Slipway as shipped. own: that, and tuned as peers are."""

    def share(key: str) -> float | None:
        return ours.over_limit[key] if ours else None

    batching = [row for row in peers if row.variant == BATCHING]
    tuned = [row for row in peers if row.variant.startswith(TUNED)]
    return [
        Goal("short texts, 8 connections / raw limit", share(SHORT_8), 0.9, at_least=True),
        Goal("short texts, 64 connections / raw limit", share(SHORT_64), 0.9, at_least=True),
        Goal("mixed lengths, 64 connections / raw limit", share(MIXED_64), 0.9, at_least=True),
        Goal(
            "mixed lengths, 64 connections / best default batching peer",
            _over_best(ours, batching, MIXED_64),
            5,
            True,
        ),
        Goal(
            "short texts, 64 connections, the best setting of each / best tuned peer",
            _over_best(max(own, key=lambda row: row.over_limit[SHORT_64], default=None), tuned, SHORT_64),
            1.15,
            True,
        ),
    ]


def _over_best(ours: Row | None, peers: Sequence[Row], key: str) -> float | None:
    best = max((row.over_limit[key] for row in peers), default=0.0)
    return ours.over_limit[key] / best if ours and best > 0 else None


def _latency(ours: Row | None, results: Results) -> list[Goal]:
    spread = ours.p99_over_p50[SHORT_64] if ours else None
    return [
        Goal("p50 at one connection / call in-process", single_over_call(results), 1.25),
        Goal("p99 / p50 at 64 connections, short texts", spread, 1.4),
    ]


def _overload(results: Results) -> list[Goal]:
    found = results.pieces.get("overload", {})
    what = "5 times the limit: "
    judged = [
        Goal(what + "accepted / raw limit", found.get("accepted_over_limit"), 0.9, at_least=True),
        Goal(what + "p99 of the accepted / at full load", found.get("accepted_p99_over_full_load_p99"), 2),
        Goal(what + "p99 of the 429s, ms", found.get("refused_p99_ms"), 50),
        Goal(what + "seconds until latency is back", found.get("recovery_s"), 2),
    ]
    return [replace(goal, quietness=found.get("quietness")) for goal in judged]


def _attack(results: Results) -> list[Goal]:
    found = results.pieces.get("attack", {})
    what = "under attack: "
    return [
        Goal(what + "killed", found.get("killed"), 0),
        Goal(what + "most memory / recommended limit", found.get("peak_over_limit"), 0.95),
        Goal(what + "p99 of /alive, ms", found.get("alive_p99_ms"), 250),
        Goal(what + "worst of /alive, ms", found.get("alive_worst_ms"), 1000),
    ]


def _jobs(results: Results) -> list[Goal]:
    found = results.pieces.get("jobs", {})
    return [
        Goal("jobs accepted a second, SQLite", found.get("sqlite_accepted_per_second"), 200, True),
        Goal("jobs accepted a second, PostgreSQL", found.get("postgresql_accepted_per_second"), 500, True),
        *(
            Goal(f"CPU of a job over a request, {name}, ms", found.get(f"{key}_job_over_request_cpu_ms"), 6)
            for key, name in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))
        ),
    ]


def _writers(found: Mapping[str, float | None]) -> list[Goal]:
    """Return the goals of models that write text. Throughput is of eight at once."""

    def ratio(first: str, second: str) -> float | None:
        above, below = found.get(first), found.get(second)
        return above / below if above and below else None

    own = [
        Goal(
            f"text, {word}: {what}, the engine alone / Slipway",
            ratio(f"CTranslate2 alone, {word}/{measure}", f"Slipway, {word}/{measure}"),
            0.9,
            at_least=True,
        )
        for word in ("t5", "llama")
        for what, measure in (("throughput", "eight_ms"), ("first token", "first_token_ms"))
    ]
    behind = [
        Goal(f"text, {word}: 5 tokens behind 500, ms", found.get(f"Slipway, {word}/five_behind_500_ms"), 1000)
        for word in ("t5", "llama")
    ]
    torch = ratio("torch fp32, t5/one_ms", "Slipway, t5/one_ms")
    return [*own, Goal("text, t5: one answer, torch / Slipway", torch, 2.5, at_least=True), *behind]


def _size(ours: Row | None, results: Results, quiet: float | None) -> list[Goal]:
    found = results.pieces.get("memory", {})
    return [
        Goal("memory (PSS) under load, MB", ours.pss_mb if ours else None, 180),
        Goal("most memory over the long run, MB", found.get("most_mb"), 180),
        Goal("growth over the long run, MB", found.get("growth_mb"), FLAT_MB),
        Goal("ready after start, s", ours.ready_seconds if ours else None, 1, quietness=quiet),
    ]

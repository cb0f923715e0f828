"""The results of a bench, as saved in a JSON file: a block for each peer, a piece for each other bench.

A block holds the raw limit, Slipway and one peer in all its variants, measured in turn within minutes. Ratios
are only ever formed inside a block, round by round, so that a busier hour puts no server at a disadvantage.
"""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

SLIPWAY = "Slipway"
KINDS = ("short", "mixed")


class Point(BaseModel):
    """One contender's load in one round. per_second: answers with status 200. refused: the others.

    cpu_ms: CPU time of all its processes per answer, without the client's.
    """

    model_config = ConfigDict(extra="forbid")

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    refused: int


class Measured(BaseModel):
    """One contender: points by `kind/connections`, one per round. pss_mb: of all its processes."""

    model_config = ConfigDict(extra="forbid")

    name: str
    variant: str
    setup: str
    version: str
    ready_seconds: float
    pss_mb: float = 0.0
    points: dict[str, list[Point]] = {}


class Block(BaseModel):
    """One peer, Slipway and the raw limit, measured in turn.

    limit_per_second and limit_cpu_ms: by kind, one per round. call_ms: the short text in-process. cpus_share:
    the smallest part of the CPUs that the raw limit got in a round; below 1 other work was running.
    """

    model_config = ConfigDict(extra="forbid")

    limit_per_second: dict[str, list[float]] = {}
    limit_cpu_ms: dict[str, list[float]] = {}
    call_ms: list[float] = []
    cpus_share: list[float] = []
    measured: list[Measured] = []


class Results(BaseModel):
    """Everything that was measured.

    facts: date, machine, versions and model, to print. skipped: pieces with reasons.
    """

    model_config = ConfigDict(extra="forbid")

    facts: dict[str, str] = {}
    blocks: dict[str, Block] = {}
    pieces: dict[str, dict[str, float | None]] = {}
    skipped: dict[str, str] = {}

    @classmethod
    def read(cls, file: Path) -> "Results":
        return cls.model_validate_json(file.read_bytes()) if file.is_file() else cls()

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(_rounded(self.model_dump()), indent=1) + "\n")


def point_key(kind: str, connections: int) -> str:
    return f"{kind}/{connections}"


class Row(BaseModel):
    """One contender over every block it is in: medians over the rounds."""

    name: str
    variant: str
    setup: str
    version: str
    ready_seconds: float
    pss_mb: float
    over_limit: dict[str, float]
    per_second: dict[str, float]
    p50_ms: dict[str, float]
    p99_ms: dict[str, float]
    p99_over_p50: dict[str, float]
    cpu_over_limit: dict[str, float]
    refused: int


def rows(results: Results) -> list[Row]:
    """Return Slipway first, then the others in the order they were measured."""
    found: dict[tuple[str, str], list[tuple[Block, Measured]]] = {}
    for block in results.blocks.values():
        for measured in block.measured:
            found.setdefault((measured.name, measured.variant), []).append((block, measured))
    return sorted((_row(each) for each in found.values()), key=lambda row: row.name != SLIPWAY)


def _row(found: Sequence[tuple[Block, Measured]]) -> Row:
    one = found[0][1]
    keys = list(one.points)

    def medians(of: Callable[[Block, Measured, str], Iterator[float]]) -> dict[str, float]:
        return {
            key: statistics.median(value for block, measured in found for value in of(block, measured, key))
            for key in keys
        }

    return Row(
        name=one.name,
        variant=one.variant,
        setup=one.setup,
        version=one.version,
        ready_seconds=statistics.median(measured.ready_seconds for _, measured in found),
        pss_mb=statistics.median(measured.pss_mb for _, measured in found),
        over_limit=medians(_over_limit),
        per_second=medians(lambda block, measured, key: (p.per_second for p in measured.points[key])),
        p50_ms=medians(lambda block, measured, key: (p.p50_ms for p in measured.points[key])),
        p99_ms=medians(lambda block, measured, key: (p.p99_ms for p in measured.points[key])),
        p99_over_p50=medians(
            lambda block, measured, key: (p.p99_ms / p.p50_ms for p in measured.points[key])
        ),
        cpu_over_limit=medians(_cpu_over_limit),
        refused=sum(
            point.refused for _, measured in found for some in measured.points.values() for point in some
        ),
    )


def _over_limit(block: Block, measured: Measured, key: str) -> Iterator[float]:
    limits = block.limit_per_second[key.partition("/")[0]]
    for limit, point in zip(limits, measured.points[key], strict=True):
        yield point.per_second / limit


def _cpu_over_limit(block: Block, measured: Measured, key: str) -> Iterator[float]:
    limits = block.limit_cpu_ms[key.partition("/")[0]]
    for limit, point in zip(limits, measured.points[key], strict=True):
        yield point.cpu_ms / limit


def limit_medians(results: Results) -> dict[str, float]:
    """Return the texts per second of the raw limit, by kind, as medians over all rounds."""
    return {
        kind: statistics.median(
            limit for block in results.blocks.values() for limit in block.limit_per_second[kind]
        )
        for kind in KINDS
        if results.blocks
    }


def quietness(results: Results) -> float | None:
    """Return the median over all rounds of the part of the CPUs that the raw limit got."""
    shares = [share for block in results.blocks.values() for share in block.cpus_share]
    return statistics.median(shares) if shares else None


def single_over_call(results: Results) -> float | None:
    """Return p50 of Slipway as shipped, at one connection, over the call in-process; None if not measured."""
    ratios = [
        point.p50_ms / call_ms
        for block in results.blocks.values()
        for measured in block.measured
        if (measured.name, measured.variant) == (SLIPWAY, "default")
        for point, call_ms in zip(measured.points[point_key("short", 1)], block.call_ms, strict=True)
    ]
    return statistics.median(ratios) if ratios else None


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType] - any JSON
    if isinstance(value, list):
        return [_rounded(each) for each in value]  # pyright: ignore[reportUnknownVariableType] - any JSON
    return round(value, 3) if isinstance(value, float) else value

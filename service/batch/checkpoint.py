"""What of a run is complete, kept with its results: parts, pieces of the one in progress, rows set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from .faults import BatchFailed
from .places import Place

DONE, PIECES, CRASHED, FAILED, REPORT = (
    *("_batch/done", "_batch/pieces", "_batch/crashed", "failed"),
    "_batch/report.json",
)


@dataclass(frozen=True, slots=True)
class Done:
    """A complete part. seconds: that its rows took on one instance, all starts together."""

    rows: int
    failed: int
    seconds: float


@dataclass(slots=True)
class Piece:
    """Rows of a part, in order: results, failures, and how many rows of the input they stand for."""

    results: list[bytes]
    failures: list[bytes]
    rows: int
    seconds: float

    def add(self, other: "Piece") -> None:
        self.results += other.results
        self.failures += other.failures
        self.rows += other.rows
        self.seconds += other.seconds

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.results)) + sum(map(len, self.failures))


class Checkpoint:
    """The records of a run below its output."""

    def __init__(self, place: Place, parts: int) -> None:
        self._place = place
        self._parts = parts

    def complete_parts(self) -> list[int]:
        """Return the numbers of the parts whose records and files are there."""
        names = self._place.names()
        there = {name[:10] for name in names if name.startswith("part-")}
        recorded = (name.removeprefix(f"{DONE}/")[:10] for name in names if name.startswith(f"{DONE}/"))
        return [int(name.removeprefix("part-")) for name in recorded if name in there]

    def done(self, part: int) -> Done:
        """Return the record of a complete part."""
        content = self._place.read(f"{DONE}/part-{part:05}.json")
        if content is None:
            raise BatchFailed(f"The record of part {part} in {self._place.address} was deleted meanwhile.")
        return Done(**orjson.loads(content))

    def complete(self, part: int, done: Done) -> None:
        """Record that a part is complete, after its file was written, and drop its pieces."""
        content = {"rows": done.rows, "failed": done.failed, "seconds": round(done.seconds, 3)}
        self._place.write(f"{DONE}/part-{part:05}.json", orjson.dumps(content))
        for name in self._place.names(_pieces(part)):
            self._place.delete(name)

    def pieces(self, part: int) -> Piece:
        """Return what of a part was computed before, as one piece from its first row on."""
        whole = Piece([], [], 0, 0.0)
        for name in self._place.names(_pieces(part)):
            begin = int(name.rpartition("/")[2].removesuffix(".jsonl"))
            content = self._place.read(name)
            if content is None or begin != whole.rows:
                break
            head, *lines = content.split(b"\n")
            facts = orjson.loads(head)
            results, failures = lines[: facts["results"]], lines[facts["results"] :]
            whole.add(Piece(results, failures, facts["rows"], facts["seconds"]))
        return whole

    def keep(self, part: int, begin: int, piece: Piece) -> None:
        """Write a piece of a part. begin: the number of the part's rows before it."""
        facts = {"results": len(piece.results), "rows": piece.rows, "seconds": round(piece.seconds, 3)}
        content = b"\n".join([orjson.dumps(facts), *piece.results, *piece.failures])
        self._place.write(f"{_pieces(part)}/{begin:09}.jsonl", content)

    def crashed(self) -> dict[int, str]:
        """Return the rows that ended the process, with the reason."""
        found: dict[int, str] = {}
        for name in self._place.names(CRASHED):
            if (content := self._place.read(name)) is not None:
                record = orjson.loads(content)
                found[record["row"]] = record["reason"]
        return found

    def set_aside(self, row: int, reason: str) -> None:
        content = orjson.dumps({"row": row, "reason": reason})
        self._place.write(f"{CRASHED}/row-{row:09}.json", content)

    def report(self, facts: dict[str, Any], done: Sequence[Done]) -> None:
        """Write the report of a complete run."""
        rows, failed = sum(each.rows for each in done), sum(each.failed for each in done)
        seconds = round(sum(each.seconds for each in done), 3)
        sums = {"rows": rows, "results": rows - failed, "failed": failed, "parts": self._parts}
        content = {**sums, "instance_seconds": seconds, **facts}
        self._place.write(REPORT, orjson.dumps(content, option=orjson.OPT_INDENT_2))


def _pieces(part: int) -> str:
    return f"{PIECES}/part-{part:05}"

"""Works off the parts of a shard: collects what is computed, keeps pieces of it, and writes whole parts."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from .checkpoint import FAILED, Checkpoint, Done, Piece
from .computing import Chunk, Computer
from .faults import BatchFailed, BatchStopped
from .inventory import Inventory
from .places import Place
from .progress import Progress
from .requests import Requests
from .rows import Row
from .settings import BatchSettings, FileFormat
from .writing import PartWriter, part_name

# A piece is written at the latest when it has grown to this.
PIECE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Shard:
    """What this instance has to do."""

    settings: BatchSettings
    place: Place
    inventory: Inventory
    requests: Requests
    checkpoint: Checkpoint
    writer: PartWriter
    form: FileFormat
    """Of the parts."""
    model_version: str

    @property
    def parts(self) -> range:
        return range(self.settings.batch_shard, self.inventory.parts, self.settings.batch_shards)


class OpenPart:
    """A part in progress: the rows that are kept already, and the piece that grows."""

    def __init__(self, number: int, kept: Piece, begun: float) -> None:
        self.number, self.kept = number, kept
        self.piece, self.begun = _empty(), begun

    @property
    def rows(self) -> int:
        return self.kept.rows + self.piece.rows

    def add(self, chunk: Chunk) -> int:
        """Add a chunk; return how many of its rows failed."""
        results = [line for is_result, line in chunk.found if is_result]
        failures = [line for is_result, line in chunk.found if not is_result]
        self.piece.add(Piece(results, failures, len(chunk.found), 0.0))
        return len(failures)


class Parts:
    """The parts of one start. Whole parts are written on a thread of its own, while the next is computed."""

    def __init__(
        self, shard: Shard, computer: Computer, progress: Progress, clock: Callable[[], float]
    ) -> None:
        self._shard, self._computer, self._progress, self._clock = shard, computer, progress, clock
        self._open: dict[int, OpenPart] = {}
        self._writer = ThreadPoolExecutor(1, "writing")
        self._writing: Future[None] | None = None

    def work_off(self, parts: Sequence[int]) -> None:
        """Compute and write the parts. Raises BatchStopped or BatchFailed, once what is computed is kept."""
        try:
            for chunk in self._computer.computed(self._begun(parts)):
                self._take(chunk)
            self._require_none_open()
            self._settle()
        except (BatchStopped, BatchFailed):
            self._keep_all()
            raise
        finally:
            self._writer.shutdown()

    def _begun(self, parts: Sequence[int]) -> Iterator[tuple[int, Iterator[Row]]]:
        """Yield the rows of each part that are not computed yet."""
        for number in parts:
            part = OpenPart(number, self._shard.checkpoint.pieces(number), self._clock())
            self._progress.found(part.kept.rows, len(part.kept.failures))
            if part.rows == self._shard.inventory.rows_of(number):
                self._write(part)
            else:
                self._open[number] = part
                yield number, self._shard.inventory.read(number, part.rows)

    def _take(self, chunk: Chunk) -> None:
        part = self._open[chunk.part]
        if part is not next(iter(self._open.values())):
            self._require_none_open()
        self._progress.add(len(chunk.rows), part.add(chunk))
        if part.rows == self._shard.inventory.rows_of(part.number):
            del self._open[part.number]
            self._write(part)
        elif self._is_due(part):
            self._keep(part)

    def _require_none_open(self) -> None:
        for part in self._open.values():
            expected = self._shard.inventory.rows_of(part.number)
            raise BatchFailed(
                f"Part {part.number} has {part.rows} of {expected} rows: the input changed while it was "
                "read. Start again."
            )

    def _is_due(self, part: OpenPart) -> bool:
        seconds = self._shard.settings.batch_piece_seconds
        return self._clock() - part.begun >= seconds or part.piece.size_bytes > PIECE_BYTES

    def _keep(self, part: OpenPart) -> None:
        if part.piece.rows:
            part.piece.seconds = self._clock() - part.begun
            self._shard.checkpoint.keep(part.number, part.kept.rows, part.piece)
            part.kept.add(part.piece)
        part.piece, part.begun = _empty(), self._clock()

    def _keep_all(self) -> None:
        for part in self._open.values():
            self._keep(part)

    def _write(self, part: OpenPart) -> None:
        """Hand a whole part to the writing thread, after the one before it."""
        part.piece.seconds = self._clock() - part.begun
        part.kept.add(part.piece)
        self._settle()
        self._writing = self._writer.submit(self._finish, part.number, part.kept)

    def _settle(self) -> None:
        """Wait until the part in hand is written. Raises what its writing raised."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()
            self._progress.parts_done += 1

    def _finish(self, number: int, whole: Piece) -> None:
        shard = self._shard
        parts = shard.inventory.parts
        if whole.failures:
            failures = b"".join(line + b"\n" for line in whole.failures)
            shard.place.write(f"{FAILED}/{part_name(number, parts, 'jsonl')}", failures)
        shard.place.write(part_name(number, parts, shard.form), shard.writer.encoded(whole.results))
        shard.checkpoint.complete(number, Done(whole.rows, len(whole.failures), whole.seconds))


def _empty() -> Piece:
    return Piece([], [], 0, 0.0)

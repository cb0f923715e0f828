"""Chooses which answers CTranslate2 writes together, and lets a short one begin while long ones are written.

The engine's batches are static: nothing joins one, though each row may leave it. So there are two lanes, each
with one batch at a time. The main lane writes its batch to the end. While it does, the other takes who waits;
once someone waits for that lane too and its batch has had its turn, its rows leave at the next token, and go
on later from what they have written. What a batch may hold is bounded, and so is the memory of them all.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# While nothing is written, a request waits so long for the next, and for all that come with it.
COMPANY_SECONDS, MOST_COMPANY_SECONDS = 0.005, 0.03
# The main lane may be about to end, and then all share one batch; after this the other lane begins.
PATIENCE_SECONDS = 0.05
TURN_SECONDS = 0.5
# Between two looks at whether a waiting row's client is still there.
LOOK_SECONDS = 0.1
# Rows that start together read the shortest prompt at once, and what the others have more token by token.
MOST_MORE_TOKENS, MOST_MORE_SHARE = 8, 1 / 16
MAX_ROWS = 8
# Tokens after which a row with a seed leaves its lane, whether someone waits or not: how often it begins anew
# moves its scores a little, and must not depend on others.
SEEDED_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """How the next token is chosen. Only rows for which all of it is equal share a batch."""

    top_k: int = 1
    """1 takes the most probable token each time; 0: of all."""
    top_p: float = 1.0
    temperature: float = 1.0
    min_new_tokens: int = 0


@dataclass(slots=True, eq=False)
class WritingRow:
    """One answer that is being written."""

    prompt: Sequence[int]
    max_new_tokens: int
    choice: Choice
    on_token: Callable[[int], bool]
    going: Callable[[], bool]
    seed: int | None = None
    """With a seed it shares no batch, and leaves its lane after the same tokens each time."""
    answer: list[int] = field(default_factory=list[int])
    has_ended: bool = False
    """Whether the model ended it, the maximum is reached, its client left or it failed."""
    error: Exception | None = None
    since: float = field(default_factory=time.monotonic)
    is_ended_by_model: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def tokens(self) -> int:
        """Return the most tokens that it may come to."""
        return len(self.prompt) + self.max_new_tokens

    def take(self, token_id: int) -> bool:
        """Hand a token on, and return whether the row goes on."""
        self.answer.append(token_id)
        try:
            if not self.on_token(token_id) or len(self.answer) >= self.max_new_tokens:
                self.has_ended = True
        except Exception as error:  # its own: the rows beside it go on
            self.error, self.has_ended = error, True
        return not self.has_ended


class BatchWriter(Protocol):
    """What computes a batch."""

    can_resume: bool
    """Whether a row that left may go on from what it has written."""

    def write(self, rows: Sequence[WritingRow], goes_on: Callable[[WritingRow], bool]) -> None:
        """Write until each row has ended or left: it leaves once `goes_on`, called at each token, is False.

        Called from two threads at once.
        """
        ...


class LaneTurn:
    """The time that a batch has in the short lane: at least as much for writing as it took to read."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._ends: float | None = None

    def is_over(self) -> bool:
        """Return whether it is; called at each token."""
        now = self._clock()
        if self._ends is None:
            self._ends = now + max(TURN_SECONDS, now - self._began)
        return now >= self._ends


class Lanes:
    """The queue in front of one model. `write` may be called from any number of threads."""

    def __init__(self, writer: BatchWriter, most_tokens: int) -> None:
        """Start the lanes.

        most_tokens: of all rows of a batch, prompts and answers; one row alone may have more.
        """
        self._writer = writer
        self._most_tokens = most_tokens
        self._waiting: list[WritingRow] = []
        self._begun: list[WritingRow] = []
        """Rows that have left a lane, and go on where nobody new waits."""
        self._main_is_busy = False
        self._changed = threading.Condition()
        for name, work in (("writing-main", self._main), ("writing-short", self._short)):
            threading.Thread(target=work, name=name, daemon=True).start()

    def write(self, rows: Sequence[WritingRow]) -> None:
        """Write the rows' answers. Raises the first error among them."""
        with self._changed:
            self._waiting += rows
            self._changed.notify_all()
        for row in rows:
            while not row.done.wait(LOOK_SECONDS):
                if not row.going():
                    self._drop(row)
        for row in rows:
            if row.error is not None:
                raise row.error

    def _drop(self, row: WritingRow) -> None:
        """Drop a row that waits; one that is being written ends at its next token."""
        with self._changed:
            for line in (self._waiting, self._begun):
                if row in line:
                    line.remove(row)
                    row.has_ended = True
                    row.done.set()

    def _main(self) -> None:
        while True:
            with self._changed:
                while not (self._waiting or self._begun):
                    self._changed.wait()
                if not self._begun:
                    self._await_company()
                rows = self._taken(self._begun + self._waiting)
                self._main_is_busy = bool(rows)
                self._changed.notify_all()
            self._write(rows, lambda row: not self._has_had_its_tokens(row))
            with self._changed:
                self._main_is_busy = False

    def _await_company(self) -> None:
        latest = time.monotonic() + MOST_COMPANY_SECONDS
        while len(self._waiting) < MAX_ROWS and time.monotonic() < latest:
            before = len(self._waiting)
            self._changed.wait(COMPANY_SECONDS)
            if len(self._waiting) <= before:
                return

    def _short(self) -> None:
        while True:
            with self._changed:
                while (wait := self._wait_of_the_short_lane()) > 0:
                    self._changed.wait(wait if wait < PATIENCE_SECONDS * 2 else None)
                rows = self._taken(self._waiting or self._begun)
            turn = LaneTurn()
            self._write(rows, lambda row, turn=turn: not self._leaves(row, turn))

    def _wait_of_the_short_lane(self) -> float:
        """Return the seconds until it takes a row; many if there is none for it."""
        if not (self._main_is_busy and (self._waiting or self._begun)):
            return 60
        if not self._waiting:
            return 0
        return self._waiting[0].since + PATIENCE_SECONDS - time.monotonic()

    def _leaves(self, row: WritingRow, turn: "LaneTurn") -> bool:
        if row.seed is not None:
            return self._has_had_its_tokens(row)
        is_over = turn.is_over()  # asked at each token: the first begins it
        return is_over and self._writer.can_resume and bool(self._waiting)

    def _has_had_its_tokens(self, row: WritingRow) -> bool:
        """Return whether a row with a seed is at a place where it always leaves."""
        return row.seed is not None and self._writer.can_resume and len(row.answer) % SEEDED_TOKENS == 0

    def _taken(self, line: Sequence[WritingRow]) -> list[WritingRow]:
        """Take the oldest row of the line, and those that may share its batch."""
        if not line:
            return []
        lead = min(line, key=lambda row: row.since)
        rows, tokens = [lead], lead.tokens
        for row in sorted(line, key=lambda row: row.since):
            if row is lead or not _may_share(lead, row) or len(rows) >= MAX_ROWS:
                continue
            if tokens + row.tokens <= self._most_tokens:
                rows.append(row)
                tokens += row.tokens
        for row in rows:
            (self._begun if row in self._begun else self._waiting).remove(row)
        return rows

    def _write(self, rows: list[WritingRow], goes_on: Callable[[WritingRow], bool]) -> None:
        gone = [row for row in rows if not row.going()]
        for row in gone:
            row.has_ended = True
        left = [row for row in rows if not row.has_ended]
        try:
            if left:
                self._writer.write(left, goes_on)
        except Exception as error:  # whatever it is, it is that batch's
            for row in left:
                row.error, row.has_ended = row.error or error, True
        with self._changed:
            for row in rows:
                if row.has_ended:
                    row.done.set()
                else:
                    self._begun.append(row)
            self._changed.notify_all()


def _may_share(lead: WritingRow, row: WritingRow) -> bool:
    if lead.seed is not None or row.seed is not None or lead.choice != row.choice:
        return False
    lengths = [len(each.prompt) + len(each.answer) for each in (lead, row)]
    if bool(lead.answer) != bool(row.answer) or min(lengths) == 1 != max(lengths):
        return False
    return max(lengths) - min(lengths) <= max(MOST_MORE_TOKENS, int(max(lengths) * MOST_MORE_SHARE))

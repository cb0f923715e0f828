"""Who shares a batch, who goes first and who leaves, with a writer that a test lets write token by token."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import pytest

from slipway.service.backends.ct2_lanes import MAX_ROWS, TURN_SECONDS, Choice, Lanes, LaneTurn, WritingRow

WAIT = 20


class SteppedWriter:
    """Writes one token of each row when it is told to; then it asks who goes on."""

    can_resume = True

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.steps = threading.Semaphore(0)
        self.batches: list[list[WritingRow]] = []
        self.free = False

    def write(self, rows: Sequence[WritingRow], goes_on: Callable[[WritingRow], bool]) -> None:
        self.batches.append(list(rows))
        self.begun.release()
        left = list(rows)
        while left:
            assert self.free or self.steps.acquire(timeout=WAIT)
            left = [row for row in left if row.take(len(row.answer)) and goes_on(row)]


def row(
    tokens: int = 10, most: int = 3, going: Callable[[], bool] = lambda: True, **more: object
) -> WritingRow:
    given: dict[str, object] = {"choice": Choice()} | more
    return WritingRow([1] * tokens, most, on_token=lambda _: True, going=going, **given)  # pyright: ignore[reportArgumentType]


@contextmanager
def lanes(most_tokens: int = 1000) -> Generator[tuple[Lanes, SteppedWriter, list[threading.Thread]]]:
    writer, askers = SteppedWriter(), list[threading.Thread]()
    yield Lanes(writer, most_tokens), writer, askers
    writer.free = True
    writer.steps.release(100_000)
    for asker in askers:
        asker.join(timeout=WAIT)
        assert not asker.is_alive()


def ask(to: Lanes, askers: list[threading.Thread], rows: Sequence[WritingRow]) -> None:
    asker = threading.Thread(target=lambda: to.write(rows))
    askers.append(asker)
    asker.start()


def test_rows_of_equal_choice_and_length_share_a_batch():
    with lanes() as (line, writer, askers):
        ask(line, askers, [row() for _ in range(MAX_ROWS)])
        assert writer.begun.acquire(timeout=WAIT)
        assert [len(batch) for batch in writer.batches] == [MAX_ROWS]


def test_other_choices_lengths_and_seeds_do_not_share_one():
    rows = [
        row(),
        row(choice=Choice(top_k=0)),
        row(choice=Choice(top_k=0, temperature=0.5)),
        row(tokens=200),
        row(seed=1),
        row(seed=1),
    ]
    with lanes() as (line, writer, askers):
        ask(line, askers, rows)
        writer.free = True
        writer.steps.release(1000)
        askers[0].join(timeout=WAIT)
        assert sorted(len(batch) for batch in writer.batches) == [1] * len(rows)
        assert all(each.has_ended and len(each.answer) == 3 for each in rows)


def test_what_a_batch_may_hold_is_bounded_but_one_row_is_always_taken():
    with lanes(most_tokens=30) as (line, writer, askers):
        ask(line, askers, [row(), row(), row(), row(tokens=100)])
        writer.free = True
        writer.steps.release(1000)
        askers[0].join(timeout=WAIT)
        assert all(sum(each.tokens for each in batch) <= 30 or len(batch) == 1 for batch in writer.batches)
        assert sum(map(len, writer.batches)) == 4


def test_a_short_row_is_written_while_a_long_one_is():
    with lanes() as (line, writer, askers):
        long, short = row(most=500), row(most=1)
        ask(line, askers, [long])
        assert writer.begun.acquire(timeout=WAIT)
        ask(line, askers, [short])
        assert writer.begun.acquire(timeout=WAIT)  # the other lane's
        while not short.done.is_set():
            writer.steps.release()
            short.done.wait(0.01)
        assert not long.has_ended


def test_a_row_that_had_its_turn_makes_place_and_goes_on_from_what_it_has():
    with lanes() as (line, writer, askers):
        rows = [row(most=5000), row(most=4000), row(most=2)]
        for each in rows[:2]:  # one in each lane
            ask(line, askers, [each])
            assert writer.begun.acquire(timeout=WAIT)
        ask(line, askers, rows[2:])
        while not rows[2].done.wait(0.01):
            writer.steps.release(2)
        assert not rows[1].has_ended
        had = list(rows[1].answer)
        assert had
        writer.free = True
        writer.steps.release(10_000)
        askers[1].join(timeout=WAIT)
        assert rows[1].answer[: len(had)] == had
        assert len(rows[1].answer) == 4000


@pytest.mark.parametrize(("reading", "writing"), [(0.1, TURN_SECONDS), (3.0, 3.0)])
def test_a_turn_gives_as_much_time_to_write_as_the_prompts_took_to_read(reading: float, writing: float):
    now = [100.0]
    turn = LaneTurn(lambda: now[0])
    now[0] += reading
    assert not turn.is_over()
    now[0] += writing - 0.01
    assert not turn.is_over()
    now[0] += 0.02
    assert turn.is_over()


def test_a_row_with_a_seed_goes_on_in_its_lane_while_a_long_one_is_written():
    with lanes() as (line, writer, askers):
        long, seeded = row(most=5000), row(most=200, seed=1)
        ask(line, askers, [long])
        assert writer.begun.acquire(timeout=WAIT)
        ask(line, askers, [seeded])
        while not seeded.done.wait(0.01):
            writer.steps.release(20)
        assert not long.has_ended
        turns = [batch for batch in writer.batches if batch == [seeded]]
        assert len(turns) == 4  # 64 tokens each, and the rest


def test_a_waiting_row_that_nobody_waits_for_is_dropped():
    gone = threading.Event()
    with lanes() as (line, writer, askers):
        for each in (row(most=500), row(most=500)):  # both lanes are busy
            ask(line, askers, [each])
            assert writer.begun.acquire(timeout=WAIT)
        left = row(going=lambda: not gone.is_set())
        ask(line, askers, [left])
        gone.set()
        assert left.done.wait(WAIT)
        assert left.answer == []


def test_an_error_of_the_engine_reaches_each_of_its_batch_and_the_next_is_written():
    class Failing(SteppedWriter):
        def write(self, rows: Sequence[WritingRow], goes_on: Callable[[WritingRow], bool]) -> None:
            if len(rows[0].prompt) == 13:
                raise MemoryError("no memory")
            super().write(rows, goes_on)

    writer, caught = Failing(), list[str]()
    writer.free = True
    line = Lanes(writer, 1000)
    try:
        line.write([row(tokens=13), row(tokens=13)])
    except MemoryError as error:
        caught.append(str(error))
    assert caught == ["no memory"]
    after = row()
    line.write([after])
    assert len(after.answer) == 3

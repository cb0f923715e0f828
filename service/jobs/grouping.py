"""Does what arrives together in one transaction, on a thread of its own: the event loop never waits."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST_AT_ONCE = 256


@dataclass(slots=True)
class _Asked(Generic[T, R]):
    item: T
    answer: "asyncio.Future[R]"


class Grouped(Generic[T, R]):
    """Hands items to a function in groups: those that came while it did the group before.

    act: does a whole group or nothing of it, and returns a result or an error for each item. Where it raises,
    a group of several is done again one by one, so that an item at fault fails alone.
    """

    def __init__(self, name: str, act: Callable[[Sequence[T]], Sequence[R | Exception]]) -> None:
        self._act = act
        self._asked: queue.SimpleQueue[_Asked[T, R] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def do(self, item: T) -> R:
        """Have an item done; return its result when the transaction is committed, or raise its error."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._asked.put(_Asked(item, answer))
        return await answer

    def stop(self) -> None:
        """End the thread after what has been asked for."""
        self._asked.put(None)

    def _work(self) -> None:
        while (first := self._asked.get()) is not None:
            group, ends = self._group(first)
            self._answer(group, self._done([each.item for each in group]))
            if ends:
                return

    def _group(self, first: _Asked[T, R]) -> tuple[list[_Asked[T, R]], bool]:
        group = [first]
        while len(group) < MOST_AT_ONCE:
            try:
                asked = self._asked.get_nowait()
            except queue.Empty:
                break
            if asked is None:
                return group, True
            group.append(asked)
        return group, False

    def _done(self, items: Sequence[T]) -> Sequence[R | Exception]:
        try:
            return self._act(items)
        except Exception as error:
            if len(items) == 1:
                return [error]
        return [result for item in items for result in self._done([item])]

    def _answer(self, group: Sequence[_Asked[T, R]], results: Sequence[R | Exception]) -> None:
        loop = group[0].answer.get_loop()
        pairs = list(zip(group, results, strict=True))
        if not loop.is_closed():
            loop.call_soon_threadsafe(_hand_over, pairs)


def _hand_over(pairs: Sequence[tuple[_Asked[T, R], R | Exception]]) -> None:
    for asked, result in pairs:
        if asked.answer.done():  # whoever asked waits no more
            continue
        if isinstance(result, Exception):
            asked.answer.set_exception(result)
        else:
            asked.answer.set_result(result)

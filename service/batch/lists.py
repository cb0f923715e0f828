"""Computes rows as one request with a list of texts: checking and answering then cost little for each.

The model still computes each text alone, so that a row has the result of a request of its own.
"""

import time
from collections.abc import Callable, Collection, Sequence

from ..engine import BatchWork
from ..faults import RequestFault
from ..tasks import Operation
from .faults import BatchStopped
from .requests import Requests
from .rows import InputRow

LISTED_ROWS = 64
# As often a list is made again without the rows that are no part of it; the rest is then computed row by row.
MOST_TRIES = 3


class NotListed(Exception):
    """Rows cannot be one list because of these, given by their places; they are requests of their own."""

    def __init__(self, places: Collection[int]) -> None:
        super().__init__(places)
        self.places = places


def computed_as_list(
    operation: Operation, requests: Requests, rows: Sequence[InputRow], refuse_stopped: Callable[[], None]
) -> list[bytes]:
    """Return the rows' results. Raises NotListed, and what `refuse_stopped` raises between two texts."""
    everything = range(len(rows))
    try:
        work = operation.work(requests.listed(rows), time.perf_counter())
        if not isinstance(work, BatchWork):
            raise NotListed(everything)
        for place in everything:
            if not work.prepare(place):  # of this text, and of those after it, nothing is kept
                raise NotListed([place])
        for place in everything:
            refuse_stopped()
            work.compute([(work, place)])
        return requests.results(rows, work.result())
    except RequestFault as fault:
        raise NotListed(_places(fault) or everything) from None
    except (NotListed, BatchStopped):
        raise
    except Exception:  # of one row, whichever: alone it says so
        raise NotListed(everything) from None


def _places(fault: RequestFault) -> set[int]:
    """Return the places of the texts that a request is refused for: `#/text/3`."""
    ends = (each.pointer.rpartition("/")[2] for each in fault.errors)
    return {int(end) for end in ends if end.isdecimal()}

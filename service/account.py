"""The one account of the bytes that all requests of a process hold, from the first in to the last one out.

Each connection holds some for what it has sent and is not parsed yet, for bodies, for the answer that is
being made, and for what of it the client has not taken. Bytes are of memory, so some count more than once.
"""

from .machine import usable_memory_bytes, used_memory_bytes

# Of the memory that the model leaves: the rest is for computing, for connections, and for what no count
# sees, such as the gaps that bodies leave behind.
SHARE_OF_FREE_MEMORY = 3
# Even where the model leaves less: one large call alone is always taken.
LEAST_SHARE_OF_MEMORY = 16
# A body is there up to three times while it is read: as it arrived, whole, and as texts.
BODY_COPIES = 3
# What is refused to nobody: the head of a probe is smaller.
SMALL_HEAD_BYTES = 8 << 10
# A header takes as much in addition to its bytes; MAX_HEADERS in service/reading.py bounds their number.
HEAD_COPIES = 2


class Account:
    """Event loop's thread only."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0


class Holding:
    """What one connection holds."""

    __slots__ = ("_account", "answer_bytes", "body_bytes", "head_bytes", "unread_bytes")

    def __init__(self, account: Account) -> None:
        self._account = account
        self.head_bytes = self.body_bytes = self.answer_bytes = self.unread_bytes = 0

    @property
    def bytes(self) -> int:
        return self.head_bytes + self.body_bytes + self.answer_bytes + self.unread_bytes

    def fits(self, more_bytes: int) -> bool:
        """Return whether the account has room for this connection to hold more. One alone may always."""
        others = self._account.held_bytes - self.bytes
        return not others or self._account.held_bytes + more_bytes <= self._account.limit_bytes

    def hold_head(self, count: int) -> None:
        """Count what is not parsed yet, and the head that is not complete."""
        self._account.held_bytes += count - self.head_bytes
        self.head_bytes = count

    def hold_body(self, count: int) -> None:
        """Count the bodies that are held for the requests of this connection."""
        self._account.held_bytes += count - self.body_bytes
        self.body_bytes = count

    def hold_answer(self, count: int) -> None:
        """Count the answer that is being made, by its work's estimate, or that is made and not written."""
        self._account.held_bytes += count - self.answer_bytes
        self.answer_bytes = count

    def hold_unread(self, count: int) -> None:
        """Count what is written and the client has not taken."""
        self._account.held_bytes += count - self.unread_bytes
        self.unread_bytes = count

    def apart(self) -> "Holding":
        """Return a holding of the same account that outlives this one."""
        return Holding(self._account)

    def let_go(self) -> None:
        """Hold nothing any more: what is still counted of a connection that is lost counts nowhere."""
        self._account.held_bytes -= self.bytes
        self._account = Account(0)
        self.head_bytes = self.body_bytes = self.answer_bytes = self.unread_bytes = 0


def most_held_bytes() -> int:
    """Return the limit of the account, by the memory limit and what this process uses of it now."""
    memory = usable_memory_bytes()
    return max(memory // LEAST_SHARE_OF_MEMORY, (memory - used_memory_bytes()) // SHARE_OF_FREE_MEMORY)

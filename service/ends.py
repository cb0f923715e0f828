"""How a connection ends whose client is slow, has left, has ended its side, or sends what nobody reads."""

import asyncio

from .account import Holding
from .connections import Connections
from .departure import Departure, probe_of
from .reading import RequestReader
from .refusals import log_cut
from .writing import Pace, reset

# What is still read, and dropped, after an early answer such as 413, so that the client gets to see it.
MAX_DROPPED_BYTES = 16 << 20
# A body that nobody waits for has as long as this to end.
DROP_SECONDS = 10.0


class EndingConnection(RequestReader):
    """places: of this process."""

    places: Connections
    dropped_bytes = 0
    _has_ended = False  # the client sends nothing more
    _is_shut_down = False  # the server is ending
    _departure: Departure | None = None
    _pace: Pace

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # told of each byte that the client has not taken
        self.holding = Holding(self.places.account)
        self._pace = Pace(self.loop, transport, self.places.limits.write_seconds, self._expect_reading)
        self.head_seconds = self.places.limits.head_seconds

    def data_received(self, data: bytes) -> None:
        if self.lingers:
            self.drop(data)
        else:
            super().data_received(data)

    def drop(self, data: bytes) -> None:
        self.dropped_bytes += len(data)
        if self.dropped_bytes > MAX_DROPPED_BYTES:
            self.transport.close()

    def close_gently(self) -> None:
        """End this side. A close would reset a client that still sends, and its answer would be lost."""
        self._stops_reading = True
        if self._has_ended or self._is_shut_down or self.transport.is_closing():
            self.transport.close()
            return
        self.lingers = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self.places.waits(self)
        self.in_time()
        self._late = self.loop.call_later(DROP_SECONDS, self.transport.close)

    def evict(self) -> None:
        """Another one needs the place: this one has no request."""
        self._stops_reading = True
        if self.transport.get_write_buffer_size():
            reset(self.transport)  # a close would wait for a client that does not read
        else:
            self.transport.close()

    def close_after_answer(self) -> None:
        """Close, at once where the whole request was read before it was answered."""
        if self._in_head:
            self.transport.close()
        else:
            self.close_gently()

    def shutdown(self) -> None:
        self._is_shut_down = True
        if self.lingers:
            self.transport.close()
        else:
            super().shutdown()

    def cut_body(self) -> None:
        self._cut(
            "body-not-ended",
            f"Cut off a client whose refused body did not end within {DROP_SECONDS:g} seconds",
        )

    def _cut(self, reason: str, message: str) -> None:
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.places.cuts[reason] += 1
            log_cut(message)
        reset(self.transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.holding.hold_unread(self.transport.get_write_buffer_size())
        self._pace.start()

    def _expect_reading(self, has_taken_enough: bool) -> None:
        if has_taken_enough:
            self.holding.hold_unread(self.transport.get_write_buffer_size())
        else:
            self._cut("answer-not-taken", "Cut off a client that takes its answer too slowly")

    def resume_writing(self) -> None:
        self._pace.stop()
        self.holding.hold_unread(0)
        super().resume_writing()
        self.go_on()
        if self.active is None and self._in_head and not self.transport.is_closing():
            self.places.waits(self)
        self.end_if_answered()

    def eof_received(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return whether to go on writing: a client may end its side and wait for its answers."""
        self._has_ended = True
        if self.lingers or self.transport.is_closing() or not self._owes_an_answer():
            return False
        if self._departure is None:
            self._departure = Departure(self.loop, self.transport, self.transport.abort)
            if self.active is not None and (probe := probe_of(self.active)):
                self.transport.write(probe)
        return True

    def _owes_an_answer(self) -> bool:
        """Whether there is a whole request without its whole answer."""
        if self.active is None:
            return bool(self._waiting) and self.flow.write_paused
        return not (self.active is self.cycle and self.active.more_body)

    def end_if_answered(self) -> None:
        if self._has_ended and not self._owes_an_answer() and not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pace.stop()
        if self._departure is not None:
            self._departure.stop()
        self.in_time()
        self._waiting = b""
        self.holding.let_go()
        super().connection_lost(exc)

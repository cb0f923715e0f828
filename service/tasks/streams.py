"""An answer that is sent as it is made, as server-sent events (the HTML standard, section 9.2)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import orjson

from ..engine import Work

MEDIA_TYPE = "text/event-stream"
DONE = b"data: [DONE]\n\n"
"""How OpenAI's API ends a stream."""

Emit = Callable[[bytes], None]


class StreamableWork(Work[bytes], ABC):
    """Work whose answer may be requested as a stream; `result` is then the stream's last part."""

    @property
    @abstractmethod
    def is_streamed(self) -> bool: ...

    @abstractmethod
    def stream_to(self, emit: Emit) -> None:
        """Set where the parts go; called once, before the first step.

        emit: called on the engine's threads.
        """


def event(data: Any) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"

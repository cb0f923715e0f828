"""Removes what may identify a person, or open a door, from text on its way to the log.

The lines of requests hold nothing that was sent in the first place. This is for all the others, such as a
library's message, and for the request id, which a client may choose.
"""

import re
import threading
from collections.abc import Iterable
from traceback import format_tb
from types import TracebackType

REMOVED = "[removed]"
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
# ISO/IEC 7812: up to 19 digits, often in groups; the first one of a bank's card is not 0, the last one is a
# check digit. Fewer than 13 may be the hash of a model.
_CARD = re.compile(r"(?<!\d)[1-9](?:[ -]?\d){12,18}(?!\d)")
# What a library quotes is mostly what it was given.
_QUOTED = re.compile(r"`[^`]*(?:`|$)|\"[^\"]*(?:\"|$)")
LEAST_CARD_DIGITS = 13


class Redaction:
    """Cleans text. Any thread."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self.serves = False
        """Whether requests are answered, so that an exception or a library may hold what was sent."""

    def keep_secret(self, secrets: Iterable[str]) -> None:
        """Remove these wherever they appear."""
        with self._lock:
            self._secrets = (*self._secrets, *(each for each in secrets if each))

    def clean(self, text: str) -> str:
        """Return the text without secrets, credentials, mail addresses and card numbers."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REMOVED)
        text = _BEARER.sub(rf"\1 {REMOVED}", text)
        if "@" in text:
            text = _EMAIL.sub(REMOVED, text)
        return _CARD.sub(_without_card, text)

    def clean_foreign(self, text: str) -> str:
        """Clean a library's own line, which loses its quotations as well while requests are answered."""
        return self.clean(_QUOTED.sub(REMOVED, text) if self.serves else text)

    def is_harmless(self, text: str) -> bool:
        """Return whether cleaning leaves the text as it is."""
        return self.clean(text) == text


def _without_card(match: re.Match[str]) -> str:
    return REMOVED if is_card_number(match[0]) else match[0]


def is_card_number(text: str) -> bool:
    """Return whether the digits of a text have a right check digit (Luhn; ISO/IEC 7812-1, annex B)."""
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(digits) >= LEAST_CARD_DIGITS and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def stack_of(error: BaseException) -> str:
    """Return the classes and frames of an exception and of those that led to it, without their messages."""
    parts: list[str] = []
    seen: set[int] = set()
    step: BaseException | None = error
    while step is not None and id(step) not in seen:
        seen.add(id(step))
        parts.append(_frames(type(step), step.__traceback__))
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    return "\ncaused:\n".join(reversed(parts))


def _frames(kind: type[BaseException], traceback: TracebackType | None) -> str:
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return "".join(format_tb(traceback)) + f"{name}: {REMOVED}"


REDACTION = Redaction()
"""The one of this process."""

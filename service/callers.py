"""Who may use the service: callers by name, each with a key. The names are in no request and no answer.

The holder of MODEL_API_KEY is the caller `default`; MODEL_API_KEYS adds others. All of them may use every
route, and each sees only its own jobs.
"""

import hmac
import re
from collections.abc import Mapping

DEFAULT_CALLER = "default"
KEY_ALLOWED = "16 to 4096 printable ASCII characters without spaces"
# Each request compares its key with every one of them.
MAX_CALLERS = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NAME_ALLOWED = "1 to 63 lowercase letters, digits, _ and -, a letter or digit first"


def is_key(value: str) -> bool:
    """Return whether the value can be sent as a key in a header."""
    return 16 <= len(value) <= 4096 and value.isascii() and value.isprintable() and " " not in value


def callers_from(text: str) -> dict[str, str]:
    """Read `name=key,name=key`, also one in a line. Raises ValueError with what is wrong, without a key."""
    entries = [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]
    if len(entries) > MAX_CALLERS:
        raise ValueError(f"has {len(entries)} callers; at most {MAX_CALLERS} are allowed")
    found: dict[str, str] = {}
    for place, entry in enumerate(entries, 1):
        name, key = _read(place, entry)
        if name == DEFAULT_CALLER:
            raise ValueError(f"entry {place} is called {name}, which is the holder of MODEL_API_KEY")
        if name in found:
            raise ValueError(f"entry {place} has the name {name} again")
        if key in found.values():
            raise ValueError(f"entry {place}, {name}, has the key of another caller")
        found[name] = key
    return found


def _read(place: int, entry: str) -> tuple[str, str]:
    name, equals, key = (part.strip() for part in entry.partition("="))
    if not equals:
        raise ValueError(f"entry {place} is not name=key")
    if not _NAME.fullmatch(name):
        raise ValueError(f"entry {place} has a faulty name; a name has {_NAME_ALLOWED}")
    if not is_key(key):
        raise ValueError(f"the key of {name} has {len(key)} characters; allowed: {KEY_ALLOWED} or commas")
    return name, key


class Callers:
    """The callers of one server and their keys."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        """Keep the callers. keys: by name."""
        self._keys = [(name, key.encode()) for name, key in keys.items()]

    def holder_of(self, key: bytes) -> str | None:
        """Return the name of the key's holder, after the same work for every key; None if nobody has it."""
        holder = None
        for name, known in self._keys:
            if hmac.compare_digest(key, known):
                holder = name
        return holder

"""Names that end in a hash of what they name. Imports no SDK: a plan without a provider makes them too."""

import hashlib
import json
from collections.abc import Mapping

_DIGITS = 8


def hashed(base: str, values: Mapping[str, str]) -> str:
    """Return a name that changes with the values; the same values give the same name again.

    For what is applied without an engine. The hash is of the JSON that Helm's `toJson` writes, so that a
    chart can make the same name.
    """
    text = json.dumps(dict(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return _with_hash(base, text)


def shortened(name: str, characters: int, content: str) -> str:
    """Return the beginning of a name that is longer than `characters`, followed by a hash of `content`.

    content: distinguishes the name from others with the same beginning.
    """
    return _with_hash(name[: characters - _DIGITS - 1].rstrip("-"), content)


def _with_hash(base: str, content: str) -> str:
    return f"{base}-{hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]}"

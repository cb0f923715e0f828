"""Names that end in a hash of what they name. Imports no SDK: a plan without a provider makes them too."""

import hashlib
import json
from collections.abc import Mapping

_HASH_DIGITS = 8


def hashed(base: str, values: Mapping[str, str]) -> str:
    """Return a name that changes with the values, and that returns with them.

    For what is applied without an engine. The hash is of the JSON that Helm's `toJson` writes, so that a
    chart can make the same name.
    """
    text = json.dumps(dict(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"{base}-{hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]}"

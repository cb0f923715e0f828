"""`python -m service.payload.worker [SPACY_MODEL]`: anonymises JSON, one value per line of standard input.

A process of its own: a regular expression holds Python's interpreter until it is done, which takes seconds
for a text that was made for it, and the event loop would wait as long.
"""

import json
import os
import sys
from typing import Any, cast

from ..faults import BadSettings
from ..printable import printable
from .anonymiser import Anonymiser

# The model computes first.
NICENESS = 10


def main(spacy_model: str) -> int:
    """Print a line when it is ready, or why it is not; then one line per line of input."""
    try:
        anonymiser = Anonymiser(spacy_model)
    except BadSettings as fault:
        _print({"fault": str(fault)})
        return 2
    os.nice(NICENESS)
    _print({"ready": True})
    for line in sys.stdin:
        _print(cleaned(json.loads(line), anonymiser))
    return 0


def cleaned(value: Any, anonymiser: Anonymiser) -> Any:
    """Return JSON whose strings are anonymised, keys too."""
    if isinstance(value, str):
        return printable(anonymiser.clean(value))
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {cleaned(key, anonymiser): cleaned(each, anonymiser) for key, each in pairs}
    if isinstance(value, list):
        return [cleaned(each, anonymiser) for each in cast("list[Any]", value)]
    return value


def _print(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [""]))

"""`python -m tests.fuzz CORPUS [LIBFUZZER_OPTION…]`: requests that are grown to reach every branch.

Atheris mutates bytes and keeps those that take the server's code a new way. Whatever is sent, the answers
must be HTTP with a status that means it (no 500), nothing may hang, and nothing may be logged as an error.
CORPUS is a folder that what was found is kept in; what broke the server is written beside it.
"""

import logging
import sys
from pathlib import Path

import atheris  # pyright: ignore[reportMissingTypeStubs, reportMissingImports] - no types, and not everywhere

with atheris.instrument_imports(include=["service", "uvicorn"]):  # pyright: ignore
    from tests.fuzz.connection import Server
from tests.fuzz.verdict import Watch, check, seeds


def main() -> None:
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for place, seed in enumerate(seeds()):
        (corpus / f"seed-{place}").write_bytes(seed)
    server, watch = Server(), Watch()
    for name in ("service", "uvicorn.error", "asyncio"):
        logging.getLogger(name).addHandler(watch)
        logging.getLogger(name).propagate = False
    atheris.Setup(sys.argv, lambda data: check(server, watch, data))  # pyright: ignore
    atheris.Fuzz()  # pyright: ignore


if __name__ == "__main__":
    main()

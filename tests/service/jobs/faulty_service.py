"""The service with texts that do something to its worker; the tests run it in place of the real command."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

from service.__main__ import main as service_main
from service.jobs.computing import Computing
from service.tasks import Operation

KILLS, HOLDS, NOTES = "kill the worker", "hold until ", "note in "
LOOK_SECONDS = 0.02


def killing() -> dict[str, Any]:
    """Return a request that ends the process which computes it."""
    return {"text": KILLS}


def holding(gate: Path) -> dict[str, Any]:
    """Return a request that is computed when this file is there; another file says that it was given up."""
    return {"text": f"{HOLDS}{gate}"}


def noting(book: Path) -> dict[str, Any]:
    """Return a request that adds a line to this file when its turn comes."""
    return {"text": f"{NOTES}{book}"}


def given_up(gate: Path) -> Path:
    return gate.with_suffix(".given-up")


def main() -> None:
    """Run the service; called in its own process."""
    compute = Computing._answer  # pyright: ignore[reportPrivateUsage]

    async def faulty(self: Computing, operation: Operation, body: bytes) -> bytes:
        text = str(json.loads(body).get("text"))
        if text == KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        elif text.startswith(HOLDS):
            await _held(Path(text.removeprefix(HOLDS)))
        elif text.startswith(NOTES):
            with Path(text.removeprefix(NOTES)).open("a") as book:
                book.write("begun\n")
        return await compute(self, operation, body)

    Computing._answer = faulty  # pyright: ignore[reportPrivateUsage]
    service_main()


async def _held(gate: Path) -> None:
    try:
        while not gate.exists():
            await asyncio.sleep(LOOK_SECONDS)
    except asyncio.CancelledError:
        given_up(gate).touch()
        raise

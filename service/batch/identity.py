"""What a run is: the same in every start and on every instance, or its parts do not belong together."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from .faults import BatchRefused
from .inventory import Inventory
from .places import ResultPlace
from .settings import BatchSettings

RUN, LOCK = "_batch/run.json", "_batch/lock"
FORMAT = 1
# Settings that change no result: where things are, and how it is followed.
_NO_OPTION = frozenset(
    (
        *(
            "batch_input",
            "batch_output",
            "batch_shard",
            "batch_shards",
            "batch_part_rows",
            "batch_max_failed",
        ),
        *(
            "batch_piece_seconds",
            "batch_progress_seconds",
            "batch_overwrite",
            "batch_lifeline_fd",
            "batch_retry_seconds",
        ),
    )
)
_WORDS = {
    "input": "the input",
    "model": "the model",
    "code": "the server's code",
    "options": "the options",
    "shards": "the number of shards",
    "part_rows": "the rows of a part",
    "limits": "the server's limits",
}
_MOST_SHOWN = 200


@cache
def code_digest() -> str:
    """Return a hash of the server's own code."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def identity_of(
    settings: BatchSettings, inventory: Inventory, model_version: str, limits: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what must be the same where a run goes on. limits: of the server that change an answer."""
    options = settings.model_dump(exclude=set(_NO_OPTION))
    return {
        "format": FORMAT,
        "input": list(inventory.facts),
        "model": model_version,
        "code": code_digest(),
        "limits": dict(limits),
        "options": options,
        "shards": settings.batch_shards,
        "part_rows": settings.batch_part_rows,
        "rows": inventory.rows,
        "parts": inventory.parts,
    }


def claim(place: ResultPlace, identity: Mapping[str, Any], overwrite: bool) -> None:
    """Make the output this run's, or find that it is. Raises BatchRefused if it is another's.

    overwrite: delete what is there of an earlier run, if it is another, or complete.
    """
    found = place.read(RUN)
    if overwrite and found is not None:
        for name in place.names():
            if name.startswith(("_batch/", "failed/", "part-")) and not name.startswith(LOCK):
                place.delete(name)
        found = None
    if found is None:
        _refuse_foreign(place)
        place.write(RUN, orjson.dumps(identity, option=orjson.OPT_INDENT_2))
        return
    try:
        earlier = orjson.loads(found)
    except ValueError:
        raise BatchRefused(
            f"{place.address}/{RUN} is damaged. Take another output, or overwrite it."
        ) from None
    if changes := _changes(earlier, orjson.loads(orjson.dumps(identity))):
        raise BatchRefused(
            f"{place.address} has the results of another run: {'; '.join(changes)}. Bring that back to go "
            "on, take another output, or begin anew with `--overwrite`, BATCH_OVERWRITE."
        )


def _refuse_foreign(place: ResultPlace) -> None:
    names = [name for name in place.names() if not name.startswith("_batch/")]
    if names:
        raise BatchRefused(
            f"{place.address} is not empty: it has {names[0]}, which no batch wrote. Take another output."
        )


def _changes(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    if earlier.get("format") != now["format"]:
        return ["another version of slipway wrote it"]
    return [
        f"{words} changed{_how(key, earlier.get(key), now[key])}"
        for key, words in _WORDS.items()
        if earlier.get(key) != now[key]
    ]


def _how(key: str, before: Any, now: Any) -> str:
    if key == "input":
        return _changed_input(before, now)
    if key in ("options", "limits"):
        return _changed_options(before, now)
    return f" ({before}, now {now})"


def _option(name: str) -> str:
    """Return the name that a user gave: of an environment variable, or of a limit as it is."""
    return name.upper() if name.startswith("batch_") else name


def _changed_options(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    parts = [
        f"{_option(name)}: {before.get(name)!r}, now {now[name]!r}"
        for name in now
        if before.get(name) != now[name]
    ]
    return f" ({', '.join(parts)[:_MOST_SHOWN]})"


def _changed_input(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> str:
    old, new = ({each["name"]: each for each in files} for files in (before, now))
    for name in new.keys() | old.keys():
        if name not in old:
            return f" ({name} is new)"
        if name not in new:
            return f" ({name} is gone)"
        if old[name] != new[name]:
            return f" ({name} has {new[name]['bytes']} bytes and {new[name]['rows']} rows, and had " + (
                f"{old[name]['bytes']} and {old[name]['rows']})"
            )
    return " (the order of its files)"

"""docs/guides/server.md names every limit of the server as it is."""

import re
from typing import Any

import pytest
from annotated_types import Ge, Le

from slipway.service import accepting, account, connections, ends, log_writer, reading, turns, writing
from slipway.service.api import bodies
from slipway.service.api.problems import CAUSES
from slipway.service.settings import Settings
from slipway.service.tasks import embed
from tests.checkout import ROOT

GUIDE = (ROOT / "docs/guides/server.md").read_text()
ROWS = [line.strip("| ").split(" | ") for line in GUIDE.splitlines() if line.startswith("| ")][1:]
CELLS = {name: row for row in ROWS if (name := re.sub(r"`([A-Z_]+)`.*", r"\1", row[1])).isupper()}
LIMITS = {
    name
    for name in Settings.model_fields
    if name.endswith(("_seconds", "_bytes")) or name in ("max_connections", "max_texts")
} | {"max_text_characters", "max_queue_calls", "max_queue_tokens"}


def test_every_limit_that_can_be_set_has_a_row() -> None:
    assert {name.lower() for name in CELLS} == LIMITS


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_a_row_has_the_default_and_the_range_of_its_setting(name: str) -> None:
    field = Settings.model_fields[name]
    [low] = [rule.ge for rule in field.metadata if isinstance(rule, Ge)]
    [high] = [rule.le for rule in field.metadata if isinstance(rule, Le)]
    default, allowed = CELLS[name.upper()][2:4]
    assert allowed == f"{low} to {high}"
    stated: Any = field.default
    if isinstance(stated, int | float):
        assert float(default) == stated
    else:  # in words, as its description
        assert default in (field.description or "")


def test_each_cause_has_the_status_that_the_guide_gives_it() -> None:
    named = set(re.findall(r"(\d{3}) `([a-z0-9-]+)`", GUIDE))
    known = {(str(cause.status), cause.slug) for cause in CAUSES.values()}
    assert named <= known
    unnamed = {slug for _, slug in known - named}
    others = {"invalid-json", "key-missing", "key-wrong", "path-unknown", "method-not-allowed"}
    assert unnamed == others | {"client-left", "not-ready"}


def test_the_limits_that_cannot_be_set_are_those_of_the_code() -> None:
    for words, number in {
        f"{reading.MAX_HEAD_BYTES >> 10} KiB, and {reading.MAX_HEADERS} headers": 1,
        f"{ends.DROP_SECONDS:g} seconds, {ends.MAX_DROPPED_BYTES >> 20} MiB": 1,
        f"in which {writing.LEAST_TAKEN_BYTES >> 10} KiB of it": 1,
        f"{log_writer.MAX_WAITING_BYTES >> 20} MiB that nobody has read": 1,
        f"bodies above {bodies.SMALL_BODY_BYTES >> 10} KiB": 1,
        f"{turns.FIRST_BYTES >> 10} KiB of what a client has sent": 1,
        f"in pieces of {turns.TURN_BYTES >> 10} KiB": 1,
        f"accepted {accepting.MOST_IN_A_ROUND} at a time": 1,
        f"{accepting.MOST_WITHOUT_ROOM} at a time": 1,
        f"a line every {connections.SECONDS_BETWEEN_LINES:g} seconds": 1,
        f"1024 numbers is counted as {1024 * embed.NUMBER_BYTES // 1000} KB": 1,
    }.items():
        assert GUIDE.count(words) == number, words
    assert (account.SHARE_OF_FREE_MEMORY, account.BODY_COPIES) == (3, 3)
    assert "a third of what the model leaves" in GUIDE
    assert "bodies, three times their bytes" in GUIDE

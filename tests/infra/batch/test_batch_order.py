"""From what the user wrote to the environment of the containers, and back to the command that goes on."""

import json
import re
from typing import Any

import pytest

from slipway.infra.batch.order import BatchOptions
from slipway.infra.errors import Refused


def options(**given: Any) -> BatchOptions:
    return BatchOptions(**{"read": "gs://b/in/", "write": "gs://b/out", "on": "prod"} | given)


def test_options_become_the_containers_environment() -> None:
    order = options(columns=("text=message",), fields=("truncate=true", "note=a=b"), keep=("id", "*")).order(
        False
    )
    assert order.environment["ROLE"] == "batch"
    assert json.loads(order.environment["BATCH_COLUMNS"]) == {"text": "message"}
    assert json.loads(order.environment["BATCH_FIELDS"]) == {"truncate": True, "note": "a=b"}
    assert json.loads(order.environment["BATCH_KEEP"]) == ["id", "*"]
    assert "BATCH_SHARD" not in order.environment


def test_the_same_command_has_the_same_name_and_another_command_another() -> None:
    first = options(shards=3).order(False).name
    assert options(shards=3).order(False).name == first
    assert options(shards=4).order(False).name != first
    assert len(first) <= 20


def test_the_command_that_goes_on_is_the_one_that_was_written() -> None:
    given = options(shards=3, spot=True, columns=("text=my message",), max_failed=5)
    expected = (
        "slipway batch gs://b/in/ gs://b/out --on prod --shards 3 --max-failed 5 "
        "--column 'text=my message' --spot"
    )
    assert given.command() == expected


@pytest.mark.parametrize(
    ("given", "local", "words"),
    [
        ({"read": "rows.csv"}, False, "IN is 'rows.csv', which a container of prod cannot reach"),
        ({"write": "out"}, False, "OUT is 'out'"),
        ({"shards": 2}, True, "--shards and --spot are for a batch in a cloud"),
        ({"model": "bundled:sms-spam"}, False, "--model is for a batch on this machine"),
        ({"overwrite": True}, False, "--overwrite is for a batch on this machine"),
        ({"columns": ("text",)}, True, "--column is 'text'; give a name, =, and a value"),
        ({"input_format": "xls"}, True, "--input-format is 'xls'; allowed: csv, jsonl, parquet"),
    ],
)
def test_options_that_do_not_fit_are_refused(given: dict[str, Any], local: bool, words: str) -> None:
    with pytest.raises(Refused, match=re.escape(words)):
        options(**given).order(local)

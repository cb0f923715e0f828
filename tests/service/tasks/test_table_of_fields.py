"""The guide's table of request fields: one row for each that a client can send to a writing model."""

import re

import pytest

from slipway.service.tasks.generate_form import GenerateFields
from slipway.service.tasks.openai_requests import ChatFields, CompletionFields
from slipway.service.tasks.summarize import SummaryRequest
from tests.checkout import ROOT

GUIDE = (ROOT / "docs/guides/server.md").read_text()
SECTION = GUIDE.partition("## Text on a CPU")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| (`[^|]*`) \| (kept|refused|changed)\b", SECTION, re.MULTILINE)
FIELDS = {
    name
    for request in (SummaryRequest, GenerateFields, CompletionFields, ChatFields)
    for name in request.model_fields
} | {"text"}


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_each_field_has_a_row_that_says_kept_refused_or_changed(field: str):
    assert sum(f"`{field}`" in names for names, _ in ROWS) == 1


def test_the_table_has_no_field_that_no_request_has():
    assert {name for names, _ in ROWS for name in re.findall(r"`(\w+)`", names)} == FIELDS

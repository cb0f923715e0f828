"""What is removed from texts, on a labelled list; the guide publishes the shares."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import spacy

from slipway.service.payload.anonymiser import Anonymiser
from tests.checkout import ROOT
from tests.service.payload.labelled_texts import recall

GUIDE = (ROOT / "docs/guides/quality.md").read_text()
# Kind -> removed without a model, removed with en_core_web_sm, marked in the list.
ROW = re.compile(r"\| `([A-Z]+)` \| (\d+) \| (\d+) \| (\d+) \|")
PUBLISHED = {kind: tuple(map(int, counts)) for kind, *counts in ROW.findall(GUIDE)}


@pytest.fixture(scope="module")
def anonymiser() -> Anonymiser:
    return Anonymiser()


def test_the_guide_publishes_the_recall_on_the_labelled_list(anonymiser: Anonymiser) -> None:
    found = recall(anonymiser.clean)
    assert {kind: (each[0], each[2]) for kind, each in PUBLISHED.items()} == found
    removed, marked = (sum(each[place] for each in found.values()) for place in (0, 1))
    assert f"{removed} of {marked} marked parts" in GUIDE


@pytest.mark.skipif("SLIPWAY_TEST_SPACY_MODEL" not in os.environ, reason="needs spaCy's en_core_web_sm")
def test_the_guide_publishes_the_recall_with_a_model_of_spacy() -> None:
    found = recall(Anonymiser(os.environ["SLIPWAY_TEST_SPACY_MODEL"]).clean)
    assert {kind: each[1:] for kind, each in PUBLISHED.items()} == found


@pytest.mark.parametrize(
    "text",
    [
        "Are we still on for lunch tomorrow?",
        "The order of 3 books and 12 pens, please",
        "Wie komme ich zum Bahnhof?",
        "",
        "  \n\t ",
        "\U0001f600 \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d",
    ],
)
def test_a_text_with_nothing_personal_is_as_it_was(anonymiser: Anonymiser, text: str) -> None:
    assert anonymiser.clean(text) == text


def test_parts_that_overlap_are_removed_as_one(anonymiser: Anonymiser) -> None:
    assert anonymiser.clean("at https://a.example/?mail=jane@example.com&id=12345678 now") == "at <URL> now"


def test_the_names_of_a_spacy_model_are_removed(tmp_path: Path) -> None:
    pipeline = spacy.blank("en")
    ruler: Any = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "priya"}, {"label": "GPE", "pattern": "Potsdam"}])
    pipeline.to_disk(tmp_path / "model")
    cleaned = Anonymiser(str(tmp_path / "model")).clean("tell priya in Potsdam on 0151 23456789")
    assert cleaned == "tell <PERSON> in <LOCATION> on <PHONE_NUMBER>"

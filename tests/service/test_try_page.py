"""The page at / has what the model takes: a field for each column of a table, or texts that fit the model."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from slipway.service.api.fields import fields_html
from slipway.service.faults import BadModel
from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS, Limits
from tests.service.tasks.table_model import passenger

NAME = 'is "member" <b>'
BIG = (1 << 60) + 1
COLUMNS: list[dict[str, Any]] = [
    {"name": "age", "type": "float", "example": 22.5},
    {"name": "port", "type": "string", "values": ["S", "C & Q"], "example": "C & Q"},
    {"name": "ticket", "type": "int", "example": BIG},
    {"name": NAME, "type": "bool", "example": True},
]
Element = tuple[str, dict[str, str | None]]


class Fields(HTMLParser):
    """The elements of the page's fields, and the text in each that has one."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> list[str]:
        return [
            text.strip() for (name, _), text in zip(self.elements, self.texts, strict=True) if name == tag
        ]

    def column(self, name: str) -> dict[str, str | None]:
        return next(attributes for _, attributes in self.elements if attributes.get("data-column") == name)


def fields(folder: Path) -> Fields:
    manifest = Manifest.read(folder, TASKS)
    return Fields(fields_html(TASKS[manifest.task](manifest, Limits(10, 1000)).operations[0]))


@pytest.fixture
def table(tmp_path: Path) -> Fields:
    return fields(passenger(tmp_path / "model", features=COLUMNS))


def test_each_column_has_a_field_of_its_kind_with_its_example(table: Fields):
    age, ticket, member = (table.column(name) for name in ("age", "ticket", NAME))
    assert (age["type"], age["step"], age["value"]) == ("number", "any", "22.5")
    assert (ticket["type"], ticket["step"], ticket["value"]) == ("number", "1", str(BIG))
    assert member["type"] == "checkbox"
    assert "checked" in member
    options = table.all("option")
    assert [json.loads(str(option["value"])) for option in options] == ["S", "C & Q"]
    assert ["selected" in option for option in options] == [False, True]


def test_each_field_has_a_label_that_names_its_column(table: Fields):
    labels = {label["for"] for label in table.all("label")}
    columns = [attributes for _, attributes in table.elements if "data-column" in attributes]
    assert {column["id"] for column in columns} == labels
    assert len(labels) == len(COLUMNS)
    assert table.all("fieldset")
    assert table.text("legend") == ["Row"]


def test_only_a_column_that_may_be_missing_may_be_left_empty(tmp_path: Path, table: Fields):
    assert "required" not in table.column("age")
    assert "required" in table.column("ticket")
    columns = [dict(column) for column in COLUMNS]
    columns[1]["missing"], columns[2]["missing"], columns[3]["missing"] = "S", 0, False
    found = fields(passenger(tmp_path / "other", features=columns))
    assert "required" not in found.column("ticket")
    options = [option["value"] for option in found.all("option")]
    assert options == ['"S"', '"C & Q"', "null", "true", "false", "null"]


def test_a_column_of_strings_has_a_text_field(tmp_path: Path):
    columns = [COLUMNS[0], {"name": "port", "type": "string", "example": 'a "b"\nc'}, *COLUMNS[2:]]
    found = fields(passenger(tmp_path / "model", features=columns)).column("port")
    assert (found["type"], found["value"]) == ("text", 'a "b"\nc')


def text_model(folder: Path, **changes: Any) -> Path:
    """Write a manifest alone: the page is there before the model."""
    folder.mkdir()
    manifest = json.loads((BUNDLED_MODEL / "manifest.json").read_text())
    del manifest["examples"]
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return folder


def test_a_models_own_examples_are_offered(tmp_path: Path):
    examples = ["Best film of the year.", 'I left "early"\n& slept.']
    found = fields(text_model(tmp_path / "model", labels=["bad", "good"], examples=examples))
    assert found.text("textarea")[0].startswith(examples[0])
    assert [button["data-example"] for button in found.all("button")] == examples


def test_a_classifier_without_examples_is_shown_no_spam(tmp_path: Path):
    html = "".join(fields(text_model(tmp_path / "model", labels=["bad", "good"])).texts).casefold()
    assert "prize" not in html
    assert "winner" not in html


def test_the_bundled_model_is_shown_spam_and_ham():
    shown = [str(button["data-example"]) for button in fields(BUNDLED_MODEL).all("button")]
    assert any("WINNER" in text for text in shown)
    assert any("lunch" in text for text in shown)


@pytest.mark.parametrize(
    ("examples", "said"),
    [([" "], "examples.0: String should match"), (["a"] * 11, "examples: Tuple should have at most 10")],
)
def test_examples_that_cannot_be_tried_are_refused(tmp_path: Path, examples: list[str], said: str):
    with pytest.raises(BadModel, match=said):
        Manifest.read(text_model(tmp_path / "model", examples=examples), TASKS)

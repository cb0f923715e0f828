"""What a person fills in on the page at /: a text with examples, or a field for each column of a table."""

import json
from collections.abc import Sequence
from html import escape

from ..columns import Cell, Column
from ..tasks import Operation

# What a request's main field may be called; the page knows how to fill each. Of others it shows all the JSON.
FIELDS = ("text", "prompt", "features")
NAMES = {"text": "Text", "prompt": "Prompt", "": "Request, as JSON"}
KINDS = {"float": "number", "double": "number", "int": "whole number", "string": "text", "bool": ""}
MOST_CHARACTERS_ON_A_BUTTON = 22


def main_field(operation: Operation) -> str:
    """Return the name of the request's main field; empty if the page does not know the request's form."""
    name = next((name for name in FIELDS if name in operation.request_model.model_fields), "")
    return "" if name == "features" and not operation.columns else name


def fields_html(operation: Operation) -> str:
    """Return the fields, filled with the operation's first example."""
    body = next(iter(operation.request_examples.values()))
    field = main_field(operation)
    if field == "features":
        return _columns(operation.columns, body[field])
    texts = operation.texts or (body[field] if field else json.dumps(body),)
    area = (
        f'<label for="text">{NAMES[field]}</label>\n    <textarea id="text" name="text" required '
        f'spellcheck="false" aria-describedby="keys">{escape(texts[0])}</textarea>'
    )
    return area if len(texts) == 1 else f"{area}\n    {_examples(texts)}"


def _examples(texts: Sequence[str]) -> str:
    buttons = "\n".join(
        f'      <button type="button" data-example="{_attribute(text)}">{escape(_short(text))}</button>'
        for text in texts
    )
    return (
        '<div class="examples" role="group" aria-label="Example texts">\n'
        f'      <span aria-hidden="true">Examples</span>\n{buttons}\n    </div>'
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= MOST_CHARACTERS_ON_A_BUTTON:
        return line
    return line[:MOST_CHARACTERS_ON_A_BUTTON].rpartition(" ")[0].rstrip(".,;:") + "…"


def _columns(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    fields = "\n".join(
        f"        {_column(place, column, value)}"
        for place, (column, value) in enumerate(zip(columns, row, strict=True))
    )
    note = (
        '\n      <p class="note">A field that is left empty is a missing value.</p>'
        if any(column.takes_null for column in columns)
        else ""
    )
    return (
        "<fieldset>\n      <legend>Row</legend>\n"
        f'      <div class="columns">\n{fields}\n      </div>{note}\n    </fieldset>'
    )


def _column(place: int, column: Column, value: Cell) -> str:
    field = f'id="column-{place}" data-column="{_attribute(column.name)}"'
    kind = "" if column.values else KINDS[column.type]
    shown = f' <span class="kind">{kind}</span>' if kind else ""
    label = f'<label for="column-{place}">{escape(column.name)}{shown}</label>'
    if column.type == "bool" and not column.takes_null:
        checked = " checked" if value else ""
        return f'<div class="check"><input type="checkbox" {field}{checked}>{label}</div>'
    if column.values or column.type == "bool":
        return f"<div>{label}<select {field}>{_options(column, value)}</select></div>"
    return f"<div>{label}<input {field} {_typed(column, value)}></div>"


def _typed(column: Column, value: Cell) -> str:
    """Return the attributes of an input into which a person types."""
    null = ' data-null="true"' if column.takes_null else ""
    if column.type == "string":
        content = "" if value is None else _attribute(str(value))
        return f'type="text" value="{content}" autocomplete="off" spellcheck="false"{null}'
    step = "1" if column.type == "int" else "any"
    content = "" if value is None else json.dumps(value)
    required = "" if column.takes_null else " required"
    return f'type="number" step="{step}" value="{content}" autocomplete="off"{required}'


def _options(column: Column, value: Cell) -> str:
    shown = {json.dumps(each): str(each) for each in column.values} or {"true": "yes", "false": "no"}
    if column.takes_null:
        shown["null"] = "missing"
    chosen = json.dumps(value)
    return "".join(
        f'<option value="{_attribute(text)}"{" selected" if text == chosen else ""}>{escape(words)}</option>'
        for text, words in shown.items()
    )


def _attribute(text: str) -> str:
    return escape(text).replace("\n", "&#10;").replace("\r", "&#13;")

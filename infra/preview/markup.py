"""Writes the HTML that several parts of the page are made of, with everything escaped."""

import re
from collections.abc import Iterable
from html import escape


def inline(text: str) -> str:
    """Escape a sentence; what stands in backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def note(text: str) -> str:
    """Write a sentence as a paragraph of its own."""
    return f'<p class="note">{inline(text)}</p>'


def row(name: str, *values: str) -> str:
    """Write a row of a table: a name and its values as code."""
    cells = "".join(f"<td><code>{escape(text)}</code></td>" for text in values)
    return f'<tr><th scope="row"><code>{escape(name)}</code></th>{cells}</tr>'


def table(columns: Iterable[str], rows: Iterable[str], kind: str = "plain") -> str:
    """Write a table that scrolls by itself where the page is too narrow. columns: may be none."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in columns)
    head = f"<thead><tr>{titles}</tr></thead>" if titles else ""
    body = f'<table class="{kind}">{head}<tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="scroll" tabindex="0">{body}</div>'


def folded(summary: str, items: Iterable[str]) -> str:
    """Write a list that opens on its summary. Both are HTML already."""
    inner = "".join(f"<li>{item}</li>" for item in items)
    return f"<details><summary>{summary}</summary><ul>{inner}</ul></details>"


def code(text: str) -> str:
    """Write a value as code."""
    return f"<code>{escape(text)}</code>"

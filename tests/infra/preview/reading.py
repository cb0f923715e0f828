"""Reads the numbers of one stack back from what each format of a preview printed."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from slipway.infra.preview.command import Shown
from slipway.infra.preview.document import document_of
from slipway.infra.preview.markdown import comment_of
from slipway.infra.preview.page import page_of
from slipway.infra.preview.text import text_of
from tests.infra.preview.lines import Line, Page, html_of

_PAST = {
    "created": "create",
    "deleted": "delete",
    "replaced": "replace",
    "changed": "update",
    "may change with these": "follow",
    "renamed in the state": "rename",
    "unchanged": "same",
}
_MARKS = {"+": "create", "-": "delete", "±": "replace", "~": "update", "≈": "follow", "→": "rename"}
_VERBS = {"change": "update", "stay": "delete", "stays": "delete"} | {
    name: name for name in ("create", "delete", "replace", "follow", "rename")
}
_AMOUNT = r"(?:at least )?\$[\d,]+\.\d\d|unknown"


@dataclass(frozen=True)
class Facts:
    """planned: resources and components. counts: action -> the same. listed: action -> entries of both.

    cost: idle, expected and maximum, once for each place that states all three.
    """

    planned: tuple[int, int] | None
    counts: dict[str, tuple[int, int]]
    listed: Counter[str]
    settings: int
    outputs: int
    risks: Counter[str]
    findings: Counter[str]
    known: Counter[str]
    cost: set[tuple[str, ...]]
    unjudged: int


def facts_of_json(shown: Shown) -> Facts:
    [stack] = json.loads(json.dumps(document_of(shown)))["stacks"]
    changes = stack.get("changes", {})
    below = [each["custom"] for each in stack["resources"] if each["parent"]]
    planned = (sum(below), len(below) - sum(below)) if below and not changes else None
    if below:
        assert stack["counts"] == {"resources": sum(below), "components": len(below) - sum(below)}
    found = stack["findings"]
    return Facts(
        planned,
        _counts_of_json(changes),
        Counter(each["action"] for each in changes.get("resources", [])),
        len(changes.get("settings", [])),
        0 if changes else len(stack["outputs"]),
        Counter(each["level"] for each in stack.get("risks", [])),
        Counter(each["severity"] for each in found if each.get("new", True)),
        Counter(each["severity"] for each in found if not each.get("new", True)),
        set(_costs_of_json(stack)),
        len({each["resource"] for each in stack.get("not_judged", [])}),
    )


def _counts_of_json(changes: dict[str, Any]) -> dict[str, tuple[int, int]]:
    resources, components = (changes.get(name, {}) for name in ("counts", "components"))
    return {each: (resources.get(each, 0), components.get(each, 0)) for each in {*resources, *components}}


def _costs_of_json(stack: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    names = ("idle", "expected", "maximum")
    if "cost" in stack:
        yield tuple(_amount(stack["cost"][name]) for name in names)
    if "cost_change" in stack:
        yield tuple(_amount(stack["cost_change"][name]["after"]) for name in names)


def _amount(money: dict[str, Any]) -> str:
    if money["unknown"] and not money["usd"]:
        return "unknown"
    return f"{'at least ' if money['unknown'] else ''}${money['usd']:,.2f}"


def facts_of_text(shown: Shown) -> Facts:
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    for part in text_of(shown):
        console.print(part)
    printed = console.file
    assert isinstance(printed, io.StringIO)
    lines = printed.getvalue().splitlines()
    heading = next(line for line in lines if line.startswith("Stack "))
    marks = _matches(r"[│├└ ─]*── ([+\-±~≈→]) ", lines)
    planned = _planned(heading)
    if planned:
        assert marks == ["+"] * sum(planned)
    return Facts(
        planned,
        _counts(heading),
        Counter() if planned else Counter(_MARKS[mark] for mark in marks),
        _branches("Settings", lines),
        _branches("Outputs", lines),
        Counter(_matches(r"  (high|medium|low) ", lines)),
        Counter(_matches("(error|warning|info): ", lines)),
        _known(lines),
        set(_costs(lines)),
        _unjudged(lines, shown),
    )


def _branches(title: str, lines: list[str]) -> int:
    """How many branches the tree of that name has, at its first level."""
    rest = lines[lines.index(title) + 1 :] if title in lines else []
    return next((number for number, line in enumerate(rest) if line[0] not in "├└│"), len(rest))


def facts_of_markdown(shown: Shown) -> Facts:
    lines = Page(html_of(comment_of(shown))).lines
    items = [line.text for line in lines if line.tag == "li"]
    texts = [line.text for line in lines if line.tag in ("p", "li", "tr")]
    counts = next((line.text for line in lines if line.tag == "p" and re.match(r"\d", line.text)), "")
    planned = _planned(counts)
    if planned:
        entries = [line.text for line in lines if line.tag == "li" and line.fold == "Resources"]
        assert len([text for text in entries if ": " not in text]) == sum(planned)
    listed = Counter(_MARKS[mark] for mark in _matches(r"([+\-±~≈→]) ", items))
    assert listed == _folded(lines)
    return Facts(
        planned,
        _counts(counts),
        listed,
        len([line for line in lines if line.tag == "tr" and not line.fold][1:]),
        len([line for line in lines if line.tag == "li" and line.fold == "Outputs"]),
        Counter(_matches(r"\S (high|medium|low) ", items)),
        Counter(_matches(r"\S (error|warning|info) ", items)),
        _known(texts),
        set(_costs(texts)),
        _unjudged(texts, shown),
    )


def _folded(lines: list[Line]) -> Counter[str]:
    """Read what the titles of the folds count: `2 resources and 1 component to change`."""
    found: Counter[str] = Counter()
    for line in lines:
        verb = re.fullmatch(r"(\d.*) (?:to|that) (\w+).*", line.text) if line.tag == "summary" else None
        if verb:
            found[_VERBS[verb[2]]] += sum(map(int, re.findall(r"\d+", verb[1])))
    return found


def facts_of_page(shown: Shown) -> Facts:
    lines = Page(page_of(shown)).lines
    heading = next(line.text for line in lines if line.tag == "h2")
    texts = [line.text for line in lines if line.tag in ("p", "li", "tr")]
    entries = [line.text for line in lines if line.heading == "Changes" and line.tag in ("summary", "li")]
    planned = _planned(heading)
    if planned:
        names = [line for line in lines if line.heading == "Resources" and line.tag == "summary"]
        assert len(names) == sum(planned) + 1
    return Facts(
        planned,
        _counts(heading),
        Counter(_VERBS[verb] for verb in _matches(rf"({'|'.join(_VERBS)}) ", entries)),
        len([line for line in lines if line.tag == "tr" and line.heading == "Settings"][1:]),
        len([line for line in lines if line.tag == "tr" and line.heading == "Outputs"]),
        Counter(line.kind for line in lines if line.tag == "li" and line.heading == "Risks"),
        Counter(line.kind for line in lines if line.tag == "li" and line.heading == "Findings"),
        _known(texts),
        set(_costs(texts)),
        _unjudged(texts, shown),
    )


def _planned(text: str) -> tuple[int, int] | None:
    found = re.search(r"(\d+) resources? in (\d+) components?(?! that)\b", text)
    return (int(found[1]), int(found[2])) if found else None


def _counts(text: str) -> dict[str, tuple[int, int]]:
    removed = re.search(r"(\d+) resources?(?: in (\d+) components?)? that no program plans", text)
    if removed:
        return {"delete": (int(removed[1]), int(removed[2] or 0))}
    pattern = rf"(?:(\d+) resources?)?(?: and )?(?:(\d+) components?)? ({'|'.join(_PAST)})"
    return {_PAST[past]: (int(one or 0), int(other or 0)) for one, other, past in re.findall(pattern, text)}


def _known(lines: list[str]) -> Counter[str]:
    for line in lines:
        if found := re.match(r"(\d+) findings? as before: (.*)\.$", line):
            severities = re.findall(r"(\d+) (error|warning|info)", found[2])
            known = Counter({severity: int(number) for number, severity in severities})
            assert known.total() == int(found[1])
            return known
    return Counter()


def _costs(lines: list[str]) -> Iterator[tuple[str, ...]]:
    """Read the sentence of a comparison, and the last row of a table of costs."""
    rows: list[tuple[str, ...]] = []
    for line in lines:
        if said := re.search(rf"idle ({_AMOUNT}).*expected ({_AMOUNT}).*maximum ({_AMOUNT})", line):
            yield said.groups()
        elif row := re.search(rf" ({_AMOUNT}) +({_AMOUNT}) +({_AMOUNT})(?: |$)", line):
            rows.append(row.groups())
    yield from rows[-1:]


def _unjudged(lines: list[str], shown: Shown) -> int:
    """How many resources a line names together with each rule and reason that the preview has of them."""
    found = shown.stacks[0].unjudged
    return sum(
        any(
            name in line and all(rule in line and why.replace("`", "") in line for rule, why in rules.items())
            for line in (each.replace("`", "") for each in lines)
        )
        for name, rules in found.items()
    )


def _matches(pattern: str, lines: list[str]) -> list[str]:
    return [found[1] for found in (re.match(pattern, line) for line in lines) if found]

"""Draws a stack as SVG, in columns from what is used to what uses it. No script, no request."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from slipway.infra.diff.model import Action
from slipway.infra.preview.mermaid import arrows, shortened
from slipway.infra.preview.words import VERBS, kind
from slipway.infra.resources.reading import Resource

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _EDGE = 168, 40, 34, 12, 8
_CHARACTERS = 22  # that fit in a box
_NARROWEST = 720  # a wider drawing shrinks to the page down to this, and scrolls below it
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class _Box:
    x: int
    y: int
    resource: Resource


def svg_of(resources: Iterable[Resource], actions: Mapping[str, Action], title: str) -> str:
    """Draw the resources; empty where there are none. actions: URN -> what happens to it."""
    shown = [each for each in resources if each.custom]
    if not shown:
        return ""
    edges = arrows(shown)
    boxes = _placed(shown, edges)
    width = max(box.x for box in boxes.values()) + _WIDTH + _EDGE
    height = max(box.y for box in boxes.values()) + _HEIGHT + _EDGE
    lines = [_curve(boxes[source], boxes[user]) for source, user in edges]
    drawn = [_drawn(box, actions.get(urn)) for urn, box in boxes.items()]
    shown_as = f'width="{width}" height="{height}" style="min-width:min({width}px,{_NARROWEST}px)"'
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {width} {height}" {shown_as}>'
        f"<title>{escape(title)}</title>{''.join(lines)}{''.join(drawn)}</svg>"
    )


def _placed(resources: list[Resource], edges: list[tuple[str, str]]) -> dict[str, _Box]:
    """Place in columns by the longest way from what uses nothing; within one, near to neighbours."""
    columns: dict[int, list[str]] = defaultdict(list)
    for urn, depth in _depths(resources, edges).items():
        columns[depth].append(urn)
    neighbours: dict[str, list[str]] = defaultdict(list)
    for source, user in edges:
        neighbours[source].append(user)
        neighbours[user].append(source)
    rank = {urn: float(row) for column in columns.values() for row, urn in enumerate(column)}
    for _ in range(_ROUNDS):
        for depth in sorted(columns):
            columns[depth].sort(
                key=lambda urn: (_mean([rank[each] for each in neighbours[urn]], rank[urn]), urn)
            )
            rank |= {urn: float(row) for row, urn in enumerate(columns[depth])}
    by_urn = {each.urn: each for each in resources}
    return {
        urn: _Box(_EDGE + depth * (_WIDTH + _GAP_X), _EDGE + row * (_HEIGHT + _GAP_Y), by_urn[urn])
        for depth, column in sorted(columns.items())
        for row, urn in enumerate(column)
    }


def _depths(resources: list[Resource], edges: list[tuple[str, str]]) -> dict[str, int]:
    sources: dict[str, list[str]] = defaultdict(list)
    for source, user in edges:
        sources[user].append(source)
    depths: dict[str, int] = {}

    def depth(urn: str) -> int:
        if urn not in depths:
            depths[urn] = 0  # a circle, which the engine does not allow, would end here
            depths[urn] = max((depth(each) + 1 for each in sources[urn]), default=0)
        return depths[urn]

    return {each.urn: depth(each.urn) for each in resources}


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _curve(source: _Box, user: _Box) -> str:
    x1, y1 = source.x + _WIDTH, source.y + _HEIGHT // 2
    x2, y2 = user.x, user.y + _HEIGHT // 2
    middle = (x1 + x2) // 2
    return f'<path class="edge" d="M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"/>'


def _drawn(box: _Box, action: Action | None) -> str:
    type_ = kind(box.resource.type)
    name = shortened(box.resource.name, (box.resource.parent or "").rpartition("::")[2])
    said = f"{box.resource.name}, {type_}{', ' + VERBS[action] if action else ''}"
    return (
        f'<g class="{action.value if action else "same"}" transform="translate({box.x} {box.y})">'
        f'<title>{escape(said)}</title><rect width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="8" y="17">{escape(_cut(name))}</text>'
        f'<text class="kind" x="8" y="32">{escape(_cut(type_))}</text></g>'
    )


def _cut(text: str) -> str:
    """Keep the end of a long name: it says more than the start, which is the stack's."""
    return text if len(text) <= _CHARACTERS else f"…{text[1 - _CHARACTERS :]}"

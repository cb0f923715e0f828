"""Draws a stack as a Mermaid flowchart, which GitHub shows in a comment.

An arrow goes from what is used to what uses it. Where a longer way says the same there is no arrow.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from slipway.infra.diff.model import Action
from slipway.infra.preview.words import kind
from slipway.infra.resources.reading import Resource

# A chart of more is no picture any more, and GitHub refuses one of 500 arrows.
MOST_NODES = 60
_CLASSES = {
    Action.CREATE: "create",
    Action.DELETE: "delete",
    Action.REPLACE: "replace",
    Action.UPDATE: "update",
    Action.FOLLOW: "follow",
    Action.RENAME: "follow",
}
_STYLES = (
    "classDef create fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "classDef delete fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:4",
    "classDef replace fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-width:3px",
    "classDef update fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    "classDef follow fill:#ddf4ff,stroke:#0969da,color:#1f2328",
)


def flowchart(resources: Iterable[Resource], actions: Mapping[str, Action]) -> str:
    """Draw the resources; of a large stack only those that change. Empty where there is nothing to draw.

    actions: URN -> what happens to it.
    """
    shown = [each for each in resources if each.custom]
    if len(shown) > MOST_NODES:
        shown = [each for each in shown if each.urn in actions][:MOST_NODES]
    if not shown:
        return ""
    ids = {each.urn: f"r{number}" for number, each in enumerate(shown)}
    lines = ["flowchart LR"]
    for parent, members in _by_parent(shown).items():
        name = parent.rpartition("::")[2]
        lines.append(f'  subgraph {"p" + str(len(lines))}["{_text(name)}"]')
        for each in members:
            action = _CLASSES.get(actions.get(each.urn, Action.SAME), "")
            suffix = f":::{action}" if action else ""
            label = f"{_text(shortened(each.name, name))}<br>{_text(kind(each.type))}"
            lines.append(f'    {ids[each.urn]}["{label}"]{suffix}')
        lines.append("  end")
    lines += [f"  {ids[source]} --> {ids[user]}" for source, user in arrows(shown)]
    return "\n".join([*lines, *(f"  {style}" for style in _STYLES if actions)])


def arrows(resources: Iterable[Resource]) -> list[tuple[str, str]]:
    """Return pairs of what is used and what uses it, without those that others imply."""
    uses = {each.urn: set(each.dependencies) for each in resources}
    uses = {urn: {other for other in others if other in uses} for urn, others in uses.items()}
    reach: dict[str, frozenset[str]] = {}
    for urn in uses:
        _reached(urn, uses, reach)
    return [
        (source, user)
        for user, sources in uses.items()
        for source in sorted(sources)
        if not any(source in reach[other] for other in sources if other != source)
    ]


def _reached(urn: str, uses: Mapping[str, set[str]], reach: dict[str, frozenset[str]]) -> frozenset[str]:
    if urn not in reach:
        reach[urn] = frozenset()
        found: set[str] = set(uses[urn])
        for other in uses[urn]:
            found |= _reached(other, uses, reach)
        reach[urn] = frozenset(found)
    return reach[urn]


def _by_parent(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = defaultdict(list)
    for each in resources:
        found[each.parent or ""].append(each)
    return found


def shortened(name: str, parent: str) -> str:
    """Leave out what a child's name repeats of its parent's, which stands above it."""
    return name.removeprefix(f"{parent}-") or name


def _text(text: str) -> str:
    """Escape a label: in quotes only a quote itself and what opens an entity or a tag need care."""
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")

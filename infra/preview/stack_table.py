"""The table in which a preview of several stacks ends: verdict, size, cost and findings of each."""

from collections.abc import Iterator

from slipway.infra.preview import words
from slipway.infra.preview.blocks import Findings, Heading
from slipway.infra.preview.command import Shown
from slipway.infra.preview.contents import contents_of
from slipway.infra.preview.grading import verdict_of

HEADER = ("stack", "verdict", "resources", "idle", "maximum", "findings")
NUMBERS = ("idle", "maximum", "findings")


def stack_rows(shown: Shown) -> Iterator[tuple[str, ...]]:
    """Yield a row for each stack, in their order. Costs are USD a month; `-` where there is no plan."""
    for preview, section in zip(shown.stacks, contents_of(shown).sections, strict=True):
        blocks = [block for _, block in section.parts]
        summary = next((words.summary(block) for block in blocks if isinstance(block, Heading)), "")
        findings = sum(len(block.new) for block in blocks if isinstance(block, Findings))
        cost = preview.cost
        yield (
            preview.stack,
            verdict_of(preview).grade.word,
            summary or "-",
            str(cost.idle) if cost else "-",
            str(cost.maximum) if cost else "-",
            str(findings),
        )

"""Previews of plans that are written down."""

from datetime import date
from pathlib import Path
from typing import Any

from slipway.infra.diff.model import StackSource
from slipway.infra.diff.risks import risks_of
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.preview.command import Shown
from slipway.infra.preview.plans import Planned
from slipway.infra.preview.stack import StackPreview, stack_preview
from slipway.infra.program import main
from slipway.infra.settings.stackfile import settings_from
from tests.infra.diff.plans import difference

TODAY = date(2026, 11, 21)


def compared(before: StackSource | None, after: StackSource | None, **fields: Any) -> Shown:
    diff = difference(before, after)
    preview = StackPreview(
        "dev", after.plan if after else None, diff=diff, risks=tuple(risks_of(diff)), **fields
    )
    return Shown([preview], base="main (0123456789ab)", commit="0" * 40)


def made(folder: Path, settings: dict[str, str]) -> Shown:
    """Preview a stack `dev` with these settings. folder: where the image's files are staged."""
    assert folder.resolve() == Path.cwd()
    values = {f"slipway:{key}": value for key, value in settings.items()}
    config = StackConfig("slipway", "dev", values, frozenset(), {})
    planned = Planned("dev", config, settings_from(config), plan_of(main, config))
    return Shown([stack_preview(planned, TODAY)])

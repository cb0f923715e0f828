"""A whole preview as data: what `slipway preview --format json` prints."""

from typing import Any

from slipway.infra.cost.report import cost_json, difference_json
from slipway.infra.preview.command import Shown
from slipway.infra.preview.report import SCHEMA, VERSION, diff_json, preview_json
from slipway.infra.preview.stack import StackPreview


def document_of(shown: Shown) -> dict[str, Any]:
    against = {"name": shown.base, "commit": shown.commit, "notes": shown.notes} if shown.base else None
    return {
        "schema": SCHEMA,
        "version": VERSION,
        **({"against": against} if against else {}),
        "stacks": [_stack_json(preview) for preview in shown.stacks],
        "left_out": shown.left_out,
    }


def _stack_json(preview: StackPreview) -> dict[str, Any]:
    """A stack that is deleted or refused has no resources here."""
    document: dict[str, Any] = {"name": preview.stack, "resources": [], "outputs": {}, "findings": []}
    if preview.plan is not None:
        document = preview_json(preview.plan, preview.findings)
    if preview.diff is not None:
        document["findings"] = [
            {**each, "new": each["title"] not in preview.found_before} for each in preview.findings
        ]
    if preview.settings is not None:
        document["target"] = preview.settings.target
    if preview.cost is not None:
        document["cost"] = cost_json(preview.cost)
    if preview.refused is not None:
        document["refused"] = str(preview.refused)
    if preview.notes:
        document["notes"] = list(preview.notes)
    if preview.diff is not None:
        document["changes"] = diff_json(preview.diff)
    if preview.diff is not None or preview.risks:
        document["risks"] = [risk.as_json() for risk in preview.risks]
    if preview.cost_difference is not None:
        document["cost_change"] = difference_json(preview.cost_difference)
    return document

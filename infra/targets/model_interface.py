"""What callers of a model depend on, in a form small enough to keep next to a release.

Two versions that share the requests of one service must not differ in it: both answer the same clients.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from slipway.components.fault import ArgumentsError
from slipway.components.local.deploy import SAME_IN_A_SHARE
from slipway.components.model import model_folder
from slipway.stacks.settings.common import Settings

_TASK = "task"
_DIGITS = 12


def manifest_of(stack: str, settings: Settings) -> Mapping[str, Any] | None:
    """Return the manifest of a stack's model; None where only its image, or a bucket, has it."""
    if settings.image and not settings.names_model:
        return None
    try:
        return model_folder(stack, settings.model, None).manifest
    except ArgumentsError:
        return None


def interface_of(stack: str, settings: Settings) -> dict[str, str]:
    """Map each part of the interface that is known here to its task's name or its digest."""
    manifest = manifest_of(stack, settings)
    if manifest is None:
        return {_TASK: settings.task}
    return {
        _TASK: str(manifest[_TASK]),
        **{name: _digest(manifest.get(name)) for name in SAME_IN_A_SHARE if name != _TASK},
    }


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return the first part that differs; '' if none that both know does."""
    return next((name for name in before if now.get(name, before[name]) != before[name]), "")


def _digest(part: Any) -> str:
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:_DIGITS]

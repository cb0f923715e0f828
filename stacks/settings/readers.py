"""The settings that only readers of a Plan use: how strictly it is checked, and which usage is assumed."""

import difflib
import json
from collections.abc import Mapping
from typing import Any

from slipway.stacks.settings import checks

LEVELS = ("advisory", "mandatory", "off")
RULES = (
    "public",
    "memory-limit",
    "max-instances",
    "image-digest",
    "plain-secret",
    "wide-role",
    "log-retention",
    "deletion-protection",
    "stored-data",
    "probe",
    "gpu-taint",
    "gpu-spot",
    "budget",
)
# Key of the setting `usage` and of --usage -> field of Usage, least, most, what it is.
KEYS: Mapping[str, tuple[str, float, float, str]] = {
    "requests": ("requests", 0, 1e12, "requests a month"),
    "requestSeconds": (
        "request_seconds",
        1e-6,
        3600,
        "seconds of one vCPU (or of the GPU) that a request takes",
    ),
    "hours": ("hours", 0.1, 24, "hours a day in which requests come"),
    "egressGb": ("egress_gb", 0, 1e9, "GB a month to the internet"),
    "imageGb": ("image_gb", 0, 1e6, "GB of images in the registry"),
    "logGb": ("log_gb", 0, 1e6, "GB a month of log"),
}


def policy_levels(text: str) -> Mapping[str, str]:
    """Parse a JSON object of rule name to level. Raises ValueError with a nearby valid one, or ''."""
    levels = checks.plain_map(text)
    for rule, level in levels.items():
        if rule not in RULES:
            near = difflib.get_close_matches(rule, RULES, 1)
            raise ValueError(near[0] if near else "")
        if level not in LEVELS:
            raise ValueError(f"{rule}: {LEVELS[1]}")
    return levels


def usage_values(text: str) -> Mapping[str, float]:
    """Parse the setting, a JSON object. Raises ValueError with a nearby valid value, or ''."""
    try:
        found: Any = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("") from None
    if not isinstance(found, dict):
        raise ValueError("")
    pairs: dict[str, Any] = {str(key): value for key, value in found.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return {key: usage_number(key, value) for key, value in pairs.items()}


def usage_number(key: str, value: Any) -> float:
    if key not in KEYS:
        raise ValueError(" or ".join(KEYS))
    _, least, most, _ = KEYS[key]
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key} {least:g} to {most:g}") from None
    if isinstance(value, bool) or not least <= number <= most:
        raise ValueError(f"{key} {least:g} to {most:g}")
    return number

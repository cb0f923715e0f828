"""The licence that a repository's card states: `license` in the front matter of README.md."""

from pathlib import Path
from typing import Any, cast

import yaml
from huggingface_hub import repocard

UNKNOWN = "unknown"


def license_of(card: Path | None) -> str:
    """Return the licence's identifier, or its name if it is `other`; `unknown` without a readable card."""
    if card is None:
        return UNKNOWN
    try:
        front = cast("dict[str, Any] | None", repocard.metadata_load(card)) or {}  # pyright: ignore[reportUnknownMemberType] - untyped dict
    except (ValueError, yaml.YAMLError):
        return UNKNOWN
    stated = front.get("license")
    if stated == "other":
        stated = front.get("license_name") or stated
    names = cast("list[Any]", stated) if isinstance(stated, list) else [stated]
    return " or ".join(str(name) for name in names if name) or UNKNOWN

"""Texts that a person has read and approved, each in a file of tests/infra/approved."""

import difflib
import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "approved"
# What follows the checkout and not the change.
_SCRUBBED = (
    (re.compile(r"sha256:(?!a{12}|b{12})[0-9a-f]{12}…?"), "sha256:DIGEST"),
    (re.compile(r"build-[0-9a-f]{12}"), "build-TAG"),
    (re.compile(r"\([0-9a-f]{12}\)"), "(COMMIT)"),
)


def approve(name: str, text: str) -> None:
    """Fail where `text` is not what the file `name` has, with the difference and the way to approve it."""
    for pattern, stands_for in _SCRUBBED:
        text = pattern.sub(stands_for, text)
    text = "\n".join(line.rstrip() for line in text.splitlines()).strip() + "\n"
    file = FOLDER / name
    if os.environ.get("APPROVE"):
        file.write_text(text, encoding="utf-8")
    approved = file.read_text(encoding="utf-8") if file.is_file() else ""
    difference = difflib.unified_diff(
        approved.splitlines(), text.splitlines(), "approved", "now", lineterm=""
    )
    assert text == approved, "\n".join(
        [
            f"{name} is not as it was approved:",
            *difference,
            "",
            "To approve it: APPROVE=1 .venv/bin/python -m pytest tests/infra/preview",
        ]
    )

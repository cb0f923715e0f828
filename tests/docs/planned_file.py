"""Plans a stack file that a page shows, in a project of the name that its keys begin with."""

import re
from pathlib import Path

from slipway.infra.preview.plans import Planned, planned


def planned_here(folder: Path, text: str) -> Planned:
    """Write a project around a stack file, and what it names, into an empty folder and plan the stack."""
    [name] = set(re.findall(r"^  ([a-z-]+):[a-zA-Z]+:", text, re.MULTILINE))
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
    (folder / "Pulumi.shown.yaml").write_text(text)
    for named in re.findall(r"^  [a-z-]+:smokeTests: (\S+)", text, re.MULTILINE):
        (folder / named).write_text('{"request": {"text": "free"}, "answer": {"label": "spam"}}\n')
    return planned(folder, "shown")

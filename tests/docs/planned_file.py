"""Plans a stack file that a page shows, in a project of the name that its keys begin with."""

import re
from pathlib import Path

from slipway.infra.preview.plans import Planned, planned


def planned_here(folder: Path, text: str) -> Planned:
    """Write a project around a stack file into an empty folder and plan the stack."""
    [name] = set(re.findall(r"^  ([a-z-]+):[a-zA-Z]+:", text, re.MULTILINE))
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
    (folder / "Pulumi.shown.yaml").write_text(text)
    return planned(folder, "shown")

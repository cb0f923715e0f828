"""Writes docs/make-up.svg, what `slipway up` prints in a terminal: `make pictures` runs the local stack."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from slipway.infra.reference.pages import ROOT

_COLUMNS = 112
_PICTURE = Path("docs/make-up.svg")
# The fonts that rich's pictures fetch from another site; the reader's own take their place.
_FONT_FACES = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def picture_of(said: str) -> str:
    """Render what a terminal got, with the key and one-time codes masked."""
    masked = re.sub(r"(Key   |Bearer |token=)[\w-]{20,}", r"\1…", said)
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(masked))
    code_format = _FONT_FACES.sub("", CONSOLE_SVG_FORMAT)
    return console.export_svg(title="make up", code_format=code_format, unique_id="make-up")


def main() -> None:
    """Start the local stack from nothing and draw what that prints; stop it again."""
    slipway = [Path(sys.executable).with_name("slipway")]
    subprocess.run([*slipway, "down"], cwd=ROOT, check=True, capture_output=True)
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(_COLUMNS)}
    done = subprocess.run(
        [*slipway, "up"], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    subprocess.run([*slipway, "down"], cwd=ROOT, check=True, capture_output=True)
    (ROOT / _PICTURE).write_text(picture_of(done.stdout))


if __name__ == "__main__":
    main()

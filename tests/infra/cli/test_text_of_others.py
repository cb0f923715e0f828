"""Whatever a message holds, a terminal shows it as text."""

import json
import os
import sys
import unicodedata
from pathlib import Path

import pytest
import typer
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from slipway.components import printable as of_components
from slipway.components.local.process import StartFailed, last_error
from slipway.infra.cli import console
from slipway.infra.cli.app import app
from slipway.infra.cli.console import OUT, Format, print_json, progress, reported
from slipway.infra.errors import Refused
from slipway.service import printable as of_service

# What a terminal, rich or a reader takes for more than text, and how it is shown.
TRICKS = {
    ":secret:": ":secret:",
    r"\[/x]": r"\[/x]",
    "[/x]": "[/x]",
    "[bold red]x[/]": "[bold red]x[/]",
    "[link=http://evil.example]x[/link]": "[link=http://evil.example]x[/link]",
    "\x1b[2J\x1b]0;owned\x07": r"\x1b[2J\x1b]0;owned\x07",
    "\x9b31m": r"\x9b31m",
    "a\rb": r"a\x0db",
    "a\bb": r"a\x08b",
    "\x7f": r"\x7f",
    "\u202egnp.exe": r"\u202egnp.exe",
    "\u2066x\u2069": r"\u2066x\u2069",
    "a\u2028b": r"a\u2028b",
    "\ud800": r"\ud800",
}
HARMLESS = "naïve café, 漢字, 👍🏽, e\u0301, a\u200db, \u00a0, \ue000\n\tnext"


@pytest.mark.parametrize(("text", "shown"), TRICKS.items(), ids=map(ascii, TRICKS))
def test_an_error_is_shown_as_it_is_written(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit), reported(Format.TEXT):
        raise Refused(f"the model says {text}.")
    assert capsys.readouterr().err == f"Error: the model says {shown}.\n"


@pytest.mark.parametrize(("text", "shown"), TRICKS.items(), ids=map(ascii, TRICKS))
@pytest.mark.parametrize("as_text", [True, False])
def test_results_tables_and_progress_are_shown_as_they_are_written(
    text: str, shown: str, as_text: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table(text, box=None)
    table.add_row(text)
    OUT.print(Text(text) if as_text else text)
    OUT.print(table)
    with progress(text) as say:
        say(text)
    said = capsys.readouterr()
    assert [line.strip() for line in said.err.splitlines()] == [shown, shown]
    printed = said.out.replace(" ", "")
    assert printed.isascii()
    assert not set(printed) & set(map(chr, range(32))) - {"\n"}


def test_a_spinner_takes_no_text_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.ERR, "_force_terminal", True)
    with progress("[/x]") as say:
        say("[/y]")


@pytest.mark.parametrize("text", TRICKS, ids=map(ascii, TRICKS))
def test_json_is_the_same_data_in_characters_that_steer_nothing(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_json({"reason": text, text: [text], "é": "漢"})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"reason": text, text: [text], "é": "漢"}
    assert "漢" in printed
    assert of_components.printable(printed) == printed


def test_what_is_harmless_stays_as_it_is() -> None:
    assert of_components.printable(HARMLESS) == HARMLESS


def test_no_control_and_no_mark_of_direction_is_left_of_any_character() -> None:
    for number in range(sys.maxunicode + 1):
        shown = of_components.printable(chr(number))
        steers = unicodedata.category(chr(number)) in ("Cc", "Cs", "Zl", "Zp")
        steers |= unicodedata.bidirectional(chr(number)) in (
            *("LRE", "RLE", "LRO", "RLO", "PDF"),
            *("LRI", "RLI", "FSI", "PDI"),
        )
        assert shown.isascii() or not steers, hex(number)


def test_the_server_and_the_command_spell_the_same_way() -> None:
    # Neither may import the other: tests/test_architecture.py.
    assert Path(of_service.__file__).read_text() == Path(of_components.__file__).read_text()


def test_what_a_server_logged_as_its_end_reaches_no_terminal_raw() -> None:
    line = json.dumps({"message": "node \x1b[31mred\u202e", "cause": "bad_model"})
    assert str(StartFailed(last_error([line]))) == r"node \x1b[31mred\u202e"


@pytest.mark.parametrize("argument", ["[/x]", r"\[/x]", ":secret:", "\x1b[2J"])
@pytest.mark.parametrize(
    "command", [["up"], ["status"], ["preview"], ["fit"], ["nothing"], ["up", "--nothing"]]
)
def test_an_argument_is_named_and_not_obeyed(project: Path, command: list[str], argument: str) -> None:
    here = Path.cwd()
    try:
        ran = CliRunner().invoke(app, ["-C", str(project), *command, argument])
    finally:
        os.chdir(here)
    assert ran.exit_code in (1, 2)
    assert isinstance(ran.exception, SystemExit)
    assert "\x1b" not in ran.output

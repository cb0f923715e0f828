"""The code blocks of README and docs: what needs no cloud is run or planned, the rest is checked."""

import ast
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.checkout import ROOT
from tests.docs.command_lines import calls, named_options, parse
from tests.docs.pages import PAGES, REASONS, Block, blocks
from tests.docs.planned_file import planned_here

EVERY = [block for page in PAGES for block in blocks(page)]
SHELL = [block for block in EVERY if block.language == "sh"]
PROGRAMS = r"(?:\.venv/bin/)?(?:slipway|make|pulumi|gcloud|aws|kubectl|docker|git|pip|curl|python3?) "


def test_every_fence_is_a_block_in_a_known_language() -> None:
    for page in PAGES:
        fences = len(re.findall(r"^\s*```", page.read_text(), re.MULTILINE))
        assert fences == 2 * len(list(blocks(page))), page
    assert {block.language for block in EVERY} <= {"sh", "text", "python", "json", "yaml", "diff", "promql"}


def test_a_block_that_is_not_run_has_one_of_few_reasons() -> None:
    assert {block.reason for block in EVERY} <= {"", *REASONS}
    assert {block.language for block in EVERY if block.reason} == {"sh"}


@pytest.mark.parametrize("block", [block for block in EVERY if block.language == "text"], ids=str)
def test_text_is_what_a_program_prints_and_no_command_that_hides_from_these_tests(block: Block) -> None:
    assert not re.search(rf"^{PROGRAMS}", block.text, re.MULTILINE)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_every_shell_block_has_the_shells_syntax(block: Block) -> None:
    script = re.sub(r"<[a-zA-Z0-9 ]+>", "placeholder", block.text)
    done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [block for block in SHELL if "slipway" in block.text], ids=str)
def test_every_call_of_slipway_is_one_that_its_parser_takes(block: Block) -> None:
    for arguments in calls(block.text):
        if arguments and not {"--help", "-h", "--version"} & {*arguments}:
            parse(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_and_option_that_the_prose_names_exists(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for code in re.findall(r"`((?:\.venv/bin/)?slipway [a-z][^`]*)`", prose):
        for arguments in calls(code):
            path, given, known = named_options(arguments)
            assert given - known == set(), f"{path} has no {given - known}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_target_of_make_that_a_page_names_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^)make ([a-z][a-z-]+)", page.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("block", [block for block in EVERY if block.language == "json"], ids=str)
def test_json_is_an_object_or_a_part_of_one(block: Block) -> None:
    text = block.text if block.text.lstrip().startswith("{") else f"{{{block.text}}}"
    assert isinstance(json.loads(text), dict)


@pytest.mark.parametrize("block", [block for block in EVERY if block.language == "python"], ids=str)
def test_python_compiles(block: Block) -> None:
    text = block.text.replace("<64 hex digits>", "0" * 64)
    if text.startswith(" "):  # an excerpt of a table, or of a class
        is_row = re.match(r'\s+"[^"\n]*": ', text) is not None
        text = f"{{\n{text}}}" if is_row else f"class Excerpt:\n{text}"
    ast.parse(text)


@pytest.mark.parametrize("block", [block for block in EVERY if block.language == "yaml"], ids=str)
def test_a_stack_file_has_a_plan(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = block.text.replace("<64 hex digits>", "0" * 64)
    if "config" not in yaml.safe_load(text):
        pytest.skip("no stack file of Slipway's: a manifest of another program")
    monkeypatch.chdir(tmp_path)
    planned = planned_here(tmp_path, text)
    assert planned.refused is None, planned.refused
    assert planned.plan is not None, planned.left_out
    assert "url" in planned.plan.outputs


# The guide is run by a test of its own, with what it needs.
OF_THEIR_OWN = {
    "docs/guides/add-a-setting.md": "tests/test_add_a_setting.py",
    "docs/guides/add-a-target.md": "tests/test_add_a_target.py",
    "docs/guides/add-a-task.md": "tests/test_add_a_task.py",
    "docs/guides/bring-your-own-model.md": "tests/test_bring_your_own_model.py",
    "docs/guides/container.md": "tests/container/test_guide.py",
    "docs/guides/cost-and-policy.md": "tests/test_cost_and_policy_guide.py",
    "docs/guides/pull-requests.md": "tests/workflows/guide.py",
}
RUN_HERE = sorted({block.page for block in SHELL if not block.reason} - OF_THEIR_OWN.keys())


def test_a_guide_with_a_test_of_its_own_is_run_there() -> None:
    for page, test in OF_THEIR_OWN.items():
        text = (ROOT / test).read_text()
        assert page in text, test
        assert "commands(GUIDE)" in text, test


@pytest.mark.long
@pytest.mark.parametrize("page", RUN_HERE)
def test_the_commands_of_a_page_run_in_order_in_a_fresh_checkout_or_an_empty_folder(
    page: str, tmp_path: Path, free_port: int
) -> None:
    from tests.docs.reader import Reader

    reader = Reader(tmp_path, free_port)
    try:
        for block in blocks(ROOT / page):
            if block.language == "sh" and not block.reason:
                reader.follow(block)
    finally:
        reader.leave()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_page_calls_slipway_before_it_says_how_to_put_it_on_the_path(page: Path) -> None:
    text = page.read_text()
    bare = re.search(r"^(?:\$ )?slipway ", "\n".join(block.text for block in blocks(page)), re.MULTILINE)
    if bare is None:
        return
    told = re.search(r"#the-command-on-your-path|\. \.venv/bin/activate", text)
    assert told, "the page calls `slipway`; it has to say first how to put it on the PATH"
    assert told.start() < re.search(r"^(?:\$ )?slipway ", text, re.MULTILINE).start()  # pyright: ignore


def test_a_wrong_option_is_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse(shlex.split("cost dev --no-such-option"))

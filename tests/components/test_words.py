"""Messages of components use the words of whoever writes arguments: a program may have no settings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway import components
from slipway.stacks.settings.targets import keys

ROOT = Path(components.__file__).parent
PACKAGES = ("", "aws", "cloud_run", "fargate", "gke", "google", "image", "kubernetes", "local")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).glob("*.py"))
# A key in one lowercase word may be an argument's name, or any word; a member of Google's IAM begins with the
# kind `serviceAccount:`.
SETTINGS = re.compile(rf"\b({'|'.join(key for key in keys() if not key.islower())})\b(?!:)")
COMMANDS = re.compile(r"Pulumi\.<stack>|pulumi config|slipway (logs|preview|up)\b|\bmake [a-z]+`")
# Says how what one of the commands started is stopped.
OF_COMMANDS = {"local/provider.py"}


def texts(module: Path, docstrings: bool) -> Iterator[str]:
    """Yield strings of more than one word; a word alone is a name in an input of a cloud."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    documents = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = [node for node in nodes if isinstance(node, ast.Constant)]
    for node in constants if docstrings else [node for node in constants if id(node) not in documents]:
        if isinstance(node.value, str) and " " in node.value.strip():
            yield node.value


def name_of(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_text_has_a_word_that_only_readers_of_settings_know(module: Path) -> None:
    assert [text for text in texts(module, docstrings=True) if SETTINGS.search(text)] == []
    if name_of(module) not in OF_COMMANDS:
        said = [text for text in texts(module, docstrings=False) if COMMANDS.search(text)]
        assert [text for text in said if "n a checkout of Slipway" not in text] == []


def test_the_words_of_settings_are_found_in_a_text() -> None:
    assert SETTINGS.search("set `loadSeconds` to 5")
    assert COMMANDS.search("set it in Pulumi.<stack>.yaml")

"""One name for one idea: no two classes of the code share a name, and the glossary settles each word once."""

import ast
import re
from collections import defaultdict

from tests.checkout import ROOT

FOLDERS = ("infra", "stacks", "components", "service", "modeltools")
# Name -> why two classes have it. `service` and the deploying side import nothing of each other.
SHARED = {
    "Change": "of a value in a diff, and of an amount in a cost: each package reads only its own",
    "ModelFolder": "the same folder, seen by the deploying side and by the server",
    "PortTaken": "the same fault, raised by the server and read from its log by the local provider",
    "Process": "what a container runs, the server or a worker: the same idea on Google Cloud and on AWS",
    "ResourceChange": "of a resource in a diff, and of its cost: each package reads only its own",
    "SecretHome": "the same idea on Google Cloud and on AWS",
    "SecretReference": "the same idea on Google Cloud and on AWS",
    "Secrets": "the same idea on Google Cloud and on AWS",
    "Settings": "of a stack, and of the server: each is the only one on its side",
}


def classes() -> dict[str, list[str]]:
    """Map the name of every public top-level class to the modules that define it."""
    defined: dict[str, list[str]] = defaultdict(list)
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                defined[node.name].append(str(path.relative_to(ROOT)))
    return defined


def glossary() -> list[str]:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return re.findall(r"^\| \*\*([a-z ]+)\*\* \|", text, re.MULTILINE)


def test_no_two_classes_share_a_name_unless_they_share_an_idea() -> None:
    twice = {name: modules for name, modules in classes().items() if len(modules) > 1}
    assert {name: modules for name, modules in twice.items() if name not in SHARED} == {}
    assert SHARED.keys() - twice.keys() == set(), "no longer shared"


def test_the_glossary_lists_each_word_once_and_in_order() -> None:
    words = glossary()
    assert len(words) >= 20
    assert words == sorted(set(words))

"""Imports go one way: infra -> stacks -> components; the server stands alone."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "service": {"infra", "stacks", "components", "pulumi"},
    "components": {"infra", "stacks", "service"},
    "stacks": {"infra", "service"},
    "infra": {"service"},
}
MODULES = sorted(
    path.relative_to(ROOT).as_posix() for folder in FORBIDDEN for path in (ROOT / folder).rglob("*.py")
)


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_nothing_from_the_other_direction(module: str) -> None:
    assert not imported(ROOT / module) & FORBIDDEN[module.split("/")[0]]


@pytest.mark.parametrize("module", [m for m in MODULES if m.split("/")[0] in ("components", "stacks")])
def test_only_infra_reads_the_configuration_and_the_environment(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text())
    read = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not read & {"pulumi.Config", "os.environ", "os.getenv"}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_stays_small_enough_to_read_at_once(module: str) -> None:
    assert len((ROOT / module).read_text().splitlines()) <= 400

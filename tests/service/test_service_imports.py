import ast
from pathlib import Path

import pytest

DEPLOYING_SIDE = {"infra", "stacks", "components", "pulumi"}
NOT_IN = {
    "service": DEPLOYING_SIDE,
    "service/api": {"onnxruntime", "torch", "transformers", "tokenizers", "numpy"},
    "service/backends": {"fastapi", "starlette", "uvicorn"},
    "service/engine": {"fastapi", "starlette", "uvicorn", "onnxruntime", "tokenizers", "numpy"},
    "service/tasks": {"fastapi", "starlette", "uvicorn", "onnxruntime", "torch", "transformers"},
}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names |= {a.name for a in node.names} if isinstance(node, ast.Import) else set()
        names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
    return names


@pytest.mark.parametrize("folder", sorted(NOT_IN))
def test_each_folder_of_the_service_imports_only_what_is_its_own(folder: str):
    paths = sorted(Path(folder).rglob("*.py"))
    assert paths
    for path in paths:
        assert not {name.split(".")[0] for name in imported(path)} & NOT_IN[folder], path


def test_backends_tasks_and_engine_know_nothing_of_the_api():
    for folder in ("backends", "tasks", "engine"):
        for path in Path("service", folder).rglob("*.py"):
            assert not [name for name in imported(path) if name.startswith("service.api")], path


def test_the_engine_and_the_backends_know_nothing_of_tasks():
    for folder in ("backends", "engine"):
        for path in Path("service", folder).rglob("*.py"):
            assert not [name for name in imported(path) if name.startswith("service.tasks")], path

"""Renders the reference of the components: their arguments and outputs, from the docstrings of their code."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.components.checkout import ROOT

_COMPONENTS = ROOT / "components"
# The arguments of what a cloud's monitoring watches.
_OF_WATCHED = _COMPONENTS / "observability/args.py"
# Import path -> the component, in the order of the reference.
COMPONENTS = {
    "components.cloud_run": "CloudRunService",
    "components.fargate": "FargateService",
    "components.gke": "GkeCluster",
    "components.kubernetes": "KubernetesService",
    "components.image": "InferenceImage",
    "components.local": "LocalService",
}
_HEAD = """# The components

Each is a Pulumi component that stands alone: `Component(name, {…arguments}, opts)`.
[Use the components from Python](../guides/components.md) has a whole program. An argument whose type is not
in `Input[…]` must be known when the program runs, because it decides what is created.
"""


@dataclass(frozen=True, slots=True)
class Field:
    """One argument or output. text: its docstring, on one line."""

    name: str
    kind: str
    text: str


def page() -> str:
    """Render every component with its arguments and outputs."""
    return "\n".join([_HEAD, *(_section(path, name) for path, name in COMPONENTS.items())]).rstrip() + "\n"


def arguments_of(name: str) -> list[Field]:
    """List the arguments of a component, those that it shares with others first."""
    classes = dict(_classes(_path_of(name)))
    return [field for one in _lineage(f"{name}Args", classes) for field in _fields(one)]


def outputs_of(name: str) -> list[Field]:
    return list(_fields(dict(_classes(_path_of(name)))[name]))


def _path_of(name: str) -> str:
    return next(path for path, component in COMPONENTS.items() if component == name)


def _section(path: str, name: str) -> str:
    text = ast.get_docstring(dict(_classes(path))[name])
    lines = [f"## {name}\n", f"    from slipway.{path} import {name}\n", f"{text}\n"]
    lines += [_table("argument", arguments_of(name)), _table("output", outputs_of(name))]
    return "\n".join(lines)


def _classes(path: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """List the classes of a component's folder, and those that all components share."""
    folder = _COMPONENTS / path.partition(".")[2]
    for file in (*sorted(_COMPONENTS.glob("*.py")), _OF_WATCHED, *sorted(folder.glob("*.py"))):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                yield node.name, node


def _lineage(name: str, classes: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """List a class after those that it extends."""
    if name in classes:
        for base in classes[name].bases:
            yield from _lineage(ast.unparse(base), classes)
        yield classes[name]


def _fields(node: ast.ClassDef) -> Iterator[Field]:
    """List the annotated names of a class that have a docstring, or that are of a TypedDict."""
    for statement, after in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = ast.unparse(after) if isinstance(after, ast.Expr) else ""
            value = after.value if isinstance(after, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                text = " ".join(value.value.split())
            yield Field(statement.target.id, _kind(ast.unparse(statement.annotation)), text)


def _kind(annotation: str) -> str:
    return (
        annotation.replace("pulumi.", "")
        .replace("NotRequired[", "optional ")
        .removesuffix("]" if annotation.startswith("NotRequired[") else "\0")
    )


def _table(head: str, fields: list[Field]) -> str:
    rows = [
        f"| `{field.name}` | {field.kind.replace('|', '&#124;')} | {field.text.replace('|', '&#124;')} |"
        for field in fields
    ]
    return "\n".join([f"| {head} | type | what |", "|---|---|---|", *rows]) + "\n"

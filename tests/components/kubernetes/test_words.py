"""What stands in backquotes in a message of GkeCluster and KubernetesService is an argument, or no name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway import components
from slipway.components.gke import GkeClusterArgs
from slipway.components.kubernetes import KubernetesServiceArgs

ROOT = Path(components.__file__).parent
# Faults of nodes are of a cluster and of the service that does not fit on it.
NAMES = {
    "gke": {*GkeClusterArgs.__annotations__, *KubernetesServiceArgs.__annotations__},
    "kubernetes": {*KubernetesServiceArgs.__annotations__},
}
MODULES = sorted(path for package in NAMES for path in (ROOT / package).glob("*.py"))


def texts(module: Path) -> Iterator[str]:
    """Yield the strings that are no documentation."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    documents = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


@pytest.mark.parametrize("module", MODULES, ids=lambda module: f"{module.parent.name}/{module.name}")
def test_a_name_in_backquotes_is_an_argument(module: Path) -> None:
    named = {name for text in texts(module) for name in re.findall(r"`([a-z][a-z0-9_]*)`", text)}
    assert named <= NAMES[module.parent.name]

"""Sends missing numbers down the branch of a tree that scikit-learn takes, which skl2onnx leaves out.

`sklearn/tree/_tree.pyx`: `missing_go_to_left` of a node. In ONNX: `nodes_missing_value_tracks_true`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from .columns import steps_of, trees_of

_ENSEMBLES = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
_BRANCHES = "nodes_missing_value_tracks_true"


def set_missing_branches(graph: Any, model: Any) -> None:
    """Change the graph's ensembles that are made of the model's trees; the comparison judges the result."""
    ensembles = [trees for step in steps_of(model) if (trees := _with_branches(step))]
    for node in graph.node:
        if node.op_type in _ENSEMBLES:
            found = [trees for trees in ensembles if _is_made_of(node, trees)]
            if len(found) == 1:
                branches = [
                    int(found[0][tree].missing_go_to_left[place]) * (mode != b"LEAF")
                    for tree, place, _, mode in _nodes(node)
                ]
                _attribute(node, _BRANCHES).ints[:] = branches


def _with_branches(step: Any) -> list[Any]:
    """Return the trees of one estimator, if its version knows missing numbers."""
    trees = [tree.tree_ for tree in trees_of(step)]
    return trees if all(hasattr(tree, "missing_go_to_left") for tree in trees) else []


def _is_made_of(node: Any, trees: Sequence[Any]) -> bool:
    """Return whether the node has these trees: as many nodes each, and the same column at each branch."""
    nodes = list(_nodes(node))
    if len(nodes) != sum(int(tree.node_count) for tree in trees):
        return False
    return all(
        tree < len(trees)
        and place < trees[tree].node_count
        and (mode == b"LEAF" or int(trees[tree].feature[place]) == column)
        for tree, place, column, mode in nodes
    )


def _nodes(node: Any) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield tree, place in it, column and mode of each node."""
    numbers = [_attribute(node, f"nodes_{name}").ints for name in ("treeids", "nodeids", "featureids")]
    yield from zip(*numbers, _attribute(node, "nodes_modes").strings, strict=True)


def _attribute(node: Any, name: str) -> Any:
    return next(attribute for attribute in node.attribute if attribute.name == name)

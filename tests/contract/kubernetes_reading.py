"""Reads the objects of one service as a cluster's parts would: pods, their containers, quantities."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Object = Mapping[str, Any]
Objects = Sequence[Object]

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_SCALE: Mapping[str, Decimal] = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{letter: Decimal(10) ** (3 * power) for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Decimal(2) ** (10 * power) for power, letter in enumerate("KMGTPE", start=1)},
}


def quantity(text: str) -> Decimal | None:
    """None: it is none."""
    found = _QUANTITY.fullmatch(text)
    return Decimal(found[1]) * _SCALE[found[2] or ""] if found else None


def of_kind(objects: Objects, kind: str) -> list[Any]:
    return [found for found in objects if found["kind"] == kind]


def pods(objects: Objects) -> list[Any]:
    """Every pod template: metadata and spec. KServe's predictor is one."""
    templates = [found["spec"]["template"] for found in of_kind(objects, "Deployment")]
    for found in of_kind(objects, "InferenceService"):
        templates.append({"metadata": found["metadata"], "spec": found["spec"]["predictor"]})
    return templates


def containers(objects: Objects) -> list[Any]:
    return [
        container
        for pod in pods(objects)
        for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
    ]


def servers(objects: Objects) -> list[Any]:
    return [pod["spec"]["containers"][0] for pod in pods(objects)]

"""The one table of resource types, and what it answers of a resource. Pure.

A type has its own row, or that of its family where the whole family is alike in what the row says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from slipway.infra.resources import aws, google, kubernetes, local
from slipway.infra.resources.containers import Container
from slipway.infra.resources.reading import Resource, items_at
from slipway.infra.resources.row import Role, Row

TABLE: Mapping[str, Row] = {**google.ROWS, **aws.ROWS, **kubernetes.ROWS, **local.ROWS}
_FAMILIES = (
    (re.compile(r"gcp:(projects|organizations|folder)/iAM(Member|Binding|Policy):"), google.PROJECT_GRANT),
    (re.compile(r"gcp:.*iam(member|binding|policy):", re.IGNORECASE), google.GRANT),
    (re.compile(r"aws:iam/"), aws.IAM),
    (re.compile(r"kubernetes:"), kubernetes.OTHER),
    (re.compile(r"random:"), local.RANDOM),
    (re.compile(r"pulumi:providers:"), local.PROVIDER),
    (re.compile(r"pulumi-python:dynamic"), local.DYNAMIC),
)
STACK = "pulumi:pulumi:Stack"
_COMPONENTS = ("slipway:", STACK)


def is_component(resource: Resource) -> bool:
    """Return whether the resource only groups others: a component, or the stack itself."""
    return is_component_type(resource.type) or not resource.custom


def is_component_type(type_: str) -> bool:
    """Return whether the type is the stack's own, or one of our components."""
    return type_.startswith(_COMPONENTS)


@cache
def row_of(type_: str) -> Row | None:
    """Return what is known of a type; None where that is nothing."""
    if type_ in TABLE:
        return TABLE[type_]
    return next((row for pattern, row in _FAMILIES if pattern.match(type_)), None)


def role_of(type_: str) -> Role | None:
    """Return what a resource of the type is for; None where that is unknown."""
    row = row_of(type_)
    return row.role if row else None


def containers_of(resource: Resource, component: Resource | None = None) -> Iterator[Container]:
    """Yield the containers that a resource runs.

    component: the one that made it, whose recorded arguments are read where the resource's own inputs are not
    known yet, as a task definition's that has ARNs in it.
    """
    row = row_of(resource.type)
    recorded: Mapping[str, Any] = component.inputs if component else {}
    plain = frozenset(map(str, items_at(recorded, "plain_env")))
    builds = _builds_image(resource) or (component is not None and _builds_image(component))
    for container in row.containers(resource, recorded) if row and row.containers else ():
        yield replace(container, plain_names=plain, builds_image=builds)


def _builds_image(resource: Resource) -> bool:
    """Return whether a value of the resource is made of an image that the same stack makes."""
    types = {urn.split("::")[2].rpartition("$")[2] for urns in resource.uses.values() for urn in urns}
    return any(role_of(type_) is Role.IMAGE for type_ in types)


def ways_in(resource: Resource) -> Iterator[str]:
    """Yield each way by which everybody reaches the resource, as `a grant to allUsers`."""
    row = row_of(resource.type)
    yield from row.opens(resource) if row and row.opens else ()


def ways_near(resource: Resource) -> Iterator[str]:
    """Yield each way by which the internet reaches the resource, though not everybody is let in."""
    row = row_of(resource.type)
    yield from row.reachable(resource) if row and row.reachable else ()


def accelerators_of(resource: Resource) -> list[Any]:
    """Return the GPUs of a node pool's nodes, as its inputs have them."""
    if role_of(resource.type) is not Role.NODE_POOL:
        return []
    return items_at(resource.inputs, "nodeConfig", "guestAccelerators")

"""Computes a resource's earlier URNs as the engine does: from its own aliases and its parents'.

Source: pulumi sdk, resource/urn, and pkg/resource/deploy, generateAliases and inheritedChildAlias.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from slipway.infra.resources.table import STACK


class Parent(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...


def aliases_of(urn: str, request: Any, parent: Parent | None) -> tuple[str, ...]:
    """List the earlier URNs of `urn`. request: a RegisterResourceRequest. parent: already registered."""
    found = [*request.aliasURNs]
    for alias in request.aliases:
        found += [alias.urn] if alias.urn else _of_spec(urn, alias.spec, request, parent)
    for old_parent in parent.aliases if parent else ():
        old_name = _name_under(request.name, parent.name if parent else "", old_parent)
        names = {old_name, *(a.spec.name for a in request.aliases if a.spec.name)}
        found += [_urn_under(old_parent, request.type, name) for name in sorted(names)]
    return tuple(dict.fromkeys(alias for alias in found if alias != urn))


def _of_spec(urn: str, spec: Any, request: Any, parent: Parent | None) -> Iterator[str]:
    """Yield the URNs that an alias stands for; what its spec leaves out is as in the current URN."""
    own_stack, own_project = urn.split("::")[:2]
    stack = spec.stack or own_stack.removeprefix("urn:pulumi:")
    project = spec.project or own_project
    name, type_ = spec.name or request.name, spec.type or request.type
    parents = [""] if spec.noParent else [spec.parentUrn or request.parent]
    if not spec.noParent and not spec.parentUrn and parent:
        parents += parent.aliases
    for each in parents:
        yield f"urn:pulumi:{stack}::{project}::{_qualified(each, type_)}::{name}"


def _urn_under(parent: str, type_: str, name: str) -> str:
    prefix = "::".join(parent.split("::")[:2])
    return f"{prefix}::{_qualified(parent, type_)}::{name}"


def _qualified(parent: str, type_: str) -> str:
    parent_type = parent.split("::")[2] if parent else ""
    return type_ if parent_type in ("", STACK) else f"{parent_type}${type_}"


def _name_under(name: str, parent_name: str, old_parent: str) -> str:
    """Return a child's old name, which began with its parent's old name if it is named after the parent."""
    if parent_name and name.startswith(parent_name):
        return old_parent.split("::", 3)[3] + name.removeprefix(parent_name)
    return name

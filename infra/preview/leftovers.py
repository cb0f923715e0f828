"""Lists what stays after a stack is destroyed. Reads a Plan only."""

from collections import defaultdict

from slipway.infra.plan.run import Plan
from slipway.infra.resources.reading import Resource
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import row_of


def remaining_of(plan: Plan) -> list[str]:
    """Return a line for each kind of thing that remains, with why and how to get rid of it."""
    names: dict[str, list[str]] = defaultdict(list)
    for resource in plan.resources:
        row = row_of(resource.type)
        if row and row.stays and not _goes(resource, row.role):
            names[row.stays].append(_name(resource, row.role))
    names["the stack's own settings and history"] = [f"`pulumi stack rm {plan.stack}` deletes them"]
    return [f"{kind}: {', '.join(found)}" for kind, found in names.items()]


def _goes(resource: Resource, role: Role) -> bool:
    return role is Role.CLOUD_API and bool(resource.inputs.get("disableOnDestroy", False))


def _name(resource: Resource, role: Role) -> str:
    """Return the name by which the reader knows what stays."""
    own = {Role.CLOUD_API: "service", Role.IMAGE: "image"}.get(role)
    return str(resource.inputs[own]) if own else resource.name

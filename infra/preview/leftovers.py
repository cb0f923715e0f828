"""What stays after a stack is destroyed. Reads a Plan only."""

from slipway.infra.plan.monitor import Resource
from slipway.infra.plan.run import Plan

# What writes into Cloud Logging.
_LOGGED = ("gcp:cloudrunv2/service:Service", "gcp:container/cluster:Cluster")


def remaining_of(plan: Plan) -> list[str]:
    """One line for each class of which something remains, with why and how to be rid of it."""
    apis = [str(r.inputs["service"]) for r in plan.resources if _stays_enabled(r)]
    services = [r.name for r in plan.resources if r.type in _LOGGED]
    images = [str(r.inputs["image"]) for r in plan.resources if r.type.endswith("/slipway:ContainerImage")]
    lines = [
        ("APIs, enabled for the project: other services may use them", apis),
        ("logs, until Cloud Logging's retention ends", services),
        ("image on the Docker engine, which `docker image rm` deletes", images),
        ("the stack's own settings and history", [f"`pulumi stack rm {plan.stack}` deletes them"]),
    ]
    return [f"{kind}: {', '.join(names)}" for kind, names in lines if names]


def _stays_enabled(resource: Resource) -> bool:
    is_api = resource.type == "gcp:projects/service:Service"
    return is_api and not resource.inputs.get("disableOnDestroy", False)

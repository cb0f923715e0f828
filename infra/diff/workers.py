"""Which resources run the workers of jobs, on every cloud: they answer no calls. Pure."""

from slipway.infra.resources import aws
from slipway.infra.resources.google import WORKER_POOL
from slipway.infra.resources.kubernetes import DEPLOYMENT
from slipway.infra.resources.reading import Resource, at

# components/kubernetes/workers.py: the container of what answers no requests.
_CONTAINER = "worker"


def is_of_workers(resource: Resource) -> bool:
    if resource.type == DEPLOYMENT:
        return at(resource.inputs, "spec", "template", "spec", "containers", 0, "name") == _CONTAINER
    return resource.type == WORKER_POOL or aws.is_of_workers(resource)

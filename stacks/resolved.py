"""The arguments that every target's component records in full, so that a plan shows defaults too."""

from typing import Any

from slipway.components.spec import InferenceServiceSpec


def resolved_service(spec: InferenceServiceSpec) -> dict[str, Any]:
    """Return the cloud-neutral arguments of a service, with the target's own defaults from `spec`."""
    return {
        "task": spec.task,
        "cpu": spec.cpu,
        "memory_gib": spec.memory_gib,
        "min_replicas": spec.min_replicas,
        "max_replicas": spec.max_replicas,
        "request_timeout_seconds": spec.request_timeout_seconds,
    }

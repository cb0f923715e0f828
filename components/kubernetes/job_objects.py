"""The objects of a service that takes jobs: their database, the workers, and what is about them. Pure."""

from collections.abc import Iterator

from .. import keda_api
from . import job_database, keda, monitoring, network, worker_scaling, workers
from .heads import KubernetesObject, head_of, watched_head_of
from .pod import Wiring, selector_of
from .second_version import holds_first
from .spec import KubernetesSpec

_AFTER = ("identity", "settings", "secrets", "model", "worker-policy", "job-database")


def job_objects(spec: KubernetesSpec, wiring: Wiring) -> Iterator[KubernetesObject]:
    """Yield them in an order in which each can be applied; the database only where it is the service's own.

    While the version that serves is held, so are the workers.
    """
    name = workers.worker_name(spec.name)
    is_held = holds_first(spec)
    if job_database.makes_database(spec):
        head = head_of(spec, job_database.API, "Cluster", name=job_database.cluster_name(spec.name))
        yield KubernetesObject("job-database", {**head, "spec": job_database.cluster_spec(spec)})
    if spec.network_policy:
        head = head_of(spec, "networking.k8s.io/v1", "NetworkPolicy", name=name)
        body = {**head, "spec": network.worker_policy_spec(spec, selector_of(spec, name))}
        yield KubernetesObject("worker-policy", body, initial=("spec",) if is_held else ())
    head = head_of(spec, "apps/v1", "Deployment", name=name)
    body = {**head, "spec": workers.deployment_spec(spec, wiring)}
    yield KubernetesObject("worker", body, _AFTER, ("spec",) if is_held else ("spec.replicas",))
    budget = {"selector": {"matchLabels": selector_of(spec, name)}, "maxUnavailable": 1}
    head = head_of(spec, "policy/v1", "PodDisruptionBudget", name=name)
    yield KubernetesObject("worker-budget", {**head, "spec": budget})
    yield from _scaling(spec, name)
    if spec.is_monitored:
        head = watched_head_of(spec, *monitoring.scrape_kind(spec), name=name)
        yield KubernetesObject(
            "worker-monitoring", {**head, "spec": monitoring.worker_scrape_spec(spec, name)}
        )


def _scaling(spec: KubernetesSpec, name: str) -> Iterator[KubernetesObject]:
    """Yield what follows the queue; of a fixed number an autoscaler, as of a fixed number of instances."""
    if not spec.jobs.scales:
        head = head_of(
            spec, "autoscaling/v2", "HorizontalPodAutoscaler", name=name, annotations=keda.SUCCEEDED
        )
        body = {**head, "spec": worker_scaling.autoscaler_spec(spec)}
        yield KubernetesObject("worker-autoscaler", body, ("worker",))
        return
    login = head_of(spec, keda_api.API, "TriggerAuthentication", name=name)
    yield KubernetesObject("worker-scaler-login", {**login, "spec": worker_scaling.login_spec(spec)})
    scaled = head_of(spec, keda_api.API, "ScaledObject", name=name)
    body = {**scaled, "spec": worker_scaling.scaled_object_spec(spec)}
    yield KubernetesObject("worker-scaler", body, ("worker", "worker-scaler-login"))

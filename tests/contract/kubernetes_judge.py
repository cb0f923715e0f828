"""Judges the objects of one service as they are sent: the API's schemas, then what these let through.

It knows nothing of the arguments; it reads the objects as the cluster's parts would.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from slipway.components.kubernetes.limits import VERSIONS
from tests.contract import keda_rules
from tests.contract import kubernetes_job_rules as job_rules
from tests.contract import kubernetes_object_rules as object_rules
from tests.contract import kubernetes_pod_rules as pod_rules
from tests.contract.extension_schemas import extension_faults, extension_kinds
from tests.contract.kubernetes_reading import Objects
from tests.contract.kubernetes_schemas import fault_of

# Kinds of a cluster's extensions, of which Kubernetes itself has no schema.
EXTENSIONS = {
    *("BackendConfig", "FrontendConfig", "ManagedCertificate", "InferenceService"),
    *("PodMonitoring", "Rules", "PodMonitor", "PrometheusRule"),
    *extension_kinds(),
}
RULES: Mapping[str, Callable[[Objects], bool]] = {
    "quantities are ones, above zero": pod_rules.quantities_are_ones,
    "requests are within limits": pod_rules.requests_are_within_limits,
    "GPUs are whole limits of the server": pod_rules.gpus_are_limits,
    "ports are from 1 to 65535": object_rules.ports_are_ones,
    "what names a port finds one": object_rules.port_references_lead_somewhere,
    "selectors find the pods": object_rules.selectors_find_the_pods,
    "tolerations are ones": pod_rules.tolerations_are_ones,
    "names are DNS names": object_rules.names_are_names,
    "labels are labels": object_rules.labels_are_labels,
    "the autoscaler fits its deployment": object_rules.autoscaler_fits_its_deployment,
    "what KEDA scales is there": keda_rules.scaled_is_there,
    "KEDA takes the triggers": keda_rules.triggers_are_taken,
    "the interceptor's route leads to the pods": keda_rules.route_leads_to_the_pods,
    "workers are next to the service": job_rules.workers_are_next_to_the_service,
    "the database is there": job_rules.database_is_there,
    "the policies let to the database": job_rules.policies_let_to_the_database,
    "nobody calls a worker": job_rules.nobody_calls_a_worker,
    "the database survives an instance": job_rules.database_survives_an_instance,
    "the budget lets a drain pass": object_rules.budget_lets_a_drain_pass,
    "a rollout gets on": object_rules.rollout_gets_on,
    "a pod's end is longer than its drain": pod_rules.end_is_longer_than_the_drain,
    "the deadline is longer than a start": pod_rules.deadline_is_longer_than_the_start,
    "a probe ends before the next": pod_rules.probes_end_before_the_next,
    "pods are restricted": pod_rules.pods_are_restricted,
    "every volume is mounted and every mount is there": pod_rules.volumes_are_mounted,
    "the environment is there, and fixed": pod_rules.environment_is_there,
    "the ingress leads to the service": object_rules.ingress_leads_to_the_service,
    "all are in one namespace": object_rules.all_are_in_one_namespace,
    "no two have one name": object_rules.no_two_have_one_name,
    "images have their digest": pod_rules.images_have_their_digest,
    "the identity is there": pod_rules.identity_is_there,
}


def broken_rules(objects: Objects) -> list[str]:
    return [name for name, holds in RULES.items() if not holds(objects)]


def schema_faults(objects: Objects, versions: Sequence[str] = VERSIONS) -> list[str]:
    """List what the schemas of these versions refuse, including unknown fields."""
    texts = [json.dumps(found) for found in objects if found["kind"] not in EXTENSIONS]
    faults = [_schema_fault(text, version) for text in texts for version in versions]
    return [*(fault for fault in faults if fault), *extension_faults(objects)]


@cache
def _schema_fault(text: str, version: str) -> str:
    """Remembered: most services have most objects in common."""
    return fault_of(json.loads(text), version)

"""What each resource costs: which charge prices it, why it has none, or that it is unknown. Pure.

The table of resource types (infra/resources) names the charge; a type without one is unknown, never free.
"""

from collections.abc import Callable, Mapping

from slipway.infra.cost import aws, cloud_run, cloudwatch, gcp, monitoring, pods, postgres, traces
from slipway.infra.cost.charge import Free, NotPriced, Scene, Verdict
from slipway.infra.resources.reading import Resource
from slipway.infra.resources.row import Billed, NoCharge
from slipway.infra.resources.table import row_of

CHARGES: Mapping[str, Callable[[Resource, Scene], Verdict]] = {
    "cloud-run-service": cloud_run.service,
    "gke-cluster": gcp.cluster,
    "node-pool": gcp.node_pool,
    "forwarding-rule": gcp.forwarding_rule,
    "kubernetes-service": gcp.kubernetes_service,
    "pods": pods.pods,
    "volume-claim": gcp.volume_claim,
    "postgres-cluster": postgres.cluster,
    "router-nat": gcp.router_nat,
    "artifact-registry": gcp.image_repository,
    "alert-policy": monitoring.alert_policy,
    "pod-monitoring": monitoring.pod_monitoring,
    "log-bucket": gcp.log_bucket,
    "secret-version": gcp.secret_version,
    "project-grant": traces.project_grant,
    "role-policy": traces.role_policy,
    "ecs-service": aws.service,
    "ecs-cluster": aws.cluster,
    "load-balancer": aws.load_balancer,
    "vpc-endpoint": aws.vpc_endpoint,
    "nat-gateway": aws.nat_gateway,
    "log-group": aws.log_group,
    "metric-alarm": cloudwatch.metric_alarm,
    "composite-alarm": cloudwatch.composite_alarm,
    "cloudwatch-dashboard": cloudwatch.dashboard,
    "ecr-repository": aws.image_repository,
    "secrets-manager-secret": aws.secret,
}


def verdict_of(resource: Resource, scene: Scene) -> Verdict:
    """Return how a resource is charged, in the stack that it is part of."""
    row = row_of(resource.type)
    if row and isinstance(row.charge, Billed):
        return CHARGES[row.charge.charge](resource, scene)
    if row and isinstance(row.charge, NoCharge):
        return Free(row.charge.reason)
    return NotPriced(f"no price is known for the type {resource.type}")

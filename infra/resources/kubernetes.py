"""The kinds of Kubernetes. What replaces: the provider's own table, next to the name and the namespace."""

import re
from typing import Any

from slipway.infra.resources import containers, openness
from slipway.infra.resources.row import HERE, Billed, NoCharge, Replacement, Role, Row

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
AUTOSCALER = re.compile(r"kubernetes:autoscaling/v\w+:HorizontalPodAutoscaler")
# KEDA's, of which it makes an autoscaler.
SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"
# CloudNativePG's, of which it makes pods and volumes.
POSTGRES_CLUSTER = "kubernetes:postgresql.cnpg.io/v1:Cluster"
PROVIDER = "pulumi:providers:kubernetes"

_SOURCE = "pulumi-kubernetes 9497796, provider/pkg/provider/diff.go"
_OBJECT = NoCharge("an object of the cluster has no charge")
_RULE = Billed("forwarding-rule")


def _replaced_by(properties: str = "") -> Replacement:
    return Replacement.by(f"metadata.name metadata.namespace {properties}", _SOURCE)


def _kind(role: Role, properties: str = "", **cells: Any) -> Row:
    return Row(role, _replaced_by(properties), _OBJECT, **cells)


def _workload(role: Role, properties: str = "spec.selector", **cells: Any) -> Row:
    found: dict[str, Any] = {"containers": containers.of_workload, **cells}
    return Row(role, _replaced_by(properties), Billed("pods"), **found)


# Any other kind: a provider of its own may make, open and bill whatever it likes.
OTHER = Row(
    Role.CONFIGURATION,
    _replaced_by(),
    None,
    protection=None,
    containers=None,
    opens=None,
    reachable=None,
    holds=None,
)
_KINDS: dict[str, Row] = {
    "apps/v1:Deployment": _workload(Role.SERVICE, rolls_on=("spec.template",)),
    "apps/v1:DaemonSet": _workload(Role.WORKLOAD),
    "apps/v1:ReplicaSet": _workload(Role.WORKLOAD),
    "apps/v1:StatefulSet": _workload(
        Role.WORKLOAD,
        "spec.podManagementPolicy spec.revisionHistoryLimit spec.selector spec.serviceName "
        "spec.volumeClaimTemplates",
    ),
    "batch/v1:Job": _workload(Role.WORKLOAD, "spec.completions spec.parallelism spec.selector spec.template"),
    "batch/v1:CronJob": _workload(Role.WORKLOAD, "", containers=containers.of_cron_job),
    "core/v1:Pod": _workload(Role.WORKLOAD, "", containers=containers.of_pod),
    "serving.kserve.io/v1beta1:InferenceService": _workload(
        Role.SERVICE,
        "",
        containers=containers.of_inference_service,
        opens=openness.by_knative,
        rolls_on=("spec.predictor",),
    ),
    "core/v1:ConfigMap": _kind(Role.CONFIGURATION, "data binaryData", named_by="data"),
    "core/v1:Secret": _kind(Role.SECRET, "type data stringData", named_by="stringData", holds=True),
    "core/v1:Namespace": _kind(Role.NAMESPACE),
    "core/v1:ServiceAccount": _kind(Role.IDENTITY),
    "core/v1:ResourceQuota": _kind(Role.SCALING, "spec.scopes"),
    "core/v1:Service": Row(
        Role.NETWORK,
        _replaced_by("spec.clusterIP"),
        Billed("kubernetes-service"),
        opens=openness.by_kubernetes_balancer,
    ),
    "core/v1:PersistentVolume": Row(Role.STORAGE, _replaced_by(), None),
    "core/v1:PersistentVolumeClaim": Row(
        Role.STORAGE,
        _replaced_by("spec.accessModes spec.selector spec.storageClassName spec.volumeName"),
        Billed("volume-claim"),
        holds=True,
    ),
    INGRESS.removeprefix("kubernetes:"): Row(Role.NETWORK, _replaced_by(), _RULE, opens=openness.by_ingress),
    NETWORK_POLICY.removeprefix("kubernetes:"): _kind(Role.NETWORK),
    "networking.gke.io/v1:ManagedCertificate": _kind(Role.NETWORK),
    "networking.gke.io/v1beta1:FrontendConfig": _kind(Role.NETWORK),
    "cloud.google.com/v1:BackendConfig": _kind(Role.NETWORK),
    "gateway.networking.k8s.io/v1:Gateway": Row(Role.NETWORK, _replaced_by(), _RULE, opens=None),
    "policy/v1:PodDisruptionBudget": _kind(Role.SCALING),
    **{f"autoscaling/{version}:HorizontalPodAutoscaler": _kind(Role.SCALING) for version in ("v1", "v2")},
    SCALED_OBJECT.removeprefix("kubernetes:"): _kind(Role.SCALING),
    "keda.sh/v1alpha1:TriggerAuthentication": _kind(Role.CONFIGURATION),
    "http.keda.sh/v1beta1:InterceptorRoute": _kind(Role.NETWORK),
    # What its operator refuses to change stays as it is: internal/webhook/v1/cluster_webhook.go there.
    POSTGRES_CLUSTER.removeprefix("kubernetes:"): Row(
        Role.STORAGE, _replaced_by(), Billed("postgres-cluster"), holds=True
    ),
    "core/v1:LimitRange": _kind(Role.SCALING),
    "scheduling.k8s.io/v1:PriorityClass": _kind(Role.SCALING),
    "rbac.authorization.k8s.io/v1:Role": _kind(Role.ROLE_POLICY),
    "rbac.authorization.k8s.io/v1:RoleBinding": _kind(Role.GRANT, "roleRef"),
    "rbac.authorization.k8s.io/v1:ClusterRole": _kind(Role.ROLE_POLICY),
    "rbac.authorization.k8s.io/v1:ClusterRoleBinding": _kind(Role.GRANT, "roleRef"),
    "storage.k8s.io/v1:StorageClass": _kind(Role.STORAGE, "parameters provisioner"),
    "monitoring.googleapis.com/v1:PodMonitoring": Row(
        Role.CONFIGURATION, _replaced_by(), Billed("pod-monitoring")
    ),
    "monitoring.googleapis.com/v1:Rules": _kind(Role.CONFIGURATION),
    "monitoring.coreos.com/v1:PodMonitor": _kind(Role.CONFIGURATION),
    "monitoring.coreos.com/v1:PrometheusRule": _kind(Role.CONFIGURATION),
}
ROWS = {
    **{f"kubernetes:{kind}": row for kind, row in _KINDS.items()},
    # With it alone another cluster is another provider, and all of its objects are made anew.
    PROVIDER: Row(
        Role.CLUSTER_ACCESS,
        Replacement.by(
            "clusterIdentifier", "pulumi-kubernetes f47bc2d, provider/pkg/provider/provider.go, DiffConfig"
        ),
        HERE,
    ),
}

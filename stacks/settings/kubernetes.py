"""The settings of a service on Kubernetes: those that `gke` and `kubernetes` share, and the latter's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from slipway.components.rollouts.kinds import CANARY_PERCENT
from slipway.stacks.settings import checks
from slipway.stacks.settings.common import CloudSettings
from slipway.stacks.settings.jobs import WorkerSettings
from slipway.stacks.settings.rollouts import bake_minutes_setting, rollback_on_setting, rollout_setting
from slipway.stacks.settings.setting import setting

_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_OF_THE_COMMAND = "`slipway up` watches the rollout by it; the program creates nothing for it"
_NAMES = rf"{_NAME}(\.{_NAME})*"


@dataclass(frozen=True, kw_only=True)
class WorkloadSettings(WorkerSettings, CloudSettings):
    """The settings of a service on any Kubernetes cluster, beyond those of every cloud."""

    gpu_count: int | None = setting(
        "gpuCount", checks.whole(1, 16), "GPUs of one instance.", unit="GPUs", unset="1 if `gpu` is set"
    )
    concurrency: int | None = setting(
        "concurrency",
        checks.whole(1, 1000),
        "Concurrent requests per instance, with `serving: kserve`; a Deployment has no such limit, and with "
        "`scaleOn` scales by it.",
        unit="requests",
        unset="8 per vCPU, 1 below one vCPU",
    )
    namespace: str = setting(
        "namespace",
        checks.like(
            rf"(?=.{{1,63}}$){_NAME}",
            "1 to 63 lowercase letters, digits and hyphens",
        ),
        "Namespace of everything.",
        unset="the service's name",
    )
    create_namespace: bool | None = setting(
        "createNamespace",
        checks.flag(),
        "Whether the namespace is created, and deleted with the service; false uses one that exists.",
    )
    serving: str = setting(
        "serving",
        checks.choice("deployment", "kserve"),
        "Kind of object that runs the instances: a Deployment, or KServe, which must be installed.",
    )
    model_delivery: str = setting(
        "modelDelivery",
        checks.choice("fetch", "mount"),
        "How a model in a bucket gets into an instance; `mount` is Cloud Storage FUSE, on GKE only.",
    )
    model_gib: float | None = setting(
        "modelSize",
        checks.size("a Kubernetes quantity, such as 4Gi"),
        unit="bytes",
        description="Size of a model in a bucket, which sets its volume and how long to wait for it.",
        unset="2Gi",
    )
    model_storage_class: str = setting(
        "modelStorageClass",
        checks.like(_NAME, "a storage class with ReadWriteMany"),
        "Storage class of a volume that all instances share for a fetched model.",
        unset="a volume per instance, deleted with it",
    )
    allowed_namespaces: tuple[str, ...] = setting(
        "allowedNamespaces",
        checks.texts('namespaces, such as ["shop"]'),
        "Namespaces whose pods may call a private service.",
        unset="every namespace",
    )
    network_policy: bool | None = setting(
        "networkPolicy",
        checks.flag(),
        "Whether a NetworkPolicy limits who calls the instances and whom they call.",
    )
    tolerations: tuple[Mapping[str, str], ...] = setting(
        "tolerations",
        checks.tolerations('taints, such as ["dedicated=ml:NoSchedule", "spot:NoSchedule", "preemptible"]'),
        "Taints of nodes that the instances tolerate, in addition to those of a GPU.",
    )
    image_pull_secrets: tuple[str, ...] = setting(
        "imagePullSecrets",
        checks.texts('Secrets of the namespace, such as ["registry-login"]'),
        "Secrets with a login to the image's registry.",
    )
    service_account: str = setting(
        "serviceAccount",
        checks.like(_NAMES, "the name of a ServiceAccount of the namespace"),
        "Existing account that the instances run as.",
        unset="one is created",
    )
    service_account_annotations: Mapping[str, str] = setting(
        "serviceAccountAnnotations",
        checks.text_map("a map of annotation to value, such as eks.amazonaws.com/role-arn to a role's ARN"),
        "Annotations of the account that is created.",
    )
    ingress_annotations: Mapping[str, str] = setting(
        "ingressAnnotations",
        checks.text_map("a map of annotation to value"),
        "Annotations of the Ingress that serves `domain`, for its controller.",
    )
    cpu_target_percent: int | None = setting(
        "cpuTarget",
        checks.whole(10, 90),
        unit="%",
        description="CPU use at which instances are added and removed.",
    )
    min_available: int | None = setting(
        "minAvailable",
        checks.whole(0, 1000),
        unit="instances",
        description="Instances that the drain of a node must leave.",
        unset="all but one",
    )
    spare_node: bool | None = setting(
        "spareNode",
        checks.flag(),
        "Whether a rollout finds room for one extra instance.",
        unset="by the nodes if they are known, else only without a GPU",
    )
    requests_metric: str = setting(
        "requestsMetric",
        checks.like(
            r"[A-Za-z][A-Za-z0-9_:.|/-]*",
            "a metric's name in the cluster's custom metrics API, which needs an adapter",
        ),
        "Metric of an instance's requests per second, to scale by.",
        unset="CPU only",
    )
    requests_per_replica: float | None = setting(
        "requestsPerInstance",
        checks.number(0.001, 1e6),
        unit="requests/s",
        description="Value of `requestsMetric` at which instances are added and removed.",
    )
    scale_on: str = setting(
        "scaleOn",
        checks.choice("cpu", "requests", "queue", "interceptor"),
        "Load that the number of instances follows: CPU use; or by KEDA, which must be installed, requests "
        "under way or calls that wait, which a Prometheus reads, or requests in the interceptor of its HTTP "
        "add-on, with which `minInstances` may be 0.",
    )
    scale_target: float | None = setting(
        "scaleTarget",
        checks.number(0.001, 1e6),
        unit="requests",
        description="Requests under way, or calls that wait, per instance at which instances are added and "
        "removed, with `scaleOn`.",
        unset="70 % of `concurrency`, for calls that wait a quarter of it",
    )
    prometheus_address: str = setting(
        "prometheusAddress",
        checks.like(
            r"https?://[A-Za-z0-9]([A-Za-z0-9.-]{0,252})?(:[0-9]{1,5})?(/[A-Za-z0-9._/~-]*)?",
            "the address of a server, such as http://prometheus.monitoring.svc:9090",
        ),
        "Prometheus that KEDA reads, with `scaleOn` requests or queue.",
        unset="that of `monitoring`",
    )
    keda_namespace: str = setting(
        "kedaNamespace",
        checks.like(rf"(?=.{{1,63}}$){_NAME}", "1 to 63 lowercase letters, digits and hyphens"),
        "Namespace of KEDA's HTTP add-on, with `scaleOn: interceptor`.",
    )
    metrics_path: str = setting(
        "metricsPath",
        checks.like(r"/[!-~]*", "a path of the server, such as /metrics"),
        "Path of the metrics page, on a port that only what monitors the instances reaches.",
        unset="/metrics with `monitoring`",
    )
    monitoring_namespaces: tuple[str, ...] = setting(
        "monitoringNamespaces",
        checks.texts('namespaces, such as ["monitoring"]'),
        "Namespaces of the operator's Prometheus, which may read the metrics.",
        unset="monitoring",
    )
    monitoring_labels: Mapping[str, str] = setting(
        "monitoringLabels",
        checks.text_map("a map of label to value"),
        "Labels by which the operator's Prometheus selects objects, such as release: kube-prometheus-stack.",
    )
    jobs_database: str = setting(
        "jobsDatabase",
        checks.like(r"kubernetes:[!-~]+", "`kubernetes:<secret>/<key>`, a Secret of the namespace"),
        "Existing Secret with the address of the PostgreSQL database that keeps jobs.",
        unset="CloudNativePG, which must be installed, runs one",
    )
    max_workers: int | None = setting(
        "maxWorkers",
        checks.whole(1, 1000),
        "Maximum number of workers. Above `minWorkers` KEDA scales them by the jobs that wait and run.",
        unit="workers",
        unset="`minWorkers`; 3 with a `scaleOn` of KEDA",
    )
    jobs_database_instances: int | None = setting(
        "jobsDatabaseInstances",
        checks.whole(1, 9),
        "Instances of the database that is created for jobs; one writes, the others follow and take over.",
        unit="instances",
    )
    jobs_database_gib: float | None = setting(
        "jobsDatabaseSize",
        checks.size("1Gi to 16Ti"),
        "Volume of each of these instances, which can grow and never shrink.",
        unit="bytes",
    )
    rollout: str = rollout_setting()
    canary_percent: int | None = setting(
        "canaryPercent",
        checks.whole(0, 100),
        unit="%",
        description="Share of the requests that a new version gets, with `rollout: canary`, as near as whole "
        "instances come to it; with `serving: kserve` that of a new revision.",
        unset=f"{CANARY_PERCENT}, or one instance; with `serving: kserve` all",
    )
    bake_minutes: float | None = bake_minutes_setting(silent=_OF_THE_COMMAND)
    rollback_on: tuple[str, ...] = rollback_on_setting(
        "more than 1 % of failures, a p99 of three times the old version's, 90 % of the memory limit",
        silent=_OF_THE_COMMAND,
    )


@dataclass(frozen=True, kw_only=True)
class KubernetesSettings(WorkloadSettings):
    """The settings of a service on an existing cluster."""

    specs: ClassVar[tuple[str, ...]] = ("kubernetes.spec.KubernetesSpec",)

    model_delivery: str = setting(
        "modelDelivery",
        checks.choice("fetch"),
        "How a model in a bucket gets into an instance; `mount` is Cloud Storage FUSE, on GKE only.",
        silent="it is the default, and the only way outside GKE",
    )
    monitoring: str = setting(
        "monitoring",
        checks.choice("none", "auto", "operator"),
        "What reads the metrics and raises alarms, with a dashboard for Grafana: the Prometheus Operator. "
        "Without it in the cluster `operator` is refused, and `auto` does nothing.",
        unset="none",
    )
    kubeconfig_path: str = setting(
        "kubeconfig",
        checks.like(r"[^\0-\x1f]+", "the path of a kubeconfig, such as ~/.kube/config"),
        "Kubeconfig with the cluster's address and login.",
        unset="`$KUBECONFIG`, else ~/.kube/config",
    )
    context: str = setting(
        "context",
        checks.like(r"[!-~]+", "the name of a context in the kubeconfig"),
        "Context of the kubeconfig, which selects the cluster.",
        unset="its current context",
    )
    repository: str = setting(
        "repository",
        checks.like(
            r"[a-z0-9][A-Za-z0-9.:_/-]*/[a-z0-9._/-]+", "`host/name` of an existing repository, without a tag"
        ),
        "Repository to push the built image to; required unless `image` is set.",
    )
    platform: str = setting(
        "platform",
        checks.choice("linux/amd64", "linux/arm64"),
        "Processor that the image is built for, and of the nodes to run on.",
        unset="linux/amd64, on any node",
    )
    node_selector: Mapping[str, str] = setting(
        "nodeSelector",
        checks.text_map("a map of label to value"),
        "Labels of the nodes to run on.",
        unset="any",
    )
    node_driver: int | None = setting(
        "nodeDriver",
        checks.whole(300, 999),
        "Branch of the NVIDIA driver on the nodes, such as 580, to check the image's CUDA against.",
        unset="not known",
        silent="it is compared with the image's CUDA, and creates nothing",
    )
    ingress_class: str = setting(
        "ingressClass",
        checks.like(_NAME, "the name of an IngressClass"),
        "Ingress class that serves `domain`.",
        unset="the cluster's default",
    )
    tls_secret: str = setting(
        "tlsSecret",
        checks.like(_NAME, "the name of a Secret of type kubernetes.io/tls"),
        "Certificate of `domain`.",
        unset="HTTP",
    )
    cert_issuer: str = setting(
        "certIssuer",
        checks.like(_NAME, "the name of a ClusterIssuer"),
        "Which issuer of cert-manager fills `tlsSecret`.",
        unset="none",
    )
    computed: ClassVar[Mapping[str, str]] = {"kubeconfig": "kubeconfig"}

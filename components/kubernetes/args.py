"""The arguments of a service on Kubernetes, beyond those of every target. Memory in GiB, times in seconds."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi

from ..jobs.args import WorkersArgs
from ..log_retention import LogRetention
from ..observability.args import WatchedServiceArgs


class Serving(Enum):
    """The kind of object that runs the pods."""

    DEPLOYMENT = "deployment"
    """Kubernetes' own Deployment, Service and HorizontalPodAutoscaler."""
    KSERVE = "kserve"
    """An InferenceService of KServe, which must be installed; it can scale to zero and split traffic."""


class RolloutStep(Enum):
    """Which part of a canary or a blue-green rollout an update is."""

    NONE = "none"
    """None: the service gets what the arguments say, pod by pod; a second version that runs is removed."""
    START = "start"
    """The second version starts next to the first one, without requests."""
    SHARE = "share"
    """It gets its share of the requests, or with blue-green all of them."""
    BACK = "back"
    """It goes; the first one stays as it is."""


class ModelDelivery(Enum):
    """How a model in a bucket gets into a pod."""

    FETCH = "fetch"
    """An init container fetches it as the pod: pinned, checked by hash, resumed after a break."""
    MOUNT = "mount"
    """GKE's Cloud Storage FUSE driver mounts its folder, read-only; what the bucket holds then is served."""


class Monitoring(Enum):
    """What reads the metrics of the pods, and raises alarms."""

    NONE = "none"
    """Nothing: there is no page of metrics to read, no rule and no dashboard."""
    OPERATOR = "operator"
    """The Prometheus Operator, which must be installed: a PodMonitor and a PrometheusRule."""
    GOOGLE = "google"
    """GKE's Managed Service for Prometheus: a PodMonitoring and Rules."""


class ScaleOn(Enum):
    """The load by which the number of pods follows."""

    CPU = "cpu"
    """CPU use, by a HorizontalPodAutoscaler; and `requests_metric` where it is given."""
    REQUESTS = "requests"
    """Requests under way, which KEDA reads from Prometheus."""
    QUEUE = "queue"
    """Calls that wait in the server's queue, which KEDA reads from Prometheus."""
    INTERCEPTOR = "interceptor"
    """Requests that the interceptor of KEDA's HTTP add-on holds and passes on; it can scale to zero."""


class Toleration(TypedDict):
    """A taint that the pods tolerate."""

    key: str
    """The taint's key."""
    operator: NotRequired[str]
    """`Equal` or `Exists`. Default `Equal`."""
    value: NotRequired[str]
    """The taint's value; none with `Exists`."""
    effect: NotRequired[str]
    """`NoSchedule`, `PreferNoSchedule` or `NoExecute`. Default every effect."""


class KubernetesServiceArgs(WatchedServiceArgs, WorkersArgs):
    """The arguments of one inference service on GKE, or on any other Kubernetes cluster."""

    image_ref: pulumi.Input[str]
    """Image with its digest, `host/repository@sha256:<64 hex digits>`, for the nodes' processor."""
    api_key: NotRequired[pulumi.Input[str]]
    """Bearer key of the service, 16 to 4096 printable ASCII characters. One is created when none is given."""
    secret_values: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment name -> value, kept in a Secret of the service. `secrets` takes references to other Secrets
    of the namespace: `<secret>/<key>`."""
    kubeconfig: NotRequired[pulumi.Input[str]]
    """The cluster's kubeconfig, a YAML or JSON string. Default: the provider in the component's options."""
    context: NotRequired[pulumi.Input[str]]
    """Context of the kubeconfig. Default its current one."""
    cluster_identifier: NotRequired[pulumi.Input[str]]
    """Permanent name of the cluster: everything is created anew if it changes. Without it, if the
    kubeconfig changes."""
    namespace: NotRequired[str]
    """Namespace of everything. Default the service's name."""
    create_namespace: NotRequired[bool]
    """Whether the namespace is created, and deleted with the service. Default true."""
    node_selector: NotRequired[dict[str, pulumi.Input[str]]]
    """Labels of the nodes that the pods run on. Default any."""
    tolerations: NotRequired[list[Toleration]]
    """Taints of nodes that the pods tolerate. Default none; with a GPU every `nvidia.com/gpu:NoSchedule`."""
    node_cpu: NotRequired[float]
    """vCPU that pods can request of one node of the pool. Default not known."""
    node_memory_gib: NotRequired[float]
    """Memory that pods can request of one node of the pool, in GiB. Default not known."""
    node_gpus: NotRequired[int]
    """GPUs of one node of the pool, or shares of them. Default not known."""
    node_driver: NotRequired[int]
    """Branch of the NVIDIA driver on the pool's nodes, such as 580. Default not known."""
    cuda_version: NotRequired[str]
    """CUDA that the image is built for, such as `13.2`, which that driver must run. Default unknown."""
    max_nodes: NotRequired[int]
    """Maximum number of nodes of the pool. Default not known."""
    spare_node: NotRequired[bool]
    """Whether a rollout finds room for one extra pod. Default: by the pool's numbers if they are known, else
    true without a GPU and false with one."""
    node_start_seconds: NotRequired[float]
    """Seconds until a new node takes pods, with its driver. Default 180; 600 with a GPU."""
    node_notice_seconds: NotRequired[float]
    """Seconds that pods get to end when their node is taken away: 15 on Spot nodes of GKE. Default 3600 on
    GKE, as an upgrade of nodes gives; elsewhere not known."""
    google_project: NotRequired[pulumi.Input[str]]
    """Google Cloud project of a GKE cluster; the pods then have an identity there. Default none."""
    google_region: NotRequired[pulumi.Input[str]]
    """Region or zone of the cluster, for its pages in the console. Default none."""
    cluster_name: NotRequired[str]
    """Name of the GKE cluster, for its pages in the console. Default none."""
    workload_pool: NotRequired[pulumi.Input[str]]
    """Its workload identity pool, `<project>.svc.id.goog`. Default that of `google_project`."""
    serving: NotRequired[Serving]
    """Kind of object that runs the pods. Default a Deployment."""
    rollout: NotRequired[str]
    """How a new version takes over: `rolling`, pod by pod; `canary`, by a second Deployment with a share of
    the requests first; `blue-green`, by one with all of them. What drives the steps sets `rollout_step`.
    Default `rolling`."""
    canary_percent: NotRequired[float]
    """Share of the requests that a canary gets, in percent, as near as whole pods come to it. Default 10, or
    one pod. With KServe that of a new revision, 0 to 100; the others stay with the previous one. Default
    all."""
    rollout_step: NotRequired[RolloutStep]
    """Which part of a canary or a blue-green rollout this update is. Default none of it: the version of the
    arguments takes over pod by pod."""
    second_replicas: NotRequired[int]
    """Pods of the second version. Default those for `min_replicas` pods of the first one."""
    model_delivery: NotRequired[ModelDelivery]
    """How a model in a bucket gets into a pod. Default an init container fetches it."""
    model_storage_class: NotRequired[pulumi.Input[str]]
    """Storage class of one volume that all pods share and that keeps a fetched model; it must offer
    ReadWriteMany. Default none: a volume of each pod, which ends with it."""
    model_gib: NotRequired[float]
    """Size of a fetched model in GiB, which sets its volume and how long to wait for it. Default 2."""
    image_gib: NotRequired[float]
    """Compressed size of the image in GiB, which sets how long to wait for it. Default 0.2; 4 with a GPU."""
    min_available: NotRequired[int]
    """Pods that a node's drain must leave. Default all but one."""
    cpu_target_percent: NotRequired[int]
    """CPU use at which pods are added and removed. Default 60."""
    requests_metric: NotRequired[str]
    """Requests per second of a pod, as the cluster's custom metrics API names it; needs an adapter there.
    Default none: by CPU only."""
    requests_per_replica: NotRequired[float]
    """Requests per second of a pod at which pods are added and removed; with `requests_metric`."""
    scale_on: NotRequired[ScaleOn]
    """Load by which the number of pods follows. Default CPU use; the others need KEDA in the cluster, and
    count the CPU use of pods without a GPU too."""
    scale_target: NotRequired[float]
    """Requests under way, or calls that wait, of a pod at which pods are added and removed. Default 70 % of
    `concurrency`; a quarter of it with `scale_on` queue."""
    prometheus_address: NotRequired[str]
    """Address of the Prometheus that KEDA reads, such as `http://prometheus.monitoring.svc:9090`. Default
    that of `monitoring`: the operator's in `monitoring_namespaces`, or the Google Cloud project's."""
    keda_namespace: NotRequired[str]
    """Namespace of KEDA's HTTP add-on, for `scale_on` interceptor. Default `keda`."""
    metrics_path: NotRequired[str]
    """Path of the server's metrics page, on a port that only what monitors it reaches. Default `/metrics`
    with `monitoring`."""
    monitoring: NotRequired[Monitoring]
    """What reads the metrics page and raises alarms; with it comes a dashboard, for the sidecar of Grafana's
    chart. Default none; on GKE google if `metrics_path` is given."""
    monitoring_namespaces: NotRequired[list[str]]
    """Namespaces of the operator's Prometheus, which may read the page. Default `monitoring`."""
    monitoring_labels: NotRequired[dict[str, str]]
    """Labels by which the operator's Prometheus selects objects, such as `release`. Default none."""
    domain: NotRequired[str]
    """Custom domain, such as `api.example.com`, served by an Ingress; on GKE with Google's certificate."""
    ingress_class: NotRequired[pulumi.Input[str]]
    """Class of the Ingress elsewhere than on GKE. Default the cluster's."""
    tls_secret: NotRequired[pulumi.Input[str]]
    """Secret of the namespace with the domain's certificate, elsewhere than on GKE. Default none: HTTP."""
    cert_issuer: NotRequired[pulumi.Input[str]]
    """ClusterIssuer of cert-manager that fills `tls_secret`. Default none."""
    network_policy: NotRequired[bool]
    """Whether a NetworkPolicy limits who calls the pods and whom they call. Default true."""
    ingress_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Further annotations of the Ingress, for its controller. Default none."""
    image_pull_secrets: NotRequired[list[pulumi.Input[str]]]
    """Secrets of the namespace with a login to the image's registry. Default none."""
    service_account: NotRequired[str]
    """Existing ServiceAccount of the namespace that the pods run as; it is not changed, and on GKE no account
    of Google is created. Default: a new one."""
    service_account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the new ServiceAccount, such as `eks.amazonaws.com/role-arn`. Default none."""
    allowed_namespaces: NotRequired[list[str]]
    """Namespaces whose pods may call a private service. Default every namespace of the cluster."""
    log_retention: NotRequired[LogRetention]
    """Days that Cloud Logging keeps each kind of log line, 1 to 3650; on GKE only. Default: requests 30,
    events and exceptions 90, sampled requests 14."""
    traces: NotRequired[str]
    """Where spans of traces go: `off`, `cloud` (Cloud Trace, on GKE), or the address of an OTLP collector,
    such as `http://tempo:4318`. The image needs the build argument OTLP, `google` for `cloud` and else 1.
    Default off."""
    jobs_database_instances: NotRequired[int]
    """Instances of the database that is created for jobs; one writes, and the others follow it and take over.
    Default 2."""
    jobs_database_gib: NotRequired[float]
    """Volume of each of them in GiB; it can grow and never shrink. Default 10."""
    deletion_protection: NotRequired[bool]
    """Refuse to delete the service, until an `up` with false. Default true."""

"""The limits of Kubernetes, and the figures from which the pods' times are estimated, each with its source.

Collected on 2026-11-21. K8S: kubernetes.io/docs. GKE: docs.cloud.google.com/kubernetes-engine/docs.
API: k8s.io/kubernetes v1.36.3, pkg/apis/core/validation. Sizes in GiB, times in seconds.
"""

import re

# The versions whose schemas the tests hold every manifest to. 1.30 is the first with the preStop `sleep`.
VERSIONS = tuple(f"1.{minor}" for minor in range(30, 37 + 1))
# K8S concepts/overview/working-with-objects/names: RFC 1123.
LABEL_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
# K8S concepts/overview/working-with-objects/labels
LABEL_KEY = re.compile(
    r"((?=[^/]{1,253}/)[a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
RESERVED_LABELS = ("kubernetes.io/", "k8s.io/")
# K8S concepts/overview/working-with-objects/namespaces: every cluster has these.
RESERVED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
# API: ConfigMap and Secret hold 1 MiB.
OBJECT_BYTES = 1 << 20
# API: validateDNSLabel of a Secret's name, and IsConfigMapKey of its key.
SECRET_REFERENCE = re.compile(
    r"(?P<secret>[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)/(?P<key>[A-Za-z0-9._-]{1,253})"
)
# knative.dev/docs/serving/configuration/config-defaults: max-revision-timeout-seconds.
KNATIVE_TIMEOUT_SECONDS = 600
# github.com/knative/serving, pkg/apis/config/defaults.go: revision-response-start-timeout-seconds.
KNATIVE_RESPONSE_START_SECONDS = 300
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
OPERATORS = ("Equal", "Exists")
# The server is not root, and such a process opens no lower port.
PORT_FROM = 1024
# GKE how-to/managed-certs: at most 63 characters.
MANAGED_DOMAIN_CHARACTERS = 63
PATH = re.compile(r"/[A-Za-z0-9_./-]{0,253}")
# A server of HTTP: without a login, a query or an anchor.
SERVER_ADDRESS = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]{0,252})?(:[0-9]{1,5})?(/[A-Za-z0-9._/~-]*)?")
# K8S tasks/run-application/horizontal-pod-autoscale; names of the custom metrics API may hold a |.
METRIC = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_:.|/-]{0,252}")
# GKE how-to/ingress-configuration: Google's load balancers and their health checks come from here.
GOOGLE_BALANCERS = ("35.191.0.0/16", "130.211.0.0/22")
# GKE concepts/workload-identity#metadata_server, how-to/network-policy: where pods get their tokens.
GOOGLE_METADATA = (("169.254.169.252/32", 988), ("169.254.169.254/32", 80))
# docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html: where pods get their credentials.
EKS_POD_IDENTITY = ("169.254.170.23/32", 80)
# RFC 3927: addresses that never leave a node. DNS on the node itself has one: 169.254.20.10 (K8S
# tasks/administer-cluster/nodelocaldns), 169.254.10.11 (LocalDNS of AKS), 169.254.169.254 (GKE
# how-to/cloud-dns).
LINK_LOCAL = "169.254.0.0/16"
# GKE how-to/workload-identity: on the ServiceAccount, names the account of Google that it acts as.
GOOGLE_ACCOUNT_ANNOTATION = "iam.gke.io/gcp-service-account"
# K8S concepts/services-networking/ingress: the older form of `ingressClassName`; an Ingress has one of them.
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
# GKE how-to/ingress-configuration: BackendConfig timeoutSec, connectionDraining.
DRAINING_SECONDS = 3600

# GKE concepts/node-pool-upgrade-strategies: an upgrade waits an hour for the end of a node's pods.
UPGRADE_NOTICE_SECONDS = 3600.0

# Rates that a start is estimated from, at the slow end. 15 to 20 GB pulled in 4 to 6 minutes (AWS machine
# learning blog, 2026-06): 55 MB/s. A bucket read by one stream in its own region gives 100 MB/s and more.
IMAGE_GIB_PER_SECOND = 0.05
BUCKET_GIB_PER_SECOND = 0.1
# Reads through FUSE ask the bucket for ranges: GKE how-to/cloud-storage-fuse-csi-driver-perf.
MOUNT_GIB_PER_SECOND = 0.05
NODE_START_SECONDS = 180.0
# A new GPU node installs its driver; kubernetes/autoscaler, FACTS of GKE: up to 15 minutes in bad cases.
GPU_NODE_START_SECONDS = 600.0
# CUDA's context and its first kernels.
GPU_WARM_SECONDS = 30.0

"""What the clouds publish as their limits, written out by hand, each with its source.

This is the other side of `components/sizes.py` and of each `limits.py`. It imports nothing of them, so that a
number changed there by mistake differs from the one here. Memory in MiB unless a name says GiB, times in
seconds. A pair is the least and the most. Collected on 2026-11-21.

RUN: docs.cloud.google.com/run/docs. RUNPB: google-cloud-run 0.16.2. BC: botocore 1.44.5, the texts of its
service models. ECS: docs.aws.amazon.com/AmazonECS/latest/developerguide. ELB: docs.aws.amazon.com,
elasticloadbalancing/latest/application. GKE: docs.cloud.google.com/kubernetes-engine/docs. GKEPB:
google-cloud-container 2.67.0. K8S: kubernetes.io/docs.
"""

from collections.abc import Mapping

# vCPU: least and most memory. RUN/configuring/cpu; the least of second generation, 512 MiB, from
# RUN/configuring/services/memory-limits.
CLOUD_RUN_SIZES: Mapping[float, tuple[int, int]] = {
    1: (512, 4096),
    2: (512, 8192),
    4: (2048, 16384),
    6: (4096, 24576),
    8: (4096, 32768),
}
# vCPU: the sizes of a task. BC ecs RegisterTaskDefinition.memory; cfn-lint 1.58.0, fargate_cpu_memory.json.
FARGATE_SIZES: Mapping[float, tuple[int, ...]] = {
    0.25: (512, 1024, 2048),
    0.5: (1024, 2048, 3072, 4096),
    1: (2048, 3072, 4096, 5120, 6144, 7168, 8192),
    2: (4096, 5120, 6144, 7168, 8192, 9216, 10240, 11264, 12288, 13312, 14336, 15360, 16384),
    4: (
        *(8192, 9216, 10240, 11264, 12288, 13312, 14336, 15360, 16384, 17408, 18432, 19456),
        *(20480, 21504, 22528, 23552, 24576, 25600, 26624, 27648, 28672, 29696, 30720),
    ),
    8: (16384, 20480, 24576, 28672, 32768, 36864, 40960, 45056, 49152, 53248, 57344, 61440),
    16: (32768, 40960, 49152, 57344, 65536, 73728, 81920, 90112, 98304, 106496, 114688, 122880),
}

# The constant of the code, its value, where the value is published.
Rows = tuple[tuple[str, object, str], ...]
# Part of a region's name -> its numbers. cloud.google.com/about/locations.
GOOGLE_REGIONS: Mapping[str, tuple[int, ...]] = {
    "africa-south": (1,),
    "asia-east": (1, 2),
    "asia-northeast": (1, 2, 3),
    "asia-south": (1, 2),
    "asia-southeast": (1, 2, 3),
    "australia-southeast": (1, 2),
    "europe-central": (2,),
    "europe-north": (1, 2),
    "europe-southwest": (1,),
    "europe-west": (1, 2, 3, 4, 6, 8, 9, 10, 12),
    "me-central": (1, 2),
    "me-west": (1,),
    "northamerica-northeast": (1, 2),
    "northamerica-south": (1,),
    "southamerica-east": (1,),
    "southamerica-west": (1,),
    "us-central": (1,),
    "us-east": (1, 4, 5),
    "us-south": (1,),
    "us-west": (1, 2, 3, 4),
}


def _numbered(regions: Mapping[str, tuple[int, ...]]) -> set[str]:
    return {f"{name}{number}" for name, numbers in regions.items() for number in numbers}


GOOGLE: Rows = (
    (
        "LABELS",
        63,
        "cloud.google.com/resource-manager/docs/labels-overview: 64, of which the provider adds one",
    ),
    ("LOG_DAYS", (1, 3650), "cloud.google.com/logging/quotas#logs_retention_periods"),
    ("ACCOUNT_CHARACTERS", 30, "cloud.google.com/iam/docs/service-accounts-create"),
    ("SECRET_ID_CHARACTERS", 255, "pulumi-gcp 10.2.0 secretmanager.Secret.secret_id"),
    ("ZONE_LETTERS", "abcdef", "cloud.google.com/compute/docs/regions-zones"),
    (
        "MISSING_ZONES",
        {"europe-west1-a", "us-east1-a"},
        "cloud.google.com/compute/docs/regions-zones: these regions have b, c and d",
    ),
    ("REGIONS", _numbered(GOOGLE_REGIONS), "cloud.google.com/about/locations"),
    ("METRICS_LATE_SECONDS", 180, "cloud.google.com/monitoring/api/metrics_gcp_p_z, run/request_count"),
    ("TRAFFIC_TO_LATEST", "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "RUNPB TrafficTargetAllocationType"),
    ("TRAFFIC_TO_REVISION", "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "RUNPB TrafficTargetAllocationType"),
)
AWS: Rows = (
    ("TAGS", 50, "docs.aws.amazon.com/tag-editor/latest/userguide/tagging"),
    ("SECRET_NAME_CHARACTERS", 512, "BC secretsmanager NameType"),
    ("LOGIN_ACTION", "ecr:GetAuthorizationToken", "ECS/task_execution_IAM_role"),
    ("PULL_ACTIONS", ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), "ECS/task_execution_IAM_role"),
)
CLOUD_RUN: Rows = (
    ("REVISION_MAX_INSTANCES", 100, "RUNPB RevisionScaling.max_instance_count"),
    ("FRACTION_FROM", 0.08, "RUN/configuring/cpu"),
    ("FRACTION_STEP", 0.001, "RUN/configuring/cpu"),
    (
        "FRACTION_MIB",
        {0.08: 512, 0.5: 1024},
        "RUN/configuring/cpu: over 512 MiB from 0.5 vCPU, over 1 GiB from 1",
    ),
    ("GEN1_MIB", 128, "RUN/configuring/services/memory-limits"),
    ("GEN2_MIB", 512, "RUN/configuring/services/memory-limits"),
    ("WORKER_CPU", 1, "RUN/configuring/workerpools/cpu"),
    ("WORKER_MIB", 512, "RUN/configuring/workerpools/memory-limits"),
    ("CONCURRENCY", 1000, "RUN/about-concurrency"),
    ("TIMEOUT_SECONDS", 3600, "RUN/configuring/request-timeout"),
    ("STARTUP_SECONDS", 240, "RUN/configuring/healthchecks, RUNPB Probe: failure threshold x period"),
    ("SHUTDOWN_SECONDS", 10, "RUN/container-contract"),
    ("ENVIRONMENT_NAMES", 1000, "RUN/configuring/services/overview-environment-variables"),
    ("ENVIRONMENT_BYTES", 32768, "RUN/configuring/services/overview-environment-variables"),
    ("RESERVED_PREFIX", "X_GOOGLE_", "RUN/container-contract"),
    (
        "DOMAIN_REGIONS",
        {
            *("asia-east1", "asia-northeast1", "asia-southeast1", "europe-north1", "europe-west1"),
            *("europe-west4", "us-central1", "us-east1", "us-east4", "us-west1"),
        },
        "RUN/mapping-custom-domains",
    ),
    ("RESERVED_NAMES", {"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"}, "RUN/container-contract"),
    (
        "LABEL_NAMESPACES",
        (
            *("run.googleapis.com", "cloud.googleapis.com"),
            *("serving.knative.dev", "autoscaling.knative.dev"),
        ),
        "RUNPB Service.labels",
    ),
    ("LARGE_GPU", "nvidia-rtx-pro-6000", "RUN/configuring/services/gpu: above 8 vCPU and 32 GiB"),
)
# Accelerator: vCPU, memory, regions, those by invitation. RUN/configuring/{services,workerpools}/gpu.
CLOUD_RUN_GPUS: Mapping[str, tuple[int, int, set[str], set[str]]] = {
    "nvidia-l4": (
        4,
        16384,
        {"asia-southeast1", "asia-south1", "europe-west1", "europe-west4", "us-east4", "us-central1"},
        {"asia-south1", "us-central1"},
    ),
    "nvidia-rtx-pro-6000": (
        20,
        81920,
        {"asia-southeast1", "asia-south2", "europe-west4", "us-central1"},
        {"asia-south2"},
    ),
}
# Accelerator: the driver of Cloud Run. RUN/configuring/services/gpu.
CLOUD_RUN_DRIVERS = {"nvidia-l4": 535, "nvidia-rtx-pro-6000": 580}
FARGATE: Rows = (
    ("BAKE_MINUTES", (1, 1440), "BC ecs DeploymentConfiguration.bakeTimeInMinutes: 0 to 1440"),
    ("LEAST_CANARY_PERCENT", 0.1, "BC ecs CanaryConfiguration.canaryPercent: multiples of 0.1 from 0.1"),
    ("ALARM_NAME_CHARACTERS", 255, "BC cloudwatch AlarmName"),
    ("DOMAIN_CHARACTERS", 128, "ELB/rule-condition-types"),
    ("STORAGE_INCLUDED_GIB", 20, "ECS/fargate-tasks-services"),
    ("STORAGE_GIB", (21, 200), "BC ecs EphemeralStorage.sizeInGiB"),
    ("STOP_SECONDS", 120, "BC ecs ContainerDefinition.stopTimeout"),
    ("HEALTH_INTERVAL_SECONDS", (5, 300), "BC ecs HealthCheck.interval"),
    ("HEALTH_TIMEOUT_SECONDS", (2, 60), "BC ecs HealthCheck.timeout"),
    ("HEALTH_RETRIES", (1, 10), "BC ecs HealthCheck.retries"),
    ("HEALTH_START_SECONDS", (0, 300), "BC ecs HealthCheck.startPeriod"),
    ("BASE", 100000, "BC ecs CapacityProviderStrategyItem.base"),
    ("TASK_DEFINITION_BYTES", 65536, "ECS/service-quotas: 64 KB"),
    ("SUBNETS", 16, "ECS/service-quotas"),
    ("LEAST_ZONES", 2, "ELB/application-load-balancers"),
    (
        "RESERVED_NAMES",
        {
            *("ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4", "ECS_AGENT_URI"),
            *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_EXECUTION_ENV"),
        },
        "ECS/task-metadata-endpoint-v4-fargate, ECS/task-iam-roles",
    ),
    ("IDLE_TIMEOUT_SECONDS", (1, 4000), "BC elbv2 LoadBalancerAttribute idle_timeout"),
    ("DEREGISTRATION_SECONDS", (0, 3600), "BC elbv2 TargetGroupAttribute deregistration_delay"),
    ("SLOW_START_SECONDS", (30, 900), "BC elbv2 TargetGroupAttribute slow_start"),
    ("TARGET_INTERVAL_SECONDS", (5, 300), "BC elbv2 CreateTargetGroup.HealthCheckIntervalSeconds"),
    ("TARGET_TIMEOUT_SECONDS", (2, 120), "BC elbv2 CreateTargetGroup.HealthCheckTimeoutSeconds"),
    ("TARGET_THRESHOLD", (2, 10), "BC elbv2 CreateTargetGroup.HealthyThresholdCount"),
    ("PRIORITY", (1, 50000), "BC elbv2 RulePriority"),
    ("RULE_VALUES", 5, "ELB/load-balancer-limits"),
    ("BALANCER_NAME_CHARACTERS", 32, "BC elbv2 CreateLoadBalancer.Name"),
    ("ROLE_NAME_CHARACTERS", 64, "docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas"),
    (
        "RETENTION_DAYS",
        (
            *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
            *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
        ),
        "BC logs PutRetentionPolicy.retentionInDays; PAWS cloudwatch.LogGroup: 0 for ever",
    ),
    ("RULES", 60, "docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits: inbound rules of a group"),
    (
        "LACKING_ZONES",
        {"ap-northeast-1", "us-west-1"},
        "aws-samples/saas-reference-architecture-ecs#12; docs.aws.amazon.com/global-infrastructure/regions",
    ),
    ("ZONES", (2, 6), "ELB/application-load-balancers: two zones or more; no region has more than six"),
)
GKE: Rows = (
    ("POOL_NODES", 1000, "GKE/concepts/cluster-autoscaler"),
    ("NODE_DRAIN_MINUTES", 60, "GKE/concepts/node-pool-upgrade-strategies"),
    ("SPOT_NOTICE_SECONDS", 15, "GKE/concepts/spot-vms: pods that are not the system's"),
    ("CLIENTS", (2, 48), "GKE/how-to/timesharing-gpus, nvidia-mps-gpus"),
    ("AUTHORIZED_NETWORKS", 100, "GKE/how-to/authorized-networks"),
    ("REGIONAL_ZONES", 3, "GKE/concepts/regional-clusters"),
    ("SSD_QUOTA_GB", 500, "cloud.google.com/compute/quotas: SSD_TOTAL_GB of a new project"),
    ("CLUSTER_USD_PER_HOUR", 0.10, "cloud.google.com/kubernetes-engine/pricing"),
    ("CREDIT_USD_PER_MONTH", 74.40, "cloud.google.com/kubernetes-engine/pricing"),
    ("HYPERDISK_FAMILIES", ("g4",), "docs.cloud.google.com/compute/docs/accelerator-optimized-machines"),
    ("NO_RESERVATION", "NO_RESERVATION", "GKEPB ReservationAffinity.Type"),
    ("GLOBAL_QUOTA", "GPUS_ALL_REGIONS", "cloud.google.com/compute/resource-usage#gpu_quota"),
    (
        "QUOTAS",
        {
            "nvidia-l4": "NVIDIA_L4_GPUS",
            "nvidia-tesla-t4": "NVIDIA_T4_GPUS",
            "nvidia-tesla-a100": "NVIDIA_A100_GPUS",
            "nvidia-a100-80gb": "NVIDIA_A100_80GB_GPUS",
            "nvidia-h100-80gb": "NVIDIA_H100_GPUS",
        },
        "cloud.google.com/compute/resource-usage#gpu_quota",
    ),
)
KUBERNETES: Rows = (
    ("RESERVED_LABELS", ("kubernetes.io/", "k8s.io/"), "K8S/concepts/overview/working-with-objects/labels"),
    (
        "RESERVED_NAMESPACES",
        ("default", "kube-system", "kube-public", "kube-node-lease"),
        "K8S/concepts/overview/working-with-objects/namespaces",
    ),
    ("KNATIVE_TIMEOUT_SECONDS", 600, "knative/serving config-defaults: max-revision-timeout-seconds"),
    ("OBJECT_BYTES", 1048576, "K8S/concepts/configuration/configmap, secret: 1 MiB"),
    (
        "EFFECTS",
        ("NoSchedule", "PreferNoSchedule", "NoExecute"),
        "K8S/concepts/scheduling-eviction/taint-and-toleration",
    ),
    ("OPERATORS", ("Equal", "Exists"), "K8S/concepts/scheduling-eviction/taint-and-toleration"),
    (
        "KNATIVE_RESPONSE_START_SECONDS",
        300,
        "github.com/knative/serving, pkg/apis/config/defaults.go: DefaultRevisionResponseStartTimeoutSeconds",
    ),
    ("UPGRADE_NOTICE_SECONDS", 3600, "GKE/concepts/node-pool-upgrade-strategies"),
    ("LINK_LOCAL", "169.254.0.0/16", "RFC 3927, section 2.1"),
    (
        "EKS_POD_IDENTITY",
        ("169.254.170.23/32", 80),
        "docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works",
    ),
    ("MANAGED_DOMAIN_CHARACTERS", 63, "GKE/how-to/managed-certs"),
    ("GOOGLE_BALANCERS", ("35.191.0.0/16", "130.211.0.0/22"), "GKE/how-to/ingress-configuration"),
    (
        "GOOGLE_METADATA",
        (("169.254.169.252/32", 988), ("169.254.169.254/32", 80)),
        "GKE/how-to/network-policy, concepts/workload-identity",
    ),
    ("DRAINING_SECONDS", 3600, "GKE/how-to/ingress-configuration: connectionDraining"),
    ("GOOGLE_ACCOUNT_ANNOTATION", "iam.gke.io/gcp-service-account", "GKE/how-to/workload-identity"),
    ("CLASS_ANNOTATION", "kubernetes.io/ingress.class", "K8S/concepts/services-networking/ingress"),
)

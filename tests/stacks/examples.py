"""A valid value of every setting of every target, and the settings that it needs beside it.

A choice, a flag and a number have a neighbour of their own; the others, and those that a component takes only
together, are here. tests/stacks/test_every_setting.py fails where one is missing.
"""

import json
from collections.abc import Mapping

from slipway.stacks.settings.setting import Setting
from tests.stacks.targets import GIVEN, IMAGES

Example = tuple[str, Mapping[str, str]]

_ARN = "arn:aws:{service}:eu-west-1:123456789012:{path}"
_CERTIFICATE = _ARN.format(service="acm", path="certificate/0a1b2c3d-0000-4000-8000-000000000000")
_OTHER_CERTIFICATE = _ARN.format(service="acm", path="certificate/1a1b2c3d-0000-4000-8000-000000000000")
_LISTENER, _OTHER_LISTENER = (
    _ARN.format(service="elasticloadbalancing", path=f"listener/app/{name}/0123456789abcdef/0123456789abcdef")
    for name in ("shared", "other")
)
_ROLE = "arn:aws:iam::123456789012:role/models"
_SUBNETS = '["subnet-0a1b2c3d", "subnet-1a2b3c4d"]'
_NETWORK = {"network": "vpc-0a1b2c3d", "subnets": _SUBNETS}
_DOMAIN = {"domain": "api.example.com"}
_SECURE = {**_DOMAIN, "certificate": _CERTIFICATE}
_SECRET = _ARN.format(service="secretsmanager", path=f"secret:token-AbCdEf:::{'a' * 32}")
_SHARED = {**_NETWORK, **_DOMAIN, "listener": _LISTENER, "listenerSecurityGroup": "sg-0a1b2c3d"}
_OTHER = "s3://acme-models/spam@3sL4kqtJlcpXroDTDmJ"
_EMBEDDER = f"hf:acme/embedder@{'1' * 40}"

_MONITORED = {"monitoring": "operator"}

_CANARY = {"rollout": "canary"}

_JOBS = {"jobs": "true"}
# Of every target that takes jobs; its own are in its map.
_WITH_JOBS: Mapping[str, Example] = {
    "jobs": ("true", {}),
    "jobTtlDays": ("30", _JOBS),
    "jobsPerCaller": ("50", _JOBS),
    "webhookHosts": ('["hooks.example.com"]', _JOBS),
    "workerMemory": ("4Gi", _JOBS),
    "minWorkers": ("2", {**_JOBS, "maxWorkers": "5"}),
    "maxWorkers": ("6", _JOBS),
    "workerCpu": ("2", {**_JOBS, "workerMemory": "4Gi"}),
}

_EVERYWHERE: Mapping[str, Example] = {
    "loadSeconds": ("55", {}),
    "cpu": ("4", {"memory": "8Gi"}),
    "memory": ("4Gi", {}),
    "minInstances": ("2", {}),
    "maxInstances": ("5", {}),
    "timeout": ("30", {}),
}
_CLOUDS: Mapping[str, Example] = {
    **_EVERYWHERE,
    "task": ("embed", {"model": _EMBEDDER}),
    "backend": ("torch", {"task": "embed", "model": _EMBEDDER, "memory": "4Gi"}),
    "concurrency": ("4", {}),
    "name": ("acme-api", {}),
    "baseImage": ("python:3.11-slim-bookworm", {}),
    "buildArgs": ('{"HF_ENDPOINT": "https://mirror.example.com"}', {}),
    "keepImages": ("20", {}),
    "scanImages": ("false", {}),
    "env": ('{"LOG_LEVEL": "debug"}', {}),
    "labels": ('{"team": "search"}', {}),
    "domain": ("api.example.com", {}),
    "traces": ("http://tempo:4318", {}),
    "observability": ("full", {}),
    "alertEmail": ("oncall@example.com", {"observability": "basic"}),
    "objective": ('{"availability": 99.9}', {"observability": "basic"}),
    "thresholds": ('{"memory": {"page": 0.9}}', {"observability": "basic"}),
    "runbooks": ("https://docs.example.com/runbooks", {"observability": "basic"}),
}
_GPU = {"gpu": "nvidia-l4", "cpu": "2", "memory": "8Gi"}
_GKE_GPU = {**_GPU, "image": IMAGES["gke"], "model": f"gs://acme/model@{'1' * 16}"}
_OWN_CLUSTER = {"cluster": "shared", "image": IMAGES["gke"]}
_RANGES = {"podsRange": "pods", "servicesRange": "services"}
_BUCKET = {"model": f"gs://acme/model@{'1' * 16}"}
_RUN_GPU = {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", **_BUCKET, "image": IMAGES["cloud-run"]}
_HOOK_KEY = {"secrets": '{"JOBS_WEBHOOK_SECRET": "kubernetes:hooks/key"}'}
_WORKLOAD: Mapping[str, Example] = {
    **_CLOUDS,
    **_WITH_JOBS,
    "jobFiles": ('["gs://acme-jobs/input/"]', _JOBS),
    "jobResults": ("gs://acme-jobs/results/", _JOBS),
    "jobsDatabase": ("kubernetes:jobs/url", _JOBS),
    "jobsDatabaseInstances": ("3", _JOBS),
    "jobsDatabaseSize": ("20Gi", _JOBS),
    "webhookHosts": ('["hooks.example.com"]', {**_JOBS, **_HOOK_KEY}),
    "concurrency": ("4", {"serving": "kserve"}),
    "namespace": ("models", {}),
    "modelSize": ("9Gi", _BUCKET),
    "modelStorageClass": ("filestore", {**_BUCKET, "modelSize": "4Gi"}),
    "allowedNamespaces": ('["shop"]', {}),
    "monitoringNamespaces": ('["observability"]', _MONITORED),
    "monitoringLabels": ('{"release": "prometheus"}', _MONITORED),
    "objective": ('{"availability": 99.9}', _MONITORED),
    "thresholds": ('{"memory": {"page": 0.9}}', _MONITORED),
    "runbooks": ("https://docs.example.com/runbooks", _MONITORED),
    "metricsPath": ("/stats", _MONITORED),
    "requestsMetric": (
        "other_per_second",
        {"requestsMetric": "requests_per_second", "requestsPerInstance": "5"},
    ),
    "requestsPerInstance": ("7", {"requestsMetric": "requests_per_second", "requestsPerInstance": "5"}),
    "scaleOn": ("queue", _MONITORED),
    "scaleTarget": ("3", {**_MONITORED, "scaleOn": "requests"}),
    "prometheusAddress": ("http://thanos:9090", {**_MONITORED, "scaleOn": "requests"}),
    "kedaNamespace": ("scaling", {"scaleOn": "interceptor"}),
    "networkPolicy": ("false", {}),
    "spareNode": ("false", {}),
    "createNamespace": ("false", {}),
    "tolerations": ('["dedicated=ml:NoSchedule"]', {}),
    "imagePullSecrets": ('["registry-login"]', {}),
    "serviceAccount": ("models", {}),
    "serviceAccountAnnotations": (
        '{"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/models"}',
        {},
    ),
    "ingressAnnotations": ('{"example.com/limit": "10"}', {"domain": "api.example.com", "public": "true"}),
    "cpuTarget": ("70", {}),
    "minAvailable": ("1", {"minInstances": "3"}),
    "rollout": ("canary", {}),
    "canaryPercent": ("10", {"serving": "kserve"}),
    "bakeMinutes": ("2", {"rollout": "canary"}),
    "rollbackOn": ('["slipway_drift > 0"]', {"rollout": "canary"}),
    "secrets": ('{"TOKEN": "kubernetes:shared/token"}', {}),
}

EXAMPLES: Mapping[str, Mapping[str, Example]] = {
    "local": {
        **_EVERYWHERE,
        **_WITH_JOBS,
        "jobFiles": ('["file:/srv/input/"]', _JOBS),
        "jobResults": ("file:/srv/results/", _JOBS),
        "image": ("slipway:2", {"runtime": "container"}),
        "port": ("8321", {}),
        "canaryPercent": ("20", {"rollout": "canary"}),
        "bakeMinutes": ("2", {"rollout": "canary"}),
        "rollbackOn": ('["slipway_drift > 0"]', {"rollout": "canary"}),
        "smokeTests": ("smoke.jsonl", {}),
    },
    "cloud-run": {
        **_CLOUDS,
        "cpu": ("2", {}),
        "model": (f"gs://acme/model@{'1' * 16}", {}),
        "gpu": ("nvidia-l4", {k: v for k, v in _RUN_GPU.items() if k != "gpu"}),
        "project": ("other-project", {}),
        "region": ("europe-west1", {}),
        "image": (IMAGES["cloud-run"], {}),
        "invokers": ('["user:ada@example.com"]', {}),
        "checkInvokers": ("false", {"public": "true"}),
        "secrets": ('{"TOKEN": "projects/acme-ml/secrets/token/versions/1"}', {}),
        "network": ("inner", {}),
        "subnetwork": ("inner-a", {"network": "inner"}),
        "canaryPercent": ("20", {"rollout": "canary"}),
        "bakeMinutes": ("3", {"rollout": "canary"}),
        "rollbackOn": ('["http_server_request_duration_seconds p99 > 2x"]', {"rollout": "canary"}),
        "egress": ("all-traffic", {"network": "inner"}),
        "modelDelivery": ("mount", _BUCKET),
        "gpuZonalRedundancy": ("true", _RUN_GPU),
        "executionEnvironment": ("gen1", {}),
        "startupCpuBoost": ("false", {}),
        "logRetention": ('{"access": 7}', {}),
    },
    "fargate": {
        **_CLOUDS,
        "model": (_OTHER, {}),
        "region": ("eu-central-1", {}),
        "image": (IMAGES["fargate"], {}),
        "domain": ("other.example.com", _SHARED),
        "certificate": (_OTHER_CERTIFICATE, _SECURE),
        "allowedCidrs": ('["203.0.113.0/24"]', {}),
        "ipv6": ("true", _NETWORK),
        "onDemandInstances": ("2", {"spotPercent": "50"}),
        "slowStart": ("60", {}),
        "rollout": ("blue-green", {}),
        "canaryPercent": ("20", _CANARY),
        "bakeMinutes": ("20", _CANARY),
        "rollbackOn": ('["availability"]', _CANARY),
        "publicAddresses": ("false", _NETWORK),
        "taskRole": (_ROLE, {}),
        "executionRole": (_ROLE, {}),
        "spotPercent": ("50", {}),
        "schedule": ('{"workdays": "cron(0 8 ? * MON-FRI *) 2-3"}', {}),
        "ephemeralStorage": ("30Gi", {}),
        "zones": ('["eu-west-1b", "eu-west-1c"]', {}),
        "network": ("vpc-9a9b9c9d", _NETWORK),
        "subnets": ('["subnet-9a9b9c9d", "subnet-8a8b8c8d"]', _NETWORK),
        "taskSubnets": ('["subnet-9a9b9c9d", "subnet-8a8b8c8d"]', _NETWORK),
        "listener": (_OTHER_LISTENER, _SHARED),
        "listenerSecurityGroup": ("sg-9a9b9c9d", _SHARED),
        "listenerPaths": ('["/predict", "/v1/*"]', _SHARED),
        "listenerPriority": ("7", _SHARED),
        "cluster": (_ARN.format(service="ecs", path="cluster/shared"), {}),
        "cpuTarget": ("70", {}),
        "requestsPerInstance": ("7", {}),
        "logRetentionDays": ("7", {}),
        "secrets": (json.dumps({"TOKEN": _SECRET}), {}),
    },
    "gke": {
        **_WORKLOAD,
        "cpu": ("4", {"memory": "8Gi", "machineType": "e2-standard-8"}),
        "concurrency": ("4", {**_OWN_CLUSTER, "serving": "kserve"}),
        "canaryPercent": ("10", {**_OWN_CLUSTER, "serving": "kserve"}),
        "serving": ("kserve", _OWN_CLUSTER),
        "logRetention": ('{"access": 7}', {}),
        "domain": ("api.example.com", {"public": "true"}),
        "model": (f"gs://acme/model@{'1' * 16}", {}),
        "gpu": ("nvidia-l4", {k: v for k, v in _GKE_GPU.items() if k != "gpu"}),
        "gpuCount": ("2", _GKE_GPU),
        "project": ("other-project", {}),
        "region": ("europe-west1", {}),
        "image": (IMAGES["gke"], {}),
        "location": ("europe-west4-a", {}),
        "zones": ('["europe-west4-a"]', {}),
        "controlPlaneCidrs": ('["203.0.113.0/24"]', {}),
        "network": ("inner", {}),
        "subnetwork": ("inner-a", {"network": "inner"}),
        "podsRange": ("other-pods", _RANGES),
        "servicesRange": ("other-services", _RANGES),
        "cluster": ("shared", {}),
        "nodePool": ("gpus", {**_OWN_CLUSTER, **_GKE_GPU}),
        "machineType": ("e2-standard-8", {}),
        "minNodes": ("2", _GKE_GPU),
        "minNodesPerZone": ("2", {**_GKE_GPU, "zones": '["europe-west4-a"]'}),
        "maxNodes": ("7", {}),
        "nodeDisk": ("200Gi", {}),
        "nodeServiceAccount": ("nodes@acme-ml.iam.gserviceaccount.com", {}),
        "spot": ("true", _GKE_GPU),
        "flexStart": ("true", {**_GKE_GPU, "minInstances": "1", "minNodes": "0"}),
        "gpuDriver": ("default", _GKE_GPU),
        "gpuSharing": ("time-sharing", {**_GKE_GPU, "cpu": "1", "memory": "4Gi"}),
        "gpuClients": ("3", {**_GKE_GPU, "cpu": "1", "memory": "4Gi", "gpuSharing": "time-sharing"}),
        "modelDelivery": ("mount", _BUCKET),
        "privateNodes": ("false", {}),
    },
    "kubernetes": {
        **_WORKLOAD,
        "model": (_OTHER, {}),
        "gpu": ("nvidia-l4", {**_BUCKET, "image": IMAGES["kubernetes"]}),
        "gpuCount": ("2", {**_BUCKET, "image": IMAGES["kubernetes"], "gpu": "nvidia-l4"}),
        "image": (IMAGES["kubernetes"], {}),
        "kubeconfig": ("kubeconfig-of-another", {}),
        "context": ("kind", {}),
        "repository": ("registry.example.com/other/server", {}),
        "nodeSelector": ('{"disk": "ssd"}', {}),
        "ingressClass": ("nginx", _DOMAIN),
        "tlsSecret": ("api-tls", _DOMAIN),
        "certIssuer": ("letsencrypt", {**_DOMAIN, "tlsSecret": "api-tls"}),
    },
}

# What has to change with a value: a mounted model has no generation, and a fetched one has.
TOGETHER: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("gke", "modelDelivery"): {"model": "gs://acme/model"},
    ("cloud-run", "modelDelivery"): {"model": "gs://acme/model"},
}


def base_of(target: str) -> Mapping[str, str]:
    """Return the fewest settings of a stack with this target."""
    return GIVEN.get(target, {"target": target})


def example_of(target: str, row: Setting) -> Example | None:
    """Return a value that is not the default, and the settings that it needs; None if there is none."""
    if row.key in EXAMPLES[target]:
        return EXAMPLES[target][row.key]
    if row.type == "flag":
        return ("true" if row.key != "deletionProtection" else "false", {})
    if row.type == "choice":
        return (row.allowed.split(", ")[-1], {})
    return None


# A third value of settings whose values are no numbers and no choices.
_ONE_MORE: Mapping[str, str] = {
    "traces": "https://collector.example.com",
    "jobFiles": '["gs://acme-jobs/input/", "gs://acme-other/"]',
    "jobResults": "gs://acme-other/",
    "jobsDatabase": "kubernetes:other/url",
    "webhookHosts": '["hooks.example.com", "other.example.com"]',
    "rollbackOn": '["latency", "alarm:api-errors"]',
    "baseImage": "python:3.11-bookworm",
    "buildArgs": '{"HF_ENDPOINT": "https://other.example.com"}',
    "allowedCidrs": '["198.51.100.0/24", "203.0.113.0/24"]',
    "allowedNamespaces": '["shop", "search"]',
    "certIssuer": "other-issuer",
    "certificate": _ARN.format(service="acm", path="certificate/2a1b2c3d-0000-4000-8000-000000000000"),
    "cluster": "other",
    "context": "other",
    "controlPlaneCidrs": '["198.51.100.0/24"]',
    "domain": "third.example.com",
    "env": '{"LOG_LEVEL": "warning"}',
    "gpu": "nvidia-tesla-t4",
    "imagePullSecrets": '["registry-login", "other-login"]',
    "ingressAnnotations": '{"example.com/limit": "20"}',
    "ingressClass": "traefik",
    "invokers": '["user:ada@example.com", "user:grace@example.com"]',
    "kubeconfig": "kubeconfig-of-a-third",
    "labels": '{"team": "ads"}',
    "listener": _ARN.format(
        service="elasticloadbalancing", path="listener/app/third/0123456789abcdef/0123456789abcdef"
    ),
    "listenerSecurityGroup": "sg-8a8b8c8d",
    "listenerPaths": '["/classify"]',
    "location": "europe-west4-b",
    "machineType": "e2-standard-16",
    "metricsPath": "/other-stats",
    "monitoringNamespaces": '["observability", "monitoring"]',
    "monitoringLabels": '{"release": "other"}',
    "objective": '{"availability": 99.9, "seconds": 0.5}',
    "thresholds": '{"memory": {"ticket": 0.7, "page": 0.8}}',
    "runbooks": "https://other.example.com/runbooks",
    "alertEmail": "others@example.com",
    "modelStorageClass": "standard-rwx",
    "name": "acme-other",
    "namespace": "others",
    "network": "vpc-8a8b8c8d",
    "nodePool": "more-gpus",
    "nodeSelector": '{"disk": "hdd"}',
    "podsRange": "more-pods",
    "nodeServiceAccount": "others@acme-ml.iam.gserviceaccount.com",
    "project": "third-project",
    "region": "us-central1",
    "repository": "registry.example.com/third/server",
    "schedule": '{"workdays": "cron(0 9 ? * MON-FRI *) 2-3", "nights": "cron(0 20 ? * * *) 1-2"}',
    "servicesRange": "more-services",
    "serviceAccount": "others",
    "serviceAccountAnnotations": '{"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/others"}',
    "subnets": '["subnet-7a9b9c9d", "subnet-6a8b8c8d"]',
    "subnetwork": "inner-b",
    "taskSubnets": '["subnet-7a9b9c9d", "subnet-6a8b8c8d"]',
    "taskRole": "arn:aws:iam::123456789012:role/others",
    "executionRole": "arn:aws:iam::123456789012:role/others",
    "tlsSecret": "other-tls",
    "tolerations": '["dedicated=ml:NoSchedule", "spot"]',
    "zones": '["eu-west-1a", "eu-west-1b", "eu-west-1c"]',
}
_ONE_MORE_OF: Mapping[tuple[str, str], str] = {
    ("fargate", "cluster"): _ARN.format(service="ecs", path="cluster/other"),
    ("fargate", "model"): "s3://acme-models/spam@4sL4kqtJlcpXroDTDmJ",
    ("fargate", "region"): "us-east-1",
    ("fargate", "secrets"): json.dumps({"OTHER_TOKEN": _SECRET}),
    ("fargate", "cpu"): "2",
    ("gke", "cpu"): "6",
    ("gke", "gpuCount"): "4",
    ("kubernetes", "cpu"): "6",
    ("cloud-run", "network"): "outer",
    ("cloud-run", "model"): f"gs://acme/model@{'2' * 16}",
    ("cloud-run", "secrets"): '{"TOKEN": "projects/acme-ml/secrets/other/versions/1"}',
    ("gke", "model"): f"gs://acme/other@{'2' * 16}",
    ("gke", "network"): "outer",
    ("gke", "secrets"): '{"OTHER": "kubernetes:shared/token"}',
    ("gke", "zones"): '["europe-west4-b"]',
    ("kubernetes", "model"): "s3://acme-models/other@3sL4kqtJlcpXroDTDmJ",
    ("kubernetes", "secrets"): '{"OTHER": "kubernetes:shared/token"}',
}


def other_of(target: str, row: Setting, value: str) -> tuple[str, ...]:
    """Return further values of a setting, apart from `value`; some may be refused on this target."""
    if row.type == "flag":
        return ("true", "false")
    if row.type == "choice":
        return tuple(each for each in row.allowed.split(", ") if each != value)
    if (target, row.key) not in _ONE_MORE_OF and row.type in ("number", "integer"):
        return (f"{float(value) + 1:g}",)
    if row.key == "image":
        return (value.replace("0" * 64, "1" * 64),)
    if row.type == "quantity":
        return (f"{int(value.removesuffix('Gi')) + 2}Gi",)
    found = _ONE_MORE_OF.get((target, row.key)) or _ONE_MORE.get(row.key)
    return (found,) if found else ()

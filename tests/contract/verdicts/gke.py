"""What GKE and Compute Engine take and refuse."""

import json

from tests.contract.verdicts.rows import BUCKET, GPU, WORKLOAD_REFUSES, WORKLOAD_TAKES, Rows, each

SHARED_VPC = {
    "network": "projects/host/global/networks/shared",
    "subnetwork": "projects/host/regions/europe-west4/subnetworks/ml",
}
TAKES: Rows = [
    (
        "cloud.google.com/compute/docs/machine-resource",
        each(
            "machineType", "e2-standard-4", "c3-standard-4", "c4-standard-4", "n2d-standard-4", "e2-highmem-4"
        )
        + each("machineType", "n2-standard-8", "e2-custom-4-8192", "n2-custom-4-16384"),
    ),
    (
        "cloud.google.com/compute/docs/gpus: the machines of each",
        [
            {**GPU, "machineType": "g2-standard-8"},
            {**GPU, "gpu": "nvidia-tesla-t4", "machineType": "n1-standard-4"},
            {**GPU, "gpu": "nvidia-tesla-v100", "machineType": "n1-standard-8"},
            {**GPU, "gpu": "nvidia-tesla-a100", "machineType": "a2-highgpu-1g"},
            {**GPU, "gpu": "nvidia-h100-80gb", "machineType": "a3-highgpu-1g", "spot": "true"},
            {**GPU, "gpu": "nvidia-h100-mega-80gb", "gpuCount": "8", "machineType": "a3-megagpu-8g"},
            {**GPU, "gpu": "nvidia-h200-141gb", "gpuCount": "8", "machineType": "a3-ultragpu-8g"},
        ],
    ),
    ("GKE ReleaseChannel", each("releaseChannel", "rapid", "regular", "stable", "extended")),
    ("cloud.google.com/about/locations", each("region", "europe-west10", "us-south1", "africa-south1")),
    ("GKE Cluster.location", each("location", "europe-west4-a", "europe-west4")),
    ("PGCP container.Cluster.project: domain-scoped projects", each("project", "example.com:acme-ml")),
    ("GKE NodeConfig.disk_size_gb: 10 and more", each("nodeDisk", "100Gi", "1Ti")),
    ("GKE MasterAuthorizedNetworksConfig", each("controlPlaneCidrs", '["203.0.113.0/24"]')),
    (
        "GKE GPUSharingConfig",
        [{**GPU, "cpu": "1", "memory": "4Gi", "gpuSharing": "time-sharing", "gpuClients": "4"}],
    ),
    ("K8S label values", each("labels", '{"team": "search-1"}')),
    *WORKLOAD_TAKES,
    (
        "cloud.google.com/compute/docs/regions-zones: two regions begin with b",
        [
            {"region": "europe-west1", "zones": '["europe-west1-b", "europe-west1-d"]'},
            {"region": "us-central1", "location": "us-central1-f"},
        ],
    ),
    (
        "GKE NodeConfig.service_account: an email",
        each("nodeServiceAccount", "nodes@acme-ml.iam.gserviceaccount.com"),
    ),
    (
        "a machine that Slipway does not know may exist",
        [{**GPU, "gpu": "nvidia-b200", "gpuCount": "8", "machineType": "a4-highgpu-8g"}],
    ),
    ("K8S namespace names", each("namespace", "models", "a")),
    (
        "GKE how-to/cluster-shared-vpc: the secondary ranges of the host project's subnetwork",
        [{**SHARED_VPC, "podsRange": "pods", "servicesRange": "services"}],
    ),
    ("KServe on a cluster that has it", [{"cluster": "shared", "serving": "kserve"}]),
]
REFUSES: Rows = [
    ("GKE how-to/cluster-shared-vpc", [SHARED_VPC, {**SHARED_VPC, "podsRange": "pods"}]),
    ("a new GKE cluster has no KServe: PGCP container.Cluster.addons_config", [{"serving": "kserve"}]),
    ("DOCS/how-to/nvidia-mps-gpus: hostIPC", [{**GPU, "gpuSharing": "mps"}]),
    (
        "cloud.google.com/compute/docs/gpus: the machines of each",
        [
            {**GPU, "machineType": "n1-standard-4"},
            {**GPU, "gpu": "nvidia-tesla-t4", "machineType": "e2-standard-4"},
            {**GPU, "machineType": "a2-highgpu-1g"},
            {**GPU, "gpuCount": "3", "machineType": "g2-standard-24"},
        ],
    ),
    (
        "the machine's own size",
        [
            {"machineType": "e2-standard-4", "cpu": "8", "memory": "8Gi"},
            {"machineType": "e2-standard-4", "cpu": "1", "memory": "32Gi"},
        ],
    ),
    ("cloud.google.com/about/locations", each("region", "mars-central1", "us-central9")),
    ("GKE Cluster.locations: of the cluster's region", each("zones", '["us-central1-a"]')),
    ("GKE Cluster.location: of the network's region", each("location", "us-central1-a")),
    (
        "PGCP container.Cluster.subnetwork: of the cluster's region",
        [{"network": "inner", "subnetwork": "projects/acme-ml/regions/us-central1/subnetworks/inner"}],
    ),
    ("GKE NodeConfig.disk_size_gb: 10 and more", each("nodeDisk", "5Gi")),
    ("a fetched model lies on the node's disk", [{**BUCKET, "modelSize": "150Gi", "nodeDisk": "100Gi"}]),
    (
        "a CUDA image takes 5.7 GB unpacked beside the node's own 20",
        [{**GPU, "nodeDisk": "20Gi", "machineType": "g2-standard-8"}],
    ),
    (
        "GKE GPUSharingConfig: MPS needs hostIPC, which a restricted namespace forbids",
        [{**GPU, "gpuSharing": "mps"}],
    ),
    ("GKE NodePoolAutoscaling", [{**GPU, "minNodes": "5", "maxNodes": "2"}]),
    ("K8S namespaces of every cluster", each("namespace", "kube-system", "default")),
    ("K8S label values", each("labels", json.dumps({"a": "b" * 64}))),
    *WORKLOAD_REFUSES,
    (
        "cloud.google.com/compute/docs/regions-zones",
        [
            {"region": "europe-west1", "zones": '["europe-west1-a"]'},
            {"region": "us-east1", "location": "us-east1-a"},
            {"zones": '["europe-west4-x"]'},
        ],
    ),
    ("GKE NodeConfig.service_account: an email", each("nodeServiceAccount", "nodes")),
    (
        "GKE NodePool: an existing cluster's nodes are its owner's",
        [{"cluster": "shared", "nodeDisk": "200Gi"}, {"cluster": "shared", "zones": '["europe-west4-a"]'}],
    ),
    (
        "GKE ingress: the address and the class are GKE's",
        [
            {
                "domain": "api.example.com",
                "public": "true",
                "ingressAnnotations": '{"kubernetes.io/ingress.class": "gce-internal"}',
            },
        ],
    ),
    ("SERVER LOG_LEVEL", each("env", '{"LOG_LEVEL": "verbose"}')),
]

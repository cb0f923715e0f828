"""Clusters that Google makes, and for each rule arguments that it would not."""

from typing import Any

from slipway.components.gke import GpuDriver, GpuSharing, ReleaseChannel

PLAIN: dict[str, Any] = {"project": "acme-prod", "location": "europe-west4"}
L4: dict[str, Any] = {"gpu": "nvidia-l4", "gpu_max_nodes": 4}
ZONES: dict[str, Any] = {"zones": ["europe-west4-a", "europe-west4-b", "europe-west4-c"]}
IMAGE = "europe-west4-docker.pkg.dev/acme-prod/shared/api@sha256:" + "a" * 64
ECR_IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api@sha256:" + "a" * 64
GHCR_IMAGE = "ghcr.io/acme/api@sha256:" + "a" * 64
REPOSITORY = "projects/acme-prod/locations/europe-west4/repositories/api-image"

RIGHT: dict[str, dict[str, Any]] = {
    "no GPU": {},
    "no GPU, on nodes that it names as usual": {"spot": False, "flex_start": False},
    "an L4": L4,
    "floats, as other languages send them": {**L4, "gpu_count": 1.0, "gpu_max_nodes": 4.0, "disk_gib": 200.0},
    "a zonal cluster": {**L4, "location": "europe-west4-a"},
    "a zonal cluster with nodes in three zones": {**L4, "location": "europe-west4-a", **ZONES},
    "two L4 in each node": {**L4, "gpu_count": 2},
    "a larger machine for one L4": {**L4, "machine_type": "g2-standard-16"},
    "T4 attached to an N1": {"gpu": "nvidia-tesla-t4", "gpu_count": 4, "machine_type": "n1-standard-16"},
    "an A100": {"gpu": "nvidia-tesla-a100"},
    "eight H100": {"gpu": "nvidia-h100-80gb", "gpu_count": 8},
    "one H100 on Spot": {"gpu": "nvidia-h100-80gb", "spot": True},
    "an RTX PRO 6000, which has Hyperdisk only": {"gpu": "nvidia-rtx-pro-6000"},
    "Spot": {**L4, "spot": True},
    "flex start": {**L4, "flex_start": True},
    "a GPU in turn": {**L4, "gpu_sharing": GpuSharing.TIME_SHARING, "gpu_clients": 48},
    "nodes that always run": {**L4, "gpu_min_nodes": 2},
    "as many as there are": {**L4, "gpu_min_nodes": 4},
    "one in each zone": {**L4, **ZONES, "gpu_min_nodes_per_zone": 1, "gpu_max_nodes": 6},
    "the driver of the image": {**L4, "gpu_driver": GpuDriver.DEFAULT, "cuda_version": "12.2"},
    "the latest driver": {**L4, "cuda_version": "13.2"},
    "a driver of one's own": {**L4, "gpu_driver": GpuDriver.DISABLED, "cuda_version": "13.2"},
    "public nodes": {**L4, "private_nodes": False},
    "who may reach the control plane": {"control_plane_cidrs": ["203.0.113.0/24", "10.0.0.0/8"]},
    "another channel": {"release_channel": ReleaseChannel.STABLE},
    "a network of one's own": {"network": "inner", "subnetwork": "nodes"},
    "a network of another project": {
        "network": "projects/host/global/networks/inner",
        "subnetwork": "projects/host/regions/europe-west4/subnetworks/nodes",
        "pods_range": "pods",
        "services_range": "services",
    },
    "an account of one's own": {**L4, "node_service_account": "nodes@acme-prod.iam.gserviceaccount.com"},
    "one repository to pull from": {**L4, "image_repository": REPOSITORY},
    "the repository of gcr.io": {
        **L4,
        "image_repository": "projects/acme-prod/locations/us/repositories/gcr.io",
    },
    "an image to pull": {**L4, "image_ref": IMAGE},
    "an image outside Google": {**L4, "image_ref": GHCR_IMAGE, "private_nodes": False},
    "a larger CPU pool": {"cpu_machine_type": "n2-standard-8", "cpu_min_nodes": 3, "cpu_max_nodes": 12},
    "labels": {**L4, "labels": {"team": "search", "cost-center": "42_a"}},
    "may be deleted": {**L4, "deletion_protection": False},
}

WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {**L4, "machine_type": "n1-standard-4"},
        r"machine_type is n1-standard-4 with `gpu` nvidia-l4: that machine takes nvidia-tesla-t4; nvidia-l4 "
        r"is on g2-standard-4, .*; nearest: g2-standard-4\.",
    ),
    (
        {"gpu": "nvidia-tesla-t4", "machine_type": "g2-standard-4"},
        r"machine_type is g2-standard-4 with `gpu` nvidia-tesla-t4: that machine has nvidia-l4; .*n1-",
    ),
    (
        {**L4, "machine_type": "e2-standard-4"},
        r"machine_type is e2-standard-4 with `gpu` nvidia-l4: that machine has no GPU; nvidia-l4 is on",
    ),
    (
        {"gpu": "nvidia-tesla-t4", "gpu_count": 3},
        r"gpu_count is 3 with `gpu` nvidia-tesla-t4; a node has 1, 2 or 4; nearest: 2\.",
    ),
    (
        {**L4, "gpu_count": 2, "machine_type": "g2-standard-4"},
        r"gpu_count is 2 with `machine_type` g2-standard-4, which has 1; take 1, or `machine_type` "
        r"g2-standard-24\.",
    ),
    (
        {"gpu": "nvidia-tesla-t4", "machine_type": "n1-standard-96"},
        r"gpu_count is 1 with `machine_type` n1-standard-96, which has 4",
    ),
    (
        {**L4, "machine_type": "g2-standard-5"},
        r"machine_type is 'g2-standard-5' with `gpu` nvidia-l4; known are g2-",
    ),
    ({"gpu": "nvidia-l5"}, r"gpu is 'nvidia-l5'; known are nvidia-l4, .*; nearest: nvidia-l4\."),
    (
        {"gpu": "nvidia-h100-80gb"},
        r"machine_type is a3-highgpu-1g, which Google offers only as Spot or by flex start",
    ),
    ({**L4, "gpu_count": 0}, r"gpu_count is 0 with `gpu` nvidia-l4; a node has 1, 2, 4 or 8; nearest: 1\."),
    ({**L4, "gpu_count": 1.5}, r"gpu_count is 1\.5; it must be a whole number\."),
    (
        {"machine_type": "g2-standard-4"},
        r"machine_type is given, but no `gpu` is named; name one \(nvidia-l4\)",
    ),
    ({"spot": True}, r"spot is given, but no `gpu` is named"),
    ({**L4, "spot": True, "flex_start": True}, r"spot is true with `flex_start` true; .* keep one\."),
    (
        {**L4, **ZONES, "gpu_min_nodes_per_zone": 2},
        r"gpu_min_nodes_per_zone is 2, in 3 zones 6 nodes, over `gpu_max_nodes` 4; take `gpu_max_nodes` 6, "
        r"or `gpu_min_nodes` 2 over all zones\.",
    ),
    (
        {**L4, **ZONES, "gpu_min_nodes_per_zone": 1},
        r"gpu_max_nodes is 4 with `gpu_min_nodes_per_zone` in 3 zones, which share it evenly; take 3 or 6",
    ),
    ({**L4, "gpu_min_nodes_per_zone": 1}, r"gpu_min_nodes_per_zone is 1 without `zones`; name them"),
    (
        {**L4, **ZONES, "gpu_min_nodes_per_zone": 1, "gpu_min_nodes": 1, "gpu_max_nodes": 3},
        r"gpu_min_nodes is 1 with `gpu_min_nodes_per_zone` 1; GKE takes one of them: leave one out\.",
    ),
    ({**L4, "gpu_min_nodes": 5}, r"gpu_max_nodes is 4, below `gpu_min_nodes` 5; raise the one or lower"),
    ({**L4, "gpu_min_nodes": -1}, r"gpu_min_nodes is -1; it must be 0 or more; nearest: 0\."),
    ({**L4, "gpu_max_nodes": 0}, r"gpu_max_nodes is 0; it must be from 1 to 1000; nearest: 1\."),
    ({"cpu_max_nodes": 1001}, r"cpu_max_nodes is 1001; it must be from 1 to 1000; nearest: 1000\."),
    ({"cpu_min_nodes": 0}, r"cpu_min_nodes is 0; GKE's own pods need 1 node or more; nearest: 1\."),
    ({"cpu_min_nodes": 4}, r"cpu_max_nodes is 3, below `cpu_min_nodes` 4"),
    ({"cpu_min_nodes": float("inf")}, r"cpu_min_nodes is inf; it must be a whole number\."),
    ({"cpu_machine_type": "g2-standard-4"}, r"cpu_machine_type is g2-standard-4, which has a GPU; take e2-"),
    ({"cpu_machine_type": "m7"}, r"cpu_machine_type is 'm7'; known are e2-standard-2, "),
    (
        {**L4, "gpu_clients": 4},
        r"gpu_clients is 4 without `gpu_sharing`; say how they share, or leave it out\.",
    ),
    (
        {**L4, "gpu_sharing": GpuSharing.MPS},
        r"gpu_sharing is MPS: .*`hostIPC: true`.* forbids; nearest: TIME_SHARING\.",
    ),
    (
        {**L4, "gpu_sharing": GpuSharing.TIME_SHARING, "gpu_clients": 49},
        r"gpu_clients is 49 with `gpu_sharing`; GKE allows 2 to 48 instances on one GPU; nearest: 48\.",
    ),
    (
        {**L4, "gpu_driver": GpuDriver.DEFAULT, "cuda_version": "13.2"},
        r"gpu_driver is DEFAULT, which installs driver 535; CUDA 13\.2 needs 580 or newer; nearest: LATEST\.",
    ),
    ({**L4, "cuda_version": "13"}, r"cuda_version is '13'; known are 11\.x, 12\.x, 13\.x, such as 13\.2\."),
    ({**L4, "cuda_version": "99.1"}, r"cuda_version is '99\.1'; known are"),
    ({"disk_gib": 10}, r"disk_gib is 10; allowed are 20 to 65536 GiB; nearest: 20\."),
    ({"disk_gib": 20.5}, r"disk_gib is 20\.5; it must be a whole number of GiB\."),
    (
        {**L4, **ZONES, "gpu_min_nodes_per_zone": 0, "gpu_max_nodes": 1000},
        r"gpu_max_nodes is 1000 with `gpu_min_nodes_per_zone` in 3 zones, which share it evenly; take 999\.",
    ),
    ({"project": ""}, r"project is missing; give the ID of a Google Cloud project"),
    ({"project": "ACME"}, r"project is 'ACME'; allowed are 6 to 30 lowercase letters"),
    ({"location": ""}, r"location is missing; give a region, such as europe-west4, or a zone"),
    ({"location": "Belgium"}, r"location is 'Belgium'; allowed is a region, such as europe-west4, or a zone"),
    ({"zones": ["us-central1-a"]}, r"zones has 'us-central1-a'; allowed are zones of europe-west4, such as "),
    (
        {"zones": ["europe-west4-a"] * 2},
        r"zones has one twice: europe-west4-a, europe-west4-a; name each once\.",
    ),
    ({"network": "In ner"}, r"network is 'In ner'; allowed is its name"),
    (
        {"network": "projects/host/global/networks/inner"},
        r"subnetwork is missing with `network` projects/host/global/networks/inner, which is another "
        r"project's; name it in full\.",
    ),
    (
        {"control_plane_cidrs": ["10.0.0.1/8"]},
        r"control_plane_cidrs has '10\.0\.0\.1/8'; allowed is an IPv4 network, .*; nearest: 10\.0\.0\.0/8\.",
    ),
    (
        {"control_plane_cidrs": ["10/8/8"]},
        r"control_plane_cidrs has '10/8/8'; .* such as 203\.0\.113\.0/24\.",
    ),
    (
        {"control_plane_cidrs": ["10.0.0.0/8"] * 101},
        r"control_plane_cidrs has 101 networks; GKE allows 100\.",
    ),
    ({"node_service_account": "nodes"}, r"node_service_account is 'nodes'; allowed is an email"),
    ({"image_repository": "api-image"}, r"image_repository is 'api-image'; allowed is projects/<project>/"),
    (
        {"image_repository": REPOSITORY, "image_ref": IMAGE},
        r"image_ref is given together with `image_repository`; keep `image_ref` for a finished image",
    ),
    ({"image_ref": "api:latest"}, r"image_ref is 'api:latest'; it must have its digest"),
    (
        {"image_ref": f"gcr.io/api@sha256:{'a' * 64}"},
        r"an image there is named gcr\.io/<project>/<image>@sha256:<64 hex digits>\.",
    ),
    (
        {"image_ref": ECR_IMAGE},
        r"nodes of this cluster have no login to ECR, .* 12 hours; copy it with `docker buildx imagetools "
        r"create --tag <location>-docker\.pkg\.dev/acme-prod/<repository>/server 123456789012\.dkr",
    ),
    ({"labels": {"Team": "search"}}, r"labels has 'Team', which is no key of a label; a key has 1 to 63"),
    ({"labels": {"team": "Search"}}, r"labels\.team is 'Search'; a value has at most 63"),
    ({"labels": {f"a{i}": "" for i in range(64)}}, r"labels has 64 labels; Google Cloud allows 63"),
    ({"cluster": "Shared"}, r"cluster is 'Shared'; allowed is its name: 1 to 40 lowercase"),
    (
        {"node_pool": "gpus", **L4},
        r"node_pool is gpus without `cluster`; name the cluster that it belongs to",
    ),
    (
        {"cluster": "shared", "release_channel": ReleaseChannel.RAPID},
        r"release_channel is given with `cluster` shared, whose owner decides it; leave it out\.",
    ),
    (
        {"cluster": "shared", "node_pool": "gpus", **L4, "spot": True},
        r"spot is given with `node_pool` gpus, whose owner decides it; leave it out\.",
    ),
    (
        {"release_channel": "WEEKLY"},
        r"release_channel is 'WEEKLY'; allowed are RAPID, REGULAR, STABLE, EXTENDED",
    ),
    ({"gpus": 4}, r"gpus is no argument here; did you mean gpu\?"),
    ({"zones": "europe-west4-a"}, r"zones is of type str; it must be a list\."),
    ({"private_nodes": "yes"}, r"private_nodes is of type str; it must be true or false\."),
]

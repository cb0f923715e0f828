"""The arguments of a Cloud Run service, beyond those of every target. Memory in GiB, times in seconds."""

from enum import Enum
from typing import NotRequired

import pulumi

from ..jobs.args import WorkersArgs
from ..log_retention import LogRetention
from ..observability.args import WatchedServiceArgs


class Ingress(Enum):
    """Where requests may come from."""

    ALL = "INGRESS_TRAFFIC_ALL"
    """From anywhere."""
    INTERNAL = "INGRESS_TRAFFIC_INTERNAL_ONLY"
    """From the project's networks only."""
    INTERNAL_LOAD_BALANCER = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
    """From the project's networks and through its load balancer."""


class VpcEgress(Enum):
    """Which requests of the service go through its network."""

    ALL_TRAFFIC = "ALL_TRAFFIC"
    """All of them."""
    PRIVATE_RANGES_ONLY = "PRIVATE_RANGES_ONLY"
    """Those to private addresses."""


class ExecutionEnvironment(Enum):
    """The sandbox of an instance."""

    GEN1 = "EXECUTION_ENVIRONMENT_GEN1"
    """gVisor: starts faster, takes less memory, emulates system calls."""
    GEN2 = "EXECUTION_ENVIRONMENT_GEN2"
    """A micro virtual machine: computes faster; mounted buckets need it."""


class CloudRunServiceArgs(WatchedServiceArgs, WorkersArgs):
    """The arguments of one inference service on Cloud Run."""

    image_ref: pulumi.Input[str]
    """Image with its digest, `host/repository@sha256:<64 hex digits>`, for linux/amd64."""
    project: pulumi.Input[str]
    """Google Cloud project of everything that is created."""
    region: str
    """Its region, for example `europe-west4`."""
    api_key: NotRequired[pulumi.Input[str]]
    """Bearer key of the service, 16 to 4096 printable ASCII characters. One is created when none is given."""
    secret_values: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment name -> value, kept in Secret Manager. `secrets` takes references to existing ones:
    `projects/<project>/secrets/<name>/versions/<number>`."""
    cpu_always: NotRequired[bool]
    """Whether instances keep their CPU between requests, billed all the time. Default only with a GPU."""
    startup_cpu_boost: NotRequired[bool]
    """More CPU while an instance starts. Default true; false with a GPU."""
    execution_environment: NotRequired[ExecutionEnvironment]
    """Default the second generation; the first below one vCPU or 0.5 GiB."""
    gpu_zonal_redundancy: NotRequired[bool]
    """Reserve the GPU in a second zone, at a higher price and with a separate quota. Default false."""
    cuda_version: NotRequired[str]
    """CUDA that the image is built for, such as `13.2`, which the GPU's driver must run. Default unknown."""
    model_volume: NotRequired[bool]
    """Mount the folder of `model: gs://bucket/folder` read-only instead of fetching it at start. What the
    bucket holds then is served: a mount cannot pin a generation. Default false."""
    invokers: NotRequired[list[str]]
    """IAM members who may call a private service, such as `serviceAccount:<email>`. Default none."""
    check_invokers: NotRequired[bool]
    """Whether Cloud Run checks who calls. False lets everyone in `ingress` call, with the API key, without a
    grant to `allUsers`, which organisations with Domain Restricted Sharing forbid. Default true."""
    ingress: NotRequired[Ingress]
    """Where requests may come from. Default anywhere."""
    vpc_network: NotRequired[pulumi.Input[str]]
    """Network that the service's own requests go through. Default none."""
    vpc_subnetwork: NotRequired[pulumi.Input[str]]
    """Its subnetwork, in the same region. Default the one with the network's name."""
    vpc_egress: NotRequired[VpcEgress]
    """Which requests go through the network. Default those to private addresses."""
    domain: NotRequired[str]
    """Custom domain, such as `api.example.com`, verified for the project's owner. Default none."""
    jobs_database_instance: NotRequired[str]
    """Instance of Cloud SQL that the address in `jobs_database` names, `project:region:instance`, to be
    mounted at /cloudsql. Default none: the address is reached over a network."""
    log_retention: NotRequired[LogRetention]
    """Days to keep each kind of log line, 1 to 3650. Default: requests 30, events and exceptions 90, sampled
    requests 14."""
    traces: NotRequired[str]
    """Where spans of traces go: `off`, `cloud` (Cloud Trace), or the address of an OTLP collector, such as
    `http://tempo:4318`. The image needs the build argument OTLP, `google` for `cloud` and else 1. Default
    off."""
    rollout: NotRequired[str]
    """Who gives a new revision its requests: with `rolling` Cloud Run does, all of them, when it is ready.
    With `canary` and `blue-green` they stay where they are, and a command moves them: `slipway up`, or
    `gcloud run services update-traffic`. Default `rolling`."""
    deletion_protection: NotRequired[bool]
    """Refuse to delete the service, until an `up` with false. Default true."""
    enable_apis: NotRequired[bool]
    """Enable the APIs it needs; they stay enabled afterwards. Default true."""

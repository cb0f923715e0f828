"""Monthly sums computed by hand, each with its arithmetic; written down before the code that must equal them.

730 h, 2,628,000 s; no free tier, no egress unless it is said. Rates, each with its source in prices.csv:

Cloud Run us-central1: request-based 24 and 2.5 millionths a vCPU- and GiB-second, waiting 2.5 and 2.5,
instance-based 18 and 2; L4 186.7, zonal 290.9; 0.40 a million requests. An instance without requests is kept
for up to 900 s (cloud.google.com/run/docs/about-instance-autoscaling). Fargate us-east-1: 0.04048 and
0.004445 a vCPU- and GB-hour, disk above 20 GB 0.000111, an address 0.005, Spot at 30 %. GKE us-central1: the
cluster 0.10 an hour; g2-standard-4 0.70683, on Spot 0.28184; e2-standard-4 0.13402; e2-medium 0.0335, which
has one vCPU for good (cloud.google.com/compute/docs/general-purpose-machines); T4 0.35; a disk of 100 GB
10.00 a month. An instance is planned for 70 % of what it can do.
"""

from dataclasses import dataclass
from typing import Any

from slipway.infra.cost.usage import Usage
from slipway.infra.resources.reading import Resource
from tests.infra.plain import NOBODY, cloud_run, cluster, fargate, node_pool, resource


@dataclass(frozen=True, slots=True)
class Sum:
    """One sum in USD a month. figure: of a StackCost. usd: None: it must be unknown."""

    name: str
    resources: tuple[Resource, ...]
    figure: str
    usd: float | None
    usage: Usage = NOBODY


def _use(per_second: float, seconds: float, hours: float = 24) -> Usage:
    requests = per_second * 3600 * 730 * hours / 24
    return Usage(requests, seconds, hours, egress_gb=0, image_gb=0, log_gb=0)


def _schedule(name: str, when: str, least: int, most: int) -> Resource:
    action = {"minCapacity": least, "maxCapacity": most}
    inputs = {"schedule": when, "timezone": "UTC", "scalableTargetAction": action}
    return resource("aws:appautoscaling/scheduledAction:ScheduledAction", inputs, name)


def pods(replicas: int = 1, cpu: str = "1", memory: str = "2Gi", gpu: int = 0) -> Resource:
    limits: dict[str, Any] = {"memory": memory} | ({"nvidia.com/gpu": gpu} if gpu else {})
    container = {"resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": limits}}
    selector = {"cloud.google.com/gke-accelerator": "nvidia-l4"} if gpu else {}
    template = {"spec": {"containers": [container], "nodeSelector": selector}}
    return resource(
        "kubernetes:apps/v1:Deployment", {"spec": {"replicas": replicas, "template": template}}, "pods"
    )


_ALB = resource("aws:lb/loadBalancer:LoadBalancer", {"region": "us-east-1", "internal": True})
_RULES = tuple(
    resource("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}}, f"rule-{number}")
    for number in range(6)
)
_NAT = resource("aws:ec2/natGateway:NatGateway", {"region": "us-east-1"})
_ENDPOINT = resource(
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    {"region": "us-east-1", "vpcEndpointType": "Interface", "subnetIds": ["a", "b"]},
)
_SIX_IN_THREE_ZONES = resource(
    "gcp:container/nodePool:NodePool",
    {"location": "us-central1", "nodeCount": 2, "nodeConfig": {"machineType": "e2-standard-4"}},
)

CLOUD_RUN = [
    # 2,628,000 x (2 x 18 + 4 x 2) millionths
    Sum("instance-based, all month", (cloud_run(least=1, always=True),), "maximum", 115.632),
    # 2,628,000 x (2 + 4) x 2.5 millionths
    Sum("request-based, one waiting instance", (cloud_run(least=1),), "idle", 39.42),
    # 2,628,000 x (2 x 24 + 4 x 2.5) millionths
    Sum("request-based, one busy all month", (cloud_run(least=1),), "maximum", 152.424),
    # 2,628,000 x (4 x 18 + 16 x 2 + 186.7) millionths
    Sum("an L4", (cloud_run("4", "16Gi", 1, gpu="nvidia-l4"),), "idle", 763.9596),
    # 2,628,000 x (4 x 18 + 16 x 2 + 290.9) millionths
    Sum("a zonal L4", (cloud_run("4", "16Gi", 1, gpu="nvidia-l4", zonal=True),), "idle", 1037.7972),
    # each keeps the L4 for 901 s; of 2,628,000 s the share 1 - exp(-26 x 901 / 2,628,000) = 0.0088744
    Sum(
        "an L4 from zero, 26 requests of 1 s",
        (cloud_run("4", "16Gi", gpu="nvidia-l4"),),
        "expected",
        6.7797,
        Usage(26, 1.0, egress_gb=0),
    ),
    # 50 x 10 ms in 8 of 24 hours: 876,000 s, and 900 s after each of 30.4167 days, x 19 millionths
    Sum(
        "instance-based from zero, 8 hours a day",
        (cloud_run("1", "512Mi", always=True),),
        "expected",
        17.164125,
        _use(50, 0.01, 8),
    ),
    # 10 x 2,628,000 x (4 x 18 + 8 x 2) millionths
    Sum("ten busy instances", (cloud_run("4", "8Gi", 0, 10, always=True),), "maximum", 2312.64),
    # 2,628,000 x (2 x 21.6 + 2.4) millionths; infracost: cloud_run_v2_service_test.golden
    Sum("tier 2", (cloud_run("2", "1Gi", 1, always=True, region="us-west2"),), "idle", 119.8368),
    # 131.4 million vCPU-seconds of work x (24 + 0.5 x 2.5) millionths, and 262.8 x 0.40
    Sum(
        "100 requests a second of half a second",
        (cloud_run("1", "512Mi", most=100),),
        "expected",
        3422.97,
        _use(100, 0.5),
    ),
    # 1,314,000 s of work x 25.25 millionths, and 1.314 x 0.40
    Sum(
        "a vCPU that works half of the time",
        (cloud_run("1", "512Mi"),),
        "expected",
        33.7041,
        _use(0.5, 1.0),
    ),
    # two vCPU share 0.5: idle 1 / (1 + 0.5 + 0.25 / 1.5) = 0.6; 1,051,200 s x 50.5 millionths, 1.314 x 0.40
    Sum("two vCPU", (cloud_run("2", "1Gi"),), "expected", 53.6112, _use(0.5, 1.0)),
    # busy 1 - exp(-0.1) = 0.0951626: 250,087 s x 25.25, waiting 2,377,913 s x 3.75 millionths, 2.628 x 0.40
    Sum(
        "one a second of 10 ms, kept warm",
        (cloud_run("1", "512Mi", least=1),),
        "expected",
        16.2831,
        _use(1, 0.01),
    ),
    # 1,000 x 0.1 s (rounded up) x 26.5 millionths, and 0.0004
    Sum("a thousand of 10 ms", (cloud_run("1", "1Gi"),), "expected", 0.00305, Usage(1000, 0.01, egress_gb=0)),
    # 10,000 s x 26.5 millionths, and 0.40
    Sum("a further million", (cloud_run("1", "1Gi"),), "per_million", 0.665, Usage(request_seconds=0.01)),
]
FARGATE = [
    # 730 x (0.04048 + 2 x 0.004445); infracost: ecs_service_test.golden
    Sum("one task", fargate(), "idle", 36.0401),
    # and 730 x 0.0225; infracost: lb_test.golden
    Sum("with a load balancer", (*fargate(), _ALB), "idle", 52.4651),
    # and 730 x 0.005
    Sum("with an address", fargate(public=True), "idle", 39.6901),
    # one on demand and two at 30 %: 1.6 x 36.0401
    Sum("three tasks, two on Spot", fargate(least=3, most=3, spot=100), "idle", 57.66416),
    # and 30 x 730 x 0.000111
    Sum("a disk of 50 GB", fargate(disk=50), "idle", 38.471),
    # ceil(200 x 0.01 / 0.7) = 3
    Sum("three busy tasks", fargate(most=9), "expected", 108.1203, _use(200, 0.01)),
    # twelve hours of 20, twelve of 1: 10.5 x 36.0401
    Sum(
        "a schedule by day",
        (
            *fargate(most=2),
            _schedule("up", "cron(0 8 * * ? *)", 20, 40),
            _schedule("down", "cron(0 20 * * ? *)", 1, 10),
        ),
        "idle",
        378.42105,
    ),
    Sum(
        "a schedule that nothing takes back",
        (*fargate(most=2), _schedule("up", "cron(0 8 ? * MON-FRI *)", 20, 40)),
        "idle",
        720.802,
    ),
    # 40 x 36.0401
    Sum(
        "a schedule's maximum",
        (*fargate(most=2), _schedule("up", "cron(0 8 ? * MON-FRI *)", 20, 40)),
        "maximum",
        1441.604,
    ),
    # `at` has no place in a month: its minimum is taken for all of it
    Sum(
        "a schedule for one day",
        (*fargate(most=2), _schedule("up", "at(2027-01-31T08:00:00)", 5, 9)),
        "idle",
        180.2005,
    ),
    # 730 x 0.045, and 10 x 0.045
    Sum("a NAT gateway", (_NAT,), "expected", 33.30, Usage(0, egress_gb=10)),
    # 2 x 730 x 0.01; infracost: vpc_endpoint_test.golden
    Sum("an endpoint in two zones", (_ENDPOINT,), "idle", 14.60),
]
GKE = [
    # 73 + 515.9859 + 10; infracost: compute_instance_test.golden
    Sum("a cluster and an L4", (cluster(), node_pool()), "idle", 598.9859),
    # 730 x (0.189999 + 0.35) + 10
    Sum("an n1 and a T4", (node_pool("n1-standard-4", gpu="nvidia-tesla-t4"),), "idle", 404.19927),
    # 730 x 0.28184 + 10
    Sum("an L4 on Spot", (node_pool(spot=True),), "idle", 215.7432),
    # two in each of three zones: 6 x (97.8346 + 10)
    Sum("nodes of three zones", (_SIX_IN_THREE_ZONES,), "idle", 647.0076),
    # pods have 1 - 0.06 - 0.4 = 0.54 vCPU: 1.08 a second; ceil(1.5 / 0.756) = 2 x (24.455 + 10)
    Sum(
        "burstable nodes under steady load",
        (node_pool("e2-medium", most=9, gpu=""),),
        "expected",
        68.91,
        _use(1.5, 0.5),
    ),
    # 5 x 730 x 0.025 + 730 x 0.01
    Sum("six forwarding rules", _RULES, "idle", 98.55),
    Sum("pods of a pool that is billed", (node_pool(), pods(8, gpu=1)), "idle", 525.9859),
]
KUBERNETES = [
    Sum("eight L4 of an existing cluster", (pods(8, gpu=1),), "maximum", None),
    Sum("a pod of an existing cluster", (pods(),), "idle", None),
]
SUMS = [*CLOUD_RUN, *FARGATE, *GKE, *KUBERNETES]

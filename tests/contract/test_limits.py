"""The clouds' limits in the code are those that the clouds publish.

The judges of what the components emit read the same tables as the components, so a wrong number in a table
passes them. Here each number is held to one that was written down from its source and that the code does not
read.
"""

import re
from collections.abc import Callable, Mapping
from types import ModuleType

import pytest

from slipway.components import domain_name, gpu_drivers, sizes
from slipway.components.aws import limits as aws
from slipway.components.aws import secrets as aws_secrets
from slipway.components.cloud_run import limits as cloud_run
from slipway.components.fargate import limits as fargate
from slipway.components.gke import limits as gke
from slipway.components.gke import machines
from slipway.components.gke.shapes import machine_of
from slipway.components.google import limits as google
from slipway.components.kubernetes import limits as kubernetes
from tests.contract import published_limits as published
from tests.contract import published_machines

CLOUDS: Mapping[str, tuple[ModuleType, published.Rows]] = {
    "Google": (google, published.GOOGLE),
    "AWS": (aws, published.AWS),
    "Cloud Run": (cloud_run, published.CLOUD_RUN),
    "Fargate": (fargate, published.FARGATE),
    "GKE": (gke, published.GKE),
    "Kubernetes": (kubernetes, published.KUBERNETES),
}
ROWS = [(cloud, *row) for cloud, (_, rows) in CLOUDS.items() for row in rows]
# What is chosen or estimated here, and no limit of a cloud.
OWN: Mapping[str, set[str]] = {
    "Google": {"PLACEHOLDERS", "LEAST_BAKE_MINUTES"},
    "AWS": {"REGIONS"},  # held to botocore's in tests/stacks/test_let_through.py
    "Cloud Run": {"GPUS", "DEFAULT_PORT"},  # held to its own table below; the server's own port
    "Fargate": {
        *("AROUND_ENVIRONMENT_BYTES", "PORT_FROM", "VPC_PREFIX", "SUBNET_BITS", "KEEP_ALIVE_SECONDS"),
        *("ZONE_LETTERS", "DEFAULT_BAKE_MINUTES"),
    },
    "GKE": {"DISK_GIB"},
    "Kubernetes": {
        *("VERSIONS", "PORT_FROM", "IMAGE_GIB_PER_SECOND", "BUCKET_GIB_PER_SECOND", "MOUNT_GIB_PER_SECOND"),
        *("NODE_START_SECONDS", "GPU_NODE_START_SECONDS", "GPU_WARM_SECONDS"),
    },
}


def as_published(value: object) -> object:
    """Convert a range to its ends, and a set to one that can be compared with a literal."""
    if isinstance(value, range):
        return value.start, value.stop - 1
    return set[object](value) if isinstance(value, frozenset) else value  # pyright: ignore[reportUnknownArgumentType]


@pytest.mark.parametrize(("cloud", "name", "value", "source"), ROWS, ids=[f"{r[0]} {r[1]}" for r in ROWS])
def test_a_limit_is_the_published_one(cloud: str, name: str, value: object, source: str) -> None:
    assert as_published(getattr(CLOUDS[cloud][0], name)) == value, source


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_constant_of_a_clouds_limits_is_held_to_its_source_or_is_our_own_choice(cloud: str) -> None:
    module, rows = CLOUDS[cloud]
    constants = {name for name, value in vars(module).items() if is_constant(name, value)}
    assert constants == {name for name, _, _ in rows} | OWN[cloud]


def is_constant(name: str, value: object) -> bool:
    return name.isupper() and not name.startswith("_") and not isinstance(value, re.Pattern)


def test_cloud_run_sells_the_published_sizes() -> None:
    assert sizes.CLOUD_RUN_MIB == published.CLOUD_RUN_SIZES


def test_fargate_sells_the_published_sizes() -> None:
    assert sizes.FARGATE_MIB == published.FARGATE_SIZES


def test_cloud_run_has_the_published_gpus_in_the_published_regions() -> None:
    ours = {
        name: (gpu.cpu, gpu.memory_mib, set(gpu.regions), set(gpu.by_invitation))
        for name, gpu in cloud_run.GPUS.items()
    }
    assert ours == published.CLOUD_RUN_GPUS
    assert gpu_drivers.CLOUD_RUN == published.CLOUD_RUN_DRIVERS


def test_google_has_the_published_machines_with_gpus() -> None:
    ours = {m.name: (m.cpu, m.memory_gib, m.gpu, m.gpu_counts) for m in machines.MACHINES.values() if m.gpu}
    assert ours == published_machines.MACHINES


def test_an_n1_takes_the_published_numbers_of_v100() -> None:
    with_v100 = [machine_of(name, published_machines.V100) for name in published_machines.MACHINES]
    ours = {m.name: m.gpu_counts for m in with_v100 if m and m.gpu == published_machines.V100}
    assert ours == published_machines.WITH_V100


@pytest.mark.parametrize(
    ("name", "cpu", "gib"),
    [
        ("c3-standard-8", 8, 32),
        ("n2d-highmem-4", 4, 32),
        ("c4-standard-4", 4, 15),
        ("c4-highmem-8", 8, 62),
        ("e2-custom-4-8192", 4, 8),
        ("custom-2-7680", 2, 7.5),
        ("n1-highmem-2", 2, 13),
    ],
)
def test_the_size_of_a_machine_is_read_from_its_name(name: str, cpu: float, gib: float) -> None:
    """cloud.google.com/compute/docs/general-purpose-machines: the table of each family."""
    machine = machine_of(name)
    assert machine is not None
    assert (machine.cpu, machine.memory_gib) == (cpu, gib)


def test_a_machine_without_gpu_has_four_gib_for_each_vcpu_in_its_name() -> None:
    """docs.cloud.google.com/compute/docs/general-purpose-machines: e2-standard and n2-standard."""
    for machine in machines.MACHINES.values():
        if not machine.gpu:
            cpu = int(machine.name.removeprefix("e2-standard-").removeprefix("n2-standard-"))
            assert (machine.cpu, machine.memory_gib) == (cpu, cpu * 4), machine.name


def test_secrets_manager_takes_values_of_64_kib() -> None:
    """Compare with botocore 1.44.5, secretsmanager SecretStringType."""
    assert aws_secrets.VALUE_BYTES == 65536


def letters(count: int) -> str:
    return "a" * count


def dotted(count: int) -> str:
    return ("a" * 49 + ".") * (count // 50) + "a" * (count % 50)


def path(count: int) -> str:
    return ("/" + "a" * count)[:count]


IAM = "cloud.google.com/iam/docs/service-accounts-create"
GOOGLE_LABELS = "cloud.google.com/resource-manager/docs/labels-overview"
AWS_TAGS = "docs.aws.amazon.com/tag-editor/latest/userguide/tagging"
# Cloud, pattern, how a text of a length is made, the least and the most characters, source.
TEXTS = [
    ("Google", "PROJECT", letters, 6, 30, "creating-managing-projects"),
    ("Google", "ACCOUNT_ID", letters, 6, 30, IAM),
    ("Google", "LABEL_KEY", letters, 1, 63, GOOGLE_LABELS),
    ("Google", "LABEL_VALUE", letters, 0, 63, GOOGLE_LABELS),
    ("AWS", "TAG_KEY", letters, 1, 128, AWS_TAGS),
    ("AWS", "TAG_VALUE", letters, 0, 256, AWS_TAGS),
    ("Cloud Run", "SERVICE_NAME", letters, 1, 49, "RUNPB CreateServiceRequest.service_id: fewer than 50"),
    ("Fargate", "BALANCER_NAME", letters, 1, 32, "BC elbv2 CreateLoadBalancer.Name"),
    ("Fargate", "PATH", path, 1, 128, "BC elbv2 RuleCondition.Values"),
    ("GKE", "CLUSTER_NAME", letters, 1, 40, "GKEPB Cluster.name"),
    ("GKE", "POOL_NAME", letters, 1, 40, "GKEPB NodePool.name"),
    ("Kubernetes", "LABEL_NAME", letters, 1, 63, "RFC 1123"),
    ("Kubernetes", "SUBDOMAIN", letters, 1, 253, "RFC 1123"),
    ("Kubernetes", "LABEL_KEY", letters, 1, 63, "K8S/concepts/overview/working-with-objects/labels"),
    ("Kubernetes", "LABEL_VALUE", letters, 0, 63, "K8S/concepts/overview/working-with-objects/labels"),
]


@pytest.mark.parametrize(
    ("cloud", "pattern", "text", "least", "most", "source"),
    TEXTS,
    ids=[f"{row[0]} {row[1]}" for row in TEXTS],
)
def test_a_text_may_have_the_published_number_of_characters(
    cloud: str, pattern: str, text: Callable[[int], str], least: int, most: int, source: str
) -> None:
    takes: re.Pattern[str] = getattr(CLOUDS[cloud][0], pattern)
    taken = {
        count for count in (least - 1, least, most, most + 1) if count >= 0 and takes.fullmatch(text(count))
    }
    assert taken == {least, most}, source


@pytest.mark.parametrize("target", ["Cloud Run", "Fargate"])
def test_a_domain_may_have_the_published_number_of_characters(target: str) -> None:
    """RFC 1035, section 2.3.4; ELB/rule-condition-types."""
    most = {"Cloud Run": 253, "Fargate": 128}[target]
    ours = {"Cloud Run": domain_name.CHARACTERS, "Fargate": fargate.DOMAIN_CHARACTERS}[target]
    assert not domain_name.domain_fault(dotted(most), ours)
    assert domain_name.domain_fault(dotted(most + 1), ours)

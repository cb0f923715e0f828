"""Which entries of a cloud's price list make the price of which row. A row without any is kept by hand."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lookup:
    """service, entry: as the list names them. factor: how many of the list's units are one of the row's.

    unit: the list's own, without which the factor would be another.
    """

    service: str
    entry: str
    unit: str
    factor: float = 1.0


_RUN, _ENGINE, _MILLION = "Cloud Run", "Compute Engine", 1e6


def _e2(cpus: int) -> tuple[Lookup, ...]:
    """Return the parts of an e2-standard machine, which has 4 GiB for each vCPU."""
    memory = Lookup(_ENGINE, "E2 Instance Ram", "GiBy.h", 4 * cpus)
    return Lookup(_ENGINE, "E2 Instance Core", "h", cpus), memory


# By the catalogue's descriptions, without the region that may follow them.
BY_GOOGLE: Mapping[str, tuple[Lookup, ...]] = {
    "cloud-run/request-cpu": (Lookup(_RUN, "Services CPU (Request-based", "s"),),
    "cloud-run/request-memory": (Lookup(_RUN, "Services Memory (Request-based", "GiBy.s"),),
    "cloud-run/idle-cpu": (Lookup(_RUN, "Services Min Instance CPU (Request-based", "s"),),
    "cloud-run/idle-memory": (Lookup(_RUN, "Services Min Instance Memory (Request-based", "GiBy.s"),),
    "cloud-run/instance-cpu": (Lookup(_RUN, "Services CPU (Instance-based", "s"),),
    "cloud-run/instance-memory": (Lookup(_RUN, "Services Memory (Instance-based", "GiBy.s"),),
    "cloud-run/requests": (Lookup(_RUN, "Requests", "count", _MILLION),),
    "compute/e2-standard-2": _e2(2),
    "compute/e2-standard-4": _e2(4),
    "compute/e2-standard-8": _e2(8),
    "compute/disk/pd-balanced": (Lookup(_ENGINE, "Balanced PD Capacity", "GiBy.mo"),),
    "compute/disk/pd-standard": (Lookup(_ENGINE, "Storage PD Capacity", "GiBy.mo"),),
    "compute/disk/pd-ssd": (Lookup(_ENGINE, "SSD backed PD Capacity", "GiBy.mo"),),
}
# By usage type, without the region's prefix.
BY_AWS: Mapping[str, tuple[Lookup, ...]] = {
    "fargate/x86_64/cpu": (Lookup("AmazonECS", "Fargate-vCPU-Hours:perCPU", "hours"),),
    "fargate/x86_64/memory": (Lookup("AmazonECS", "Fargate-GB-Hours", "hours"),),
    "fargate/arm64/cpu": (Lookup("AmazonECS", "Fargate-ARM-vCPU-Hours:perCPU", "hours"),),
    "fargate/arm64/memory": (Lookup("AmazonECS", "Fargate-ARM-GB-Hours", "hours"),),
    "alb/hour": (Lookup("AWSELB", "LoadBalancerUsage", "Hrs"),),
    "alb/lcu": (Lookup("AWSELB", "LCUUsage", "LCU-Hrs"),),
    "ecr/storage": (Lookup("AmazonECR", "TimedStorage-ByteHrs", "GB-Mo"),),
    "public-ipv4": (Lookup("AmazonVPC", "PublicIPv4:InUseAddress", "Hrs"),),
    "secrets-manager/secret": (Lookup("AWSSecretsManager", "AWSSecretsManager-Secrets", "Secrets"),),
    "cloudwatch/ingestion": (Lookup("AmazonCloudWatch", "DataProcessing-Bytes", "GB"),),
}

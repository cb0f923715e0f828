"""Calls `aws` for a Fargate service: the person's own login, and where the service is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from slipway.infra.errors import Failed
from slipway.infra.targets.cloud_cli import Command

AWS = Command(
    "aws",
    "A Fargate stack needs the AWS CLI, `aws`, which is not on PATH: "
    "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html shows how to install it; "
    "then `aws configure sso`.",
)


@dataclass(frozen=True, slots=True)
class FargatePlace:
    """Which service it is. domain: '' where the load balancer's own address is the URL.

    jobs: whether it takes any.
    """

    service: str
    cluster: str
    region: str
    domain: str = ""
    jobs: bool = False

    @property
    def log_group(self) -> str:
        return f"/ecs/{self.service}"

    @property
    def workers(self) -> str:
        """Return the name of the ECS service of its workers: components/fargate/names.py."""
        return f"{self.service}-workers"


def answer(place: FargatePlace, arguments: Sequence[str]) -> dict[str, Any]:
    """Return what a command of `aws` answers. Raises Failed with what it says."""
    done = AWS([*arguments, "--region", place.region, "--output", "json"])
    if done.returncode:
        raise Failed(AWS.said(done))
    return AWS.object_of(done.stdout)


def objects_at(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the list of objects under a key; an empty one if there is none."""
    found = value.get(key)
    return cast("list[dict[str, Any]]", found) if isinstance(found, list) else []

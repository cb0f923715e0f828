"""Lists the registries that a stack pushes its image to, so that a script can log Docker in to them.

Run as `python -m slipway.infra.cli.registries STACK`; prints a line for each: kind, host and region, `-`
where there is none or where it is not known before `up`. Reads the stack's Plan, so that a login follows its
settings.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.infra.errors import Refused
from slipway.infra.plan.run import Plan
from slipway.infra.preview.plans import planned
from slipway.infra.resources.aws import ECR_REPOSITORY
from slipway.infra.resources.local import IMAGE
from slipway.infra.resources.reading import UNKNOWN

# docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html, China's partition included.
_ECR = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
# docs.cloud.google.com/artifact-registry/docs/docker/authentication: gcr.io is served from there too.
_ARTIFACT_REGISTRY = re.compile(r"[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io")


@dataclass(frozen=True, order=True, slots=True)
class ImageRegistry:
    """kind: artifact-registry, ecr or other. host: '' where only the cloud knows it. region: of an ECR."""

    kind: str
    host: str = ""
    region: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.host or '-'} {self.region or '-'}"


def registries_of(plan: Plan) -> list[ImageRegistry]:
    """List the registries of the images that the plan builds, sorted; none if it uses an existing image."""
    return sorted(set(_registries(plan)))


def _registries(plan: Plan) -> Iterator[ImageRegistry]:
    for build in (resource for resource in plan.resources if resource.type == IMAGE):
        for tag in build.inputs["tags"]:
            if tag == UNKNOWN:
                yield from _made_by(plan, build.uses["tags"])
            else:
                yield registry_at(tag.partition("/")[0])


def _made_by(plan: Plan, urns: tuple[str, ...]) -> Iterator[ImageRegistry]:
    """ECR gives a repository its address, which holds the account's number."""
    for resource in plan.resources:
        if resource.urn in urns and resource.type == ECR_REPOSITORY:
            yield ImageRegistry("ecr", region=resource.inputs["region"])


def registry_at(host: str) -> ImageRegistry:
    """Classify the registry at a host by the form of its name."""
    if _ARTIFACT_REGISTRY.fullmatch(host):
        return ImageRegistry("artifact-registry", host)
    if found := _ECR.fullmatch(host):
        return ImageRegistry("ecr", host, found["region"])
    return ImageRegistry("other", host)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m slipway.infra.cli.registries STACK", file=sys.stderr)
        return 2
    found = planned(Path(), sys.argv[1])
    if found.plan is None:
        print(found.refused or Refused(found.left_out), file=sys.stderr)
        return 2
    for registry in registries_of(found.plan):
        print(registry)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A risk of a change, in words, and what the rules read of a comparison."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from slipway.infra.diff.model import Action, ResourceChange, StackDiff
from slipway.infra.plan.monitor import UNKNOWN


class Level(IntEnum):
    """HIGH: what is lost, stops or stands open. MEDIUM: what callers may notice. LOW: good to know."""

    HIGH = 0
    MEDIUM = 1
    LOW = 2


@dataclass(frozen=True, slots=True)
class Risk:
    """text: what the change does, such as "rebuilds the image". detail: a sentence. urn: of a resource."""

    level: Level
    text: str
    detail: str = ""
    urn: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            "level": self.level.name.lower(),
            "text": self.text,
            "detail": self.detail,
            "resource": self.urn,
        }


# What every component that runs a service has among its inputs, and no other.
_SERVICE_INPUT = "min_replicas"
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
Rule = Callable[[StackDiff], Iterator[Risk]]
# The kinds of replaced or deleted resources that other rules speak of in their own words.
NODE_POOL = "gcp:container/nodePool:NodePool"
CLUSTERS = ("gcp:container/cluster:Cluster", "aws:ecs/cluster:Cluster")
NAMESPACE = "kubernetes:core/v1:Namespace"
CLUSTER_PROVIDER = "pulumi:providers:kubernetes"
SERVICES = (
    "gcp:cloudrunv2/service:Service",
    "aws:ecs/service:Service",
    "kubernetes:apps/v1:Deployment",
    "kubernetes:serving.kserve.io/v1beta1:InferenceService",
    "pulumi-python:dynamic/slipway:LocalProcess",
    "docker:index/container:Container",
)
IMAGE = "docker-build:index:Image"
SECRET_TYPES = (
    "gcp:secretmanager/secret:Secret",
    "aws:secretsmanager/secret:Secret",
    "kubernetes:core/v1:Secret",
)
SECRET_VERSIONS = (
    "gcp:secretmanager/secretVersion:SecretVersion",
    "aws:secretsmanager/secretVersion:SecretVersion",
)
KEYS = "random:index/randomPassword:RandomPassword"


def components(diff: StackDiff) -> Iterator[ResourceChange]:
    """The services of the stack, in the words that every target shares."""
    for change in diff.resources:
        if change.type.startswith("slipway:") and _SERVICE_INPUT in change.resource.inputs:
            yield change


def of_types(diff: StackDiff, types: tuple[str, ...], *actions: Action) -> Iterator[ResourceChange]:
    for change in diff.resources:
        if change.type in types and change.action in actions:
            yield change


def numbers(change: ResourceChange, name: str) -> tuple[float, float] | None:
    """An input before and after, where it changed and both are numbers."""
    found = change.change_of(name)
    if found is None or not _is_number(found.before) or not _is_number(found.after):
        return None
    return found.before, found.after


def at(value: Any, *path: str | int) -> Any:
    """What stands at `path`; None where it is not there."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def has_gpu(inputs: Mapping[str, Any]) -> bool:
    return bool(at(inputs, "nodeConfig", "guestAccelerators"))


def shortened(text: str) -> str:
    """What tells two digests apart is at their start."""
    return _DIGEST.sub(r"\1…", text)


def said(value: Any) -> str:
    """A value within a sentence."""
    if value == UNKNOWN:
        return "a value that is not known yet"
    if isinstance(value, list):
        return ", ".join(str(part) for part in cast("list[Any]", value)) or "nothing"
    return "nothing" if value in (None, "") else shortened(str(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

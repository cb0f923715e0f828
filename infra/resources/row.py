"""What is known of one type of resource: a row, whose cells every reader of a plan asks.

A cell that is None is unknown. A reader shows it as such: it is never free, never safe and never passed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

from slipway.infra.resources.containers import Container
from slipway.infra.resources.reading import Resource


class Role(StrEnum):
    """What a resource is for, in the words that all clouds share.

    WORKLOAD: it runs containers, and is not what answers. REVISION and SECRET_VERSION: a new one takes over
    at once, and what runs goes on. NAME: the drawn end of another resource's name. CLUSTER_ACCESS: the
    connection by which all objects of a cluster are made.
    """

    SERVICE = auto()
    WORKLOAD = auto()
    REVISION = auto()
    SCALING = auto()
    CLUSTER = auto()
    CLUSTER_ACCESS = auto()
    NODE_POOL = auto()
    NAMESPACE = auto()
    IMAGE = auto()
    STORAGE = auto()
    SECRET = auto()
    SECRET_VERSION = auto()
    API_KEY = auto()
    NAME = auto()
    CONFIGURATION = auto()
    IDENTITY = auto()
    GRANT = auto()
    ROLE_POLICY = auto()
    NETWORK = auto()
    CLOUD_API = auto()
    ALARM = auto()
    DASHBOARD = auto()


@dataclass(frozen=True, slots=True)
class Replacement:
    """The properties whose change makes the provider replace the resource, with what is in them.

    properties: paths without what names an item of a list. everything: all properties but the named ones.
    source: where it can be read.
    """

    properties: tuple[str, ...]
    source: str
    everything: bool = False

    @classmethod
    def by(cls, properties: str, source: str, everything: bool = False) -> "Replacement":
        """Make one of properties that are separated by spaces."""
        return cls(tuple(properties.split()), source, everything)

    def forced_by(self, paths: Iterable[str]) -> list[str]:
        """Return those of the changed paths that force a replacement."""
        return [path for path in paths if self._names(path) is not self.everything]

    def _names(self, path: str) -> bool:
        return any(path == name or path.startswith(f"{name}.") for name in self.properties)


@dataclass(frozen=True, slots=True)
class Billed:
    """charge: the name of what prices it, in infra/cost/kinds.py."""

    charge: str


@dataclass(frozen=True, slots=True)
class NoCharge:
    """reason: why it costs nothing by itself."""

    reason: str


HERE = NoCharge("on this machine")
PERMISSION = NoCharge("a permission has no charge")
WIRING = NoCharge("part of a network, without a charge of its own")
WITH_SERVICE = NoCharge("billed with the service that it belongs to")


@dataclass(frozen=True, slots=True)
class Protection:
    """input: the property by which the cloud refuses a deletion; '' for none. by_default: on where unset."""

    input: str
    by_default: bool = False


FindContainers = Callable[[Resource, Mapping[str, Any]], Iterator[Container]]
FindWays = Callable[[Resource], Iterator[str]]


def no_containers(_resource: Resource, _recorded: Mapping[str, Any]) -> Iterator[Container]:
    """Find nothing: the type runs no container."""
    return iter(())


def no_ways(_resource: Resource) -> Iterator[str]:
    """Find nothing: the type lets nobody in."""
    return iter(())


@dataclass(frozen=True, slots=True)
class UnknownText:
    """A text that no plan knows. input: its property. arguments: of the component that makes it."""

    input: str
    arguments: frozenset[str]


@dataclass(frozen=True, slots=True)
class Row:
    """One type of resource. A cell that is left out says that there is nothing; None, that it is not known.

    containers: finds those that it runs, in its inputs and its component's recorded arguments. opens: finds
    each way by which everybody on the internet reaches it; reachable: each by which the internet reaches it,
    though not everybody is let in. holds: whether a deletion loses what cannot be made again. stays: what
    remains of it after the stack is destroyed. rolls_on: the paths whose change rolls out a new revision of a
    service; without one every change restarts it. new_outputs: a change in place gives it other outputs.
    named_by: the input by whose content the provider names it. on_project: it grants on a whole project.
    is_entry: it is one entry of a list, such as a rule; with other content it is another entry. document: a
    text in it that is unknown on both sides of a comparison, so that the arguments show whether it changes.
    """

    role: Role
    replaced_by: Replacement | None
    charge: Billed | NoCharge | None
    protection: Protection | None = Protection("")
    containers: FindContainers | None = no_containers
    opens: FindWays | None = no_ways
    reachable: FindWays | None = no_ways
    holds: bool | None = False
    stays: str = ""
    rolls_on: tuple[str, ...] = ()
    new_outputs: bool = False
    named_by: str = ""
    on_project: bool = False
    is_entry: bool = False
    document: UnknownText | None = None

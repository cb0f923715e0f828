"""What a resource is charged by: quantities of price rows, read from plain resources. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from slipway.infra.cost.usage import Usage
from slipway.infra.resources.reading import Resource, at
from slipway.infra.resources.row import Billed
from slipway.infra.resources.table import row_of


@dataclass(frozen=True, slots=True)
class Charge:
    """Hold the quantities of one price row a month, in the row's unit.

    idle: at the minimum of instances, without a request. expected: at the assumed usage. maximum: with every
    instance busy all month. per_million: for each further million requests, on fully busy instances.
    share: key of a row that the price is multiplied by (Spot).
    """

    key: str
    idle: float = 0.0
    expected: float = 0.0
    maximum: float = 0.0
    per_million: float = 0.0
    share: str = ""

    @property
    def matters(self) -> bool:
        """Return whether anything is charged at all."""
        return bool(self.idle or self.expected or self.maximum or self.per_million)

    @classmethod
    def always(cls, key: str, quantity: float) -> "Charge":
        """Make a charge that is the same however busy the service is."""
        return cls(key, quantity, quantity, quantity)

    @classmethod
    def by_use(cls, key: str, quantity: float) -> "Charge":
        """Make a charge of which nothing is due when idle."""
        return cls(key, 0.0, quantity, quantity)


@dataclass(frozen=True, slots=True)
class RolloutHour:
    """What a rollout adds while it lasts. text: in words. charges: of an hour of it, at most."""

    text: str
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """How a resource is charged. region: whose rows apply. unknown: what no charge covers, in a few words.

    serves: it answers requests. capacity_known: how many requests an instance answers is known. remarks: what
    a reader of the figures must know. rollout: what two versions cost that run at once; None: they do not.
    """

    region: str
    charges: tuple[Charge, ...]
    note: str = ""
    unknown: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    serves: bool = False
    capacity_known: bool = True
    rollout: RolloutHour | None = None


@dataclass(frozen=True, slots=True)
class Free:
    """A resource without a charge. reason: why it costs nothing by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotPriced:
    """A resource of unknown cost. reason: why its cost is unknown."""

    reason: str


Verdict = Priced | Free | NotPriced


class Scene:
    """The resources of one stack together, and what is assumed of their use."""

    def __init__(self, resources: Iterable[Resource], usage: Usage) -> None:
        self.usage = usage
        self._by_type: dict[str, list[Resource]] = {}
        self._by_place: dict[tuple[str, str | None], list[Resource]] = {}
        self._by_urn: dict[str, Resource] = {}
        for resource in resources:
            self._by_type.setdefault(resource.type, []).append(resource)
            self._by_place.setdefault((resource.type, resource.parent), []).append(resource)
            self._by_urn[resource.urn] = resource

    def of_type(self, *types: str) -> list[Resource]:
        return [resource for type_ in types for resource in self._by_type.get(type_, [])]

    def partner(self, resource: Resource, type_: str) -> Resource | None:
        """Return the one resource of the type that this depends on, else its sibling, else the only one."""
        named = [self._by_urn[urn] for urn in resource.dependencies if urn in self._by_urn]
        for chosen in (
            [one for one in named if one.type == type_],
            self._by_place.get((type_, resource.parent), []),
            self._by_type.get(type_, []),
        ):
            if len(chosen) == 1:
                return chosen[0]
        return None

    def siblings(self, resource: Resource) -> list[Resource]:
        """Return the resources with the same parent."""
        return [one for one in self._by_urn.values() if one.parent == resource.parent]

    @cached_property
    def forwarding_rules(self) -> Mapping[str, int]:
        """Number the resources that are, or make, a forwarding rule: URN -> position."""
        rules = [one for one in self._by_urn.values() if is_forwarding_rule(one)]
        return {one.urn: position for position, one in enumerate(rules)}


def is_forwarding_rule(resource: Resource) -> bool:
    """Return whether the resource is a forwarding rule, or one that Kubernetes makes a rule for."""
    row = row_of(resource.type)
    if row and row.charge == Billed("kubernetes-service"):
        return at(resource.inputs, "spec", "type") == "LoadBalancer"
    return row is not None and row.charge == Billed("forwarding-rule")

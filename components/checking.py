"""Reads a component's arguments into its spec, and checks them once, by its rules. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from .arguments import readable_arguments
from .fault import Fault, refuse
from .spec import was_checked


class Spec(Protocol):
    """The arguments of one component, complete."""

    @classmethod
    def read(cls, name: str, args: Mapping[str, Any]) -> Self:
        """Fill in the defaults."""
        ...


S = TypeVar("S", bound=Spec)


@dataclass(frozen=True, slots=True)
class Rules(Generic[S]):
    """How a component's arguments are read and checked.

    args: the TypedDict of the arguments. faults: yields what is wrong with a spec. later: the fields whose
    values are known only once something else has been created.
    """

    spec: type[S]
    args: type
    faults: Callable[[S], Iterable[Fault]]
    later: Collection[str] = ("image_ref",)

    def checked(self, name: str, args: Mapping[str, Any], checked: S | None = None) -> S:
        """Return the spec of the component `name`. Raises ArgumentsError with every fault.

        Arguments that cannot be read, by name or type, are reported before the others. checked: the spec of
        an earlier check; only what differs from it is checked again.
        """
        spec = self.spec.read(name, readable_arguments(name, args, self.args))
        if not was_checked(spec, checked, self.later):
            refuse(name, self.faults(spec))
        return spec

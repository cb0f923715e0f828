"""A setting of a stack: its key, type, unit, default and check."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table: it declares the key in Pulumi.yaml and in README, and checks its value.

    type: text, choice, number, integer, quantity, flag, list, map, secret, or `secret map` (encrypted values
    and references). field: its name in Settings; by default the key. targets: where it has a meaning; empty:
    everywhere. required: on which targets it must be set. elsewhere: pairs of a target and
    its own default.
    """

    key: str
    type: str
    unit: str
    default: str
    allowed: str
    description: str
    parse: Callable[[str], object]
    field: str = ""
    targets: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()

    def default_on(self, target: str) -> str:
        return dict(self.elsewhere).get(target, self.default)

    @property
    def secret(self) -> bool:
        """Its whole value: such a key cannot be declared in Pulumi.yaml."""
        return self.type == "secret"

    @property
    def shown(self) -> bool:
        """Whether an error may repeat its value."""
        return self.type not in ("secret", "secret map")

"""Declares one setting, next to its field: its key, check, unit, default and description."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from slipway.stacks.settings.checks import Check


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a target.

    key: as people write it. field: its name in the target's class, which is also that of the component's
    argument that gets it, if there is one. default: the string of the value that applies if it is unset; ''
    if the component's own default does, or none. unset: what applies then, if no value expresses it.
    silent: why no plan changes with it, for those that no plan shows.
    """

    key: str
    check: Check
    description: str
    unit: str = ""
    default: str = ""
    unset: str = ""
    required: bool = False
    silent: str = ""
    field: str = ""

    @property
    def type(self) -> str:
        return self.check.type

    @property
    def allowed(self) -> str:
        return self.check.allowed

    @property
    def sentence(self) -> str:
        """Return what the setting is, and what applies if it is unset."""
        if not self.unset:
            return self.description
        return f"{self.description.removesuffix('.')} (default: {self.unset})."

    @property
    def secret(self) -> bool:
        """Return whether the setting's whole value is secret; Pulumi.yaml cannot declare its key then."""
        return self.type == "secret"

    @property
    def shown(self) -> bool:
        """Return whether an error may repeat its value."""
        return self.type not in ("secret", "secret map")

    def parse(self, text: str) -> Any:
        """Return the value. Raises ValueError with a nearby value that is allowed, or ''."""
        return self.check.parse(text)


def setting(key: str, check: Check, description: str, **more: Any) -> Any:
    """Declare one field; `more` are the further attributes of Setting."""
    row = Setting(key, check, description, **more)
    default = check.parse(row.default) if row.default else check.unset
    if isinstance(default, Mapping):
        return dataclasses.field(default_factory=dict[str, Any], metadata={"setting": row})
    return dataclasses.field(default=default, metadata={"setting": row})


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The settings of a target.

    given: the fields that were set. texts: what was written for those that may be shown.
    """

    given: frozenset[str] = frozenset()
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    # The arguments of its components that other settings decide: argument -> key.
    computed: ClassVar[Mapping[str, str]] = {}
    # The specs of its components, whose defaults hold where a setting is unset: below slipway.components.
    specs: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def rows(cls) -> tuple[Setting, ...]:
        """Return the settings, in the order of their declaration."""
        return _rows(cls)

    @classmethod
    def words(cls) -> Mapping[str, str]:
        """Map each argument of a component to the key of the setting that it comes from."""
        inherited = [base.__dict__.get("computed", {}) for base in reversed(cls.__mro__)]
        computed = {argument: key for words in inherited for argument, key in words.items()}
        return {**{row.field: row.key for row in cls.rows()}, **computed}

    @classmethod
    def of(cls, values: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """Return the settings with these values, key -> parsed; texts: key -> as written."""
        fields = {row.key: row.field for row in cls.rows()}
        return cls(
            **{fields[key]: value for key, value in values.items()},
            given=frozenset(fields[key] for key in values),
            texts={fields[key]: text for key, text in texts.items()},
        )

    def args_for(self, declared: type) -> dict[str, Any]:
        """Return the settings that were given and are arguments of a component. declared: its TypedDict."""
        from slipway.components.arguments import usable_arguments  # imports Pulumi, which a policy must not

        names = self.given & declared.__annotations__.keys()
        given = {row.field: _plain(getattr(self, row.field)) for row in self.rows() if row.field in names}
        return usable_arguments(given, declared)[0]


@cache
def _rows(cls: type[Declared]) -> tuple[Setting, ...]:
    found = ((each.name, each.metadata.get("setting")) for each in dataclasses.fields(cls))
    return tuple(dataclasses.replace(row, field=name) for name, row in found if row is not None)


def _plain(value: Any) -> Any:
    """Convert a value to the lists and maps of a component's arguments."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value

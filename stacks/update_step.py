"""A step of a rollout that a command drives in several updates of the stack."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpdateStep:
    """A part of a canary or a blue-green rollout. instances: of the second version; None: the least."""

    name: str
    instances: int | None = None

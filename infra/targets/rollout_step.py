"""How `slipway up` says to the program which step of a rollout an update is: by an environment variable.

A bare `pulumi up` has none, and brings the version of the stack's file pod by pod.
"""

import re

from slipway.infra.errors import Refused
from slipway.stacks.update_step import UpdateStep

ROLLOUT_STEP = "SLIPWAY_ROLLOUT_STEP"
_STEP = re.compile(r"([a-z]+)(?::([0-9]{1,5}))?")


def step_text(step: UpdateStep) -> str:
    """Return the variable's value."""
    return step.name if step.instances is None else f"{step.name}:{step.instances}"


def step_of(text: str) -> UpdateStep | None:
    """Read the variable's value; None for ''. Raises Refused."""
    if not text:
        return None
    match = _STEP.fullmatch(text)
    if match is None:
        raise Refused(
            f"{ROLLOUT_STEP} is {text!r}, which is no step of a rollout. Only `slipway up` sets it."
        )
    return UpdateStep(match[1], int(match[2]) if match[2] else None)

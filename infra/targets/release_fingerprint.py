"""What a release of a cloud's stack runs, as one hash: code, model and settings. Pure."""

import hashlib
import json
from typing import Any

from slipway.infra.plan.run import Plan
from slipway.infra.resources.local import IMAGE
from slipway.infra.targets.release_identity import NOT_OF_A_VERSION
from slipway.stacks.settings.targets import rows_of

_DIGITS = 16
# The arguments of components that these settings become.
_ASIDE = frozenset(row.field for key in NOT_OF_A_VERSION for row in rows_of(key).values())


def fingerprint_of(plan: Plan) -> str:
    """Return the same for two plans that bring the same release, however it takes over.

    An image that is still to be built has no digest, and counts by what it is made of; a secret's value
    counts for nothing.
    """
    made: list[Any] = []
    for resource in plan.resources:
        if resource.type.startswith("slipway:index:"):
            kept = {key: value for key, value in resource.inputs.items() if key not in _ASIDE}
            made.append((resource.type, kept))
        elif resource.type == IMAGE:
            made.append((resource.type, resource.inputs.get("buildArgs")))
    text = json.dumps(sorted(made, key=str), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

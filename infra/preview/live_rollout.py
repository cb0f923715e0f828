"""What `slipway up` would do to the service of a local stack that already runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.components.local.process import running
from slipway.components.local.provider import SLIPWAY
from slipway.components.local.record import Lease
from slipway.components.local.release import RELEASE_INPUTS, Release, taken_back
from slipway.components.local.rollout import under_way
from slipway.components.rollouts.kinds import BAKE_MINUTES, CANARY, CANARY_PERCENT, ROLLING, in_minutes
from slipway.infra.diff.model import Action
from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.plan.run import Plan
from slipway.infra.resources.local import PROCESS

# Input of the process -> what changes, in the words of the stack file; the others have the setting's name.
_WORDS = {
    "memory_gib": "memory",
    "timeout_seconds": "timeout",
    "model_folder": "model",
    "model_digest": "model",
    "expected_model": "model",
    "code_digest": "the server's code",
}


@dataclass(frozen=True, slots=True)
class LiveRollout:
    """Says what happens to a service that runs. actions: URN -> what happens to that resource."""

    sentence: str
    actions: Mapping[str, Action]


def live_rollout(root: Path, config: StackConfig, plan: Plan) -> LiveRollout | None:
    """Compare a plan with the release that serves; None where nothing that `slipway up` started runs."""
    folder = root / config.run_folder
    inputs = next((dict(each.inputs) for each in plan.resources if each.type == PROCESS), None)
    lease = Lease.read(folder)
    if inputs is None or lease is None or lease.owner != SLIPWAY or running(folder) is None:
        return None
    release = Release.read(folder, lease.release)
    if release is None:
        return None
    changed = list(dict.fromkeys(_changed(release, inputs, config)))
    sentence = f"Release {release.number} serves. {_what_up_does(folder, release.number, inputs, changed)}"
    action = Action.UPDATE if changed else Action.SAME
    return LiveRollout(sentence, {each.urn: action for each in plan.resources})


def _changed(release: Release, inputs: Mapping[str, Any], config: StackConfig) -> Iterator[str]:
    for name in RELEASE_INPUTS:
        if release.inputs.get(name) != inputs.get(name):
            yield _WORDS.get(name, name)
    given = config.values.get(f"{config.project}:apiKey", "")
    was_given = bool(release.inputs.get("api_key_given"))
    if bool(given) != was_given or (given not in ("", ENCRYPTED) and given != release.api_key):
        yield "apiKey"


def _what_up_does(folder: Path, serving: int, inputs: Mapping[str, Any], changed: list[str]) -> str:
    if (other := under_way(folder)) is not None:
        return f"The rollout of release {other.new} is {other.state}: `slipway up` is refused until it ends."
    if not changed:
        return "It is what is planned: `slipway up` changes nothing."
    if (same := taken_back(folder, inputs)) is not None:
        return (
            f"`slipway up` refuses this change: it is release {same.number}, which went back: "
            f"{same.ended_because.removesuffix('.')}. `slipway up --again` brings it again."
        )
    return f"`slipway up` starts a new one next to it, for {_listed(changed)}. {_takes_over(serving, inputs)}"


def _takes_over(serving: int, inputs: Mapping[str, Any]) -> str:
    kind = inputs.get("rollout") or ROLLING
    if kind == ROLLING:
        return "After its smoke test it gets every request."
    minutes = in_minutes(inputs.get("bake_minutes") or BAKE_MINUTES)
    if kind == CANARY:
        percent = f"{inputs.get('canary_percent') or CANARY_PERCENT:g}%"
        return f"After its smoke test it gets {percent} of the requests for {minutes}, and then all or none."
    return (
        f"After its smoke test it gets every request; for {minutes} release {serving} can take them back "
        "at once."
    )


def _listed(changed: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(changed[:-1]), changed[-1])))

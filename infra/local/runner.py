"""Applies the local stack where there is no Pulumi CLI: same program, same provider, one state file.

The state file holds the resources and outputs of the last `up`, the API key among them; only its owner
may read it. A lock keeps two commands from changing one stack at once.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from slipway.components.fault import reader_words
from slipway.components.local.private import make_private
from slipway.components.local.process import refuse_other_owner, running, stop
from slipway.components.local.provider import SLIPWAY, STOP_COMMANDS, LocalProcessProvider
from slipway.components.local.record import Lease, RecordError, read_json, unwritable, write_json
from slipway.components.local.release import allow_again
from slipway.components.local.rollout import abandon
from slipway.components.local.worker import JOBS_FILE
from slipway.infra.errors import Refused
from slipway.infra.local.optional import require_sets
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.monitor import Monitor, PlanError, masked, revealed, secret
from slipway.infra.plan.run import run
from slipway.infra.resources.local import PROCESS
from slipway.infra.resources.reading import UNKNOWN
from slipway.stacks.settings.local import LocalSettings

STATE = "state.json"
_VERSION = 1


class Busy(Refused):
    """Another command is changing this stack."""


class SlipwayProvider(LocalProcessProvider):
    """The provider as `slipway up` uses it, which owns what it starts."""

    owner = SLIPWAY
    keeps_keys = True  # as its own state does

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._say = say

    def say(self, step: str) -> None:
        if self._say is not None:
            self._say(step)


@dataclass(frozen=True, slots=True)
class StackOutput:
    """A stack output in plain text, and whether it is a secret."""

    value: Any
    secret: bool


@dataclass
class State:
    """What the last `up` created. resources: URN -> {"id", "outputs"}."""

    resources: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    outputs: dict[str, StackOutput] = field(default_factory=dict[str, StackOutput])

    @classmethod
    def read(cls, folder: Path) -> "State":
        """Read the state, an empty one if there is no file. Raises RecordError if the file is damaged."""
        data = read_json(folder / STATE)
        if data is None:
            return cls()
        try:
            if data["version"] != _VERSION:
                raise RecordError(
                    f"{folder / STATE} has version {data['version']}; this slipway reads {_VERSION}."
                )
            outputs = {name: StackOutput(**output) for name, output in data["outputs"].items()}
            return cls(
                {urn: {"id": r["id"], "outputs": r["outputs"]} for urn, r in data["resources"].items()},
                outputs,
            )
        except (KeyError, TypeError, AttributeError):
            raise RecordError(
                f"{folder / STATE} is damaged: not what `slipway up` wrote. `slipway status` shows what "
                "runs. Delete the file; `slipway up` then starts the service again with a new key."
            ) from None

    def write(self, folder: Path) -> None:
        outputs = {name: {"value": o.value, "secret": o.secret} for name, o in self.outputs.items()}
        write_json(folder / STATE, {"version": _VERSION, "resources": self.resources, "outputs": outputs})


def up(
    config: StackConfig, program: Callable[[], None], say: Callable[[str], None], *, again: bool = False
) -> tuple[State, str]:
    """Bring the stack to what its program registers. Returns the state, and created, updated or unchanged.

    again: bring also a release that went back. say: called with each step in words. Raises Busy,
    RecordError, PlanError, OwnedByOther, StartFailed and the program's own errors; after any of them the
    state still lists what runs.
    """
    wanted = _wanted(config, program)
    for props in wanted.values():
        require_sets(props, say)
    folder = config.run_folder
    with locked(folder):
        state = State.read(folder)
        for props in wanted.values() if again else ():
            allow_again(folder, props)
        with reader_words(LocalSettings.words()):
            done = [_apply(urn, props, state, folder, say) for urn, props in wanted.items()]
        _delete([urn for urn in state.resources if urn not in wanted], state, folder)
        state.outputs = _outputs(config, program, state)
        state.write(folder)
    return state, next((what for what in ("created", "updated") if what in done), "unchanged")


def down(config: StackConfig) -> bool:
    """Stop the stack's service and forget its state; log and jobs stay. False if there was nothing.

    Raises Busy, RecordError, and OwnedByOther for a service that Pulumi started.
    """
    folder = config.run_folder
    if not folder.exists():
        return False
    refuse_other_owner(folder, SLIPWAY, STOP_COMMANDS)
    with locked(folder):
        state = State.read(folder)
        existed = bool(state.resources) or Lease.read(folder) is not None
        _delete(list(state.resources), state, folder)
        abandon(folder)
        stop(folder)  # what an interrupted `up` may have left
        (folder / STATE).unlink(missing_ok=True)
    (folder / "lock").unlink(missing_ok=True)
    return existed


def runs(config: StackConfig) -> bool:
    """Return whether a process that `slipway up` started runs, whatever the settings say now."""
    lease = Lease.read(config.run_folder)
    return lease is not None and lease.owner == SLIPWAY and running(config.run_folder) is not None


def kept_jobs(config: StackConfig) -> str:
    """Return the file with the jobs that `down` leaves, relative to the project; '' if there is none."""
    path = config.run_folder / JOBS_FILE
    return str(path) if path.is_file() and path.stat().st_size else ""


def remaining(config: StackConfig) -> list[str]:
    """Files of the stack that `down` leaves, relative to the project."""
    folder = config.run_folder
    return [str(path) for path in sorted(folder.glob("*")) if path.is_file()]


def _wanted(config: StackConfig, program: Callable[[], None]) -> dict[str, dict[str, Any]]:
    """URN -> inputs of what the provider must apply, secrets in clear."""
    monitor = Monitor(config.project, config.stack)
    run(program, config, monitor, preview=True)
    wanted: dict[str, dict[str, Any]] = {}
    for urn, resource in monitor.recorded.items():
        if resource.type == PROCESS:
            wanted[urn] = revealed(
                {k: v for k, v in monitor.requests[urn].object.items() if k != "__provider"}
            )
            unknown = [name for name, value in wanted[urn].items() if value == UNKNOWN]
            if unknown:
                raise PlanError(
                    f"{', '.join(unknown)} is encrypted in Pulumi.{config.stack}.yaml, and only Pulumi "
                    f"decrypts it: `pulumi up --stack {config.stack}`, or remove it, and one is created."
                )
        elif resource.custom:
            raise PlanError(
                f"{resource.type} {resource.name} needs Pulumi: `pulumi up --stack {config.stack}`."
            )
    return wanted


def _apply(urn: str, props: dict[str, Any], state: State, folder: Path, say: Callable[[str], None]) -> str:
    provider, old = SlipwayProvider(say), state.resources.get(urn)
    if old is None:
        say(f"Starting {props['service']} on {props['url']}")
        created = provider.create(props)
        state.resources[urn] = {"id": created.id, "outputs": created.outs}
        done = "created"
    elif provider.diff(old["id"], old["outputs"], props).changes:
        say(f"Updating {props['service']} on {props['url']}")
        state.resources[urn]["outputs"] = provider.update(old["id"], old["outputs"], props).outs
        done = "updated"
    else:
        return "unchanged"
    state.write(folder)
    return done


def _delete(urns: list[str], state: State, folder: Path) -> None:
    for urn in urns:
        gone = state.resources[urn]
        SlipwayProvider().delete(gone["id"], gone["outputs"])
        del state.resources[urn]
        state.write(folder)


def _outputs(config: StackConfig, program: Callable[[], None], state: State) -> dict[str, StackOutput]:
    """Run the program again, with its resources in place, and return the outputs that it exports."""
    applied = {urn: _with_secrets(resource["outputs"]) for urn, resource in state.resources.items()}
    outputs = run(program, config, Monitor(config.project, config.stack, applied=applied), preview=False)
    return {
        name: StackOutput(revealed(outputs[name]), revealed(outputs[name]) != masked(outputs[name]))
        for name in sorted(outputs)
    }


def _with_secrets(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: secret(value) if name == "api_key" else value for name, value in outputs.items()}


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep other commands from changing the stack. Raises Busy, RecordError."""
    lock = FileLock(folder / "lock")
    try:
        make_private(folder)
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(
            f"Another slipway command is changing this stack (it holds {folder / 'lock'}). Wait until it is "
            "done; `slipway promote` and `slipway rollback` end a canary that it waits for."
        ) from None
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
        yield
    finally:
        lock.release()

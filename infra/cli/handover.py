"""Hands a stack over to the Pulumi CLI; after a run that did not end well, with what puts it right."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from slipway.infra.cli.console import ERR
from slipway.infra.errors import Failed, ProgramFailed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.pulumi_updates import answer_of, run_program, variables_of
from slipway.infra.targets.registry import target_of
from slipway.infra.targets.status import smoke_words
from slipway.infra.targets.target import CommandRollout, SmokeTest

# For users whose `up` failed or was interrupted.
_STUCK_STACKS = "docs/guides/stuck-stacks.md"
_GET_PULUMI = (
    "https://www.pulumi.com/docs/install/ shows how; in a checkout `make setup-cloud` offers to install it"
)
_WITHOUT = " Without it, run the image with Compose, see docs/guides/container.md, or set `runtime: process`."

# Timeout for Pulumi's backend, which may be far away.
_ANSWER_SECONDS = 60


class LastRun(Enum):
    """value: the end of a sentence that begins with the last run."""

    WHOLE = "succeeded"
    FAILED = "failed"
    CUT_OFF = "was interrupted"

    @property
    def left_doubt(self) -> bool:
        """Return whether the state may differ from what exists."""
        return self is not LastRun.WHOLE


def last_run_of(pulumi: str, stack: str) -> LastRun:
    """Return how the stack's last run ended, as the CLI at `pulumi` knows it.

    WHOLE, which means that it succeeded, also if that cannot be found out: `pulumi up` then says why itself.
    """
    state = answer_of(pulumi, "stack", "export", "--stack", stack)
    history = answer_of(pulumi, "stack", "history", "--stack", stack, "--json", "--page-size", "1")
    try:
        if state["deployment"].get("pending_operations"):
            return LastRun.CUT_OFF
        return LastRun.WHOLE if history[0]["result"] == "succeeded" else LastRun.FAILED
    except (AttributeError, IndexError, KeyError, TypeError):
        return LastRun.WHOLE


def being_created(pulumi: str, stack: str) -> list[str]:
    """Return name and type of each resource whose creation had begun and not ended, as the state knows it.

    It may exist, and only the state's list of pending operations names it, until a refresh clears that.
    """
    state = answer_of(pulumi, "stack", "export", "--stack", stack)
    try:
        pending: list[dict[str, Any]] = state["deployment"].get("pending_operations") or []
        made = [each["resource"] for each in pending if each["type"] == "creating"]
        return sorted(f"{each['urn'].split('::')[-1]} ({each['type']})" for each in made)
    except (AttributeError, KeyError, TypeError):
        return []


def pulumi_command(verb: str, config: StackConfig, *options: str) -> list[str]:
    """`pulumi VERB --stack STACK`: the clouds are its work, and so are containers."""
    command = _pulumi_path(verb, config)
    shown = " ".join((verb, "--stack", config.stack, *options))
    ERR.print(f"Handing over to `pulumi {shown}`", markup=False)
    return [command, *shown.split(" ")]


def _pulumi_path(verb: str, config: StackConfig) -> str:
    pulumi, stack = shutil.which("pulumi"), config.stack
    if pulumi is None:
        container = target_of(config).in_container(config)
        raise Refused(
            f"Stack {stack} {'has `runtime: container`; it ' if container else ''}is applied by the Pulumi "
            f"CLI (`pulumi {verb} --stack {stack}`), which is not installed: "
            f"{_GET_PULUMI}.{_WITHOUT if container else ''}"
        )
    return pulumi


def pulumi_outputs(config: StackConfig, reveal: bool) -> dict[str, Any]:
    """Return the outputs of the stack's last `up`, as the CLI knows them; secrets masked unless `reveal`."""
    pulumi = _pulumi_path("stack output", config)
    command = [pulumi, "stack", "output", "--json", "--stack", config.stack, "--non-interactive"]
    try:
        done = subprocess.run(
            [*command, *(["--show-secrets"] if reveal else [])],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"`pulumi stack output` did not answer within {_ANSWER_SECONDS} s.") from None
    if done.returncode:
        said = done.stderr.strip().removeprefix("error: ") or "it said nothing"
        raise Failed(f"`pulumi stack output --stack {config.stack}` failed: {said}")
    try:
        outputs = json.loads(done.stdout or "{}")
    except ValueError:
        raise Failed("`pulumi stack output` answered something other than JSON.") from None
    if not outputs:
        raise Refused(f"Stack {config.stack} has no outputs yet: `slipway up {config.stack}` makes them.")
    return outputs


def hand_over(
    config: StackConfig, refresh: bool | None, yes: bool = False, *, smoke: bool = True, again: bool = False
) -> None:
    """Run `pulumi up`, then the smoke test, and the rollout where the target leaves it to the command.

    refresh: None: where the last run leaves it in doubt what is there. yes: ask for no confirmation. again:
    bring also a release that went back. Raises Refused, ProgramFailed and Failed.
    """
    pulumi = _pulumi_path("up", config)
    rollout = target_of(config).command_rollout(config, again, _say)
    if again and rollout is None:
        raise Refused(
            f"--again brings a release that went back, and stack {config.stack} keeps none. Omit it."
        )
    if rollout is not None:
        rollout.begin(lambda: _plan_of(config))
        if rollout.prepare():
            if refresh is False:
                raise Refused(
                    f"The rollout of stack {config.stack} reads first what exists. Omit --no-refresh."
                )
            refresh = True
    found = last_run_of(pulumi, config.stack) if refresh is None else LastRun.WHOLE
    if found.left_doubt:
        ERR.print(
            f"The last run of stack {config.stack} {found.value}: what is there is read first; --no-refresh "
            f"leaves that out. {_STUCK_STACKS} has more.",
            markup=False,
        )
    if found is LastRun.CUT_OFF and (created := being_created(pulumi, config.stack)):
        ERR.print(
            f"It was creating {', '.join(created)}. What of these exists in the cloud is not in the state; "
            "import or delete it.",
            markup=False,
        )
    options = (*(("--refresh",) if refresh or found.left_doubt else ()), *(("--yes",) if yes else ()))
    _apply(pulumi_command("up", config, *options), rollout)
    if rollout is not None:
        outputs = pulumi_outputs(config, reveal=True)
        rollout.carry_out(outputs, _smoke_test_of(config, outputs) if smoke else None)
    elif smoke:
        _smoke_test(config)


def _plan_of(config: StackConfig) -> Plan:
    from slipway.infra.preview import previews_of  # imports Pulumi

    [(plan, _)] = previews_of(Path(), [config.stack], []).found
    return plan


def _apply(command: list[str], rollout: CommandRollout | None) -> None:
    """Run `pulumi up`; where it fails, say what became of the rollout. Raises ProgramFailed, Failed."""
    if rollout is None:
        run_program(command)
        return
    try:
        with rollout.going_on():
            run_program(command, variables_of(rollout.step))
    except ProgramFailed:
        if told := rollout.after_failure():
            _say(told)
        raise


def _say(step: str) -> None:
    ERR.print(step, markup=False)


def _smoke_test(config: StackConfig) -> None:
    """Ask the service what it serves now. Raises Failed for a wrong answer."""
    try:
        outputs = pulumi_outputs(config, reveal=True)
    except (Failed, Refused) as error:
        _say(f"Smoke test left out: {error}")
        return
    if "url" not in outputs:
        _say("Smoke test left out: the stack has no output `url`.")
        return
    if fault := _smoke_test_of(config, outputs)(str(outputs["url"])):
        raise Failed(
            f"Stack {config.stack} is deployed and answers wrong: {fault}. It serves what was deployed; "
            f"{target_of(config).how_to_roll_back(config)}, or bring the earlier commit back and run "
            f"`slipway up {config.stack}`."
        )


def _smoke_test_of(config: StackConfig, outputs: Mapping[str, Any]) -> SmokeTest:
    """Return the smoke test of a stack with these outputs. It raises Failed where it cannot run."""
    from slipway.infra.targets.smoke import run_smoke_test, with_advice

    def ask(url: str) -> str:
        try:
            headers = target_of(config).caller_headers(settings_from(config), str(outputs["url"]))
        except Refused as error:
            _say(f"Smoke test left out: {error}")
            return ""
        try:
            result = run_smoke_test(config, {**outputs, "url": url}, headers, _say)
        except ValueError as error:
            raise Failed(f"The stack is deployed, and its smoke test cannot run: {error}.") from None
        if result is None:
            return ""
        if result.passed:
            _say(f"Smoke test {smoke_words(result.to_json())}")
            return ""
        return with_advice(result).fault

    return ask

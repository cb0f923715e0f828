"""`slipway up` and `output` for people: runs the local runner and says what came of it."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from rich.text import Text

from slipway.infra.cli.console import OUT
from slipway.infra.errors import Refused
from slipway.infra.local import runner as local
from slipway.infra.local.page import page_link
from slipway.infra.local.runner import StackOutput, State
from slipway.infra.plan.config import StackConfig
from slipway.infra.program import main as program
from slipway.infra.program import refusal_of
from slipway.infra.resources.reading import SECRET


def up(
    config: StackConfig, say: Callable[[str], None], *, again: bool = False
) -> tuple[Mapping[str, StackOutput], str]:
    """Apply the stack. Returns its outputs and what was done."""
    try:
        state, done = local.up(config, lambda: program(config), say, again=again)
    except pulumi.RunError as error:
        raise refusal_of(error) from None
    return state.outputs, done


def outputs_of(config: StackConfig) -> Mapping[str, StackOutput]:
    """Read the outputs that the last `up` recorded. Raises Refused if there are none."""
    state = State.read(config.run_folder)
    if not state.outputs:
        raise Refused(
            f"Stack {config.stack} has no outputs: it was not started with `slipway up {config.stack}`."
        )
    return state.outputs


def shown(outputs: Mapping[str, StackOutput], reveal: bool) -> dict[str, Any]:
    return {name: o.value if reveal or not o.secret else SECRET for name, o in outputs.items()}


def print_welcome(
    stack: str,
    outputs: Mapping[str, StackOutput],
    done: str,
    seconds: float,
    command: str,
    route: str,
    example: Mapping[str, Any],
) -> None:
    """Print URL, key, a request that works when pasted, and what to try next. example: the request's body.

    The key itself is printed once, when it is created. The request gets it through a pipe, which no
    history and no list of processes shows.
    """
    url, key = outputs["url"].value, outputs["apiKey"].value
    how = {"created": "started", "updated": "the new version took over"}.get(done, "unchanged")
    ready = f"{outputs['serviceName'].value} is ready: {how} in {seconds:.1f} s\n"
    OUT.print(Text.assemble(("✓", "bold green"), " ", ready))
    OUT.print(f"  URL   {url}   ({url}/docs has the API)")
    option, argument = ("", "") if stack == "local" else (f" --stack {stack}", f" {stack}")
    shown_by = f"{command} output apiKey --show-secrets{option}"
    OUT.print(f"  Key   {key if done == 'created' else shown_by}", soft_wrap=True)
    link = page_link(url, key)
    if link is not None:
        OUT.print(
            f"  Page  {link}\n        opens once, to try the model by hand; "
            f"{command} up{argument} prints a new link",
            soft_wrap=True,
        )
    OUT.print()
    body = json.dumps(example, ensure_ascii=False)
    OUT.print(
        f"{command} output apiKey --as-header{option} | "
        f"curl -s {url}{route} -H @- -H 'Content-Type: application/json' -d {shlex.quote(body)}\n",
        soft_wrap=True,
    )
    OUT.print(f"Next: {command} status{argument} | {command} logs{argument} -f | {command} down{argument}")
    OUT.print(
        f"Change Pulumi.{stack}.yaml and run {command} up{argument} again; "
        f"{command} preview{argument} checks it first."
    )

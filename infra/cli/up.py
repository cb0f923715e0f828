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
            f"Stack {config.stack} has no outputs: it was not started with `slipway up`. For stacks "
            f"deployed by Pulumi run `pulumi stack output --stack {config.stack}`."
        )
    return state.outputs


def shown(outputs: Mapping[str, StackOutput], reveal: bool) -> dict[str, Any]:
    return {name: o.value if reveal or not o.secret else SECRET for name, o in outputs.items()}


def print_welcome(
    outputs: Mapping[str, StackOutput],
    done: str,
    seconds: float,
    command: str,
    route: str,
    example: Mapping[str, Any],
) -> None:
    """Print URL, key, a request that works when pasted, and what to try next. example: the request's body."""
    url, key = outputs["url"].value, outputs["apiKey"].value
    how = {"created": "started", "updated": "the new version took over"}.get(done, "unchanged")
    ready = f"{outputs['serviceName'].value} is ready: {how} in {seconds:.1f} s\n"
    OUT.print(Text.assemble(("✓", "bold green"), " ", ready))
    OUT.print(f"  URL   {url}   ({url}/docs has the API)")
    OUT.print(f"  Key   {key}")
    link = page_link(url, key)
    if link is not None:
        OUT.print(
            f"  Page  {link}\n        opens once, to try the model by hand; {command} up prints a new link"
        )
    OUT.print()
    body = json.dumps(example, ensure_ascii=False)
    header = shlex.quote(f"Authorization: Bearer {key}")
    OUT.print(
        f"curl -s {url}{route} -H {header} -H 'Content-Type: application/json' -d {shlex.quote(body)}\n",
        markup=False,
    )
    OUT.print(f"Next: {command} status | {command} logs -f | {command} down", markup=False)
    OUT.print(
        f"Change Pulumi.local.yaml and run {command} up again; {command} preview shows it first.",
        markup=False,
    )

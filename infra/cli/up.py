"""`slipway up` and `output` for people: runs the local runner and says what came of it."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from slipway.infra.cli.console import OUT
from slipway.infra.errors import Refused
from slipway.infra.local import runner as local
from slipway.infra.local.runner import Output, State
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.monitor import SECRET
from slipway.infra.program import main as program


def up(config: StackConfig, say: Callable[[str], None]) -> tuple[Mapping[str, Output], str]:
    """Apply the stack. Returns its outputs and what was done."""
    try:
        state, done = local.up(config, program, say)
    except pulumi.RunError as error:
        raise Refused(str(error)) from None
    return state.outputs, done


def outputs_of(config: StackConfig) -> Mapping[str, Output]:
    """The outputs that the last `up` recorded. Raises Refused where there are none."""
    state = State.read(config.run_folder)
    if not state.outputs:
        raise Refused(
            f"Stack {config.stack} has no outputs: `slipway up {config.stack}` has not made it. "
            f"What Pulumi made tells `pulumi stack output --stack {config.stack}`."
        )
    return state.outputs


def shown(outputs: Mapping[str, Output], reveal: bool) -> dict[str, Any]:
    return {name: o.value if reveal or not o.secret else SECRET for name, o in outputs.items()}


def print_welcome(
    outputs: Mapping[str, Output],
    done: str,
    seconds: float,
    command: str,
    route: str,
    example: Mapping[str, Any],
) -> None:
    """The URL, the key, a request that works when pasted, and what to try next. example: its body."""
    url, key = outputs["url"].value, outputs["apiKey"].value
    how = {"created": "started", "updated": "restarted with the new settings"}.get(done, "unchanged")
    OUT.print(f"[bold green]✓[/] {outputs['serviceName'].value} is ready: {how} in {seconds:.1f} s\n")
    OUT.print(f"  URL  {url}   (open it in a browser to try the model; {url}/docs has the API)", markup=False)
    OUT.print(f"  Key  {key}\n", markup=False)
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

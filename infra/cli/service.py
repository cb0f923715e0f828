"""`slipway status`, `output` and `logs`: what a running service says."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from slipway.components.printable import printable
from slipway.infra.cli.console import OUT, Format, print_json, reported
from slipway.infra.cli.stacks import Stack, StackOption, Stacks, StacksOption, one_stack, some_stacks
from slipway.infra.cli.table import print_table
from slipway.infra.errors import Failed, Refused
from slipway.infra.settings.stackfile import stack_config
from slipway.infra.targets.local_jobs import job_words
from slipway.infra.targets.registry import target_of
from slipway.infra.targets.signals import signal_lines
from slipway.infra.targets.status import Status, rollout_words, smoke_words, with_smoke

_Format = Annotated[Format, typer.Option("--format", help="Output format.")]
_COLOURS = {"ready": "green", "starting": "yellow", "failed": "red", "stuck": "red"}


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway status 'prod*'")(status)
    app.command(epilog="Example: slipway output url --stack prod")(output)
    app.command(epilog="Example: slipway logs prod --follow")(logs)


def status(stacks: Stacks = None, stack: StacksOption = None, format_: _Format = Format.TEXT) -> None:
    """Show whether a service is ready. If not, why; and its signals where they can be read.

    Without a stack: local. With several, one table has them all.
    """
    with reported(format_):
        named = some_stacks(stacks, stack) or ["local"]
        if len(named) == 1:
            found = _status(named[0])
            if format_ is Format.JSON:
                print_json(found.to_json())
            else:
                _print_status(found)
            return
        every = [_status_or_why(name) for name in named]
        if format_ is Format.JSON:
            print_json({"stacks": [each.to_json() for each in every]})
        else:
            header = ("stack", "target", "state", "url or reason")
            rows = [(each.stack, each.target, each.state, each.reason or each.url or "") for each in every]
            print_table(header, rows)
        if any(each.state == "unknown" for each in every):
            raise typer.Exit(1)


def _status(stack: str) -> Status:
    config = stack_config(Path(), stack)
    return with_smoke(target_of(config).status(config), config.run_folder)


def _status_or_why(stack: str) -> Status:
    """Return a status; `unknown`, with the reason, where it cannot be read, so that the others are shown."""
    config = stack_config(Path(), stack)
    target = target_of(config)
    try:
        return target.status(config)
    except (Refused, Failed) as error:
        return Status(stack, target.name, "unknown", reason=" ".join(str(error).split()))


def _print_status(found: Status) -> None:
    report = found.to_json()
    OUT.print(Text.assemble((found.stack, "bold"), " is ", (found.state, _COLOURS.get(found.state, "dim"))))
    if found.rollout:
        report["rollout"] = rollout_words(found.rollout)
    if found.smoke:
        report["smoke"] = smoke_words(found.smoke)
    if found.jobs:
        report["jobs"] = job_words(found.jobs)
    if found.limits:
        report["limits"] = ", ".join(f"{name} {limit}" for name, limit in found.limits.items())
    values = [(name, value) for name, value in report.items() if name not in ("stack", "state", "signals")]
    for name, value in [*values, *(signal_lines(found.signals) if found.signals else ())]:
        if value is not None:
            OUT.print(f"  {name:<11} {value}")


def output(
    name: Annotated[str, typer.Argument(help="Name of one output (default: all).", show_default=False)] = "",
    stack: Annotated[
        str, typer.Option("--stack", "-s", metavar="NAME", help="Stack: the NAME in Pulumi.NAME.yaml.")
    ] = "local",
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print secrets in plain text.")
    ] = False,
    as_header: Annotated[
        bool,
        typer.Option("--as-header", help="Print apiKey as a header, for `| curl -H @-`: no command has it."),
    ] = False,
    format_: _Format = Format.TEXT,
) -> None:
    """Print the outputs of a stack: its URL, key and names. A stack in a cloud is asked through Pulumi."""
    with reported(format_):
        if as_header and name != "apiKey":
            raise Refused("--as-header is for the key: `slipway output apiKey --as-header`.")
        outputs = outputs_of(stack, reveal=show_secrets or as_header)
        if name and name not in outputs:
            raise Refused(f"Stack {stack} has no output {name!r}; it has {', '.join(outputs)}.")
        if as_header:
            OUT.print(f"Authorization: Bearer {outputs[name]}", soft_wrap=True)
        elif format_ is Format.JSON:
            print_json({name: outputs[name]} if name else outputs)
        elif name:
            OUT.print(outputs[name], soft_wrap=True)
        else:
            for key, value in outputs.items():
                if value != "":  # such as the image of a process: there is none
                    OUT.print(f"{key:<12} {value}", soft_wrap=True)


def outputs_of(stack: str, reveal: bool) -> dict[str, Any]:
    """Return the outputs of the last `up`, a secret masked unless `reveal`."""
    config = stack_config(Path(), stack)
    if target_of(config).applied_here(config):
        from slipway.infra.cli import up as apply  # imports Pulumi

        return apply.shown(apply.outputs_of(config), reveal=reveal)
    from slipway.infra.cli.handover import pulumi_outputs

    return pulumi_outputs(config, reveal)


def logs(
    stack: Stack = None,
    named: StackOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow new log lines.")] = False,
    tail: Annotated[int, typer.Option("--tail", min=0, help="Number of past lines to print.")] = 100,
) -> None:
    """Print the service's log: one JSON object per line. Request contents are never logged."""
    with reported(Format.TEXT):
        config = stack_config(Path(), one_stack(stack, named))
        lines = target_of(config).log(config, tail, follow)
        with suppress(KeyboardInterrupt):  # the way to end --follow
            for line in lines:
                sys.stdout.write(printable(line))
                sys.stdout.flush()

"""The `slipway` command. Reads arguments and prints; what it does is in the modules it calls.

Pulumi is imported only by the commands that run the program, so that the others answer at once.
"""

import gc
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from slipway.components.model import example_request, model_folder
from slipway.components.printable import printable
from slipway.components.spec import ROUTES
from slipway.infra.cli import (
    changes as changes_command,
)
from slipway.infra.cli import (
    decisions as decision_commands,
)
from slipway.infra.cli import (
    fit as fit_command,
)
from slipway.infra.cli import (
    init as init_command,
)
from slipway.infra.cli import (
    manifests as manifest_commands,
)
from slipway.infra.cli import (
    model as model_commands,
)
from slipway.infra.cli import (
    prune as prune_command,
)
from slipway.infra.cli.console import ERR, OUT, Format, PreviewFormat, print_json, progress, reported
from slipway.infra.cli.handover import hand_over, pulumi_command
from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from, stack_config
from slipway.infra.setup.project_version import version_note
from slipway.infra.targets.registry import target_of
from slipway.infra.targets.signals import signal_lines

app = typer.Typer(
    help="Deploy a machine-learning model as an HTTP service with one command.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
FormatOption = Annotated[Format, typer.Option("--format", help="Output format.")]
StackArgument = Annotated[str, typer.Argument(help="Stack: the NAME in Pulumi.NAME.yaml.")]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"slipway {version('slipway')}")
        raise typer.Exit


@app.callback()
def project(
    context: typer.Context,
    cwd: Annotated[
        Path | None,
        typer.Option("--cwd", "-C", help="Run as if started in this folder.", file_okay=False, exists=True),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Change to the project's folder, the nearest one upwards with a Pulumi.yaml."""
    with reported(Format.TEXT):
        start = (cwd or Path.cwd()).resolve()
        if context.invoked_subcommand == "init":
            os.chdir(start)
            return
        root = next(
            (folder for folder in (start, *start.parents) if (folder / "Pulumi.yaml").is_file()), None
        )
        if root is None:
            raise Refused(
                f"There is no Pulumi.yaml in {start} or above it. Run slipway inside a project; "
                "`slipway init` makes one."
            )
        os.chdir(root)
        if context.invoked_subcommand != "changes" and (note := version_note(root, version("slipway"))):
            ERR.print(note)


@app.command()
def up(
    stack: StackArgument = "local",
    refresh: Annotated[
        bool | None,
        typer.Option(
            "--refresh/--no-refresh",
            help="Read the existing resources first (default after a failed run). Only for stacks that "
            "Pulumi applies.",
            show_default=False,
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Start or update the service of a stack."""
    with reported(format_):
        config = stack_config(Path(), stack)
        target = target_of(config)
        if not target.applied_here(config):
            target.require_access()
            hand_over(config, refresh)
        if refresh is not None:
            raise Refused(
                f"--refresh is for stacks that Pulumi applies; stack {stack} is always read first. Omit it."
            )
        from slipway.infra.cli import up as apply  # imports Pulumi

        begun = time.monotonic()
        with progress("Reading the stack") as say:
            outputs, done = apply.up(config, say)
        if format_ is Format.JSON:
            print_json({"stack": stack, "result": done, "outputs": apply.shown(outputs, reveal=False)})
        else:
            settings = settings_from(config)
            model = model_folder(stack, settings.model, settings.task)
            route, body = ROUTES[settings.task], example_request(model.manifest)
            apply.print_welcome(outputs, done, time.monotonic() - begun, _self(), route, body)


@app.command()
def down(stack: StackArgument = "local", format_: FormatOption = Format.TEXT) -> None:
    """Stop the service of a stack and delete its state."""
    with reported(format_):
        config = stack_config(Path(), stack)
        from slipway.infra.local import runner as local  # imports Pulumi

        if not target_of(config).applied_here(config) and not local.runs(config):
            _destroy(config, format_)
            return
        with progress("Stopping: requests in progress finish first"):
            existed = local.down(config)
        remains = local.remaining(config)
        if format_ is Format.JSON:
            print_json({"stack": stack, "stopped": existed, "remains": remains})
            return
        OUT.print(f"Stack {stack} is stopped." if existed else f"Stack {stack} was not running.")
        OUT.print(f"What remains: {', '.join(remains) or 'nothing'}")


@app.command()
def status(stack: StackArgument = "local", format_: FormatOption = Format.TEXT) -> None:
    """Show whether the service of a stack is ready, why not, and its signals where they can be read."""
    with reported(format_):
        config = stack_config(Path(), stack)
        found = target_of(config).status(config)
        report = found.to_json()
        if format_ is Format.JSON:
            print_json(report)
            return
        colour = {"ready": "green", "starting": "yellow", "failed": "red", "stuck": "red"}.get(
            report["state"], "dim"
        )
        OUT.print(Text.assemble((stack, "bold"), " is ", (report["state"], colour)))
        if found.limits:
            report["limits"] = ", ".join(f"{name} {limit}" for name, limit in found.limits.items())
        values = [
            (name, value) for name, value in report.items() if name not in ("stack", "state", "signals")
        ]
        for name, value in [*values, *(signal_lines(found.signals) if found.signals else ())]:
            if value is not None:
                OUT.print(f"  {name:<11} {value}", markup=False)


@app.command()
def quality(
    stack: StackArgument = "local",
    url: Annotated[str, typer.Option("--url", help="Ask this server, with the key in MODEL_API_KEY.")] = "",
    format_: FormatOption = Format.TEXT,
) -> None:
    """Show what a model predicts, how that drifts from its reference, and what feedback says of it."""
    with reported(format_):
        from slipway.infra.model.quality import lines, quality_of

        key = os.environ.get("MODEL_API_KEY", "")
        if not url:
            from slipway.infra.cli import up as apply  # imports Pulumi

            outputs = apply.outputs_of(stack_config(Path(), stack))
            url, key = str(outputs["url"].value), str(outputs["apiKey"].value)
        elif not key:
            raise Refused("MODEL_API_KEY is not set; --url needs the server's key there.")
        report = quality_of(url, key)
        if format_ is Format.JSON:
            print_json(report)
            return
        for line in lines(report):
            OUT.print(printable(line), markup=False)


@app.command()
def output(
    name: Annotated[str, typer.Argument(help="Name of one output (default: all).")] = "",
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack.")] = "local",
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print secrets in plain text.")
    ] = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Print the outputs of a stack: its URL, key and names."""
    with reported(format_):
        from slipway.infra.cli import up as apply  # imports Pulumi

        outputs = apply.shown(apply.outputs_of(stack_config(Path(), stack)), reveal=show_secrets)
        if name and name not in outputs:
            raise Refused(f"Stack {stack} has no output {name!r}; it has {', '.join(outputs)}.")
        if format_ is Format.JSON:
            print_json({name: outputs[name]} if name else outputs)
        elif name:
            OUT.print(outputs[name], markup=False)
        else:
            for key, value in outputs.items():
                OUT.print(f"{key:<12} {value}", markup=False)


@app.command()
def logs(
    stack: StackArgument = "local",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow new log lines.")] = False,
    tail: Annotated[int, typer.Option("--tail", min=0, help="Number of past lines to print.")] = 100,
) -> None:
    """Print the service's log: one JSON object per line. Request contents are never logged."""
    with reported(Format.TEXT):
        config = stack_config(Path(), stack)
        lines = target_of(config).log(config, tail, follow)
        with suppress(KeyboardInterrupt):  # the way to end --follow
            for line in lines:
                sys.stdout.write(printable(line))
                sys.stdout.flush()


@app.command()
def preview(
    stacks: Annotated[list[str] | None, typer.Argument(help="Stacks (default: all).")] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="GITREF",
            help="Show what changes since this branch, tag or commit and HEAD parted (`main..`: against it "
            "itself). Runs that commit's code: see docs/guides/preview.md for what it can reach.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Preview with this setting changed; repeatable."),
    ] = None,
    format_: Annotated[
        PreviewFormat,
        typer.Option("--format", help="Output format: text, Markdown for a comment, JSON, or an HTML page."),
    ] = PreviewFormat.TEXT,
    details: Annotated[
        bool, typer.Option("--details", help="Show the inputs of every planned resource, as text.")
    ] = False,
) -> None:
    """Show what `up` would create or change, with no cloud, credential or Pulumi CLI."""
    if against == "":
        raise typer.BadParameter("is empty; name a branch, a tag or a commit", param_hint="--against")
    gc.disable()  # the process ends with the preview: looking for garbage takes a tenth of its time
    with reported(Format.JSON if format_ is PreviewFormat.JSON else Format.TEXT):
        from slipway.infra.cli.preview import show
        from slipway.infra.preview.command import previewed, previewed_against  # imports Pulumi

        root, named, given = Path(), stacks or [], overrides or []
        shown = previewed_against(root, against, named, given) if against else previewed(root, named, given)
        show(shown, format_, details)
        with reported(Format.TEXT):  # what is printed already is whole: its faults go to standard error
            shown.refuse()


init_command.register(app)
changes_command.register(app)
fit_command.register(app)
prune_command.register(app)
decision_commands.register(app)
model_commands.register(app)
manifest_commands.register(app)


def _destroy(config: StackConfig, format_: Format) -> None:
    """Let Pulumi destroy the stack, then list what remains in the cloud."""
    from slipway.infra.preview import previews_of  # imports Pulumi
    from slipway.infra.preview.leftovers import remaining_of

    target_of(config).require_access()
    [(plan, _)] = previews_of(Path(), [config.stack], []).found
    remains = remaining_of(plan)
    spoken_on = sys.stderr if format_ is Format.JSON else None
    done = subprocess.run(pulumi_command("destroy", config), stdout=spoken_on, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)
    if format_ is Format.JSON:
        print_json({"stack": config.stack, "stopped": True, "remains": remains})
        return
    OUT.print("What remains:")
    for line in remains:
        OUT.print(f"  {line}", markup=False)


def _self() -> str:
    """Return the shortest way in which the user can call this command again."""
    found = shutil.which("slipway")
    return "slipway" if found and Path(found).samefile(sys.argv[0]) else os.path.relpath(sys.argv[0])


def main() -> None:
    app()

"""The `slipway` command. Reads arguments and prints; what it does is in the modules it calls.

Pulumi is imported only by the commands that run the program, so that the others answer at once.
"""

import gc
import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from slipway.components.model import example_request, model_folder
from slipway.components.spec import ROUTES
from slipway.infra.cli import (
    batch as batch_command,
)
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
from slipway.infra.cli import (
    quality as quality_command,
)
from slipway.infra.cli import (
    releases as releases_command,
)
from slipway.infra.cli import (
    service as service_commands,
)
from slipway.infra.cli.console import ERR, OUT, Format, PreviewFormat, print_json, progress, reported
from slipway.infra.cli.handover import hand_over, pulumi_command
from slipway.infra.cli.stacks import Stack, StackOption, Stacks, StacksOption, Yes, one_stack, some_stacks
from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from, stack_config
from slipway.infra.setup.project_version import version_note
from slipway.infra.targets.registry import target_of

app = typer.Typer(
    help="Deploy a machine-learning model as an HTTP service with one command.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help and errors without boxes: one style for all messages
)
FormatOption = Annotated[Format, typer.Option("--format", help="Output format.")]


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


@app.command(epilog="Example: slipway up prod --yes")
def up(
    stack: Stack = None,
    named: StackOption = None,
    refresh: Annotated[
        bool | None,
        typer.Option(
            "--refresh/--no-refresh",
            help="Read the existing resources first (default after a failed run). Only for stacks that "
            "Pulumi applies.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Bring also a release that went back.")] = False,
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke-test/--no-smoke-test",
            help="Ask the service for answers after Pulumi has applied the stack.",
        ),
    ] = True,
    yes: Yes = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Start or update the service of a stack. For a stack in a cloud this runs `pulumi up`."""
    with reported(format_):
        config = stack_config(Path(), one_stack(stack, named))
        target = target_of(config)
        if not target.applied_here(config):
            target.require_access()
            hand_over(config, refresh, yes, smoke=smoke, again=again)
            return
        if refresh is not None:
            raise Refused(
                f"--refresh is for stacks that Pulumi applies; stack {config.stack} is always read first. "
                "Omit it."
            )
        from slipway.infra.cli import up as apply  # imports Pulumi

        begun = time.monotonic()
        with progress("Reading the stack") as say:
            outputs, done = apply.up(config, say, again=again)
        if format_ is Format.JSON:
            print_json({"stack": config.stack, "result": done, "outputs": apply.shown(outputs, reveal=False)})
        else:
            settings = settings_from(config)
            model = model_folder(config.stack, settings.model, settings.task)
            route, body = ROUTES[settings.task], example_request(model.manifest)
            apply.print_welcome(config.stack, outputs, done, time.monotonic() - begun, _self(), route, body)


@app.command(epilog="Example: slipway down dev")
def down(
    stack: Stack = None, named: StackOption = None, yes: Yes = False, format_: FormatOption = Format.TEXT
) -> None:
    """Stop the service of a stack and delete its state. For a stack in a cloud this runs `pulumi destroy`."""
    with reported(format_):
        config = stack_config(Path(), one_stack(stack, named))
        from slipway.infra.local import runner as local  # imports Pulumi

        if not target_of(config).applied_here(config) and not local.runs(config):
            _destroy(config, format_, yes)
            return
        with progress("Stopping: requests in progress finish first" if local.runs(config) else "Stopping"):
            existed = local.down(config)
        remains = local.remaining(config)
        jobs = local.kept_jobs(config)
        if format_ is Format.JSON:
            print_json({"stack": config.stack, "stopped": existed, "remains": remains})
            return
        OUT.print(f"Stack {config.stack} {'is stopped' if existed else 'was not running'}.")
        OUT.print(f"What remains: {', '.join(remains) or 'nothing'}")
        if jobs:
            OUT.print(f"Its jobs are kept in {jobs}: the next `slipway up` goes on with those that are open.")


@app.command(epilog="Example: slipway preview 'prod*' --against main")
def preview(
    stacks: Stacks = None,
    stack: StacksOption = None,
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
    """Show what `up` would create or change. Needs no cloud, credential or Pulumi CLI.

    With several stacks, one table ends the output.
    """
    if against == "":
        raise typer.BadParameter("is empty; name a branch, a tag or a commit", param_hint="--against")
    gc.disable()  # the process ends with the preview: looking for garbage takes a tenth of its time
    with reported(Format.JSON if format_ is PreviewFormat.JSON else Format.TEXT):
        from slipway.infra.cli.preview import show
        from slipway.infra.preview.command import previewed, previewed_against  # imports Pulumi

        root, named, given = Path(), some_stacks(stacks, stack), overrides or []
        shown = previewed_against(root, against, named, given) if against else previewed(root, named, given)
        show(shown, format_, details)
        with reported(Format.TEXT):  # what is printed already is whole: its faults go to standard error
            shown.refuse()


service_commands.register(app)
quality_command.register(app)
batch_command.register(app)
init_command.register(app)
changes_command.register(app)
fit_command.register(app)
prune_command.register(app)
releases_command.register(app)
decision_commands.register(app)
model_commands.register(app)
manifest_commands.register(app)


def _destroy(config: StackConfig, format_: Format, yes: bool) -> None:
    """Let Pulumi destroy the stack, then list what remains in the cloud."""
    from slipway.infra.preview import previews_of  # imports Pulumi
    from slipway.infra.preview.leftovers import remaining_of

    target_of(config).require_access()
    [(plan, _)] = previews_of(Path(), [config.stack], []).found
    remains = remaining_of(plan)
    spoken_on = sys.stderr if format_ is Format.JSON else None
    done = subprocess.run(
        pulumi_command("destroy", config, *(["--yes"] if yes else [])), stdout=spoken_on, check=False
    )
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

"""`slipway prune`: destroys old versions of secrets, after a question."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from slipway.infra.cli.console import ERR, OUT, Format, confirmed, print_json, reported
from slipway.infra.cli.stacks import RequiredStack, StackOption, Yes, one_stack
from slipway.infra.errors import Refused
from slipway.infra.settings.stackfile import stack_config


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway prune prod --keep 5")(prune)


def prune(
    stack: RequiredStack = None,
    named: StackOption = None,
    keep: Annotated[int, typer.Option(min=1, help="Number of newest versions of each secret to keep.")] = 3,
    yes: Yes = False,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Destroy old secret versions of a Cloud Run stack. Those that a revision with traffic uses are kept."""
    with reported(format_):
        name = one_stack(stack, named, default="")
        config = stack_config(Path(), name)
        from slipway.infra.targets.cloud_run import cloud_run_place  # only this command needs it

        place = cloud_run_place(config)
        from slipway.infra.preview import previews_of  # imports Pulumi
        from slipway.infra.targets.prune import destroy, old_versions

        [(plan, _)] = previews_of(Path(), [name], []).found
        old = old_versions(plan, place, keep)
        for each in old:
            ERR.print(str(each), markup=False)
        question = f"Destroy these {len(old)} permanently?"
        if old and not yes and not confirmed(question, "To destroy these, add --yes."):
            raise Refused("Nothing was destroyed.")
        destroy(place, old)
        if format_ is Format.JSON:
            print_json({"stack": name, "destroyed": [asdict(each) for each in old]})
        else:
            OUT.print(f"{len(old)} destroyed" if old else "Nothing to destroy.")

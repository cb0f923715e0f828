"""`slipway prune`: destroys old versions of secrets, after a question."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from slipway.infra.cli.console import ERR, OUT, Format, confirmed, print_json, reported
from slipway.infra.errors import Refused
from slipway.infra.settings.stackfile import stack_config


def register(app: typer.Typer) -> None:
    app.command()(prune)


def prune(
    stack: Annotated[str, typer.Argument(help="Stack: the NAME in Pulumi.NAME.yaml.")],
    keep: Annotated[int, typer.Option(min=1, help="Number of newest versions of each secret to keep.")] = 3,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Destroy old secret versions of a Cloud Run stack that no revision with traffic uses."""
    with reported(format_):
        config = stack_config(Path(), stack)
        from slipway.infra.targets.cloud_run import cloud_run_place  # only this command needs it

        place = cloud_run_place(config)
        from slipway.infra.preview import previews_of  # imports Pulumi
        from slipway.infra.targets.prune import destroy, old_versions

        [(plan, _)] = previews_of(Path(), [stack], []).found
        old = old_versions(plan, place, keep)
        for each in old:
            ERR.print(str(each), markup=False)
        question = f"Destroy these {len(old)} permanently?"
        if old and not yes and not confirmed(question, "To destroy these, add --yes."):
            raise Refused("Nothing was destroyed.")
        destroy(place, old)
        if format_ is Format.JSON:
            print_json({"stack": stack, "destroyed": [asdict(each) for each in old]})
        else:
            OUT.print(f"{len(old)} destroyed" if old else "Nothing to destroy.")

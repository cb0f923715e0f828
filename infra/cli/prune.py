"""`slipway prune`: destroys what only old releases need, after a question."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from slipway.infra.cli.console import ERR, OUT, Format, confirmed, print_json, reported
from slipway.infra.cli.stacks import RequiredStack, StackOption, Yes, one_stack
from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import stack_config
from slipway.infra.targets.fargate import Fargate
from slipway.infra.targets.fargate_releases import deregister, old_releases
from slipway.infra.targets.registry import target_of


def _prune_here(config: StackConfig, keep: int, yes: bool, format_: Format) -> None:
    """Delete all but the newest releases of a local stack; the one that serves stays."""
    from slipway.components.local import kept_files
    from slipway.components.local.release import releases
    from slipway.infra.local.runner import locked  # imports Pulumi

    old = [release.number for release in releases(config.run_folder)[keep:]]
    question = f"Delete the files of {len(old)} old releases permanently?"
    if old and not yes and not confirmed(question, "To delete these, add --yes."):
        raise Refused("Nothing was deleted.")
    gone = list[int]()
    if old:
        with locked(config.run_folder):
            gone = kept_files.prune(config.run_folder, keep)
    if format_ is Format.JSON:
        print_json({"stack": config.stack, "deleted_releases": gone})
    else:
        OUT.print(f"{len(gone)} releases deleted" if gone else "Nothing to destroy.")


def _prune_tasks(config: StackConfig, target: Fargate, keep: int, yes: bool, format_: Format) -> None:
    """Deregister all but the newest task definitions of a Fargate stack; what serves stays."""
    place = target.place_of(config)
    old = old_releases(place, keep)
    for each in old:
        ERR.print(each.rpartition("/")[2], markup=False)
    question = f"Deregister these {len(old)} task definitions permanently?"
    if old and not yes and not confirmed(question, "To deregister these, add --yes."):
        raise Refused("Nothing was deregistered.")
    deregister(place, old)
    if format_ is Format.JSON:
        print_json({"stack": config.stack, "deregistered": old})
    else:
        OUT.print(f"{len(old)} deregistered" if old else "Nothing to destroy.")


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway prune prod --keep 5")(prune)


def prune(
    stack: RequiredStack = None,
    named: StackOption = None,
    keep: Annotated[
        int, typer.Option(min=1, help="Newest releases, and versions of each secret, to keep.")
    ] = 3,
    yes: Yes = False,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Destroy what only old releases need.

    Secret versions on Cloud Run, task definitions on Fargate, copies of files on this machine.
    """
    with reported(format_):
        name = one_stack(stack, named, default="")
        config = stack_config(Path(), name)
        if target_of(config).name == "local":
            _prune_here(config, keep, yes, format_)
            return
        if isinstance(target := target_of(config), Fargate):
            _prune_tasks(config, target, keep, yes, format_)
            return
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

"""`slipway releases`, `promote`, `pause` and `rollback`: the same words for every target."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.components.printable import printable
from slipway.components.rollouts.states import PAUSED, SERVES, UNDER_WAY
from slipway.infra.cli.console import OUT, Format, print_json, progress, reported
from slipway.infra.cli.stacks import Stack, StackOption, one_stack
from slipway.infra.cli.table import print_table
from slipway.infra.settings.stackfile import stack_config
from slipway.infra.targets.registry import target_of

_Format = Annotated[Format, typer.Option("--format", help="Output format.")]

_HEADER = ("release", "since", "commit", "model", "remarks")


def register(app: typer.Typer) -> None:
    for command in (releases, promote, pause, rollback):
        app.command(epilog=f"Example: slipway {command.__name__} {'12' if command is rollback else 'local'}")(
            command
        )


def releases(argument: Stack = None, named: StackOption = None, format_: _Format = Format.TEXT) -> None:
    """List the releases that the target keeps: commit, model, since when each served, and what serves now."""
    with reported(format_):
        config = stack_config(Path(), one_stack(argument, named))
        stack = config.stack
        found = target_of(config).releases(config)
        if format_ is Format.JSON:
            print_json({"stack": stack, "releases": found})
            return
        if not found:
            OUT.print(f"Stack {stack} has no releases yet; `slipway up {stack}` makes one.", markup=False)
        else:
            print_table(_HEADER, map(_row, found), right=_HEADER[:1])


def promote(argument: Stack = None, named: StackOption = None, format_: _Format = Format.TEXT) -> None:
    """End the rollout that is under way now, with its new release serving every request."""
    with reported(format_):
        config = stack_config(Path(), one_stack(argument, named))
        _print(target_of(config).promote(config), config.stack, format_)


def pause(argument: Stack = None, named: StackOption = None, format_: _Format = Format.TEXT) -> None:
    """Stop the clock of the rollout that is under way, or let it go on; its rules still apply."""
    with reported(format_):
        config = stack_config(Path(), one_stack(argument, named))
        _print(target_of(config).pause(config), config.stack, format_)


def rollback(
    release: Annotated[
        str | None, typer.Argument(help="Release to bring back, from `releases` (default: the one before).")
    ] = None,
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack.")] = "local",
    secrets: Annotated[
        bool,
        typer.Option("--secrets", help="Bring back the release's API key too; by default today's stays."),
    ] = False,
    keep_settings: Annotated[
        bool, typer.Option("--keep-settings", help="Bring back code and model alone; today's settings stay.")
    ] = False,
    format_: _Format = Format.TEXT,
) -> None:
    """Take the newest release back: end its rollout, or bring an earlier release into its place."""
    with reported(format_):
        config = stack_config(Path(), stack)
        with progress("Rolling back", waits=True) as say:
            left, serving = target_of(config).roll_back(config, release, secrets, not keep_settings, say)
        if format_ is Format.JSON:
            print_json({"stack": stack, "left": _number(left), "release": _number(serving)})
            return
        OUT.print(
            f"Release {serving} serves stack {stack}; release {left} went back. `slipway up` refuses to "
            "bring it again until something changes, or with --again.",
            markup=False,
        )


def _print(rollout: dict[str, Any], stack: str, format_: Format) -> None:
    if format_ is Format.JSON:
        print_json({"stack": stack, "rollout": rollout})
        return
    new = f"The rollout of release {rollout['new']}"
    state = {
        SERVES: f"Release {rollout['new']} serves every request of stack {stack}.",
        PAUSED: f"{new} is paused at {rollout['percent']:g}% of the requests.",
        UNDER_WAY: f"{new} goes on.",
    }
    OUT.print(state[rollout["state"]], markup=False)


def _number(release: str) -> int | str:
    """Return a local release as the number that it is; those of a cloud have names."""
    return int(release) if release.isdigit() else release


def _row(release: dict[str, Any]) -> tuple[str, ...]:
    share = release["percent"]
    remarks = (
        "serves" if share == 100 else f"serves {share:g}%" if share else "",
        f"brings back release {release['repeats']}" if release["repeats"] else "",
        f"went back: {release['went_back'].removesuffix('.')}" if release["went_back"] else "",
        f"cannot come back: {release['lost']}" if release["lost"] else "",
    )
    return (
        str(release["release"]),
        _time(release["served_from"] or release["created_at"]),
        printable((release["commit"] or "none")[:24]),
        printable(release["model_version"] or release["model"]),
        printable("; ".join(filter(None, remarks))),
    )


def _time(seconds: float | None) -> str:
    """Return a time; one of a release that is lost, and never served, is not known."""
    if seconds is None:
        return "unknown"
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="minutes")[:16] + "Z"

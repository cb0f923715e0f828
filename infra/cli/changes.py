"""`slipway changes`: what an upgrade of Slipway means for the stacks of this project."""

from pathlib import Path
from typing import Annotated

import typer

from slipway.infra.cli.console import OUT, Format, print_json, reported
from slipway.infra.errors import Failed, Refused
from slipway.infra.settings.stackfile import stack_config, stack_names
from slipway.infra.setup.changelog import FILE, is_version, releases
from slipway.infra.setup.installed_from import address_of, running_version
from slipway.infra.setup.project_version import RECORD, accept, recorded_version
from slipway.infra.setup.project_workflows import REQUIREMENTS
from slipway.infra.setup.upgrade import Upgrade, upgrade
from slipway.stacks.settings.common import TARGETS


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway changes --since 0.2.0")(changes)


def changes(
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="VERSION", help=f"Changes after this version (default: that in {RECORD})."
        ),
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also what concerns other targets, and everything added and fixed.")
    ] = False,
    accepted: Annotated[
        bool,
        typer.Option("--accept", help=f"Record this version in {RECORD}, and its address in {REQUIREMENTS}."),
    ] = False,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Show what changed in Slipway for this project's stacks since the version that it was at."""
    with reported(format_):
        root, running = Path(), running_version()
        start = since or recorded_version(root)
        if start is None:
            raise Refused(f"There is no {RECORD} here; name a version with --since, such as --since 0.1.0.")
        if not is_version(start):
            raise Refused(f"--since is {start!r}; allowed is a version, such as 0.1.0.")
        targets, keys = _stacks(root)
        found = upgrade(
            releases(FILE.read_text(encoding="utf-8")),
            start,
            running,
            targets=targets,
            others=set(TARGETS) - targets,
            keys=keys,
            everything=everything,
        )
        written = _accept(root, running) if accepted else []
        if format_ is Format.JSON:
            print_json(
                {
                    "since": start,
                    "version": running,
                    "releases": list(found.versions),
                    "changes": {title: list(entries) for title, entries in found.groups.items()},
                    "leftOut": found.left_out,
                    "written": [str(path) for path in written],
                }
            )
            return
        _print(found, start, running, targets)
        for path in written:
            OUT.print(f"Wrote {path}.")


def _accept(root: Path, running: str) -> list[Path]:
    try:
        return accept(root, running, address_of(None))
    except OSError as error:
        raise Failed(f"{error.filename} cannot be written: {error.strerror}.") from None


def _stacks(root: Path) -> tuple[set[str], set[str]]:
    """Return the targets of the project's stacks, and the settings that their files set."""
    targets: set[str] = set()
    keys: set[str] = set()
    for name in stack_names(root):
        config = stack_config(root, name)
        written = {key.rpartition(":")[2] for key, file in config.where.items() if file != "Pulumi.yaml"}
        keys |= written - {"target", "model", "task"}  # words that entries have for other reasons
        targets |= {value for key, value in config.values.items() if key.endswith(":target")}
    return targets & set(TARGETS), keys


def _print(found: Upgrade, since: str, running: str, targets: set[str]) -> None:
    if not found.versions:
        OUT.print(f"Slipway {running} has nothing after {since}.")
        return
    stacks = ", ".join(sorted(targets)) or "no stack"
    OUT.print(f"From Slipway {since} to {running}, for the targets of this project: {stacks}")
    for title, entries in found.groups.items():
        OUT.print(f"\n{title}")
        for entry in entries:
            OUT.print(f"  - {entry}")
    if found.left_out:
        more = "1 more change does" if found.left_out == 1 else f"{found.left_out} more changes do"
        OUT.print(f"\n{more} not concern these stacks; --all shows them.")
    OUT.print(
        "\nNext: slipway preview | pulumi preview --stack STACK, which compares with what runs in a cloud | "
        "slipway changes --accept"
    )

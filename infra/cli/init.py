"""`slipway init`: makes a project in a folder that has none."""

from pathlib import Path
from typing import Annotated

import typer

from slipway.infra.cli.console import ERR, OUT, Format, confirmed, print_json, reported
from slipway.infra.cli.stacks import Yes
from slipway.infra.errors import Refused
from slipway.infra.setup.new_project import name_for, new_files, write


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway init --name shop")(init)


def init(
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the project (default: made of the folder's name).")
    ] = None,
    yes: Yes = False,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Make a project in this folder. It has a stack for this machine; no file is overwritten."""
    with reported(format_):
        folder = Path.cwd()
        project = name_for(folder, name)
        files = new_files(folder, project)
        for path in files:
            more = " (adds lines)" if (folder / path).exists() else ""
            ERR.print(f"  {path}{more}")
        question = f"Write these into {folder}?"
        if not yes and not confirmed(question, "To write these files, add --yes.", default=True):
            raise Refused("Nothing was written.")
        write(folder, files)
        if format_ is Format.JSON:
            print_json({"project": project, "written": [str(path) for path in files]})
            return
        OUT.print(f"Made the project {project}.")
        OUT.print("Next: slipway up | slipway model add SOURCE NAME | slipway advise --rps 5 --write prod")

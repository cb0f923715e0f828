"""`slipway init`: makes a project in a folder that has none."""

from pathlib import Path
from typing import Annotated

import typer

from slipway.infra.cli.console import ERR, OUT, Format, confirmed, print_json, reported
from slipway.infra.cli.stacks import Yes
from slipway.infra.errors import Refused
from slipway.infra.setup.installed_from import address_of
from slipway.infra.setup.new_project import name_for, new_files, write
from slipway.infra.setup.project_workflows import other_repository


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway init --name shop")(init)


def init(
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the project (default: made of the folder's name).")
    ] = None,
    workflows: Annotated[
        bool,
        typer.Option(
            "--workflows/--no-workflows", help="Write GitHub workflows: previews, deployment, drift."
        ),
    ] = True,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ADDRESS",
            help="Where the workflows install Slipway from: `https://…whl` or `git+https://…@<commit>` "
            "(default: where this one was installed from).",
        ),
    ] = None,
    yes: Yes = False,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Make a project in this folder. It has a stack for this machine; no file is overwritten."""
    with reported(format_):
        folder = Path.cwd()
        project = name_for(folder, name)
        address = address_of(source) if workflows else None
        left_out = _left_out(folder, address) if workflows else ""
        files = new_files(folder, project, None if left_out else address)
        for path in files:
            more = " (adds lines)" if (folder / path).exists() else ""
            ERR.print(f"  {path}{more}")
        if left_out:
            ERR.print(f"No workflows: {left_out}")
        question = f"Write these into {folder}?"
        if not yes and not confirmed(question, "To write these files, add --yes.", default=True):
            raise Refused("Nothing was written.")
        write(folder, files)
        if format_ is Format.JSON:
            written = [str(path) for path in files]
            print_json({"project": project, "written": written, "workflowsLeftOut": left_out})
            return
        OUT.print(f"Made the project {project}.")
        OUT.print("Next: slipway up | slipway model add SOURCE NAME | slipway advise --rps 5 --write prod")
        if workflows and not left_out:
            OUT.print(
                "The workflows preview each pull request. They deploy nothing until the repository has the "
                "variable SLIPWAY_STACKS: Slipway's guide to pull requests says how."
            )


def _left_out(folder: Path, address: str | None) -> str:
    """Return why no workflow is written; '' where they are."""
    if (root := other_repository(folder)) is not None:
        return f"GitHub reads them only in the repository's root, {root}."
    if address is None:
        return (
            "this Slipway was not installed from an address that a runner can reach. Name one with --from, "
            "such as a release's wheel; `slipway` on pypi.org is another project."
        )
    return ""

"""`slipway manifests`: the Kubernetes objects of a stack for those who apply them by other means."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from slipway.infra.cli.console import ERR, OUT, Format, reported
from slipway.infra.cli.stacks import RequiredStack, StackOption, one_stack
from slipway.infra.errors import Refused


class ManifestFormat(StrEnum):
    """The form of the manifests."""

    YAML = "yaml"
    HELM = "helm"


def register(slipway: typer.Typer) -> None:
    slipway.command(epilog="Example: slipway manifests prod --format helm --output chart")(manifests)


def manifests(
    stack: RequiredStack = None,
    named: StackOption = None,
    format_: Annotated[
        ManifestFormat, typer.Option("--format", help="Plain YAML objects, or a Helm chart.")
    ] = ManifestFormat.YAML,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write to, one file per object.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Preview with this setting changed; repeatable."),
    ] = None,
) -> None:
    """Write the Kubernetes objects of a stack for GitOps. Contacts no cluster; holds no secret."""
    with reported(Format.TEXT):
        if format_ is ManifestFormat.HELM and output is None:
            raise Refused("A chart is a folder; name one: `slipway manifests STACK --format helm -o chart`.")
        from slipway.infra.manifests.chart import chart_files
        from slipway.infra.manifests.folder import write_files
        from slipway.infra.manifests.objects import head_lines, manifests_of, yaml_files, yaml_of
        from slipway.infra.preview import previews_of  # imports Pulumi

        name = one_stack(stack, named, default="")
        [(plan, _)] = previews_of(Path(), [name], overrides or []).found
        found = manifests_of(plan)
        if output is None:
            sys.stdout.write(yaml_of(found))
            return
        files = chart_files(found) if format_ is ManifestFormat.HELM else yaml_files(found)
        for file in write_files(output, files):
            ERR.print(
                f"{output / file} is no longer generated, and was kept because it was edited. Delete it if "
                "you do not need it.",
                markup=False,
            )
        for line in head_lines(found)[1:]:
            ERR.print(line, markup=False)
        OUT.print(f"{len(files)} files are in {output}", markup=False)

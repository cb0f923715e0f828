"""`slipway model push`: uploads a model's folder to a bucket, and sets the pinned address in a stack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.infra.cli.console import OUT, Format, print_json, progress, reported
from slipway.infra.errors import Refused

if TYPE_CHECKING:
    from slipway.components.model_address import ModelAddress
    from slipway.infra.model.push import Push


def push(
    model: Annotated[str, typer.Argument(help="Folder of the model, or `bundled:<name>`.")],
    address: Annotated[str, typer.Argument(help="`gs://<bucket>/<folder>` or `s3://<bucket>/<folder>`.")],
    stack: Annotated[
        str, typer.Option(help="Set `model` in the file of this stack to the uploaded model.")
    ] = "",
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Upload a model to a folder of its own in a bucket, manifest last, and print the address that pins it.

    Files that are there already are not sent again, so an interrupted upload resumes.
    """
    with reported(format_):
        from slipway.infra.model import push as pushing
        from slipway.infra.model.bucket import bucket_folder
        from slipway.infra.model.fit import model_of

        folder, place = model_of(model)[1], pushing.destination(address)
        if stack:
            _require_usable(stack, place)
        bucket = bucket_folder(place)
        with progress(f"Comparing {folder.location} with {bucket.url}") as say:
            done = pushing.push(folder, bucket, say)
        if stack:
            from slipway.infra.settings.edit import set_setting

            set_setting(Path(), stack, "model", done.address)
        if format_ is Format.JSON:
            print_json({"model": done.address, "sent": done.sent, "kept": done.kept, "stack": stack or None})
            return
        _print(done, stack)


def _require_usable(stack: str, place: "ModelAddress") -> None:
    """Raise Refused, before anything is uploaded, if the stack could not take the model."""
    from slipway.infra.settings.stackfile import settings_from, stack_config

    settings = settings_from(stack_config(Path(), stack, [f"model={place.text}@1"]))
    if settings.target == "local":
        raise Refused(f"Stack {stack} is local, which reads its model from a folder: omit --stack.")


def _print(done: "Push", stack: str) -> None:
    kept = f"; {_files(len(done.kept))} there already" if done.kept else ""
    OUT.print(f"Uploaded {_files(len(done.sent))}, {done.sent_bytes / 1e6:.1f} MB{kept}.")
    OUT.print(f"model: {done.address}", soft_wrap=True)
    if stack:
        OUT.print(f"Set in Pulumi.{stack}.yaml. Look at it: `slipway preview {stack}`.")
    else:
        OUT.print("Set it in a stack's file, or push again with `--stack NAME`, which sets it.")


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"

"""`slipway model add`: asks before a pickle is opened, and prints what became of the model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.infra.cli.console import ERR, OUT, Format, confirmed, print_json, reported

if TYPE_CHECKING:
    from slipway.infra.model.add import Added


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway model add churn.joblib churn")(add)


def add(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder that Transformers or sentence-transformers saved, an ONNX file or folder with "
            "tokenizer.json, a scikit-learn, XGBoost or LightGBM file, `hf:<owner>/<name>@<commit>`, or a "
            "model in a bucket, `gs://…` or `s3://…`."
        ),
    ],
    name: Annotated[str, typer.Argument(help="Name of the model: its folder is models/NAME.")],
    task: Annotated[
        str | None, typer.Option(help="classify, embed, summarize, generate or tabular (default: inferred).")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Open a pickle, which runs its code, without asking.")
    ] = False,
    labels: Annotated[
        str | None, typer.Option(help="Labels in the order of the outputs, comma-separated.")
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(help="File to compare answers on: one text per line, or a table as CSV with a header."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Maximum length of a text, if shorter than the model's.")
    ] = None,
    pooling: Annotated[
        str | None, typer.Option(help="mean or cls, for an embedding model that does not state it.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="int8 or fp32 of a Transformers model (default: int8).")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="onnx, ctranslate2 or torch for a Transformers model (default: ctranslate2 if it writes "
            "text and its family is taken, else torch; onnx for the others)."
        ),
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option(
            help="Interpreter with the libraries that a pickle was saved with, and skl2onnx, onnxmltools and "
            "packaging."
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="File of 200 lines or more like the data of its use, from which drift is found: text, "
            "or label<TAB>text; tabular: JSON rows."
        ),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Make a checked model folder, models/NAME, of a model of your own.

    The model is converted if need be, its answers are compared with the original's, and it is measured in the
    server. A pickle runs code when it is opened: you are asked first, and it gets no network and no files.
    """
    with reported(format_):
        from slipway.infra.model.add import AddOptions, added

        options = AddOptions(
            confirm=lambda warning: _confirmed(warning, trust),
            task=task,
            labels=labels,
            max_tokens=max_tokens,
            pooling=pooling,
            precision=precision,
            engine=engine,
            examples=examples,
            python=python,
            reference=reference,
        )
        found = added(source, name, options, lambda step: ERR.print(step, markup=False))
        if format_ is Format.JSON:
            print_json(_report_json(found))
            return
        _print_report(found)


def _confirmed(warning: str, trust: bool) -> bool:
    ERR.print(warning, markup=False)
    if trust:
        return True
    return confirmed("Open it?", "If you trust who made the file, add --trust.")


def _report_json(found: "Added") -> dict[str, Any]:
    return {
        "folder": str(found.folder),
        "manifest": found.manifest,
        "found": found.found,
        "assumed": found.assumed,
        "difference": found.difference,
        "tolerance": found.tolerance,
        "next": _next(found),
    }


def _print_report(found: "Added") -> None:
    measured: dict[str, Any] = found.manifest["measured"]
    rate: float = measured["texts_per_second"]
    size = sum(file["bytes"] for file in found.manifest["files"].values())
    OUT.print(f"{found.folder} is ready, {size / 1e6:.1f} MB", markup=False)
    for title, lines in (("found", found.found), ("assumed", found.assumed)):
        for line in lines:
            OUT.print(f"  {title:<9} {line}", markup=False)
    if found.difference is not None:
        allowed = f"; allowed is {found.tolerance:g}" if found.tolerance is not None else ""
        OUT.print(
            f"  measured  largest difference to the original {found.difference:.2g}{allowed}", markup=False
        )
    OUT.print(
        f"  measured  ready after {measured['load_seconds']:.1f} s, {measured['memory_mib']} MiB, "
        f"{rate:{'.0f' if rate >= 10 else '.2g'}} requests/s on one vCPU",
        markup=False,
    )
    OUT.print("Next:")
    for command in _next(found):
        OUT.print(f"  {command}", markup=False)


def _next(found: "Added") -> list[str]:
    from slipway.infra.model.reference import FIELDS

    task = found.manifest["task"]
    lines = [
        f"slipway preview local --set model=file:{found.folder} --set task={task}",
        f"To serve it: in Pulumi.local.yaml slipway:model: file:{found.folder} and slipway:task: {task}; "
        "then slipway up",
        f"For colleagues and CI: git add {found.folder} (files over 50 MB with git lfs track)",
    ]
    if task in FIELDS and "reference" not in found.manifest:
        lines.append(f"To find drift: slipway model reference {found.folder} DATA (200 lines or more)")
    return lines

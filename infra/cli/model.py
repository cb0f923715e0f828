"""`slipway model`: export a model to ONNX, check what that changed, and find the fastest form of it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from slipway.infra.cli.console import ERR, OUT, Format, print_json, progress, reported
from slipway.infra.errors import Failed, Refused

if TYPE_CHECKING:
    from slipway.infra.model.bench import Benched

app = typer.Typer(
    help="Export a model to ONNX, check it against the original, bench its forms.", no_args_is_help=True
)
_Format = Annotated[Format, typer.Option("--format", help="For people, or for programs.")]


def register(slipway: typer.Typer) -> None:
    slipway.add_typer(app, name="model")


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="`hf:<owner>/<name>@<commit>`, or a save_pretrained folder.")],
    folder: Annotated[Path, typer.Argument(help="A new or an empty folder for the model.")],
    task: Annotated[
        str | None, typer.Option(help="classify, embed, summarize or generate: refused if it is for another.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="onnx or torch; by default torch for a model that writes text.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="int8 or fp32, by default int8; torch keeps the weights as they are.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Longest text, if fewer than it takes.")] = None,
    pooling: Annotated[
        str | None, typer.Option(help="mean or cls: embeds, where the model does not say how.")
    ] = None,
    format_: _Format = Format.TEXT,
) -> None:
    """Convert a model of transformers to ONNX: attention fused, weights int8, proved against torch.

    One that writes text, or --engine torch, keeps its weights: they are copied, loaded and tried.
    """
    with reported(format_):
        from slipway.infra.model.export import exported

        given = {
            "--task": task,
            "--engine": engine,
            "--precision": precision,
            "--max-tokens": max_tokens,
            "--pooling": pooling,
        }
        options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
        manifest = exported(model, folder, options)
        if format_ is Format.JSON:
            print_json(manifest)
            return
        if manifest["engine"] == "torch":
            OUT.print("Serve it with torch: docs/guides/bring-your-own-model.md tells how.", markup=False)
            OUT.print(f"Its memory: slipway fit file:{folder} --estimate", markup=False)
            return
        OUT.print(f"Serve it: `model: file:{folder}` and `task: {manifest['task']}` in a stack's settings.")
        OUT.print(f"Its memory: slipway fit file:{folder} --write", markup=False)


@app.command()
def check(
    model: Annotated[Path, typer.Argument(help="The model's folder.")],
    against: Annotated[
        Path, typer.Option(help="The reference: another model folder, or a save_pretrained folder.")
    ],
    texts: Annotated[Path, typer.Option(help="A file with a text a line, or label<TAB>text.")],
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Least mean cosine (embed, default 0.98), or least share of equal labels "
            "(classify, default 0.99).",
        ),
    ] = None,
    format_: _Format = Format.TEXT,
) -> None:
    """Compare a model with a reference on texts of yours; exit code 1 where it is too far from it."""
    with reported(format_):
        from slipway.infra.model.check import checked

        with progress(f"Comparing {model} with {against}"):
            verdict = checked(model, against, texts, threshold)
        if format_ is Format.JSON:
            print_json(verdict.figures | {"threshold": verdict.threshold, "passed": not verdict.faults})
        else:
            for name, value in verdict.figures.items():
                if value is not None:
                    OUT.print(f"{name:<22} {value}", markup=False)
        if verdict.faults:
            faults = "; ".join(verdict.faults)
            if format_ is Format.TEXT:
                raise Failed(f"{model} is too far from {against}: {faults}.")
            raise typer.Exit(1)


@app.command()
def bench(
    models: Annotated[list[str], typer.Argument(help="Folders, `file:<folder>` or `bundled:<name>`.")],
    cpu: Annotated[float, typer.Option(min=0.1, max=64, help="vCPU of one instance.")] = 1,
    tokens: Annotated[
        str, typer.Option(help="Lengths to ask for, `max` is the limit; of a tabular model rows.")
    ] = "16,max",
    concurrency: Annotated[str, typer.Option(help="Requests at once.")] = "1,8",
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Time for each pair.")] = 2,
    write: Annotated[
        bool, typer.Option("--write", help="Record each folder's best engine and its figures.")
    ] = False,
    format_: _Format = Format.TEXT,
) -> None:
    """Measure every engine and precision of a model on this machine, and name the fastest."""
    with reported(format_):
        from slipway.infra.model.bench import benched, best_of, can_run, forms_of, write_best
        from slipway.infra.model.fit import model_of, work_of
        from slipway.infra.model.torch_env import how_it_is_made

        if write and cpu > 1:
            raise Refused("--write records one vCPU: the need of more is derived from it. Leave --cpu out.")
        sources = [model_of(model) for model in models]
        forms = forms_of(sources)
        left_out = [form for form in forms if not can_run(form)]
        for form in left_out:
            ERR.print(
                f"Left out {form.source} on torch, which needs .venv-train. {how_it_is_made()}.",
                markup=False,
            )
        runnable = [form for form in forms if form not in left_out]
        if not runnable:
            raise Refused("Nothing is left to measure.")
        work = work_of(sources[0][1], tokens, concurrency, seconds)
        with progress("Measuring") as say:
            found = benched(runnable, cpu, work, say)
        best = best_of(found)
        if write:
            write_best(found)
        if format_ is Format.JSON:
            print_json({"forms": [_form_json(one) for one in found], "best": _named(best)})
            return
        for one in found:
            for part in _report(one):
                OUT.print(part)
        OUT.print(
            f"Fastest here: {_titled(best)}. What its answers are worth: `slipway model check`.", markup=False
        )


def _named(one: "Benched") -> dict[str, str]:
    return {"model": one.form.source, "engine": one.form.engine, "precision": one.form.precision}


def _titled(one: "Benched") -> str:
    return f"{one.form.source} on {one.form.engine} ({one.form.precision})"


def _form_json(one: "Benched") -> dict[str, Any]:
    return {
        **_named(one),
        "requests_per_vcpu_second": round(one.requests_per_vcpu_second, 1),
        "memory_mb": one.fit.need.memory_mib,
        "ready_seconds": one.fit.ready_seconds,
        "rates": [asdict(rate) for rate in one.fit.rates],
    }


def _report(one: "Benched") -> list[RenderableType]:
    from slipway.infra.model.fit_report import rates_table

    head = Text.assemble(
        (_titled(one), "bold cyan"),
        f"\n{one.fit.need.memory_mib:.0f} MiB at its peak, ready after {one.fit.ready_seconds:.1f} s, "
        f"{one.requests_per_vcpu_second:.0f} requests/s a vCPU",
    )
    return [head, rates_table(one.fit)]

"""`slipway model`: add a model, check what its conversion changed, and find its fastest form."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from slipway.infra.cli import model_add as adding
from slipway.infra.cli.console import ERR, OUT, Format, print_json, progress, reported
from slipway.infra.cli.model_push import push
from slipway.infra.errors import Failed, Refused

if TYPE_CHECKING:
    from slipway.infra.model.bench import Benched

app = typer.Typer(
    help="Add, check, measure and upload models.",
    no_args_is_help=True,
)
_Format = Annotated[Format, typer.Option("--format", help="Output format.")]


def register(slipway: typer.Typer) -> None:
    adding.register(app)
    app.command(epilog="Example: slipway model push models/mine gs://my-bucket/mine-1 --stack prod")(push)
    slipway.add_typer(app, name="model")


@app.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def export(source: Annotated[str, typer.Argument()] = "SOURCE") -> None:
    """Name the command that took its place."""
    with reported(Format.TEXT):
        raise Refused(
            f"`slipway model export` is now `slipway model add {source} NAME`, which makes models/NAME."
        )


@app.command(epilog="Example: slipway model check models/mine --against trained --texts texts.tsv")
def check(
    model: Annotated[Path, typer.Argument(help="Model folder.")],
    against: Annotated[
        Path, typer.Option(help="Reference: another model folder, or a save_pretrained folder.")
    ],
    texts: Annotated[Path, typer.Option(help="File with one text per line, or label<TAB>text.")],
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Minimum mean cosine (embed, default 0.98), or minimum share of equal labels "
            "(classify, default 0.99).",
        ),
    ] = None,
    format_: _Format = Format.TEXT,
) -> None:
    """Compare a model with a reference on your texts; exit code 1 if they differ too much."""
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
                raise Failed(f"{model} differs too much from {against}: {faults}.")
            raise typer.Exit(1)


@app.command(epilog="Example: slipway model bench models/mine --write")
def bench(
    models: Annotated[list[str], typer.Argument(help="Folders, `file:<folder>` or `bundled:<name>`.")],
    cpu: Annotated[float, typer.Option(min=0.1, max=64, help="vCPU of one instance.")] = 1,
    tokens: Annotated[
        str, typer.Option(help="Request lengths in tokens, `max` for the limit; rows for a tabular model.")
    ] = "16,max",
    concurrency: Annotated[str, typer.Option(help="Numbers of concurrent requests.")] = "1,8",
    seconds: Annotated[
        float, typer.Option(min=0.1, max=60, help="Seconds per pair of length and concurrency.")
    ] = 2,
    write: Annotated[
        bool, typer.Option("--write", help="Record each folder's best engine and its measurements.")
    ] = False,
    format_: _Format = Format.TEXT,
) -> None:
    """Measure every engine and precision of a model on this machine, and show the fastest."""
    with reported(format_):
        from slipway.infra.model.bench import benched, best_of, can_run, forms_of, write_best
        from slipway.infra.model.fit import model_of, require_one_vcpu, work_of
        from slipway.infra.model.torch_env import how_it_is_made

        require_one_vcpu(write, cpu)
        sources = [model_of(model) for model in models]
        forms = forms_of(sources)
        left_out = [form for form in forms if not can_run(form)]
        for form in left_out:
            ERR.print(
                f"Skipped {form.source} on torch, which needs .venv-train. {how_it_is_made()}.",
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
            f"Fastest here: {_titled(best)}. To check its accuracy: `slipway model check`.", markup=False
        )


@app.command(epilog="Example: slipway model reference models/mine data.txt")
def reference(
    model: Annotated[str, typer.Argument(help="Folder, `file:<folder>` or `bundled:<name>`.")],
    data: Annotated[
        Path,
        typer.Argument(help="File of 200 lines or more: text, or label<TAB>text; tabular: JSON rows."),
    ],
    format_: _Format = Format.TEXT,
) -> None:
    """Record in a model's manifest what it predicts for your data, so that its server finds drift from it."""
    with reported(format_):
        from slipway.infra.model.fit import model_of
        from slipway.infra.model.reference import counted, write_reference

        _, folder = model_of(model, "model reference")
        with progress("Reading the data") as say:
            found = counted(folder, data, say)
        write_reference(folder, found)
        written = str(folder.location / "manifest.json")
        if format_ is Format.JSON:
            print_json({"manifest": written, **asdict(found)})
        else:
            OUT.print(f"{found.predictions} predictions are the reference in {written}.", markup=False)


def _named(one: "Benched") -> dict[str, str]:
    return {"model": one.form.source, "engine": one.form.engine, "precision": one.form.precision}


def _titled(one: "Benched") -> str:
    return f"{one.form.source} on {one.form.engine} ({one.form.precision})"


def _form_json(one: "Benched") -> dict[str, Any]:
    return {
        **_named(one),
        "requests_per_vcpu_second": round(one.requests_per_vcpu_second, 1),
        "memory_mib": one.fit.need.memory_mib,
        "ready_seconds": one.fit.ready_seconds,
        "rates": [asdict(rate) for rate in one.fit.rates],
    }


def _report(one: "Benched") -> list[RenderableType]:
    from slipway.infra.model.fit_report import rates_table

    head = Text.assemble(
        (_titled(one), "bold cyan"),
        f"\n{one.fit.need.memory_mib:.0f} MiB at peak, ready after {one.fit.ready_seconds:.1f} s, "
        f"{one.requests_per_vcpu_second:.0f} requests/s a vCPU",
    )
    return [head, rates_table(one.fit)]

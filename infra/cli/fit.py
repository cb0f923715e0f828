"""`slipway fit`: measures what a model needs on this machine."""

from typing import Annotated

import typer

from slipway.infra.cli.console import OUT, Format, print_json, progress, reported


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway fit file:models/mine --write")(fit)


def fit(
    model: Annotated[
        str,
        typer.Argument(help="`bundled:<name>`, `file:<folder>`, a folder, `gs://…`, `s3://…`, or `hf:…`."),
    ],
    cpu: Annotated[float, typer.Option(min=0.1, max=64, help="vCPU of one instance.")] = 1,
    tokens: Annotated[
        str, typer.Option(help="Request lengths in tokens, `max` for the limit; rows for a tabular model.")
    ] = "16,max",
    concurrency: Annotated[str, typer.Option(help="Numbers of concurrent requests.")] = "1,8",
    seconds: Annotated[
        float, typer.Option(min=0.1, max=60, help="Seconds per pair of length and concurrency.")
    ] = 2,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Estimate from the manifest; run nothing.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Record the result in the model's manifest.")
    ] = False,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Measure a model's memory, start-up time and throughput. Lists the setting for each target."""
    with reported(format_):
        from slipway.infra.model import fit as fitting
        from slipway.infra.model.fit_report import fit_json, fit_tables
        from slipway.infra.model.fit_subject import subject

        with progress("Reading the model") as say, subject(model, estimate, write, say) as (source, folder):
            if estimate:
                found = fitting.estimated(source, folder, cpu)
            else:
                work = fitting.work_of(folder, tokens, concurrency, seconds)
                fitting.require_one_vcpu(write, cpu)
                found = fitting.measured(source, folder, cpu, work, say)
            if write:
                fitting.write_measured(folder, found)
        if format_ is Format.JSON:
            print_json(fit_json(found))
            return
        for part in fit_tables(found):
            OUT.print(part)

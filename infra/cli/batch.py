"""`slipway batch`: scores files with a model, here or on a stack, and goes on where it was stopped."""

import time
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.infra.cli.batch_progress import ENDS, duration_words, shown_progress
from slipway.infra.cli.console import ERR, OUT, Format, confirmed, print_json, reported
from slipway.infra.cli.stacks import Yes
from slipway.infra.errors import Failed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from, stack_config
from slipway.infra.targets.batch_run import BatchProgress, BatchRun, BatchState
from slipway.infra.targets.local_batch import refused
from slipway.infra.targets.registry import target_of
from slipway.stacks.settings.jobs import WorkerSettings

if TYPE_CHECKING:
    from slipway.infra.batch.order import BatchOptions
    from slipway.infra.batch.price import InstancePrice
    from slipway.stacks.settings.common import Settings

# How often a platform is asked.
_LOCAL_SECONDS, _CLOUD_SECONDS = 0.2, 5.0


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway batch messages.csv scores --keep id")(batch)


def batch(
    read: Annotated[
        str, typer.Argument(metavar="IN", help="File, folder, glob, or prefix of a bucket to read.")
    ],
    write: Annotated[
        str, typer.Argument(metavar="OUT", help="Folder or prefix of a bucket for the results.")
    ],
    on: Annotated[
        str, typer.Option("--on", metavar="STACK", help="Run it on this stack (default: on this machine).")
    ] = "",
    model: Annotated[
        str, typer.Option(help="Model, `bundled:<name>` or `file:<folder>` (default: stack local's).")
    ] = "",
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column", metavar="FIELD=COLUMN", help="Column that a request's field comes from; repeatable."
        ),
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="FIELD=VALUE", help="Field that every request has; repeatable."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", metavar="COLUMN", help="Column that results have as well, or '*'; repeatable."
        ),
    ] = None,
    route: Annotated[str, typer.Option(help="Route of the model (default: its first).")] = "",
    input_format: Annotated[
        str, typer.Option(help="csv, jsonl or parquet (default: as the files' names end).")
    ] = "",
    output_format: Annotated[str, typer.Option(help="csv, jsonl or parquet (default: the input's).")] = "",
    delimiter: Annotated[str, typer.Option(help="Character between the cells of a CSV file.")] = "",
    encoding: Annotated[str, typer.Option(help="Encoding of the input (default: utf-8).")] = "",
    part_rows: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Rows of a part (default: 5000).")
    ] = None,
    max_failed: Annotated[int, typer.Option(min=0, help="Failed rows above which the exit code is 1.")] = 0,
    shards: Annotated[
        int, typer.Option(min=1, max=10_000, help="Instances that share the input, with --on.")
    ] = 1,
    spot: Annotated[
        bool, typer.Option("--spot", help="With --on, on capacity that may be taken away.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Delete what an earlier batch wrote to OUT, and begin anew.")
    ] = False,
    rows: Annotated[
        int | None, typer.Option(min=1, help="Number of rows, for the estimate of the cost.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would run and what it costs; start nothing.")
    ] = False,
    yes: Yes = False,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Score the rows of files with a model, in order, and go on where an earlier run stopped.

    Rows that fail go to OUT/failed with the reason; the others to numbered parts in OUT.
    """
    from slipway.infra.batch.order import BatchOptions

    options = BatchOptions(
        read=read,
        write=write,
        on=on,
        model=model,
        shards=shards,
        spot=spot,
        input_format=input_format,
        output_format=output_format,
        route=route,
        columns=tuple(columns or ()),
        fields=tuple(fields or ()),
        keep=tuple(keep or ()),
        delimiter=delimiter,
        encoding=encoding,
        max_failed=max_failed,
        part_rows=part_rows,
        overwrite=overwrite,
    )
    with reported(format_):
        _run(options, rows, dry_run, yes, format_)


def _run(options: "BatchOptions", rows: int | None, dry_run: bool, yes: bool, format_: Format) -> None:
    config = _config(options)
    target = target_of(config)
    local = target.applied_here(config)
    order = options.order(local)
    _require_sets(options, local)
    begin = partial(target.batch, config, order, lambda step: ERR.print(step, markup=False))
    run = None if local else begin()  # what it refuses is said before the price and the question
    price = _price(config, options.spot, local)
    for line in _announced(config, options, price, rows):
        ERR.print(line, markup=False)
    if dry_run:
        _print_dry(order.environment, price, format_)
        return
    if not local and not yes and not confirmed("Start it?", "Add --yes."):
        raise Refused("Nothing was started.")
    run = run or begin()
    begun = time.monotonic()
    progress = _followed(run, options, _LOCAL_SECONDS if local else _CLOUD_SECONDS)
    run.collect()
    _finish(run, options, progress, price, time.monotonic() - begun, format_)


def _config(options: "BatchOptions") -> StackConfig:
    config = stack_config(Path(), options.on or "local")
    if not options.model:
        return config
    values = {f"{config.project}:target": "local", f"{config.project}:model": options.model}
    return replace(config, values=values)


def _require_sets(options: "BatchOptions", local: bool) -> None:
    """Install what a batch here needs for Parquet, where it may be installed."""
    wanted = "parquet" in (options.input_format, options.output_format) or ".parquet" in options.read
    if local and wanted:
        from slipway.infra.setup.optional_sets import require_set

        require_set("parquet", "Parquet", lambda step: ERR.print(step, markup=False))


def _price(config: StackConfig, spot: bool, local: bool) -> "InstancePrice":
    from slipway.infra.batch.price import FREE, instance_price

    if local:
        return FREE
    from slipway.infra.preview.plans import planned, refuse  # imports Pulumi

    one = planned(Path(), config.stack, [])
    refuse([one], named=True)
    return instance_price(one.plan.resources if one.plan else (), spot, datetime.now(UTC).date())


def _announced(
    config: StackConfig, options: "BatchOptions", price: "InstancePrice", rows: int | None
) -> Generator[str]:
    """Yield what is about to run, and what it costs."""
    from slipway.infra.cost.assume import measured_seconds

    if not options.on or price.what == "this machine":
        return
    instances = f"{options.shards} instances" if options.shards > 1 else "one instance"
    yield f"{instances} of {price.what}, {price.hour} an hour each."
    settings = settings_from(config)
    seconds = None if getattr(settings, "gpu", "") else measured_seconds(settings.model)
    if seconds is None:
        yield "The model's throughput is not known, and so neither is the cost: `slipway fit --write`."
    else:
        of = rows or 1_000_000
        needed = of * seconds / (price.cpu or _cpu_of(settings))
        yield f"{of:,} rows take about {needed:,.0f} s of an instance: {price.of(needed)}."
    yield from price.notes


def _cpu_of(settings: "Settings") -> float:
    """Return the CPU of a container that shares its node: a worker's, where there are some."""
    of_worker = settings.worker_cpu if isinstance(settings, WorkerSettings) and settings.jobs else None
    return of_worker or settings.cpu or 1.0


def _print_dry(environment: Any, price: "InstancePrice", format_: Format) -> None:
    if format_ is Format.JSON:
        print_json({"environment": dict(environment), "instance": price.what, "usd_per_hour": price.hour.usd})
        return
    for name, value in environment.items():
        OUT.print(f"{name}={value}", markup=False)


def _followed(run: BatchRun, options: "BatchOptions", every_seconds: float) -> BatchProgress:
    """Start the batch and show how far it is, until it ends. Ctrl-C stops it at a checkpoint."""
    try:
        with shown_progress() as show:
            run.start()
            while (progress := run.progress()).state not in ENDS:
                show(progress)
                time.sleep(every_seconds)
            show(progress)
            return progress
    except KeyboardInterrupt:
        ERR.print("Stopping at a checkpoint", markup=False)
        run.stop()
        raise Refused(
            f"Stopped; what is computed is kept in {options.write}. Go on: `{options.command()}`"
        ) from None


def _finish(
    run: BatchRun,
    options: "BatchOptions",
    progress: BatchProgress,
    price: "InstancePrice",
    seconds: float,
    format_: Format,
) -> None:
    if progress.state is BatchState.STOPPED:
        raise Refused(f"The batch was stopped. Go on: `{options.command()}`")
    if progress.state is BatchState.FAILED:
        detail = progress.detail or "The batch failed."
        if options.on or not progress.detail:
            detail += f" Its log: `{run.log_command()}`."
        raise Refused(detail) if refused(progress) else Failed(f"{detail} Go on: `{options.command()}`")
    cost = price.of(progress.instance_seconds)
    rows, failed = progress.rows or 0, progress.rows_failed
    if format_ is Format.JSON:
        print_json(
            {
                "state": progress.state.value,
                "output": options.write,
                "rows": rows,
                "results": rows - failed,
                "failed": failed,
                "seconds": round(seconds, 1),
                "instance_seconds": round(progress.instance_seconds, 1),
                "usd": None if cost.unknown else cost.usd,
            }
        )
    else:
        OUT.print(f"{rows:,} rows, {rows - failed:,} results in {options.write}, {duration_words(seconds)}.")
        if options.on and price.what != "this machine":
            OUT.print(f"Cost: {cost}, for {progress.instance_seconds:,.0f} s of {price.what}.")
    if failed:
        words = f"{_rows(failed)} failed; {options.write}/failed has them with the reason."
        ERR.print(words, markup=False)
        if failed > options.max_failed:
            if format_ is Format.JSON:
                raise typer.Exit(1)
            raise Failed(f"{_rows(failed)} failed, and --max-failed is {options.max_failed}.")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"

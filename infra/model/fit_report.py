"""Renders the result of `slipway fit` as tables and as JSON."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from slipway.infra.model.fit import Fit

# Above this share of its capacity a vCPU makes its callers wait.
_BUSY_SHARE = 0.7


def fit_json(fit: Fit) -> dict[str, Any]:
    """Units are in the names; what was not measured is null or empty."""
    return {
        "model": fit.model,
        "cpu": fit.cpu,
        "memory_mib": fit.need.memory_mib,
        "measured": fit.need.measured,
        "ready_seconds": fit.ready_seconds,
        "rates": [asdict(one) for one in fit.rates],
        "sizes": [{"target": size.target, "cpu": size.cpu, "memory": size.memory} for size in fit.sizes],
        "lived_under": {"memory_mib": fit.proof[0], "enforced_by": fit.proof[1]} if fit.proof else None,
        "startup_probe": fit.startup_probe,
    }


def fit_tables(fit: Fit) -> Iterable[RenderableType]:
    how = (
        "measured" if fit.need.measured else "estimated from the manifest; run without --estimate to measure"
    )
    yield Text.assemble((fit.model, "bold cyan"), f" with cpu {fit.cpu:g}")
    yield Text(f"Memory   {fit.need.memory_mib:.0f} MiB at peak ({how})")
    if fit.ready_seconds is not None:
        probe = fit.startup_probe or {}
        yield Text(
            f"Start    ready after {fit.ready_seconds:.1f} s from a cold page cache; start-up probe every "
            f"{probe['period_seconds']} s, {probe['failure_threshold']} times"
        )
    if fit.rates:
        yield rates_table(fit)
        planned = (fit.requests_per_vcpu_second or 0) * _BUSY_SHARE
        yield Text(
            f"CPU      plan one vCPU for every {planned:.0f} requests/s of {fit.rates[0].tokens} {fit.unit}: "
            f"{_BUSY_SHARE:.0%} of its capacity"
        )
    yield _sizes(fit)
    if fit.proof:
        yield Text(f"Verified: it also ran with a limit of {fit.proof[0]} MiB ({fit.proof[1]}).")


def rates_table(fit: Fit) -> Table:
    writes = any(one.written_per_second is not None for one in fit.rates)
    columns = (fit.unit, "at once", "requests/s", "p50 ms", "p99 ms", "CPU ms", "MiB")
    table = Table(*columns, *(["written/s"] if writes else []), box=None, header_style="dim")
    for one in fit.rates:
        table.add_row(
            str(one.tokens),
            str(one.concurrency),
            f"{one.requests_per_second:.0f}"
            if one.requests_per_second >= 10
            else f"{one.requests_per_second:.2g}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.cpu_ms_per_request:.2f}",
            "" if one.memory_mib is None else str(one.memory_mib),
            *([f"{one.written_per_second:.0f}"] if one.written_per_second is not None else []),
        )
    return table


def _sizes(fit: Fit) -> Table:
    table = Table("target", "cpu", "memory to set", box=None, header_style="dim")
    for size in fit.sizes:
        table.add_row(size.target, f"{size.cpu:g}", size.memory)
    return table

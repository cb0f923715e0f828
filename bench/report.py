"""Results as Markdown tables: the same on a terminal and in docs/benchmarks.md."""

from collections.abc import Sequence

from bench.goals import Goal, goals
from bench.results import KINDS, Results, Row, limit_medians, point_key, rows

BEGIN, END = "<!-- results: written by make bench -->", "<!-- end of results -->"


def markdown(results: Results) -> str:
    parts = [_facts(results), "### Goals\n\n" + goals_table(goals(results))]
    every = rows(results)
    if every:
        parts += [
            "### Throughput relative to the bare model\n\n" + _limits(results) + throughput_table(every),
            "### Latency, memory, start\n\n" + latency_table(every),
        ]
    parts += [f"### {name.capitalize()}\n\n{_piece(found)}" for name, found in results.pieces.items()]
    if results.skipped:
        parts.append(
            "### Left out\n\n" + "\n".join(f"- {name}: {why}" for name, why in results.skipped.items())
        )
    return "\n\n".join(parts) + "\n"


def into_document(document: str, results: Results) -> str:
    """Return the document with the results between its two marks. Raises ValueError if it has none."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{markdown(results)}{END}{after}"


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns are padded to one width, so that it is readable on a terminal too."""
    widths = [max(len(line[place]) for line in [head, *body]) for place in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(head), rule, *map(line, body)])


def goals_table(found: Sequence[Goal]) -> str:
    return table(
        ("goal", "wanted", "found", "verdict"),
        [(each.name, each.wanted, number(each.value), each.verdict) for each in found],
    )


def throughput_table(every: Sequence[Row]) -> str:
    keys = [point_key(kind, connections) for kind in KINDS for connections in (1, 8, 64)]
    head = ("server", "set to", *(key.replace("/", ", ") for key in keys), "CPU a short text")
    body = [
        (
            f"{row.name} {row.version}",
            row.setup,
            *(number(row.over_limit[key]) for key in keys),
            number(row.cpu_over_limit[point_key("short", 64)]),
        )
        for row in every
    ]
    return table(head, body)


def latency_table(every: Sequence[Row]) -> str:
    one, many, mixed = point_key("short", 1), point_key("short", 64), point_key("mixed", 64)
    head = (
        "server", "variant", "p50 ms, 1", "p50 ms, 64", "p99 ms, 64", "p99 ms, mixed 64", "PSS MB", "ready s",
    )  # fmt: skip
    body = [
        (
            row.name,
            row.variant,
            number(row.p50_ms[one]),
            number(row.p50_ms[many]),
            number(row.p99_ms[many]),
            number(row.p99_ms[mixed]),
            number(row.pss_mb),
            number(row.ready_seconds),
        )
        for row in every
    ]
    return table(head, body)


def number(value: float | None) -> str:
    """Return two decimals below 10, one below 100, none above."""
    if value is None:
        return "-"
    return f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"


def _facts(results: Results) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in results.facts.items())


def _limits(results: Results) -> str:
    limits = limit_medians(results)
    return f"Raw limit: {limits['short']:.0f} short texts/s, {limits['mixed']:.0f} of mixed lengths.\n\n"


def matrix(found: dict[str, float | None]) -> str:
    """Return a table of figures that are named `row/column`, in the order in which they first come."""
    lines, columns = (list(dict.fromkeys(key.split("/")[place] for key in found)) for place in (0, 1))
    return table(
        ("", *columns),
        [(line, *(number(found.get(f"{line}/{column}")) for column in columns)) for line in lines],
    )


def _piece(found: dict[str, float | None]) -> str:
    if all("/" in key for key in found):
        return matrix(found)
    return table(
        ("figure", "value"),
        [(name, f"{value:g}" if value is not None else "-") for name, value in found.items()],
    )

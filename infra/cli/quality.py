"""`slipway quality`: a model's quality in service, from one server or from Prometheus, and two compared."""

import os
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.components.printable import printable
from slipway.infra.cli.console import OUT, Format, print_json, reported
from slipway.infra.cli.service import outputs_of
from slipway.infra.cli.stacks import Stack, StackOption, one_stack
from slipway.infra.errors import Refused

if TYPE_CHECKING:
    from slipway.infra.model.quality_prometheus import FoundVersions, VersionReading

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway quality prod")(quality)


def quality(
    stack: Stack = None,
    named: StackOption = None,
    url: Annotated[str, typer.Option("--url", help="Ask this server, with the key in MODEL_API_KEY.")] = "",
    against: Annotated[
        str,
        typer.Option(
            "--against",
            help="Compare with this server, whose key is AGAINST_API_KEY, by default the same.",
        ),
    ] = "",
    prometheus: Annotated[
        str,
        typer.Option(
            "--prometheus",
            help="Add up all instances by model version from this Prometheus, with PROMETHEUS_TOKEN if set.",
        ),
    ] = "",
    since: Annotated[
        str,
        typer.Option(
            "--since",
            help="With --prometheus: from when on, a duration (30m, 24h, 7d) or a time (2026-11-30T12:00Z).",
        ),
    ] = "24h",
    where: Annotated[
        str,
        typer.Option("--where", help='With --prometheus: matchers that series must have, namespace="prod".'),
    ] = "",
    versions: Annotated[
        str,
        typer.Option("--versions", help="With --prometheus: compare two model versions, OLD,NEW."),
    ] = "",
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
) -> None:
    """Show what a model predicts, its drift, and what feedback says of it; compare two versions.

    A comparison has intervals that hold at every look, so it may be repeated while requests come in. With
    --prometheus and no --versions, two versions are compared where there are two.
    """
    with reported(format_):
        if prometheus:
            _refuse_together("--prometheus", {"--url": url, "--against": against})
            _from_prometheus(prometheus, since, where, versions, format_)
        else:
            _refuse_together("one server", {"--where": where, "--versions": versions})
            _from_server(one_stack(stack, named), url, against, format_)


def _refuse_together(what: str, options: dict[str, str]) -> None:
    for option, value in options.items():
        if value:
            raise Refused(f"{option} is {value!r}; it has no meaning with {what}. Omit one of them.")


def _from_server(stack: str, url: str, against: str, format_: Format) -> None:
    from slipway.infra.model.quality import lines, quality_of
    from slipway.infra.model.quality_comparison import comparison_json, comparison_lines
    from slipway.infra.model.quality_counts import counts_of

    key = os.environ.get("MODEL_API_KEY", "")
    if not url:
        outputs = outputs_of(stack, reveal=True)
        url, key = str(outputs["url"]), str(outputs["apiKey"])
    elif not key:
        raise Refused("MODEL_API_KEY is not set; --url needs the server's key there.")
    report = quality_of(url, key)
    other: dict[str, Any] | None = None
    if against:
        variable = "AGAINST_API_KEY" if "AGAINST_API_KEY" in os.environ else "MODEL_API_KEY"
        other = quality_of(against, os.environ.get("AGAINST_API_KEY", key), "--against", variable)
    if format_ is Format.JSON:
        if other is not None:
            report = {
                "report": report,
                "against": other,
                "comparison": comparison_json(counts_of(other), counts_of(report)),
            }
        print_json(report)
        return
    said = [*lines(report)]
    if other is not None:
        said += comparison_lines(counts_of(other), counts_of(report))
    _print(said)


def _from_prometheus(url: str, since: str, where: str, versions: str, format_: Format) -> None:
    from slipway.infra.model.quality import version_lines
    from slipway.infra.model.quality_comparison import comparison_json, comparison_lines
    from slipway.infra.model.quality_prometheus import Prometheus, readings_of

    wanted = _two_versions(versions)
    moment = _moment(since)
    seconds = _seconds(since)
    found = readings_of(
        Prometheus(url, os.environ.get("PROMETHEUS_TOKEN", "")),
        lambda now: now - seconds if moment is None else moment,
        where,
        wanted,
    )
    pair = _pair(found, wanted)
    if format_ is Format.JSON:
        comparison = None if pair is None else comparison_json(pair[0].counts, pair[1].counts)
        print_json(
            {
                "versions": [asdict(each) for each in found.versions],
                "versions_in_all": found.versions_in_all,
                "comparison": comparison,
            }
        )
        return
    said = [line for each in found.versions for line in version_lines(each)]
    if not wanted and found.versions_in_all > len(found.versions):
        said.append(f"{found.versions_in_all - len(found.versions)} more versions with fewer instances.")
    if pair is not None:
        said += comparison_lines(pair[0].counts, pair[1].counts)
        if moment is None:
            said.append("  The window moves: to look again, give --since the time when both were served.")
    _print(said)


def _pair(found: "FoundVersions", wanted: list[str]) -> "tuple[VersionReading, VersionReading] | None":
    """Return the two versions to compare: those that were named, or the only two, the busier one first."""
    if wanted:
        by_name = {each.counts.model_version: each for each in found.versions}
        return by_name[wanted[0]], by_name[wanted[1]]
    return (found.versions[0], found.versions[1]) if len(found.versions) == 2 else None


def _two_versions(versions: str) -> list[str]:
    names = [name.strip() for name in versions.split(",")] if versions else []
    if names and (len({*names}) != 2 or not all(names)):
        raise Refused(f"--versions is {versions!r}; give two different model versions, OLD,NEW.")
    return names


def _seconds(since: str) -> float:
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", since)
    return int(found[1]) * _SECONDS[found[2]] if found else 0.0


def _moment(since: str) -> float | None:
    """Return a time in Unix seconds; None for a duration. A time without a zone is UTC."""
    if _seconds(since):
        return None
    try:
        found = datetime.fromisoformat(since)
    except ValueError:
        raise Refused(
            f"--since is {since!r}; allowed are a duration such as 24h, or a time such as 2026-11-30T12:00Z."
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _print(lines: list[str]) -> None:
    for line in lines:
        OUT.print(printable(line.replace("\n", "\\n")), markup=False)  # a label may have lines

"""`slipway quality`: what a server reports of its model's quality."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.infra.errors import Failed
from slipway.infra.model.json_answers import json_from, require_http
from slipway.infra.model.quality_prometheus import VersionReading
from slipway.infra.model.sequential import Proportion

MOST_COLUMNS = MOST_LABELS = 20


def quality_of(
    url: str, api_key: str, option: str = "--url", variable: str = "MODEL_API_KEY"
) -> dict[str, Any]:
    """Ask the server at `url`. Raises Refused for another address than HTTP, Failed if it does not report.

    option, variable: where the address and the key come from, for messages.
    """
    require_http(option, url)
    address = f"{url.rstrip('/')}/quality"
    found = json_from(address, api_key, lambda status, _: _hint(status, variable))
    if not isinstance(found, dict) or "signals" not in found:
        raise Failed(f"{address} did not answer with a report of quality.")
    return found  # pyright: ignore[reportUnknownVariableType] - JSON


def _hint(status: int, variable: str) -> str:
    if status == 401:
        return f"The key in {variable} is not the server's."
    return "It may be an older server, which has no such page." if status == 404 else "See its log."


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the report for people."""
    yield f"{report['model_version']}: {report['predictions']} predictions"
    for name, signal in report["signals"].items():
        if not signal["has_reference"]:
            yield f"  {name:<11} no reference; write one with `slipway model reference`"
            continue
        psi = signal["psi"]
        state = "has drifted" if signal["has_drifted"] else "as the reference"
        state = state if report["predictions"] else "nothing yet"
        index = "" if psi is None else f", PSI {psi:.3f}"
        yield f"  {name:<11} {state}{index}, {signal['alarms']} alarms"
    out_of_range: Mapping[str, int] = report.get("out_of_range", {})
    for column, count in Counter(out_of_range).most_common(MOST_COLUMNS):
        if count:
            yield f"    {column:<20} {count} values that the reference did not have"
    feedback = report["feedback"]
    yield f"  feedback    {feedback['given']} labels given, {feedback['waiting']} predictions wait for one"
    for label, rates in feedback["labels"].items():
        if rates["predicted"] or rates["true"]:
            yield f"    {label:<20} precision {_share(rates['precision'])}, recall {_share(rates['recall'])}"


def version_lines(reading: VersionReading) -> Iterator[str]:
    """Yield what Prometheus knows of a version, for people."""
    counts = reading.counts
    yield (
        f"{counts.model_version}: {counts.requests} requests to {reading.instances} instances, "
        f"{_percent(counts.failures)} failed"
    )
    for label, each in sorted(counts.labels.items(), key=lambda item: -item[1].predictions)[:MOST_LABELS]:
        said = f"    {label:<20} {_percent(counts.share(label))} of {counts.labelled} predictions"
        if each.predicted or each.true:
            precision, recall = each.precision.value, each.recall.value
            said += f", precision {_share(precision)}, recall {_share(recall)}"
        yield said
    if (confidence := reading.median_confidence) is not None:
        yield f"  confidence  median {confidence:.3f}"
    if (tokens := reading.median_tokens) is not None:
        yield f"  length      median {tokens:.0f} tokens"
    for name, drift in reading.drift.items():
        index = "" if drift.psi is None else f", PSI up to {drift.psi:.3f}"
        yield f"  drift       {name}: on {drift.drifted} of {drift.instances} instances{index}"
    if counts.judged:
        yield f"  feedback    {counts.judged} labels given, accuracy {_share(counts.accuracy.value)}"


def _percent(rate: Proportion) -> str:
    return "0 %" if not rate.value else f"{100 * rate.value:.2f} %"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"

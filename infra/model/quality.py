"""`slipway quality`: what a server reports of its model's quality."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from slipway.infra.errors import Failed, Refused

_TIMEOUT_SECONDS = 20
MOST_COLUMNS = 20


def quality_of(url: str, api_key: str) -> dict[str, Any]:
    """Ask the server at `url`. Raises Refused for another address than HTTP, Failed if it does not report."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refused(f"--url is {url!r}; give an address that begins with http:// or https://.")
    address = f"{url.rstrip('/')}/quality"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {api_key}"})  # noqa: S310 - HTTP alone
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            found: Any = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise Failed(f"{address} answered {error.code}. {_hint(error.code)}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise Failed(f"{address} did not answer: {getattr(reason, 'strerror', None) or reason}.") from None
    except ValueError:
        raise Failed(f"{address} did not answer with JSON.") from None
    if not isinstance(found, dict) or "signals" not in found:
        raise Failed(f"{address} did not answer with a report of quality.")
    return found  # pyright: ignore[reportUnknownVariableType] - JSON


def _hint(status: int) -> str:
    if status == 401:
        return "The key in MODEL_API_KEY is not the server's."
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


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"

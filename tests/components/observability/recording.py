"""Two pages of a real server, before and after a known load, and series for promtool that repeat it."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.service.metrics_pages import Page, scraped
from tests.service.running_server import AUTHORIZED, HAM, SPAM, RunningServer

# What one unit of the load has: so many good answers, and a client's own mistakes.
_GOOD = 8
TARGET = {"namespace": "ml", "job": "api", "instance": "10.0.0.7:9464"}
_COUNTERS = ("_total", "_count", "_sum", "_bucket")


@dataclass(frozen=True, slots=True)
class Load:
    """Steps of equal length, in each of which the server answers so many units of the load."""

    steps: int
    units: float


@dataclass(frozen=True, slots=True)
class Recording:
    """Series of a server -> value before the load, and what one unit of the load added."""

    start: Mapping[str, float]
    unit: Mapping[str, float]

    @classmethod
    def of(cls, server: RunningServer) -> "Recording":
        with httpx.Client(base_url=server.url, headers=AUTHORIZED) as client:
            _unit(client)  # what has not happened yet has no series
            before = scraped(server.metrics_url)
            _unit(client)
        after = _values(scraped(server.metrics_url))
        return cls(_values(before), {name: after[name] - value for name, value in _values(before).items()})

    @classmethod
    def of_text(cls, text: str) -> "Recording":
        """Return series of which a unit adds as much as is there already."""
        values = _values(Page(text))
        return cls(values, values)

    def series(self, loads: Sequence[Load], target: Mapping[str, str] = TARGET) -> dict[str, str]:
        """Return each series' name and its values as promtool reads them."""
        found = {
            _named(name, target): _steps(value, self.unit[name] if _counts(name) else 0, loads)
            for name, value in self.start.items()
        }
        return {**found, _named("up", target): _steps(1, 0, loads)}

    def values(self, units: Sequence[float], target: Mapping[str, str] = TARGET) -> dict[str, list[float]]:
        """Return each series' name and its values after each step. units: of the load, in each step."""
        done = list(accumulate(units))
        found = {
            _named(name, target): [value + (self.unit[name] if _counts(name) else 0) * each for each in done]
            for name, value in self.start.items()
        }
        return {**found, _named("up", target): [1.0] * len(units)}


def _unit(client: httpx.Client) -> None:
    for text, label in ((HAM, "ham"), (SPAM, "ham")) * (_GOOD // 2):
        answer = client.post("/predict", json={"text": text})
        assert answer.status_code == 200
        truth = {"request_id": answer.headers["x-request-id"], "label": label}
        assert client.post("/feedback", json=truth).status_code == 200
    assert client.post("/predict", json={"txt": HAM}).status_code == 422
    assert client.get("/nothing-here").status_code == 404


def _values(page: Page) -> dict[str, float]:
    return {_name(each.name, each.labels): each.value for each in page.samples}


def _name(name: str, labels: Mapping[str, str]) -> str:
    return name + "{" + ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(labels.items())) + "}"


def _named(series: str, target: Mapping[str, str]) -> str:
    name, _, labels = series.rstrip("}").partition("{")
    own = ",".join(f'{key}="{value}"' for key, value in target.items())
    return f"{name}{{{','.join(part for part in (labels, own) if part)}}}"


def _counts(series: str) -> bool:
    return series.partition("{")[0].endswith(_COUNTERS)


def _steps(start: float, unit: float, loads: Iterable[Load]) -> str:
    parts: list[str] = []
    for load in loads:
        parts.append(f"{start!r}+{unit * load.units!r}x{load.steps - 1}")
        start += unit * load.units * load.steps
    return " ".join(parts)


def constant(*spans: tuple[int, float | str]) -> str:
    """Return values that stay the same for so many steps each; `_` for a scrape that brought nothing."""
    return " ".join(f"{value}x{steps - 1}" if value != "_" else f"_x{steps}" for steps, value in spans)


def growing(start: float, *spans: tuple[int, float]) -> str:
    """Return values of a counter that grows by so much in each of so many steps."""
    return _steps(start, 1, [Load(*span) for span in spans])


def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    return found


def rules_hold(
    folder: Path,
    groups: Sequence[Mapping[str, Any]],
    series: Mapping[str, str],
    interval: str,
    expressions: Iterable[tuple[str, str, bool]] = (),
    alerts: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Have promtool evaluate rules over series, and compare.

    expressions: time, expression, and whether it has a result, each of which is 1. alerts: as promtool takes
    them.
    """
    # As often as there are values: promtool would otherwise evaluate each rule at its own, shorter interval.
    evaluated = [{**group, "interval": interval} for group in groups]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": evaluated}))
    checked = [
        {
            "expr": f"group({expression})",
            "eval_time": time,
            "exp_samples": [{"labels": "{}", "value": 1}] if has_result else [],
        }
        for time, expression, has_result in expressions
    ]
    test = {
        "interval": interval,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": checked,
        "alert_rule_test": list(alerts),
    }
    content = {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": [test]}
    (folder / "test.yml").write_text(yaml.safe_dump(content, width=10**9))
    run = subprocess.run(
        [promtool(), "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stdout + run.stderr

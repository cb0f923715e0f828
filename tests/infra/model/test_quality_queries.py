"""What the queries to Prometheus add up, by Prometheus's own evaluator: restarts, new and lost instances."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from slipway.infra.model.quality_prometheus import added

WINDOW, NOW = 600, 1200
# `increase` extrapolates to the window's ends, by half an interval of scrapes before, and one after.
EXTRAPOLATED = 15
BY = ("model_version",)
COUNTER = 'slipway_predictions_total{job="s",instance="%s",model_version="m"}'


def series(instance: str, counter: str, info: str, started: str) -> list[dict[str, str]]:
    """Return an instance's series, each with a sample a minute from second 0 to 1200."""
    about = f'{{job="s",instance="{instance}",model_version="m"}}'
    return [
        {"series": COUNTER % instance, "values": counter},
        {"series": f"slipway_model_info{about}", "values": info},
        {"series": f'process_start_time_seconds{{job="s",instance="{instance}"}}', "values": started},
    ]


# Scraped all the while; its process began before the window, which begins at 600 s, in the sample 10.
ALWAYS = {"info": "1x20", "started": "-50x20"}
CASES = {
    "counts on": (series("a", "0+10x20", **ALWAYS), 100),
    "counts nothing": (series("a", "70x20", **ALWAYS), 0),
    "restarts": (series("a", "0+10x15 30+10x4", info="1x20", started="-50x15 950x4"), 50 + 30 + 40),
    "is new": (
        series("a", "_x14 70+10x5", info="_x14 1x5", started="_x14 880x5"),
        70 + 50,
    ),
    "is new and ends": (
        series("a", "_x11 70+10x4 _x3", info="_x11 1x4 _x3", started="_x11 700x4 _x3"),
        70 + 40,
    ),
    "could not be scraped at the start": (
        series("a", "0+10x3 _x11 150+10x5", info="1x3 _x11 1x5", started="-50x3 _x11 -50x5"),
        50,
    ),
    "counts for the first time": (series("a", "_x14 40+0x5", **ALWAYS), 40),
    "two at once": (series("a", "0+10x20", **ALWAYS) + series("b", "5+1x20", **ALWAYS), 110),
}


@pytest.mark.parametrize("case", CASES)
def test_prometheus_counts_what_came_in_the_window_of_an_instance_that(case: str, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    counted, expected = CASES[case]
    increased, began = added('slipway_predictions_total{model_version=~"m"}', BY, "", WINDOW, NOW)
    total = f"(sum({increased} or vector(0)) + sum({began} or vector(0)))"  # no series adds nothing
    bounds = f"({total} >= bool {expected}) * ({total} <= bool {expected + EXTRAPOLATED})"
    sample = {"labels": "{}", "value": 1}
    test = {"expr": bounds, "eval_time": f"{NOW}s", "exp_samples": [sample]}
    rules = {"tests": [{"interval": "1m", "input_series": counted, "promql_expr_test": [test]}]}
    (tmp_path / "tests.yml").write_text(json.dumps(rules))
    done = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "tests.yml")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr

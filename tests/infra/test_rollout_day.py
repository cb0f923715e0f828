"""A day of a local service under load: what happens, in which order, and that no request fails."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import a_free_port, project_in, write_stack
from tests.infra.command import report, slipway
from tests.infra.local_load import Load

pytestmark = pytest.mark.long
RATE = 60


def wrong_answers(folder: Path) -> str:
    """Write a smoke test that no answer of the bundled model meets."""
    path = folder / "wrong.jsonl"
    path.write_text(json.dumps({"request": {"text": "free prize"}, "answer": {"label": "neither"}}) + "\n")
    return path.name


def test_a_day_of_rollouts_loses_no_request(tmp_path: Path) -> None:
    port = a_free_port()
    project = project_in(tmp_path, port)
    events: list[str] = []

    def up(*options: str, **settings: str) -> Any:
        write_stack(project, {"target": "local", "port": str(port), **settings})
        done = slipway(project, "up", *options)
        status = report(project, "status")
        state = status["rollout"]["state"] if status["rollout"] else "serves"
        events.append(f"{done.returncode} {state} {status['release']}")
        return done

    assert slipway(project, "up").returncode == 0
    outputs = report(project, "output", "--show-secrets")
    try:
        with Load(outputs["url"], outputs["apiKey"], RATE) as load:
            up(memory="1200Mi")  # rolling
            up(memory="1100Mi", rollout="canary", canaryPercent="50", bakeMinutes="0.2")
            rules = '["http_server_request_duration_seconds p50 > 0.000001"]'  # no server is so fast
            bad = up(memory="1000Mi", rollout="canary", canaryPercent="50", bakeMinutes="5", rollbackOn=rules)
            assert "took longer than" in bad.stderr
            assert "release 3 serves" in bad.stderr.strip().splitlines()[-1]
            again = up(
                memory="1000Mi", rollout="canary", canaryPercent="50", bakeMinutes="5", rollbackOn=rules
            )
            assert "those of release 4, which went back" in again.stderr
            wrong = up(memory="900Mi", smokeTests=wrong_answers(project))
            assert 'expected "neither"' in wrong.stderr
            up(memory="800Mi", rollout="blue-green", bakeMinutes="0.1", rollbackOn='["slipway_drift > 0"]')
            assert slipway(project, "rollback").returncode == 0
            time.sleep(1)
        assert load.failures == []
        assert events == [
            "0 serves 2",
            "0 serves 3",
            "1 went back 3",
            "1 went back 3",
            "1 went back 3",
            "0 serves 6",
        ]
        found = report(project, "releases")["releases"]
        assert [(each["release"], each["percent"], each["repeats"]) for each in found][:2] == [
            (7, 100, 3),
            (6, 0, None),
        ]
        assert len(load.latencies) > RATE
    finally:
        slipway(project, "down")

"""What Cloud Monitoring watches of a service: nothing that nobody measures on Cloud Run."""

from typing import Any

import pytest

from slipway.components.cloud_run.monitoring import monitoring_faults, watched_of
from slipway.components.cloud_run.spec import CloudRunSpec
from slipway.components.google.monitoring.dashboard import dashboard_json
from slipway.components.google.monitoring.policies import policies_of
from slipway.components.observability.args import Observability

FULL: dict[str, Any] = {"google_project": "acme", "observability": Observability.FULL}


@pytest.mark.parametrize("gpu", [{}, {"gpu": "nvidia-l4", "cpu": 4, "memory_gib": 16}])
def test_no_alarm_and_no_chart_is_about_what_nothing_sends(gpu: dict[str, Any]) -> None:
    watched = watched_of(CloudRunSpec.read("api", {**FULL, **gpu}))
    assert "queue-page" in {policy.key for policy in policies_of(watched)}
    assert "DCGM" not in "".join(policy.query for policy in policies_of(watched))
    assert "DCGM" not in dashboard_json(watched)


def test_a_threshold_of_what_nothing_sends_is_refused() -> None:
    spec = CloudRunSpec.read("api", {**FULL, "thresholds": {"gpu-memory": {"ticket": 0.9}}})
    assert "has no threshold" in "".join(str(each) for each in monitoring_faults(spec))


@pytest.mark.parametrize("level", [Observability.BASIC, Observability.FULL])
def test_the_dashboard_leads_to_the_runbook_of_every_alarm_and_of_no_other(level: Observability) -> None:
    watched = watched_of(CloudRunSpec.read("api", {**FULL, "observability": level}))
    text = dashboard_json(watched).partition("Runbooks:")[2]
    names = {policy.alarm.name for policy in policies_of(watched)}
    assert {name for name in text.replace("\\n", " ").split() if name.startswith("Slipway")} == {
        f"{name}:" for name in names
    }

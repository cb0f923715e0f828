"""Changes of what Cloud Monitoring watches of a live service on GKE, on the real engine."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway.components.kubernetes.args import Monitoring
from slipway.components.kubernetes.google import monitor
from slipway.components.kubernetes.spec import KubernetesSpec
from slipway.components.observability.args import Observability
from tests.pulumi_engine.live import Args, Changes, Live, each_of, lives
from tests.pulumi_engine.strict.google import PROJECT, REGION, google_account

pytestmark = pytest.mark.pulumi_engine

PLAIN: dict[str, Any] = {"google_project": PROJECT, "google_region": REGION, "cluster_name": "ml"}
OFF: Args = {"observability": Observability.OFF}
MAIL: Args = {"alert_email": "oncall@example.com"}
ALL: Args = {"observability": Observability.FULL, "monitoring": Monitoring.GOOGLE, **MAIL}


def program(args: Mapping[str, Any]) -> Callable[[], None]:
    def run() -> None:
        parent = pulumi.ComponentResource("slipway:index:KubernetesService", "api")
        monitor(KubernetesSpec.read("api", {**PLAIN, **args}), parent)

    return run


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run an engine on an empty project; destroy what a test created."""
    account = google_account()
    with lives(tmp_path, account, program, "gcp") as live:
        yield live
    assert account.left() == set()


CHANGES: Changes = {
    "alarms": (OFF, MAIL),
    "the server's own metrics": ({}, ALL),
    "all of it off": (ALL, OFF),
}


@each_of(CHANGES)
def test_a_change_that_failed_goes_on_or_is_taken_back(live: Live, one: Args, other: Args) -> None:
    live.fail_go_on_and_go_back(one, other)
    assert live.is_as_wanted(**one)


def test_from_nothing_to_all_of_it_and_back_nothing_is_left(live: Live) -> None:
    counts = list[int]()
    for args in (OFF, {}, ALL, OFF):
        live.up(**args)
        counts.append(len(live.account.of_kind("monitoring.AlertPolicy")))
    assert counts[0] == counts[3] == 0
    assert 0 < counts[1] < counts[2]
    assert live.account.of_kind("monitoring.NotificationChannel") == []

"""That nobody can call a service stands before the details of what is made."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from slipway.infra.preview.command import Shown
from slipway.infra.preview.markdown import comment_of
from slipway.infra.preview.page import page_of
from slipway.infra.preview.text import text_of
from tests.infra.preview.shown import made
from tests.infra.repository import DEV, OLD

UNCALLED = {
    "a private service of Cloud Run": (DEV, "no one is named who may call the service"),
    "a load balancer without networks": (OLD, "no one can call the service"),
    "internal in a new network": ({**OLD, "internal": "true"}, "nothing reaches its private addresses"),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def text(shown: Shown) -> str:
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    for part in text_of(shown):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("name", UNCALLED)
def test_that_nobody_can_call_it_stands_before_the_details(name: str, tmp_path: Path) -> None:
    settings, said = UNCALLED[name]
    shown = made(tmp_path, dict(settings))
    start = text(shown).partition("\nResources\n")[0]
    assert said in start.partition("\nStack dev")[2]
    assert said in comment_of(shown).partition("### Stack")[2].partition("<details>")[0]
    assert said in page_of(shown).partition("<h2>")[2].partition("<h3>Resources")[0]


@pytest.mark.parametrize("more", [{"public": "true"}, {"invokers": '["user:ada@example.com"]'}])
def test_a_service_that_someone_may_call_has_no_such_finding(more: dict[str, str], tmp_path: Path) -> None:
    assert "no one" not in text(made(tmp_path, {**DEV, **more}))


def test_that_alarms_notify_nobody_is_said_where_they_do(tmp_path: Path) -> None:
    assert "alarms notify nobody" in text(made(tmp_path, dict(DEV)))
    assert "alarms notify nobody" not in text(made(tmp_path, {**DEV, "alertEmail": "oncall@example.com"}))
    assert "alarms notify nobody" not in text(made(tmp_path, {**DEV, "observability": "off"}))


CANARY = {"target": "kubernetes", "image": f"registry.example.com/s@sha256:{'1' * 64}", "rollout": "canary"}
NEW_CLUSTER = {
    "target": "gke",
    "project": "acme-prod",
    "region": "europe-west4",
    "location": "europe-west4-a",
    "image": f"europe-west4-docker.pkg.dev/p/r/s@sha256:{'1' * 64}",
}


def test_a_rollout_that_only_the_command_carries_out_is_said_to_be_so(tmp_path: Path) -> None:
    said = text(made(tmp_path, dict(CANARY)))
    assert "only `slipway up` carries out `rollout` canary. A bare `pulumi up` replaces the pods" in said
    assert "it also brings a version that went back. Deploy with `slipway up dev`." in said
    for plain in ({**CANARY, "rollout": "rolling"}, {**DEV, "rollout": "canary"}):
        assert "only `slipway up`" not in text(made(tmp_path, plain))


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        ({"scaleOn": "queue", "monitoring": "google"}, "has no KEDA. `scaleOn` queue fails there"),
        ({"jobs": "true"}, "has no CloudNativePG. `jobs` without `jobsDatabase` fails there"),
        (
            {"jobs": "true", "jobsDatabase": "kubernetes:a/b", "maxWorkers": "3"},
            "has no KEDA for workers. `maxWorkers` fails there",
        ),
        ({"monitoring": "operator"}, "has no Prometheus Operator. `monitoring` operator fails there"),
    ],
)
def test_what_a_new_cluster_lacks_is_said(given: dict[str, str], lacks: str, tmp_path: Path) -> None:
    assert f"a cluster that the same `up` creates {lacks}" in text(made(tmp_path, {**NEW_CLUSTER, **given}))
    for there in (dict(NEW_CLUSTER), {**NEW_CLUSTER, **given, "cluster": "shared"}):
        assert "that the same `up` creates" not in text(made(tmp_path, there))

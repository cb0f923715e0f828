"""How long a start may take follows the model, on every target."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway.infra.plan.monitor import Monitor
from slipway.infra.plan.run import run
from slipway.infra.program import main
from tests.checkout import copy_of_the_checkout
from tests.stacks.targets import (
    GIVEN,
    IMAGES,
    config,
    fargate_container,
    inputs,
    planned,
    pod_container,
    waits,
    warned,
)

HUB = f"hf:acme/spam@{'a' * 40}"
Remeasured = Callable[[float | None], None]


@pytest.fixture
def remeasured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remeasured:
    """Change the bundled model's measured loading time, or remove it."""
    copy = copy_of_the_checkout(tmp_path / "checkout")
    for place in ("slipway.components.model.ROOT", "slipway.components.image.spec.ROOT"):
        monkeypatch.setattr(place, copy)
    path = copy / "service/models/sms-spam/manifest.json"
    content: dict[str, Any] = json.loads(path.read_text())

    def change(load_seconds: float | None) -> None:
        measured = None if load_seconds is None else content["measured"] | {"load_seconds": load_seconds}
        path.write_text(json.dumps({**content, "measured": measured}))

    return change


def patience(target: str, **values: str) -> list[int]:
    """Seconds of every wait for a start that the target has."""
    plan = planned(target, **values)
    if target == "cloud-run":
        probe = inputs(plan, "slipway-prod-service")["template"]["containers"][0]["startupProbe"]
        return [waits(probe)]
    if target == "fargate":
        check = fargate_container(plan)["healthCheck"]["startPeriod"]
        return [inputs(plan, "slipway-prod-service")["healthCheckGracePeriodSeconds"], check]
    if target == "kserve":
        predictor = inputs(plan, "slipway-prod-inference")["spec"]["predictor"]
        return [int(predictor["annotations"]["serving.knative.dev/progress-deadline"].rstrip("s"))]
    deadline = inputs(plan, "slipway-prod-deployment")["spec"]["progressDeadlineSeconds"]
    return [waits(pod_container(plan)["startupProbe"]), deadline]


@pytest.mark.parametrize(
    ("target", "least"),
    [
        ("cloud-run", [240]),
        ("fargate", [240, 240]),
        ("gke", [240, 600]),
        ("kubernetes", [240, 600]),
        ("kserve", [600]),
    ],
)
def test_the_measured_time_of_a_model_reaches_every_wait(
    target: str, least: list[int], remeasured: Remeasured
) -> None:
    remeasured(80)
    assert [found >= wanted for found, wanted in zip(patience(target), least, strict=True)] == [True] * len(
        least
    )


@pytest.mark.parametrize("target", sorted(GIVEN))
def test_a_quick_model_is_waited_for_as_before(target: str) -> None:
    """The bundled one, which was measured: the shipped stacks' probes stay."""
    before = {"cloud-run": [60], "fargate": [60, 60], "kserve": [600]}
    assert patience(target) == before.get(target, [60, 600])


@pytest.mark.parametrize(
    ("target", "seconds", "expected"),
    [
        ("cloud-run", "60", [180]),
        ("cloud-run", "240", [240]),
        ("fargate", "90", [270, 270]),
        ("fargate", "500", [1500, 300]),
        ("gke", "400", [1200, 1444]),
        ("kubernetes", "400", [1200, 1444]),
        ("kserve", "400", [1444]),
    ],
)
def test_the_setting_reaches_every_wait(target: str, seconds: str, expected: list[int]) -> None:
    assert patience(target, loadSeconds=seconds) == expected


@pytest.mark.parametrize("target", ["cloud-run", "fargate", "kubernetes"])
def test_a_model_of_which_nothing_is_known_gets_what_the_slowest_that_was_reported_needed(
    target: str,
) -> None:
    """A 1.4 GB ONNX needed more than four minutes: observ-ing/core#177."""
    for values in ({"model": HUB}, {"image": IMAGES[target]}):
        assert min(patience(target, **values)) >= 240
        assert "to load" not in warned(target, **values)


def test_a_size_that_is_set_takes_the_place_of_what_is_not_known() -> None:
    bucket = {"model": "s3://models/spam@3sL4kqtJlcpXroDTDmJ"}
    small, large = (patience("kubernetes", **bucket, modelSize=size)[0] for size in ("512Mi", "8Gi"))
    assert small < patience("kubernetes", **bucket)[0] < large


def test_a_model_that_was_never_measured_is_estimated_from_its_files(remeasured: Remeasured) -> None:
    remeasured(None)
    assert patience("cloud-run") == [60]
    assert patience("cloud-run", cpu="0.08", memory="512Mi", concurrency="1") == [240]


def test_a_time_beyond_what_cloud_run_waits_for_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="loadSeconds is 241; Cloud Run stops an instance"):
        planned("cloud-run", loadSeconds="241")


def test_what_was_measured_beyond_it_is_capped_and_warned_of(remeasured: Remeasured) -> None:
    assert "to load" not in warned("cloud-run")
    remeasured(300)
    assert patience("cloud-run") == [240]
    assert "may take 240 s to load, and Cloud Run waits for at most 240 s" in warned("cloud-run")
    assert "`loadSeconds`" in warned("cloud-run")
    assert "to load" not in warned("cloud-run", loadSeconds="80")


def test_what_ecs_caps_is_warned_of() -> None:
    assert "ECS counts failed checks of the container after 300 s, its maximum" in warned(
        "fargate", loadSeconds="101"
    )
    assert "to load" not in warned("fargate", loadSeconds="100")


def fargate_minutes(operation: str, **values: str) -> int:
    """Return how long the provider waits for the service of a stack with these settings."""
    monitor = Monitor("slipway", "prod")
    run(main, config("fargate", **values), monitor, preview=True)
    [service] = [r for r in monitor.requests.values() if r.type == "aws:ecs/service:Service"]
    return int(getattr(service.customTimeouts, operation).rstrip("m"))


def test_the_time_for_which_a_rollout_on_fargate_is_watched_is_waited_for() -> None:
    plain = fargate_minutes("update")
    assert fargate_minutes("update", rollout="canary", bakeMinutes="1440") == plain + 1440
    assert fargate_minutes("update", rollout="blue-green") == plain + 15
    assert fargate_minutes("update", rollout="rolling") == plain


def test_a_rollout_on_fargate_is_waited_for_until_ecs_gives_up() -> None:
    assert fargate_minutes("update") == 60
    assert fargate_minutes("update", loadSeconds="1200") * 60 >= 2 * 3600


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_the_end_of_tasks_on_fargate_is_waited_for(operation: str) -> None:
    """Source: BC elbv2 deregistration_delay, ecs stopTimeout: 3600 and 120 s pass before a task is gone."""
    assert fargate_minutes(operation, timeout="3600") * 60 > 3600 + 120


@pytest.mark.parametrize("value", ["0", "-1", "3601", "soon"])
def test_a_time_that_cannot_be_is_refused_by_its_key(value: str) -> None:
    with pytest.raises(pulumi.RunError, match=r"loadSeconds: got .*; allowed: 0\.1 to 3600"):
        planned("fargate", loadSeconds=value)

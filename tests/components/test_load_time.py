"""The time to load: as measured, or at the slow end of what was seen."""

import json
from typing import Any

import pytest

from slipway.components.load_time import MAX_LOAD_SECONDS, estimated_load_seconds, load_seconds_of
from slipway.components.model import model_version
from slipway.components.tasks import WEIGHTS
from slipway.service.manifest import WEIGHTS as SERVED_WEIGHTS
from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS


def manifest(gib: float, load_seconds: float | None = None, engine: str = "onnx") -> dict[str, Any]:
    measured = {"memory_mib": 100, "load_seconds": load_seconds, "texts_per_second": 10}
    return {
        "engine": engine,
        "files": {"weights": {"sha256": "0" * 64, "bytes": round(gib * 2**30)}},
        **({} if load_seconds is None else {"measured": measured}),
    }


def test_what_was_measured_is_taken_and_a_part_of_a_cpu_takes_longer() -> None:
    assert load_seconds_of(manifest(0.1, 30), cpu=1, gpu=False) == 30
    assert load_seconds_of(manifest(0.1, 30), cpu=8, gpu=False) == 30
    assert load_seconds_of(manifest(0.1, 30), cpu=0.5, gpu=False) == 60


def test_a_large_model_that_was_quick_on_a_local_disk_is_given_a_slow_one() -> None:
    """Three times as long covers the four minutes that a 1.4 GB ONNX was reported to need."""
    assert 3 * load_seconds_of(manifest(1.4e9 / 2**30, 8), cpu=1, gpu=False) > 240


@pytest.mark.parametrize(
    ("gib", "engine", "gpu", "least"),
    [
        (1.4e9 / 2**30, "onnx", False, 240),  # observ-ing/core#177
        (3e9 / 2**30, "torch", True, 54),  # Cloud Run's L4
        (0.001, "torch", False, 21),  # docs/guides/container.md, from a cold disk
    ],
)
def test_three_times_an_estimate_covers_the_slowest_start_that_was_reported(
    gib: float, engine: str, gpu: bool, least: float
) -> None:
    assert 3 * estimated_load_seconds(gib, engine, cpu=1, gpu=gpu) > least
    assert 3 * load_seconds_of(manifest(gib, engine=engine), cpu=1, gpu=gpu) > least


def test_it_is_never_nothing_and_never_above_what_a_component_takes() -> None:
    assert load_seconds_of(manifest(0, 0), cpu=1, gpu=False) > 0
    assert load_seconds_of(manifest(0.1, 1e6), cpu=1, gpu=False) == MAX_LOAD_SECONDS
    assert estimated_load_seconds(1024, "onnx", cpu=0.08, gpu=False) == MAX_LOAD_SECONDS


def test_a_model_has_one_version_on_both_sides() -> None:
    content = json.loads((BUNDLED_MODEL / "manifest.json").read_text())
    assert model_version(content) == Manifest.read(BUNDLED_MODEL, TASKS).model_version
    assert WEIGHTS == SERVED_WEIGHTS


@pytest.mark.parametrize("name", ["with space", "", "-dash", "a/b"])
def test_a_name_that_the_server_does_not_take_is_refused(name: str) -> None:
    content = json.loads((BUNDLED_MODEL / "manifest.json").read_text()) | {"name": name}
    with pytest.raises(ValueError, match="name is"):
        model_version(content)

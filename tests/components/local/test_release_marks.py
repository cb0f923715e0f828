"""Releases that went back: which of them may be brought again, and what stays known of them."""

from pathlib import Path

from slipway.components.local.release import (
    Release,
    allow_again,
    new_release,
    note,
    releases,
    taken_back,
)


def went_back(folder: Path, cpu: int) -> Release:
    release = new_release(folder, {"cpu": cpu}, None)
    note(folder, release.number, ended_because="too slow")
    return release


def test_only_what_is_brought_again_may_return_and_all_stay_known(tmp_path: Path) -> None:
    other, wanted = went_back(tmp_path, cpu=1), went_back(tmp_path, cpu=2)
    allow_again(tmp_path, wanted.inputs)
    assert taken_back(tmp_path, wanted.inputs) is None
    refused = taken_back(tmp_path, other.inputs)
    assert refused
    assert refused.number == other.number
    assert [each.ended_because for each in releases(tmp_path)] == ["too slow"] * 2


def test_what_goes_back_a_second_time_is_refused_again(tmp_path: Path) -> None:
    inputs = went_back(tmp_path, cpu=1).inputs
    allow_again(tmp_path, inputs)
    second = went_back(tmp_path, cpu=1)
    refused = taken_back(tmp_path, inputs)
    assert refused
    assert refused.number == second.number

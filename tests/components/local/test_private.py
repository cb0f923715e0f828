"""A run folder and a cache of models belong to who uses them, and to nobody else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.components.local.private import make_private
from slipway.components.local.record import RecordError
from slipway.service.faults import BadSettings
from slipway.service.sources.address import Address
from slipway.service.sources.cache import model_folder

ADDRESS = Address.parse("gs://models/spam@1763721600000000")
OF_ANOTHER = 4242


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def run_folder(parent: Path) -> Path:
    make_private(parent / "private")
    return parent / "private"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def cache(parent: Path) -> Path:
    """As in the temporary folder that everybody shares."""
    return model_folder(None, ADDRESS)


def cache_on_a_volume(parent: Path) -> Path:
    return model_folder(parent / "private", ADDRESS)


MAKE = [run_folder, cache, cache_on_a_volume]


@pytest.mark.parametrize("make", MAKE)
def test_a_folder_is_made_for_its_owner_alone_and_taken_again(
    temporary: Path, make: Callable[[Path], Path]
) -> None:
    before = os.umask(0)
    try:
        folder = make(temporary)
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert make(temporary) == folder


@pytest.mark.parametrize("make", MAKE)
def test_a_folder_of_ones_own_that_others_may_enter_is_closed(
    temporary: Path, make: Callable[[Path], Path]
) -> None:
    folder = make(temporary)
    folder.chmod(0o777)
    (folder / "kept").touch()
    assert make(temporary) == folder
    assert mode(folder) == 0o700
    assert (folder / "kept").exists()


@pytest.mark.parametrize("make", MAKE)
def test_a_folder_of_another_user_is_refused_with_both_users(
    temporary: Path, make: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(temporary)
    folder.chmod(0o777)
    monkeypatch.setattr(os, "geteuid", lambda: OF_ANOTHER)
    if make is cache_on_a_volume and os.getuid() == 0:
        return  # a volume's folder may be root's
    told = f"belongs to user {os.getuid()}, not to {OF_ANOTHER}"
    with pytest.raises((RecordError, BadSettings), match=told):
        make(temporary)
    assert mode(folder) == 0o777


@pytest.mark.parametrize("make", MAKE)
def test_a_link_in_its_place_is_refused_and_what_it_leads_to_is_left_alone(
    temporary: Path, make: Callable[[Path], Path]
) -> None:
    folder = make(temporary)
    folder.rmdir()
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    folder.symlink_to(elsewhere)
    with pytest.raises((RecordError, BadSettings), match="is a link"):
        make(temporary)
    assert mode(elsewhere) == 0o755
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("make", MAKE)
def test_a_file_in_its_place_is_told(temporary: Path, make: Callable[[Path], Path]) -> None:
    folder = make(temporary)
    folder.rmdir()
    folder.touch()
    with pytest.raises((RecordError, BadSettings), match="Not a directory"):
        make(temporary)


def test_the_shared_folder_above_the_caches_is_held_to_the_same(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (temporary / "slipway-models").symlink_to(elsewhere)
    with pytest.raises(BadSettings, match=r"slipway-models is a link.*MODEL_CACHE_DIR"):
        model_folder(None, ADDRESS)
    assert list(elsewhere.iterdir()) == []


def test_a_folder_of_ones_own_that_leads_to_the_cache_stays_as_it_is(temporary: Path) -> None:
    (temporary / "private").mkdir(mode=0o755)
    model_folder(temporary / "private", ADDRESS)
    assert mode(temporary / "private") == 0o755

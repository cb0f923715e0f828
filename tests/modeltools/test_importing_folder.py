"""A model folder appears whole at its place, or not at all."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from slipway.modeltools.importing.address import HubAddress
from slipway.modeltools.importing.config import Classifier
from slipway.modeltools.importing.folder import new_folder, write_manifest
from slipway.modeltools.importing.plan import ImportPlan
from slipway.service.faults import BadModel, BadSettings, DiskFull
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS
from slipway.service.tasks.classify import ClassifyManifest
from tests.modeltools.hub_fixtures import small_disk

__all__ = ["small_disk"]  # a fixture

COMMIT = "714eb0fa89d2f80546fda750413ed43d93601a13"
FACTS = {"max_tokens": 128, "precision": "int8", "heads": 4, "conversion": {"max_proba_difference": 0.01}}


def plan(repo: str = "acme/spam", labels: tuple[str, ...] = ("ham", "spam")) -> ImportPlan:
    classifier = Classifier("BertForSequenceClassification", labels, half=False)
    return ImportPlan(HubAddress(repo, COMMIT), classifier, "apache-2.0", {})


def fill(folder: Path) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copy(BUNDLED_MODEL / name, folder)


@pytest.mark.parametrize("is_there", [True, False])
def test_what_was_made_is_at_its_place_and_nothing_beside_it(tmp_path: Path, is_there: bool) -> None:
    out = tmp_path / "models" / "spam"
    if is_there:
        out.mkdir(parents=True)
    with new_folder(out, 1000) as (made, scratch):
        (made / "model.onnx").write_bytes(b"made")
        (scratch / "on-the-way").write_bytes(b"x")
    assert [path.name for path in out.iterdir()] == ["model.onnx"]
    assert [path.name for path in out.parent.iterdir()] == ["spam"]


def fail_halfway(out: Path, error: BaseException) -> None:
    with new_folder(out, 1000) as (made, _):
        (made / "model.onnx").write_bytes(b"half")
        raise error


@pytest.mark.parametrize("error", [BadModel("no"), KeyboardInterrupt(), RuntimeError("a library's own")])
def test_after_an_error_there_is_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        fail_halfway(tmp_path / "spam", error)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    told = r"FOLDER is .*, which holds manifest\.json; allowed: a new or an empty folder"
    with pytest.raises(BadSettings, match=told), new_folder(tmp_path, 1000):
        pass
    assert (tmp_path / "manifest.json").read_text() == "{}"


def test_a_file_or_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(BadSettings, match="which is a file or a link"), new_folder(tmp_path / name, 1):
            pass


def overtaken(out: Path) -> None:
    with new_folder(out, 1000) as (made, _):
        (made / "model.onnx").write_bytes(b"mine")
        out.mkdir()
        (out / "model.onnx").write_bytes(b"another's")


def test_a_folder_that_was_filled_meanwhile_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"spam cannot be written \(Directory not empty\)"):
        overtaken(tmp_path / "spam")
    assert (tmp_path / "spam" / "model.onnx").read_bytes() == b"another's"
    assert [path.name for path in tmp_path.iterdir()] == ["spam"]


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadSettings, match="cannot be written"), new_folder(tmp_path / "file" / "spam", 1):
        pass


def test_a_disk_without_room_for_the_conversion_is_told_first(tmp_path: Path) -> None:
    told = r"making the model needs 3000000000000\.0 MB in .*, which has .* MB free"
    with pytest.raises(DiskFull, match=told), new_folder(tmp_path / "spam", 10**18):
        raise AssertionError("it began")
    assert list(tmp_path.iterdir()) == []


def write_too_much(out: Path, in_its_own_words: bool) -> None:
    with new_folder(out, 1000) as (made, _):
        try:
            (made / "model.onnx").write_bytes(bytes(1 << 20))
        except OSError as error:
            raise RuntimeError("system error number 28") if in_its_own_words else error from None


@pytest.mark.parametrize("in_its_own_words", [True, False])
def test_a_disk_that_fills_up_on_the_way_leaves_nothing(small_disk: Path, in_its_own_words: bool) -> None:
    with pytest.raises(DiskFull, match="no room is left for"):
        write_too_much(small_disk / "spam", in_its_own_words)
    assert list(small_disk.iterdir()) == []


def test_the_server_takes_the_manifest(tmp_path: Path) -> None:
    fill(tmp_path)
    manifest = write_manifest(tmp_path, plan(), FACTS)
    assert manifest.model_version.startswith("spam-714eb0fa89d2+")
    served = ClassifyManifest.read(tmp_path, TASKS)
    assert (served.labels, served.max_tokens, served.license) == (["ham", "spam"], 128, "apache-2.0")
    assert served.model_version == manifest.model_version


def test_the_manifest_says_where_the_model_came_from_and_how_true_it_is(tmp_path: Path) -> None:
    fill(tmp_path)
    write_manifest(tmp_path, plan(), FACTS)
    content: dict[str, Any] = json.loads((tmp_path / "manifest.json").read_text())
    assert content["source"] == f"hf:acme/spam@{COMMIT}"
    assert content["conversion"] == {"max_proba_difference": 0.01}
    assert (content["engine"], content["precision"], content["heads"]) == ("onnx", "int8", 4)


@pytest.mark.parametrize("repo", ["acme/_private", "acme/a.b-c_d", "acme/7"])
def test_every_name_of_a_repository_makes_a_name_that_the_server_takes(tmp_path: Path, repo: str) -> None:
    fill(tmp_path)
    assert write_manifest(tmp_path, plan(repo), FACTS).name == repo.partition("/")[2].lstrip("_")

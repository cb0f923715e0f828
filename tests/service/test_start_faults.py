"""A server that cannot start says why in one JSON line, and ends with exit code 2."""

import hashlib
import importlib.util
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS
from tests.service.running_server import failed_start


def assert_told(settings: dict[str, str], cause: str, *parts: str) -> str:
    code, lines, stderr = failed_start(**settings)
    assert code == 2, (lines, stderr)
    assert stderr == ""
    errors = [line for line in lines if line["level"] == "error"]
    assert len(errors) == 1, lines
    assert errors[0].keys() == {"time", "level", "kind", "message", "cause"}
    assert errors[0]["cause"] == cause
    for part in parts:
        assert part in errors[0]["message"]
    return errors[0]["message"]


def test_all_faults_of_the_settings_are_told_together():
    settings = {
        "MODEL_API_KEY": "unset",
        "PORT": "80800",
        "LOG_LEVEL": "loud",
        "MAX_TEXTS": "many",
        "DRAIN_SECONDS": "-1",
        "LOCAL_PAGE_SESSION": "perhaps",
    }
    assert_told(
        settings,
        "bad_settings",
        "MODEL_API_KEY: not set; allowed: 16 to 4096 printable ASCII characters without spaces.",
        "PORT: got '80800'; allowed: a whole number from 0 to 65535.",
        "LOG_LEVEL: got 'loud'; allowed: debug, info, warning, error.",
        "MAX_TEXTS: got 'many'; allowed: a whole number from 1 to 100000.",
        "DRAIN_SECONDS: got '-1'; allowed: a number from 1 to 3600.",
        "LOCAL_PAGE_SESSION: got 'perhaps'; allowed: true or false.",
    )


@pytest.mark.parametrize("key", ["tooshort", "sixteen letters and spaces", "ключ-из-шестнадцати-букв"])
def test_a_key_that_does_not_fit_is_refused_without_being_told(key: str):
    message = assert_told({"MODEL_API_KEY": key}, "bad_settings", f"MODEL_API_KEY: got {len(key)} characters")
    assert key not in message


def test_the_local_page_session_is_refused_on_an_address_others_can_reach():
    settings = {"LOCAL_PAGE_SESSION": "true", "HOST": "0.0.0.0"}
    assert_told(settings, "bad_settings", "LOCAL_PAGE_SESSION", "HOST is 0.0.0.0")


def test_a_queue_without_room_is_refused():
    told = "MAX_QUEUE_CALLS: got '0'; allowed: a whole number from 1 to 1000000."
    assert_told({"MAX_QUEUE_CALLS": "0"}, "bad_settings", told)


def test_a_host_that_does_not_resolve_is_told():
    assert_told({"HOST": "host.invalid"}, "bad_settings", "HOST: got 'host.invalid'")


def test_an_address_of_another_machine_is_told():
    assert_told({"HOST": "192.0.2.1"}, "bad_settings", "HOST, PORT: got '192.0.2.1', 0")


def test_a_taken_port_is_told_before_the_model_is_looked_at():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = {"PORT": str(port), "MODEL_DIR": "nowhere"}
        assert_told(settings, "port_taken", f"port {port} on 127.0.0.1 is taken", "set PORT")


def test_a_model_folder_that_is_not_there_is_told(tmp_path: Path):
    folder = tmp_path / "absent"
    told = f"model not found: {folder} does not exist"
    assert_told({"MODEL_DIR": str(folder)}, "model_not_found", told, "MODEL_DIR")


def test_an_empty_model_folder_is_told(tmp_path: Path):
    assert_told({"MODEL_DIR": str(tmp_path)}, "model_not_found", f"model not found: {tmp_path} is empty")


def test_a_model_folder_without_a_manifest_is_told(tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(b"a")
    assert_told({"MODEL_DIR": str(tmp_path)}, "model_not_found", "has no manifest.json")


def test_a_file_in_place_of_the_model_folder_is_told(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"a")
    assert_told({"MODEL_DIR": str(tmp_path / "file")}, "model_not_found", "is not a folder")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Copy the bundled model, for a test to damage."""
    return Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "model"))


def changed_manifest(model: Path, **changes: Any) -> None:
    path = model / "manifest.json"
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def test_a_manifest_that_lacks_a_key_is_told(model: Path):
    changed_manifest(model, labels=None)
    assert_told(
        {"MODEL_DIR": str(model)},
        "bad_model",
        "manifest.json cannot be used",
        "labels: got 0; a classifier needs two",
    )


HUB_MODEL = f"hf:acme/spam@{'a' * 40}"


def test_a_model_that_is_not_the_stacks_is_refused_with_both_names_before_its_files_are_read(model: Path):
    changed_manifest(model, version="2.0.0")
    (model / "model.onnx").write_bytes(b"not read")
    loaded, expected = (
        Manifest.read(model, TASKS).model_version,
        Manifest.read(BUNDLED_MODEL, TASKS).model_version,
    )
    assert_told(
        {"MODEL_DIR": str(model), "EXPECTED_MODEL": expected},
        "wrong_model",
        f"EXPECTED_MODEL is {expected}",
        f"here is {loaded}",
        "`model`",
        "`image`",
    )


def test_another_commit_of_a_hub_model_is_refused(model: Path):
    changed_manifest(model, source=f"hf:acme/spam@{'b' * 40}")
    settings = {"MODEL_DIR": str(model), "EXPECTED_MODEL": HUB_MODEL}
    assert_told(settings, "wrong_model", f"EXPECTED_MODEL is {HUB_MODEL}", f"from hf:acme/spam@{'b' * 40}")


def test_a_model_of_no_known_source_is_not_taken_for_one_of_the_hub():
    assert_told(
        {"EXPECTED_MODEL": HUB_MODEL}, "wrong_model", f"EXPECTED_MODEL is {HUB_MODEL}", "sms-spam-1.0.0"
    )


def test_an_expected_model_that_is_too_long_to_be_one_is_refused():
    told = "EXPECTED_MODEL: got 'xx"
    assert_told({"EXPECTED_MODEL": "x" * 301}, "bad_settings", told, "a string of at most 300 characters")


def test_a_manifest_with_an_unknown_task_is_told(model: Path):
    changed_manifest(model, task="sing")
    assert_told({"MODEL_DIR": str(model)}, "bad_model", "task is 'sing'", "['classify', 'embed'")


def test_a_manifest_with_more_labels_than_the_model_has_is_told(model: Path):
    changed_manifest(model, labels=["a", "b", "c"])
    assert_told({"MODEL_DIR": str(model)}, "bad_model", "2 logits", "3 labels")


def test_a_manifest_that_is_not_json_is_told(model: Path):
    (model / "manifest.json").write_text("{")
    assert_told({"MODEL_DIR": str(model)}, "bad_model", "manifest.json cannot be used", "Invalid JSON")


def test_a_token_limit_beyond_what_the_model_takes_is_told(model: Path):
    changed_manifest(model, max_tokens=600)
    code, lines, _ = failed_start(MODEL_DIR=str(model))  # ONNX Runtime writes a line of its own to stderr
    assert (code, lines[-1]["cause"]) == (2, "bad_model")
    assert "fails on a text of 600 tokens" in lines[-1]["message"]
    assert "max_tokens is 600" in lines[-1]["message"]


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed here")
def test_a_torch_model_where_torch_is_not_installed_is_told_before_its_files_are_looked_at(model: Path):
    file = {"sha256": "0" * 64, "bytes": 1}
    files = dict.fromkeys(("model.safetensors", "config.json", "tokenizer.json"), file)
    changed_manifest(model, engine="torch", files=files)
    settings = {"MODEL_DIR": str(model)}
    assert_told(settings, "bad_model", "torch is not installed", "VARIANT=torch-cpu", "VARIANT=cuda")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_model_file_of_another_kind_is_told(model: Path, name: str):
    (model / name).write_bytes(b"not a model")
    files = json.loads((model / "manifest.json").read_text())["files"]
    files[name] = {"sha256": hashlib.sha256(b"not a model").hexdigest(), "bytes": len(b"not a model")}
    changed_manifest(model, files=files)
    assert_told({"MODEL_DIR": str(model)}, "bad_model", f"{name} cannot be loaded")

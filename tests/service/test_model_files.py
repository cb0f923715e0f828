"""Whatever lies in a model's folder, only regular files of that folder are opened, and none is waited for."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.service.faults import BadModel
from slipway.service.folder import ModelFolder
from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS

FILES = ["manifest.json", "model.onnx", "tokenizer.json"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "model"))


def read(folder: Path) -> Manifest:
    manifest = Manifest.read(folder, TASKS)
    manifest.check_files(folder)
    return manifest


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening_socket(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)  # the path of a socket may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)
        os.close(here)


def device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero, which never ends
    except PermissionError:
        pytest.skip("only root makes a device")


def folder_of_that_name(path: Path) -> None:
    path.mkdir()


def link_out(path: Path) -> None:
    path.symlink_to(BUNDLED_MODEL / path.name)


def link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_a_fifo_inside(path: Path) -> None:
    os.mkfifo(path.parent / "inside")
    path.symlink_to("inside")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (fifo, "is a fifo, not a regular file"),
        (listening_socket, "is a socket, not a regular file"),
        (device, "is a device, not a regular file"),
        (folder_of_that_name, "is a folder, not a regular file"),
        (link_out, "is a link to .*, outside of its folder"),
        (link_to_a_device, "is a link to /dev/zero, outside of its folder"),
        (link_to_a_fifo_inside, "is a fifo, not a regular file"),
    ],
)
def test_what_is_no_regular_file_of_the_folder_is_refused_and_not_waited_for(
    model: Path, name: str, make: Callable[[Path], None], told: str
):
    (model / name).unlink()
    make(model / name)
    with pytest.raises(BadModel, match=rf"{name} {told}"):
        read(model)


def test_a_link_that_leads_in_a_circle_cannot_be_read(model: Path):
    (model / "tokenizer.json").unlink()
    (model / "tokenizer.json").symlink_to("tokenizer.json")
    with pytest.raises(BadModel, match=r"tokenizer\.json cannot be read"):
        read(model)


def test_a_volume_whose_files_are_links_inside_it_is_served(tmp_path: Path):
    # As Kubernetes mounts a ConfigMap: name -> ..data/name, ..data -> a folder with the time of its writing.
    volume = tmp_path / "volume"
    shutil.copytree(BUNDLED_MODEL, volume / "..2026_11_21")
    (volume / "..data").symlink_to("..2026_11_21")
    for name in FILES:
        (volume / name).symlink_to(f"..data/{name}")
    assert read(volume).name == "sms-spam"


def test_a_model_folder_that_is_itself_a_link_is_served(tmp_path: Path):
    (tmp_path / "link").symlink_to(BUNDLED_MODEL)
    assert read(tmp_path / "link").name == "sms-spam"


def torch_folder(model: Path) -> ModelFolder:
    for name in ("config.json", "tokenizer_config.json"):
        (model / name).write_text("{}")
    manifest = Manifest.read(model, TASKS)
    file = manifest.files["model.onnx"]
    listed = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    return ModelFolder(model, manifest.model_copy(update={"files": dict.fromkeys(listed, file)}))


def test_a_folder_for_torch_with_nothing_else_in_it_is_opened(model: Path):
    folder = torch_folder(model)
    (model / "metrics.json").unlink()
    folder.refuse_unlisted()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("adapter_config.json", "{}", "holds adapter_config.json"),
        ("chat_template.jinja", "{{ 1 }}", "holds chat_template.jinja"),
        ("adapter_model.safetensors", "", "holds adapter_model.safetensors"),
        ("additional_chat_templates/tool.jinja", "{{ 1 }}", "holds additional_chat_templates"),
        (
            "config.json",
            '{"transformers_weights": "../other.safetensors"}',
            r"has a config.json that names \.\./other.safetensors",
        ),
        (
            "tokenizer_config.json",
            '{"tokenizer_file": "/home/somebody/tokenizer.json"}',
            "has a tokenizer_config.json that names /home/somebody/tokenizer.json",
        ),
    ],
)
def test_what_transformers_would_read_and_the_manifest_does_not_list_is_refused(
    model: Path, name: str, content: str, told: str
):
    folder = torch_folder(model)
    (model / "metrics.json").unlink()
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text(content)
    with pytest.raises(BadModel, match=f"{told}, which manifest.json does not list"):
        folder.refuse_unlisted()

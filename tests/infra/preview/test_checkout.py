"""What is checked out of another commit, and what a repository may hold without disturbing that."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.infra.errors import Refused
from slipway.infra.preview import checkout as checkout_module
from slipway.infra.preview.checkout import entries_of
from slipway.infra.preview.other_commit import checkout_of
from tests.infra.repository import commit, git

GROWTH = """
import resource, sys
from pathlib import Path
from slipway.infra.preview.other_commit import checkout_of
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with checkout_of(Path(), "main") as base:
    print((base.root / "models/own/model.onnx").stat().st_size, (base.root / "data").exists())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
WAITING = """
import time
from pathlib import Path
from slipway.infra.preview.other_commit import checkout_of
with checkout_of(Path(), "main") as base:
    print(base.root, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def repository(project: Path) -> Path:
    git(project, "init", "--initial-branch", "main")
    commit(project, "Start")
    return project


def test_a_link_that_leaves_the_folder_is_named_and_not_followed(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    (repository / "away").symlink_to(tmp_path / "secret")
    (repository / "deep").mkdir()
    (repository / "deep/self").symlink_to("..")
    (repository / "round").symlink_to("deep/self/../secret")
    (repository / "inside").symlink_to("Pulumi.yaml")
    commit(repository, "Link")
    with checkout_of(repository, "main") as base:
        assert (base.root / "inside").read_text() == (repository / "Pulumi.yaml").read_text()
        assert not (base.root / "away").is_symlink()
        assert not (base.root / "round").is_symlink()
        assert "that leave its folder are not followed: away, round" in " ".join(base.notes)


def test_attributes_of_the_commit_change_nothing(repository: Path) -> None:
    (repository / ".gitattributes").write_text("program.py export-ignore\nid.txt export-subst\n")
    (repository / "program.py").write_text("print()\n")
    (repository / "id.txt").write_text("$Format:%H$\n")
    commit(repository, "Attributes")
    with checkout_of(repository, "main") as base:
        assert (base.root / "program.py").read_text() == "print()\n"
        assert (base.root / "id.txt").read_text() == "$Format:%H$\n"


def test_the_files_of_a_submodule_are_there(repository: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "model.txt").write_text("one")
    git(shared, "init", "--initial-branch", "main")
    commit(shared, "One")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", str(shared), "models/shared")
    commit(repository, "Add")
    with checkout_of(repository, "main") as base:
        assert (base.root / "models/shared/model.txt").read_text() == "one"
        assert base.notes == []


def test_a_submodule_that_is_not_here_is_named(repository: Path) -> None:
    gone = "1" * 40
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{gone},models/shared")
    git(repository, "commit", "--quiet", "--message", "Add")
    with checkout_of(repository, "main") as base:
        assert f"the submodule models/shared is at {gone[:12]}, which is not on this machine" in base.notes[0]


@pytest.mark.parametrize("place", ["work tree", "store", "nowhere"])
def test_a_file_of_lfs_is_taken_from_where_it_is(repository: Path, place: str) -> None:
    content = b"weights" * 100
    digest = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"
    model = repository / "service/model.onnx"
    model.parent.mkdir()
    model.write_text(pointer)
    commit(repository, "Pointer")
    if place == "work tree":
        model.write_bytes(content)
    elif place == "store":
        stored = repository / ".git/lfs/objects" / digest[:2] / digest[2:4] / digest
        stored.parent.mkdir(parents=True)
        stored.write_bytes(content)
    with checkout_of(repository, "main") as base:
        is_there = (base.root / "service/model.onnx").read_bytes() == content
        noted = "Git LFS are not on this machine: service/model.onnx" in " ".join(base.notes)
    assert (is_there, noted) == (place != "nowhere", place == "nowhere")


def test_data_stays_where_it_is_and_a_models_folder_passes_through_little_memory(repository: Path) -> None:
    for name in ("models/own/model.onnx", "data/table.bin"):
        path = repository / name
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.truncate(150 * 2**20)
    stack = repository / "Pulumi.local.yaml"
    stack.write_text(stack.read_text() + "  slipway:model: file:models/own\n")
    commit(repository, "Data")
    done = subprocess.run([sys.executable, "-c", GROWTH], cwd=repository, capture_output=True, text=True)
    first, kib = done.stdout.splitlines()
    assert first == f"{150 * 2**20} False", done.stderr
    assert int(kib) < 50 * 1024


def test_a_tree_with_a_name_that_leads_out_is_not_followed(repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:Pulumi.yaml")
    tree = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        cwd=repository,
        input=b"100644 ..\0" + bytes.fromhex(blob) + b"100644 kept\0" + bytes.fromhex(blob),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert [each.path for each in entries_of(repository, tree.strip())] == ["kept"]


def test_a_full_disk_is_refused_with_a_way_out_and_leaves_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(checkout_module._Blobs, "write", full)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(Refused, match=r"No space left on device.*TMPDIR"), checkout_of(repository, "main"):
        pass
    assert list(tmp_path.glob("slipway-*")) == []


def test_a_read_only_checkout_can_be_compared(repository: Path) -> None:
    for folder, _, files in os.walk(repository):
        for name in files:
            os.chmod(Path(folder) / name, 0o444)
        os.chmod(folder, 0o555)
    try:
        with checkout_of(repository, "main") as base:
            assert base.stacks == ("local",)
    finally:
        for folder, _, _ in os.walk(repository):
            os.chmod(folder, 0o755)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_leaves_nothing_behind(repository: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING], cwd=repository, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert folder.is_dir()
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    process.stdout.close()
    assert not folder.parent.exists()

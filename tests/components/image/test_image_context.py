"""The staged context is the same on every machine, and is left alone while nothing changes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from slipway.components.image.context import content_digest, stage
from tests.components.image.conftest import contents, files_of, modes
from tests.container.engine import docker


def staged(source: Path, folder: Path) -> Path:
    stage(files_of(source), folder)
    return folder


HUB = f"hf:acme/spam@{'a' * 40}"


def written(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """Path -> inode, time of its content and of its entry; reading moves neither."""
    found = {path: path.lstat() for path in [folder, *folder.rglob("*")]}
    return {path: (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns) for path, stat in found.items()}


def test_it_holds_what_the_dockerfile_copies_and_the_dockerfile(checkout: Path, tmp_path: Path) -> None:
    held = contents(staged(checkout, tmp_path / "context"))
    assert {"LICENSE", "Dockerfile", "service/__main__.py", "service/requirements.txt"} <= held.keys()
    assert held["Dockerfile"] == (checkout / "service/Dockerfile").read_bytes()
    assert {name.split("/")[0] for name in held} == {"LICENSE", "Dockerfile", "model", "service"}
    assert not [name for name in held if name.startswith(("modeltools/training", "service/Dockerfile"))]


def test_another_umask_path_and_stray_files_give_the_same_bytes_and_modes(
    checkout: Path, tmp_path: Path
) -> None:
    first = staged(checkout, tmp_path / "first/.slipway/context")
    elsewhere = Path(shutil.copytree(checkout, tmp_path / "a place/with spaces"))
    for stray in (
        "service/__pycache__/x.cpython-311.pyc",
        "service/old.pyc",
        "service/.env",
        "service/a.py~",
    ):
        (elsewhere / stray).parent.mkdir(exist_ok=True)
        (elsewhere / stray).write_text("stray")
    for number, path in enumerate(sorted(elsewhere.rglob("*"))):
        path.chmod((0o700, 0o755, 0o750)[number % 3] if path.is_dir() else (0o600, 0o644, 0o755)[number % 3])
        os.utime(path, (2_000_000_000, 2_000_000_000))
    before = os.umask(0o077)
    try:
        second = staged(elsewhere, tmp_path / "second/.slipway/context")
    finally:
        os.umask(before)
    assert contents(second) == contents(first)
    assert modes(second) == modes(first)
    assert set(modes(first).values()) == {"0o644", "0o755"}


def test_nothing_is_written_where_nothing_changed(checkout: Path, tmp_path: Path) -> None:
    folder = staged(checkout, tmp_path / "context")
    before = written(folder)
    staged(checkout, folder)
    assert written(folder) == before


def test_what_is_no_longer_in_the_checkout_goes(checkout: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(checkout, tmp_path / "source"))
    (source / "service/extra").mkdir()
    (source / "service/extra/gone.py").write_text("gone = True\n")
    folder = staged(source, tmp_path / "context")
    assert (folder / "service/extra/gone.py").is_file()
    shutil.rmtree(source / "service/extra")
    assert contents(staged(source, folder)) == contents(staged(checkout, tmp_path / "fresh"))
    assert not (folder / "service/extra").exists()


def test_a_change_of_the_same_size_has_another_time(checkout: Path, tmp_path: Path) -> None:
    """BuildKit takes a file of the same size and time for unchanged."""
    source = Path(shutil.copytree(checkout, tmp_path / "source"))
    folder = staged(source, tmp_path / "context")
    before = (folder / "service/cpus.py").stat()
    text = (source / "service/cpus.py").read_text()
    times = (source / "service/cpus.py").stat()
    (source / "service/cpus.py").write_text(text.replace("a", "b", 1))
    os.utime(source / "service/cpus.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    after = (staged(source, folder) / "service/cpus.py").stat()
    assert after.st_size == before.st_size
    assert after.st_mtime_ns != before.st_mtime_ns


@pytest.mark.parametrize("damage", ["content", "mode", "folder mode", "extra file", "symlink", "missing"])
def test_a_damaged_context_is_staged_again(damage: str, checkout: Path, tmp_path: Path) -> None:
    folder = staged(checkout, tmp_path / "context")
    intact = contents(folder), modes(folder)
    file = folder / "service/cpus.py"
    if damage == "content":
        file.write_text("")
    elif damage == "mode":
        file.chmod(0o600)
    elif damage == "folder mode":
        file.parent.chmod(0o700)
    elif damage == "extra file":
        (folder / "service/extra.py").write_text("")
    elif damage == "symlink":
        file.unlink()
        file.symlink_to(checkout / "service/cpus.py")
    else:
        file.unlink()
    staged(checkout, folder)
    assert (contents(folder), modes(folder)) == intact


def test_what_an_interrupted_staging_left_is_no_hindrance(checkout: Path, tmp_path: Path) -> None:
    for leftover in ("context.new", "context.old"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "half").write_text("half")
    folder = staged(checkout, tmp_path / "context")
    assert contents(folder) == contents(staged(checkout, tmp_path / "fresh/context"))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["context", "fresh"]


def test_the_digest_follows_content_and_name_only(checkout: Path, tmp_path: Path) -> None:
    files = files_of(checkout)
    assert content_digest(files) == content_digest(files_of(Path(shutil.copytree(checkout, tmp_path / "c"))))
    assert content_digest(files) != content_digest({**files, "service/cpus.py": b""})
    renamed = {("service/renamed.py" if name == "service/cpus.py" else name): c for name, c in files.items()}
    assert content_digest(files) != content_digest(renamed)


@pytest.mark.parametrize(
    ("model", "held"),
    [("bundled:sms-spam", {"sms-spam"}), ("bundled:other", {"other"}), (HUB, set[str]())],
)
def test_only_the_named_model_goes_into_the_context(
    model: str, held: set[str], checkout: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(checkout, tmp_path / "source"))
    shutil.copytree(source / "service/models/sms-spam", source / "service/models/other")
    files = files_of(source, model)
    assert {name for name in files if name.endswith("manifest.json")} == {
        f"model/{name}/manifest.json" for name in held
    }
    assert ("modeltools/importing/hub.py" in files) == (model == HUB)
    before = content_digest(files)
    (source / "service/models/other/README.md").write_text("changed")
    assert (before != content_digest(files_of(source, model))) == (model == "bundled:other")


@pytest.mark.container
def test_docker_itself_gets_the_same_files_from_the_checkout(checkout: Path, tmp_path: Path) -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "version"], capture_output=True).returncode
    ):
        pytest.skip("no Docker engine answers")
    copy = Path(shutil.copytree(checkout, tmp_path / "copy"))
    (copy / "service/__pycache__").mkdir(exist_ok=True)
    (copy / "service/__pycache__/stray.pyc").write_text("stray")
    (copy / "probe.Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    docker(
        "build",
        "--quiet",
        "--file=probe.Dockerfile",
        f"--output=type=local,dest={tmp_path / 'got'}",
        ".",
        cwd=copy,
    )
    got = {name: held for name, held in contents(tmp_path / "got").items() if "/models/" not in name}
    assert got == {name: held for name, held in files_of(copy, HUB).items() if name != "Dockerfile"}

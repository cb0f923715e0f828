"""The folder that `slipway manifests -o` writes: what it may change there, and what it never touches."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from slipway.infra.errors import Failed, Refused
from slipway.infra.manifests import folder as manifest_folder
from slipway.infra.manifests.chart import chart_files
from slipway.infra.manifests.folder import write_files
from slipway.infra.manifests.objects import MARK, yaml_files
from tests.infra.manifests.test_manifests import found

LIST = ".slipway-manifests"
HEAD = f"# {MARK} prod`.\n"
SERVICE, INGRESS = f"{HEAD}kind: Service\n", f"{HEAD}kind: Ingress\n"
FILES = {"api-service.yaml": SERVICE, "api-ingress.yaml": INGRESS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As an earlier run left it."""
    folder = tmp_path / "k8s"
    write_files(folder, FILES)
    return folder


def listed(name: str, text: str) -> str:
    return f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("hashed", [True, False], ids=["with a hash", "by name alone"])
@pytest.mark.parametrize(
    "name",
    [
        "../victim.yaml",
        "../../victim.yaml",
        "sub/../../victim.yaml",
        "./api-service.yaml",
        "sub//x.yaml",
        "~/victim.yaml",
        "C:\\x.yaml",
        "..",
        " ",
        "a\tb.yaml",
        "a\x00b.yaml",
        "a\x85../x",
        ".hidden",
    ],
)
def test_a_list_with_another_name_than_a_plain_one_is_refused_and_nothing_changes(
    tmp_path: Path, folder: Path, name: str, hashed: bool
) -> None:
    victim = tmp_path / "victim.yaml"
    victim.write_text(SERVICE)
    with (folder / LIST).open("a", newline="") as file:
        file.write(listed(name, SERVICE) if hashed else f"{name}\n")
    before = contents(tmp_path)
    with pytest.raises(Refused, match=r"k8s/\.slipway-manifests, line 3: .* is not .*Delete the list"):
        write_files(folder, {"api-service.yaml": SERVICE})
    assert contents(tmp_path) == before


def test_an_absolute_name_on_the_list_deletes_nothing(tmp_path: Path) -> None:
    victim = tmp_path / "victim.yaml"
    victim.write_text(SERVICE)
    folder = tmp_path / "k8s"
    folder.mkdir()
    (folder / LIST).write_text(f"{victim}\n")
    with pytest.raises(Refused):
        write_files(folder, FILES)
    assert victim.read_text() == SERVICE
    assert contents(folder) == {LIST: f"{victim}\n"}


def make_folder(path: Path) -> None:
    path.mkdir()


def make_link(path: Path) -> None:
    target = path.parent.parent / "list"
    target.write_text(listed("api-service.yaml", SERVICE))
    path.symlink_to(target)


def make_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent.parent / "nothing")


@pytest.mark.parametrize("make", [make_folder, make_link, make_dangling_link, os.mkfifo])
def test_a_list_that_is_no_file_is_refused_and_nothing_changes(
    tmp_path: Path, folder: Path, make: Callable[[Path], None]
) -> None:
    (folder / LIST).unlink()
    make(folder / LIST)
    before = contents(tmp_path)
    with pytest.raises(Refused, match=r"k8s/\.slipway-manifests is a (folder|link|special file)"):
        write_files(folder, {"api-service.yaml": SERVICE})
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe\n", "is not UTF-8 text"),
        (b"a" * 2_000_000, "is larger than 1 MiB"),
        (b"a.yaml\n" * 200_000, "is larger than 1 MiB"),
    ],
    ids=["not text", "one huge line", "many lines"],
)
def test_a_list_that_cannot_be_one_is_refused_and_nothing_changes(
    folder: Path, content: bytes, why: str
) -> None:
    (folder / LIST).write_bytes(content)
    with pytest.raises(Refused, match=why):
        write_files(folder, {})
    assert sorted(path.name for path in folder.iterdir()) == [LIST, *sorted(FILES)]


def test_a_file_behind_a_linked_folder_is_neither_overwritten_nor_deleted(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "service.yaml").write_text(SERVICE)
    folder = tmp_path / "chart"
    folder.mkdir()
    (folder / "templates").symlink_to(outside)
    (folder / LIST).write_text(listed("templates/service.yaml", SERVICE))
    with pytest.raises(Refused, match="chart/templates is a link"):
        write_files(folder, {"templates/service.yaml": f"{SERVICE}more: true\n"})
    assert write_files(folder, {"Chart.yaml": HEAD}) == ["templates/service.yaml"]
    assert contents(outside) == {"service.yaml": SERVICE}


@pytest.mark.parametrize("place", ["templates", "templates/service.yaml"])
def test_what_blocks_a_file_is_named_and_nothing_is_written(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "chart"
    folder.mkdir()
    if place == "templates":
        (folder / place).write_text("mine")
    else:
        (folder / place).mkdir(parents=True)
    with pytest.raises(Refused, match=rf"chart holds {place}, which"):
        write_files(folder, {"Chart.yaml": HEAD, "templates/service.yaml": SERVICE})
    assert not (folder / "Chart.yaml").exists()


def test_a_listed_file_that_became_a_link_stays_and_so_does_what_it_leads_to(
    tmp_path: Path, folder: Path
) -> None:
    target = tmp_path / "target.yaml"
    target.write_text(INGRESS)
    (folder / "api-ingress.yaml").unlink()
    (folder / "api-ingress.yaml").symlink_to(target)
    assert write_files(folder, {"api-service.yaml": SERVICE}) == ["api-ingress.yaml"]
    assert (folder / "api-ingress.yaml").is_symlink()
    with pytest.raises(Refused, match=r"holds api-ingress\.yaml, which"):
        write_files(folder, FILES)
    assert target.read_text() == INGRESS


def test_another_name_of_the_same_file_keeps_what_it_held(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "other.yaml"
    os.link(folder / "api-service.yaml", other)
    write_files(folder, {**FILES, "api-service.yaml": f"{SERVICE}more: true\n"})
    assert other.read_text() == SERVICE
    assert (folder / "api-service.yaml").read_text() == f"{SERVICE}more: true\n"


def test_a_linked_folder_that_the_person_names_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "k8s").symlink_to("real")
    write_files(tmp_path / "k8s", FILES)
    assert set(contents(tmp_path / "real")) == {LIST, *FILES}


def test_a_link_to_nowhere_is_refused_as_the_folder(tmp_path: Path) -> None:
    (tmp_path / "k8s").symlink_to("nowhere")
    with pytest.raises(Refused, match="k8s is a link to nowhere"):
        write_files(tmp_path / "k8s", FILES)


def test_a_file_without_the_mark_is_not_deleted_though_the_list_has_its_hash(folder: Path) -> None:
    (folder / "own.yaml").write_text("mine")
    with (folder / LIST).open("a") as file:
        file.write(listed("own.yaml", "mine"))
    assert write_files(folder, FILES) == ["own.yaml"]
    assert (folder / "own.yaml").read_text() == "mine"


def test_a_file_that_was_edited_is_not_overwritten(folder: Path) -> None:
    (folder / "api-service.yaml").write_text(f"{SERVICE}mine: true\n")
    before = contents(folder)
    changed = {"api-service.yaml": f"{SERVICE}more: true\n", "api-ingress.yaml": f"{INGRESS}more: true\n"}
    with pytest.raises(
        Refused, match=r"holds api-service\.yaml, which .* changed since.*nothing was written"
    ):
        write_files(folder, changed)
    assert contents(folder) == before


def test_a_file_that_was_edited_and_is_no_longer_made_stays_and_is_named(folder: Path) -> None:
    (folder / "api-ingress.yaml").write_text(f"{INGRESS}mine: true\n")
    assert write_files(folder, {"api-service.yaml": SERVICE}) == ["api-ingress.yaml"]
    assert (folder / "api-ingress.yaml").read_text() == f"{INGRESS}mine: true\n"
    assert write_files(folder, {"api-service.yaml": SERVICE}) == []
    assert (folder / "api-ingress.yaml").exists()


def test_a_file_that_is_already_as_it_would_be_written_is_taken_over_and_left_alone(folder: Path) -> None:
    (folder / LIST).unlink()
    inode = (folder / "api-service.yaml").stat().st_ino
    write_files(folder, FILES)
    assert (folder / "api-service.yaml").stat().st_ino == inode
    write_files(folder, {})
    assert set(contents(folder)) == {LIST}


def test_the_list_of_an_earlier_version_counts_for_the_files_that_carry_the_mark(folder: Path) -> None:
    (folder / "own.yaml").write_text("mine")
    (folder / LIST).write_text("api-ingress.yaml\napi-service.yaml\nown.yaml\n")
    changed = f"{SERVICE}more: true\n"
    assert write_files(folder, {"api-service.yaml": changed}) == ["own.yaml"]
    assert contents(folder) == {
        LIST: listed("api-service.yaml", changed),
        "api-service.yaml": changed,
        "own.yaml": "mine",
    }


@pytest.mark.parametrize("name", ["../x.yaml", "a/../../x.yaml", "a\nb.yaml", ".slipway-manifests"])
def test_an_object_whose_name_leads_elsewhere_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="cannot be a file's name"):
        write_files(tmp_path / "k8s", {name: SERVICE})
    assert list(tmp_path.iterdir()) == []


def test_names_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    """A file system that ignores case would keep one of them."""
    with pytest.raises(Refused, match=r"API-service\.yaml and api-service\.yaml differ in case alone"):
        write_files(tmp_path / "k8s", {"api-service.yaml": SERVICE, "API-service.yaml": SERVICE})
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_changes_in_case_alone_does_not_lose_the_new_file(tmp_path: Path) -> None:
    """Where case is ignored both names lead to one file; here a second name of it does as well."""
    folder = tmp_path / "k8s"
    write_files(folder, {"API.yaml": SERVICE})
    os.link(folder / "API.yaml", folder / "api.yaml")
    assert write_files(folder, {"api.yaml": INGRESS}) == []
    assert (folder / "api.yaml").read_text() == INGRESS
    assert (folder / "API.yaml").exists()
    assert (folder / LIST).read_text() == listed("api.yaml", INGRESS)


@pytest.mark.parametrize("step", range(1, 7))
def test_a_run_that_is_interrupted_anywhere_can_be_repeated_with_other_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    class Interrupted(Exception):
        pass

    left = step

    def counted(call: Callable[..., None]) -> Callable[..., None]:
        def counting(*arguments: object, **options: object) -> None:
            nonlocal left
            left -= 0 if options else 1  # with options it is the removal of the temporary folder
            if left == 0:
                left = -1
                raise Interrupted
            call(*arguments, **options)

        return counting

    with monkeypatch.context() as patch:
        patch.setattr(manifest_folder.os, "replace", counted(os.replace))
        patch.setattr(manifest_folder.os, "unlink", counted(os.unlink))
        changed = {"api-service.yaml": f"{SERVICE}b: 2\n", "api-new.yaml": f"{HEAD}kind: New\n"}
        with suppress(Interrupted):  # the last one comes to its end
            write_files(folder, changed)
    third = {"api-service.yaml": f"{SERVICE}c: 3\n"}
    assert write_files(folder, third) == []
    assert contents(folder) == {**third, LIST: listed("api-service.yaml", third["api-service.yaml"])}


def test_a_folder_that_cannot_be_written_is_reported_and_left_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = contents(folder)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Failed, match="k8s cannot be written: No space left on device"):
        write_files(folder, {"api-service.yaml": f"{SERVICE}more: true\n"})
    monkeypatch.undo()
    assert contents(folder) == before
    assert sorted(path.name for path in folder.iterdir()) == [LIST, *sorted(FILES)]


@pytest.mark.parametrize("files", [yaml_files, chart_files])
def test_every_file_of_a_stack_carries_the_mark_in_its_first_line(
    files: Callable[..., dict[str, str]],
) -> None:
    for name, text in files(found({"domain": "a.example.com"})).items():
        assert f"{MARK} prod`" in text.partition("\n")[0], name


def test_a_chart_and_plain_objects_take_turns_in_one_folder(tmp_path: Path) -> None:
    objects = found({"domain": "a.example.com"})
    for files in (chart_files(objects), yaml_files(objects), chart_files(objects)):
        assert write_files(tmp_path, files) == []
        assert set(contents(tmp_path)) == {LIST, *files}

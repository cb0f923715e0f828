"""What a reviewer sees of a pull request: a series of them, each as a text that was read and approved."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from slipway.infra.preview.command import Shown
from slipway.infra.preview.grading import verdict_of
from slipway.infra.preview.markdown import comment_of
from slipway.infra.preview.other_commit import Base
from slipway.infra.preview.plans import Planned, planned
from slipway.infra.preview.stack import StackPreview, compared
from slipway.infra.preview.text import text_of
from slipway.infra.preview.verdict import Grade
from slipway.infra.settings.stackfile import settings_from, stack_config
from tests.infra.approval import approve
from tests.infra.repository import DEV, OLD, PROD, STACKS, commit, git, plans_at, repository_in, write_stack

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository_in(tmp_path_factory.mktemp("pulls") / "project")


@pytest.fixture(scope="module")
def main(repository: Path) -> Iterator[Base]:
    with plans_at(repository, "main", *STACKS) as base:
        assert base.failed == {}
        yield base


@pytest.fixture
def pull_request(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Check out the stack files of `main`, to change them."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text((repository / "Pulumi.yaml").read_text())
    for stack, settings in STACKS.items():
        write_stack(folder, stack, settings)
    monkeypatch.chdir(folder)
    return folder


def printed(preview: StackPreview) -> str:
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    for part in text_of(Shown([preview])):
        console.print(part)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def shown(folder: Path, stack: str, main: Base) -> str:
    return printed(compared(planned(folder, stack), main, TODAY))


def test_nothing_changed(pull_request: Path, main: Base) -> None:
    for stack in STACKS:
        preview = compared(planned(pull_request, stack), main, TODAY)
        assert preview.diff is not None
        assert (preview.diff.changed, preview.diff.settings, preview.risks) == ((), (), ())


COMMENTS = [
    ("harmless", {"memory": "2Gi"}),
    ("costly", {"maxInstances": "100"}),
    ("dangerous", {"public": "true", "policy": '{"plain-secret": "off"}'}),
]


@pytest.mark.parametrize(("name", "changes"), COMMENTS, ids=[name for name, _ in COMMENTS])
def test_the_comment_of_a_pull_request(
    pull_request: Path, main: Base, name: str, changes: dict[str, str]
) -> None:
    write_stack(pull_request, "dev", {**DEV, **changes})
    stacks = [compared(planned(pull_request, stack), main, TODAY) for stack in ("dev", "old")]
    approve(f"comment-{name}.md", comment_of(Shown(stacks, base=main.name, commit=main.commit)))


def test_another_salt_is_no_other_key(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source(salt: str, cipher: str) -> Path:
        folder = tmp_path / salt
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text((repository / "Pulumi.yaml").read_text())
        write_stack(folder, "dev", DEV, {"apiKey": cipher})
        file = folder / "Pulumi.dev.yaml"
        file.write_text(f"encryptionsalt: {salt}\n{file.read_text()}")
        return folder

    before, after = source("one", "v1:abc"), source("two", "v1:def")
    plan = planned(before, "dev").plan
    assert plan is not None
    base = Base("main", "0" * 40, before, tmp_path, ("dev",), plans={"dev": plan})
    monkeypatch.chdir(after)
    preview = compared(planned(Path(), "dev"), base, TODAY)
    assert preview.risks == ()
    assert preview.diff is not None
    assert "encrypted anew" in " ".join(preview.diff.notes)
    assert verdict_of(preview).grade is Grade.LOOK


def test_memory_is_raised(pull_request: Path, main: Base) -> None:
    write_stack(pull_request, "dev", {**DEV, "memory": "2Gi"})
    approve("memory-raised.txt", shown(pull_request, "dev", main))


def test_the_settings_are_refused(pull_request: Path, main: Base) -> None:
    write_stack(pull_request, "dev", {**DEV, "memory": "64Mi"})
    approve("settings-refused.txt", shown(pull_request, "dev", main))


def test_the_image_is_another(pull_request: Path, main: Base) -> None:
    write_stack(pull_request, "dev", {**DEV, "image": DEV["image"].replace("a" * 64, "b" * 64)})
    approve("image-changed.txt", shown(pull_request, "dev", main))


def test_the_gpu_is_of_another_type(pull_request: Path, main: Base) -> None:
    write_stack(pull_request, "prod", {**PROD, "gpu": "nvidia-tesla-t4"})
    approve("gpu-changed.txt", shown(pull_request, "prod", main))


def test_the_model_is_another(pull_request: Path, main: Base) -> None:
    model = {"task": "embed", "model": f"hf:sentence-transformers/all-MiniLM-L6-v2@{'8' * 40}"}
    write_stack(pull_request, "old", {**OLD, **model})
    approve("model-changed.txt", shown(pull_request, "old", main))


def test_the_service_is_made_public(pull_request: Path, main: Base) -> None:
    write_stack(pull_request, "dev", {**DEV, "public": "true"})
    approve("made-public.txt", shown(pull_request, "dev", main))


def test_a_secret_is_added_and_the_key_is_set(pull_request: Path, main: Base) -> None:
    write_stack(pull_request, "dev", DEV, {"apiKey": "v1:abc", "secrets.HF_TOKEN": "v1:def"})
    text = shown(pull_request, "dev", main)
    assert "v1:" not in text
    approve("secret-added.txt", text)


def test_it_scales_to_zero_and_is_no_longer_protected(pull_request: Path, main: Base) -> None:
    write_stack(pull_request, "dev", {**DEV, "minInstances": "0", "deletionProtection": "false"})
    approve("scaled-to-zero.txt", shown(pull_request, "dev", main))


def test_a_stack_is_deleted(main: Base) -> None:
    approve("stack-deleted.txt", printed(compared(Planned("old"), main, TODAY)))


def test_a_stack_is_added(pull_request: Path, main: Base) -> None:
    write_stack(pull_request, "new", DEV)
    approve("stack-added.txt", shown(pull_request, "new", main))


def test_a_component_is_renamed_without_and_with_an_alias(repository: Path, main: Base) -> None:
    program = repository / "stacks/cloud_run.py"
    before = program.read_text()
    made = 'CloudRunService(name, cast("CloudRunServiceArgs", args), checked=spec)'
    assert made in before
    renamed = 'CloudRunService(f"{name}-web", cast("CloudRunServiceArgs", args))'
    alias = renamed[:-1] + ", pulumi.ResourceOptions(aliases=[pulumi.Alias(name=name)]))"
    with ExitStack() as both:
        for file, code in (("renamed.txt", renamed), ("renamed-with-alias.txt", alias)):
            program.write_text(before.replace(made, code).replace("\nfrom ", "\nimport pulumi\nfrom ", 1))
            head = both.enter_context(plans_at(repository, commit(repository, file), "dev"))
            config = stack_config(repository, "dev")
            now = Planned("dev", config, settings_from(config), head.plans["dev"])
            approve(file, printed(compared(now, main, TODAY)))
        program.write_text(before)
        git(repository, "reset", "--hard", "--quiet", main.commit)

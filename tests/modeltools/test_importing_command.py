"""The command as a user runs it, up to where torch would be needed."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.modeltools.fake_hub import TOKEN
from tests.modeltools.hub_fixtures import REPO, TestHub, fake_hub, model_files

__all__ = ["fake_hub"]  # a fixture

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(fake_hub: TestHub, tmp_path: Path) -> Run:
    """With a home of its own, against the fake Hub. The folder `out` comes before the options."""

    def command(address: str, *options: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        env = kept | {"HOME": str(tmp_path), "HF_ENDPOINT": fake_hub.url} | environ
        line = [sys.executable, "-m", "slipway.modeltools.importing", address, str(tmp_path / "out")]
        line += options
        return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)

    return command


def test_a_check_tells_what_the_model_is_and_makes_nothing(
    run: Run, fake_hub: TestHub, tmp_path: Path
) -> None:
    address = fake_hub.put(REPO, model_files())
    done = run(address, "--check")
    assert done.returncode == 0, done.stderr
    told = f"{address}: BertForSequenceClassification, 2 labels (ham, spam), licence apache-2.0, 0.2 MB"
    assert told in done.stderr
    assert not (tmp_path / "out").exists()
    assert fake_hub.front.gets("model.safetensors") == []


def test_it_asks_only_for_the_model_and_tells_nothing_of_this_machine(run: Run, fake_hub: TestHub) -> None:
    run(fake_hub.put(REPO, model_files()), "--check", AI_AGENT="someone")
    asked = {request.path for request in fake_hub.front.requests}
    assert all(path.startswith((f"/api/models/{REPO}/", f"/{REPO}/resolve/")) for path in asked), asked
    assert not any("someone" in request.headers["user-agent"] for request in fake_hub.front.requests)


@pytest.mark.parametrize("address", ["bert-base-uncased", "hf:acme", "s3://models/spam@v1"])
def test_what_is_no_address_is_refused(run: Run, fake_hub: TestHub, address: str) -> None:
    done = run(address)
    assert done.returncode == 2
    assert done.stderr.startswith(f"MODEL: got {address!r}; allowed: hf:<owner>/<name>@<commit>")
    assert fake_hub.front.requests == []


def test_a_branch_is_refused_with_its_commit(run: Run, fake_hub: TestHub) -> None:
    address = fake_hub.put(REPO, model_files())
    done = run(f"hf:{REPO}@main")
    assert done.returncode == 2
    assert f"pin a commit: {address} is where it points now" in done.stderr


def test_a_place_that_is_taken_is_refused_before_the_hub_is_asked(
    run: Run, fake_hub: TestHub, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    done = run(fake_hub.put(REPO, model_files()))
    assert done.returncode == 2
    assert "which holds notes.txt; allowed: a new or an empty folder" in done.stderr
    assert fake_hub.front.requests == []


def test_a_network_that_fails_has_an_exit_code_of_its_own(run: Run, fake_hub: TestHub) -> None:
    done = run(fake_hub.put(REPO, model_files()), "--check", HF_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "could not be fetched from http://127.0.0.1:1" in done.stderr


def test_a_gated_model_comes_with_the_token_of_the_environment_or_of_a_file(
    run: Run, fake_hub: TestHub, tmp_path: Path
) -> None:
    address = fake_hub.put(REPO, model_files(), gated=True)
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert run(address, "--check").returncode == 2
    for done in (run(address, "--check", HF_TOKEN=TOKEN), run(address, "--check", "--token-file", str(file))):
        assert done.returncode == 0, done.stderr
        assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "holds no token"),
        (b"two tokens", "holds no token"),
        (b"\xff\xfe", "cannot be read (it is not ASCII text)"),
    ],
)
def test_a_file_without_a_token_is_refused(
    run: Run, fake_hub: TestHub, tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    done = run(fake_hub.put(REPO, model_files()), "--token-file", str(file))
    assert done.returncode == 2
    assert told in done.stderr
    assert fake_hub.front.requests == []


def test_a_length_that_holds_no_text_is_refused(run: Run, fake_hub: TestHub) -> None:
    done = run(fake_hub.put(REPO, model_files()), "--max-tokens", "2")
    assert done.returncode == 2
    assert "--max-tokens: got 2; allowed: 3 or more" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is here")
def test_without_torch_it_says_how_to_get_it_and_fetches_no_weights(
    run: Run, fake_hub: TestHub, tmp_path: Path
) -> None:
    done = run(fake_hub.put(REPO, model_files()))
    assert done.returncode == 2
    assert "`make train-env` makes an environment that has it" in done.stderr
    assert fake_hub.front.gets("model.safetensors") == []
    assert not (tmp_path / "out").exists()

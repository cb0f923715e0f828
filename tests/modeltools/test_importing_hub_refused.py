"""What cannot be fetched from the Hub is told in plain words."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from huggingface_hub import constants

from slipway.modeltools.importing.address import HubAddress
from slipway.modeltools.importing.hub import Hub
from slipway.modeltools.importing.plan import fetch, plan_import
from slipway.service.faults import (
    BadModel,
    BadSettings,
    DiskFull,
    ModelAccessDenied,
    ModelNotFound,
    ModelSourceUnavailable,
    StartFault,
)
from tests.modeltools.fake_hub import TOKEN
from tests.modeltools.hub_fixtures import (
    REPO,
    TestHub,
    fake_hub,
    hub,
    model_files,
    quiet_client,
    small_disk,
    weights,
)
from tests.service.sources.front import Answer, Fault, Front, Request, serving

__all__ = ["fake_hub", "hub", "quiet_client", "small_disk"]  # fixtures

WEIGHTS = "model.safetensors"


def refusal(hub: Hub, address: str, folder: Path, fault: type[StartFault]) -> str:
    with pytest.raises(StartFault) as refused:
        fetch(hub, plan_import(hub, HubAddress.parse(address)), folder / "fetched")
    assert type(refused.value) is fault, refused.value
    message = str(refused.value)
    assert message.startswith((address, "no room", str(folder)))
    assert TOKEN not in message
    assert "/cdn/" not in message
    return message


@pytest.mark.parametrize("revision", ["", "@main", "@v1.0"])
def test_a_branch_or_a_tag_is_refused_with_the_commit_it_points_to(
    fake_hub: TestHub, hub: Hub, tmp_path: Path, revision: str
) -> None:
    address = fake_hub.put(REPO, model_files())
    fake_hub.repositories[REPO].branches["v1.0"] = address.partition("@")[2]
    told = f"which can be moved to other weights; pin a commit: {address} is where it points now"
    with pytest.raises(BadSettings) as refused:
        plan_import(hub, HubAddress.parse(f"hf:{REPO}{revision}"))
    assert told in str(refused.value)


def test_a_commit_that_is_gone_is_told_with_where_main_is_now(
    fake_hub: TestHub, hub: Hub, tmp_path: Path
) -> None:
    newest = fake_hub.put(REPO, model_files())
    message = refusal(hub, f"hf:{REPO}@{'0' * 40}", tmp_path, ModelNotFound)
    assert f"no such revision (any more). Its main is at {newest.partition('@')[2]}: {newest}" in message


def test_a_repository_without_main_says_to_pin(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    fake_hub.put(REPO, model_files(), branch="dev")
    with pytest.raises(ModelNotFound, match=r"has no branch main\. Pin a commit"):
        plan_import(hub, HubAddress.parse(f"hf:{REPO}"))


def test_a_hub_that_answers_with_another_commit_is_not_believed(
    fake_hub: TestHub, hub: Hub, tmp_path: Path
) -> None:
    other = fake_hub.put(REPO, model_files()).partition("@")[2]
    fake_hub.repositories[REPO].branches["1" * 40] = other
    assert f"answered with commit {other}" in refusal(hub, f"hf:{REPO}@{'1' * 40}", tmp_path, BadModel)


def test_a_repository_that_is_not_there(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    message = refusal(hub, f"hf:acme/nothing@{'0' * 40}", tmp_path, ModelNotFound)
    assert f"{fake_hub.url} has no model repository acme/nothing, or does not show it" in message
    assert "HF_TOKEN" in message


def test_a_gated_model_without_a_token(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    message = refusal(hub, fake_hub.put(REPO, model_files(), gated=True), tmp_path, ModelAccessDenied)
    for part in ("is gated", f"Ask for access on {fake_hub.url}/{REPO}", "HF_TOKEN", "--secret id=hf_token"):
        assert part in message


def test_a_token_that_the_hub_does_not_know(fake_hub: TestHub, quiet_client: None, tmp_path: Path) -> None:
    address = fake_hub.put(REPO, model_files())
    hub = Hub("hf_of-nobody", fake_hub.url, tmp_path / "cache")
    message = refusal(hub, address, tmp_path, ModelAccessDenied)
    assert "the token was refused (HTTP 401)" in message
    assert "hf_of-nobody" not in message


def test_pickles_in_place_of_safetensors(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    files = model_files() | {"pytorch_model.bin": weights(), "tf_model.h5": weights()}
    del files[WEIGHTS]
    message = refusal(hub, fake_hub.put(REPO, files), tmp_path, BadModel)
    assert "has no model.safetensors; its weights are pytorch_model.bin, pickles, which run code" in message


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        ("config.json", "has no config.json, so it is no transformers model"),
        (WEIGHTS, "it holds README.md, config.json, tokenizer.json, tokenizer_config.json. Only weights as"),
        ("tokenizer.json", "has no tokenizer; it needs tokenizer.json, or one of vocab.txt"),
    ],
)
def test_a_repository_that_lacks_a_part(
    fake_hub: TestHub, hub: Hub, tmp_path: Path, lacking: str, told: str
) -> None:
    files = {name: content for name, content in model_files().items() if name != lacking}
    assert told in refusal(hub, fake_hub.put(REPO, files), tmp_path, BadModel)


def test_an_empty_repository(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    assert "it holds nothing" in refusal(hub, fake_hub.put(REPO, {}), tmp_path, BadModel)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_damaged_configuration(fake_hub: TestHub, hub: Hub, tmp_path: Path, content: bytes) -> None:
    message = refusal(hub, fake_hub.put(REPO, model_files() | {"config.json": content}), tmp_path, BadModel)
    assert "config.json is not" in message


def test_another_task_and_code_of_its_own(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    other = fake_hub.put(REPO, model_files(architectures=["BertForMaskedLM"]))
    assert "BertForMaskedLM" in refusal(hub, other, tmp_path, BadModel)
    code = fake_hub.put(REPO, model_files(auto_map={"AutoModel": "modeling.Model"}))
    assert "auto_map" in refusal(hub, code, tmp_path, BadModel)


def test_more_weights_than_one_onnx_file_takes(
    fake_hub: TestHub, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.modeltools.importing.files.MAX_WEIGHT_BYTES", 300_000)
    plan_import(hub, HubAddress.parse(fake_hub.put(REPO, model_files())))
    half = fake_hub.put(REPO, model_files(dtype="bfloat16"))
    assert "of float32 weights; an ONNX file takes at most" in refusal(hub, half, tmp_path, BadModel)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
def test_a_file_that_is_not_what_the_hub_lists_is_fetched_twice_then_refused(
    fake_hub: TestHub, hub: Hub, tmp_path: Path, name: str
) -> None:
    fake_hub.front.faults = [Fault(name, times=9, flip=True)]
    address = fake_hub.put(REPO, model_files())
    assert f"{name} came with hash " in refusal(hub, address, tmp_path, BadModel)
    assert len(fake_hub.front.gets(name)) == 2
    fake_hub.front.faults = []
    fetch(hub, plan_import(hub, HubAddress.parse(address)), tmp_path / "again")


def test_a_download_that_is_always_cut_is_given_up_and_leaves_no_part(
    fake_hub: TestHub, hub: Hub, tmp_path: Path
) -> None:
    fake_hub.front.faults = [Fault(WEIGHTS, times=99, cut_after_bytes=1000)]
    message = refusal(hub, fake_hub.put(REPO, model_files()), tmp_path, ModelSourceUnavailable)
    assert "Check the network, HF_ENDPOINT and the state of the Hub, and run it again" in message
    assert list(tmp_path.rglob("*.incomplete")) == []
    assert not (tmp_path / "fetched" / WEIGHTS).exists()


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_hub_that_is_down(fake_hub: TestHub, hub: Hub, tmp_path: Path, status: int) -> None:
    address = fake_hub.put(REPO, model_files())
    fake_hub.front.faults = [Fault(address.partition("@")[2], times=99, status=status)]
    assert f"HTTP {status}" in refusal(hub, address, tmp_path, ModelSourceUnavailable)


def test_an_endpoint_where_nobody_listens(quiet_client: None, tmp_path: Path) -> None:
    hub = Hub(endpoint="http://127.0.0.1:1", cache_dir=tmp_path / "cache")
    message = refusal(hub, f"hf:{REPO}@{'0' * 40}", tmp_path, ModelSourceUnavailable)
    assert "could not be fetched from http://127.0.0.1:1" in message


def test_an_endpoint_that_is_no_hub(quiet_client: None, tmp_path: Path) -> None:
    def login_page(request: Request) -> Answer:
        return Answer(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>")

    with serving(Front(login_page)) as front:
        hub = Hub(endpoint=front.url, cache_dir=tmp_path / "cache")
        message = refusal(hub, f"hf:{REPO}@{'0' * 40}", tmp_path, BadSettings)
    assert f"{front.url} does not answer as a Hugging Face Hub does" in message


def test_an_endpoint_that_is_no_url() -> None:
    with pytest.raises(BadSettings, match=r"HF_ENDPOINT: got 'hub\.example'; allowed: http:// or https://"):
        Hub(endpoint="hub.example")


def test_a_client_that_was_told_to_stay_offline(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = refusal(hub, f"hf:{REPO}@{'0' * 40}", tmp_path, BadSettings)
    assert "HF_HUB_OFFLINE is set" in message


class DiskUsage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_that_is_too_small_is_told_before_the_weights_are_fetched(
    fake_hub: TestHub, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small(path: Path) -> DiskUsage:
        return DiskUsage(10_000_000, 9_900_000, 100_000)

    monkeypatch.setattr(shutil, "disk_usage", small)
    message = refusal(hub, fake_hub.put(REPO, model_files()), tmp_path, DiskFull)
    assert "needs 0.2 MB more in" in message
    assert "which has 0.1 MB free" in message
    assert fake_hub.front.gets(WEIGHTS) == []


def test_a_disk_that_fills_up_during_the_download_keeps_no_part(
    fake_hub: TestHub, quiet_client: None, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ample(path: Path) -> DiskUsage:
        return DiskUsage(10**12, 0, 10**12)

    monkeypatch.setattr(shutil, "disk_usage", ample)
    hub = Hub(endpoint=fake_hub.url, cache_dir=small_disk)
    files = model_files() | {WEIGHTS: weights(1_000_000)}
    message = refusal(hub, fake_hub.put(REPO, files), tmp_path, DiskFull)
    assert f"no room is left for {small_disk}" in message
    assert list(small_disk.rglob("*.incomplete")) == []


def test_a_read_only_cache(fake_hub: TestHub, quiet_client: None, small_disk: Path, tmp_path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    hub = Hub(endpoint=fake_hub.url, cache_dir=small_disk)
    address = fake_hub.put(REPO, model_files())
    with pytest.raises(BadSettings, match=r"cannot be written \(Read-only file system\)"):
        plan_import(hub, HubAddress.parse(address))

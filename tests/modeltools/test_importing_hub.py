"""What is fetched from the Hub, in which order, and that it is what the Hub lists."""

import json
from pathlib import Path

import pytest

from slipway.modeltools.importing.address import HubAddress
from slipway.modeltools.importing.hub import Hub
from slipway.modeltools.importing.plan import ImportPlan, fetch, plan_import
from slipway.service.faults import BadModel
from tests.modeltools.fake_hub import TOKEN
from tests.modeltools.hub_fixtures import (
    REPO,
    TestHub,
    fake_hub,
    hub,
    model_files,
    quiet_client,
    weights,
)
from tests.service.sources.front import Fault

__all__ = ["fake_hub", "hub", "quiet_client"]  # fixtures

WEIGHTS = "model.safetensors"
SHARDS = {"a.weight": "model-1.safetensors", "b.weight": "model-2.safetensors"}
LARGE_BYTES = 12_000_000  # more than the client reads at once


def plan_of(hub: Hub, address: str) -> ImportPlan:
    return plan_import(hub, HubAddress.parse(address))


def fetched(hub: Hub, address: str, folder: Path) -> dict[str, bytes]:
    fetch(hub, plan_of(hub, address), folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_plan_tells_what_the_model_is(fake_hub: TestHub, hub: Hub) -> None:
    plan = plan_of(hub, fake_hub.put(REPO, model_files()))
    assert (plan.head.manifest_keys["labels"], plan.license) == (["ham", "spam"], "apache-2.0")
    assert plan.total_bytes == sum(
        len(content) for name, content in model_files().items() if name != "README.md"
    )


def test_the_plan_costs_no_download_of_weights(fake_hub: TestHub, hub: Hub) -> None:
    plan_of(hub, fake_hub.put(REPO, model_files()))
    assert fake_hub.front.gets(WEIGHTS) == []


def test_only_what_makes_the_model_is_fetched(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    strays = {
        "pytorch_model.bin": weights(),
        "modeling_spam.py": b"import os",
        "onnx/model.onnx": weights(),
        "training_args.bin": b"a pickle",
        "adapter_model.safetensors": weights(),
        "special_tokens_map.json": b"{}",
    }
    got = fetched(hub, fake_hub.put(REPO, model_files() | strays), tmp_path / "fetched")
    kept = {"config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS, "special_tokens_map.json"}
    assert got.keys() == kept
    assert got[WEIGHTS] == weights()
    for name in ("pytorch_model.bin", "modeling_spam.py", "model.onnx", "training_args.bin"):
        assert not fake_hub.front.gets(name), name


def test_weights_in_several_files_are_those_that_the_index_names(
    fake_hub: TestHub, hub: Hub, tmp_path: Path
) -> None:
    files = model_files()
    del files[WEIGHTS]
    files |= {
        "model.safetensors.index.json": json.dumps({"weight_map": SHARDS}).encode(),
        "model-1.safetensors": weights(20_000),
        "model-2.safetensors": weights(30_000),
        "other.safetensors": weights(40_000),
    }
    got = fetched(hub, fake_hub.put(REPO, files), tmp_path / "fetched")
    assert {name for name in got if name.endswith(".safetensors")} == {
        "model-1.safetensors",
        "model-2.safetensors",
    }


@pytest.mark.parametrize(
    "index",
    [
        b"{}",
        b'{"weight_map": []}',
        b'{"weight_map": {"a": "../../etc/passwd.safetensors"}}',
        b'{"weight_map": {"a": "pytorch_model.bin"}}',
        b'{"weight_map": {"a": "absent.safetensors"}}',
        b'{"weight_map": {"a": 1}}',
    ],
)
def test_an_index_that_names_something_else_is_refused(fake_hub: TestHub, hub: Hub, index: bytes) -> None:
    files = model_files() | {"model.safetensors.index.json": index, "pytorch_model.bin": b"a pickle"}
    del files[WEIGHTS]
    with pytest.raises(BadModel, match=r"model\.safetensors\.index\.json names .* no safetensors file"):
        plan_of(hub, fake_hub.put(REPO, files))


def test_a_second_import_takes_the_files_from_the_cache(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    address = fake_hub.put(REPO, model_files())
    fetched(hub, address, tmp_path / "first")
    fetched(hub, address, tmp_path / "second")
    assert len(fake_hub.front.gets(WEIGHTS)) == 1


def test_a_damaged_file_in_the_cache_is_fetched_anew(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    address = fake_hub.put(REPO, model_files())
    fetched(hub, address, tmp_path / "first")
    (tmp_path / "first" / WEIGHTS).resolve().write_bytes(b"damaged")
    assert fetched(hub, address, tmp_path / "second")[WEIGHTS] == weights()


def test_a_download_that_is_cut_goes_on_where_it_stopped(fake_hub: TestHub, hub: Hub, tmp_path: Path) -> None:
    address = fake_hub.put(REPO, model_files() | {WEIGHTS: weights(LARGE_BYTES)})
    fake_hub.front.faults = [Fault(WEIGHTS, cut_after_bytes=LARGE_BYTES - 1)]
    assert fetched(hub, address, tmp_path / "fetched")[WEIGHTS] == weights(LARGE_BYTES)
    ranges = [request.headers.get("range") for request in fake_hub.front.gets(WEIGHTS)]
    assert ranges[0] is None
    assert ranges[-1] is not None


def test_a_token_is_shown_to_the_hub_and_to_nobody_else(
    fake_hub: TestHub, quiet_client: None, tmp_path: Path
) -> None:
    hub = Hub(TOKEN, fake_hub.url, tmp_path / "cache")
    fetched(hub, fake_hub.put(REPO, model_files(), gated=True), tmp_path / "fetched")
    for request in fake_hub.front.requests:
        shown = request.headers.get("authorization")
        assert shown == (None if request.path.startswith("/cdn/") else f"Bearer {TOKEN}"), request.path
    assert any(request.path.startswith("/cdn/") for request in fake_hub.front.requests)


def test_a_link_in_the_cache_that_leads_out_of_it_deletes_nothing_there(
    fake_hub: TestHub, hub: Hub, tmp_path: Path
) -> None:
    """A damaged file is deleted with what it links to, and a cache is shared by tools, often by people."""
    source = fake_hub.put(REPO, model_files())
    address = HubAddress.parse(source)
    expected = hub.pinned(address).files["config.json"]
    cached = hub.fetched(address, "config.json", expected)
    mine = tmp_path / "mine.json"
    mine.write_text("mine")
    cached.unlink()
    cached.symlink_to(mine)
    assert hub.fetched(address, "config.json", expected).read_bytes() == model_files()["config.json"]
    assert mine.read_text() == "mine"

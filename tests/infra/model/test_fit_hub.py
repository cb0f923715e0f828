"""`slipway fit hf:… --estimate`, against a Hub of the test's own."""

import json
from pathlib import Path

import pytest

from slipway.infra.errors import ProgramFailed, Refused
from slipway.infra.model.fit import estimated
from slipway.infra.model.fit_hub import hub_model
from tests.modeltools.hub_fixtures import REPO, TestHub, fake_hub, model_files

__all__ = ["fake_hub"]  # a fixture

T5 = {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "n_positions": 512}


@pytest.fixture(autouse=True)
def asked_of_the_fake_hub(fake_hub: TestHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", fake_hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_TOKEN", raising=False)


def put(fake_hub: TestHub, **config: object) -> str:
    return fake_hub.put(REPO, model_files() | {"config.json": json.dumps({**T5, **config}).encode()})


def test_a_model_that_writes_text_is_estimated_without_fetching_its_weights(fake_hub: TestHub) -> None:
    source = put(fake_hub)
    known = hub_model(source, estimate=True)
    size = len(model_files()["model.safetensors"])
    assert known.manifest["files"] == {"model.bin": {"bytes": size // 4}}  # a byte for each weight
    assert (known.manifest["engine"], known.manifest["precision"]) == ("ctranslate2", "int8")
    assert (known.manifest["task"], known.manifest["max_tokens"]) == ("summarize", 512)
    fit = estimated(source, known, 1)
    assert not fit.need.measured
    assert {size.target for size in fit.sizes} >= {"cloud-run", "fargate"}
    assert fake_hub.front.gets("model.safetensors") == []


def test_weights_of_16_bits_are_told_as_such(fake_hub: TestHub) -> None:
    size = len(model_files()["model.safetensors"])
    half = hub_model(put(fake_hub, dtype="bfloat16"), estimate=True)
    assert half.manifest["files"] == {"model.bin": {"bytes": size // 2}}
    on_torch = hub_model(put(fake_hub, dtype="bfloat16", model_type="longt5"), estimate=True)
    assert (on_torch.manifest["engine"], on_torch.manifest["precision"]) == ("torch", "bf16")
    assert on_torch.manifest["files"] == {"model.safetensors": {"bytes": size}}


def test_what_is_converted_has_no_size_yet(fake_hub: TestHub) -> None:
    source = fake_hub.put(REPO, model_files())
    with pytest.raises(Refused, match=r"is converted to ONNX, and how .* `slipway model add hf:acme"):
        hub_model(source, estimate=True)


def test_it_is_not_run(fake_hub: TestHub) -> None:
    with pytest.raises(Refused, match=r"fit runs a model that is on this machine; .* Add --estimate"):
        hub_model(put(fake_hub), estimate=False)
    assert fake_hub.front.requests == []


def test_what_cannot_be_imported_ends_it_with_the_importers_words(
    fake_hub: TestHub, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ProgramFailed) as ended:
        hub_model(put(fake_hub, quantization_config={"quant_method": "awq"}), estimate=True)
    assert ended.value.code == 2
    assert "quantization_config (awq)" in capfd.readouterr().err

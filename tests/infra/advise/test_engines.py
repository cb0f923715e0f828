"""What `slipway advise` says of the other engine, for a model that writes text on a CPU."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.infra.advise.choose import advice_of
from slipway.infra.advise.engines import engine_notes
from slipway.infra.advise.question import question_of
from slipway.infra.cost.prices import price_table

FIRST_SENTENCE = Path(__file__).parents[2] / "service" / "backends" / "first-sentence"
MANIFEST: dict[str, Any] = json.loads((FIRST_SENTENCE / "manifest.json").read_text())
PARAMETERS = 248_000_000
MIB = 2**20


def test_torch_is_told_by_its_memory_where_ctranslate2_serves() -> None:
    """430 MiB of torch, 80 of a summary, 4 bytes a parameter: 1,456 MiB, besides a small tokenizer."""
    large = MANIFEST | {"conversion": {"parameters": PARAMETERS}}
    [note] = engine_notes(large, "", "")
    assert "torch would take about 1456 MiB" in note
    assert "`slipway model bench`" in note


def test_ctranslate2_is_told_where_torch_serves_on_a_cpu() -> None:
    """A byte a parameter, 237 MiB, with 56 of the engine and 64 of a batch of 8 times 128 tokens."""
    files = {"model.safetensors": {"bytes": PARAMETERS * 2}, "config.json": {"bytes": 0}}
    on_torch = MANIFEST | {"engine": "torch", "precision": "bf16", "files": files}
    [note] = engine_notes(on_torch, "summarize", "")
    assert "CTranslate2 in int8 would take about 357 MiB if it takes the family" in note


@pytest.mark.parametrize(("task", "gpu"), [("classify", ""), ("embed", ""), ("summarize", "nvidia-l4")])
def test_nothing_is_told_of_another_task_or_a_gpu(task: str, gpu: str) -> None:
    assert engine_notes(MANIFEST, task, gpu) == ()


def test_the_advice_has_the_note_of_a_model_from_elsewhere() -> None:
    model = f"hf:acme/summarizer@{'a' * 40}"
    asked = question_of(model=model, task="summarize", rps=1, memory="1Gi", request_seconds=0.8)
    assert any("CTranslate2 in int8" in note for note in advice_of(asked, price_table()).notes)

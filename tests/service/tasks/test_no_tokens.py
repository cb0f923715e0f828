"""A text of which the tokenizer leaves nothing is refused by its place: no model computes on nothing."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import normalizers

from slipway.service.faults import InvalidInput, TextTooLong
from slipway.service.folder import ModelFolder
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS, Limits, Task
from tests.service.tasks.byte_tokenizer import byte_tokenizer
from tests.service.tasks.embedding_model import MAX_TOKENS, embedding_model, manifest_for
from tests.service.tasks.fake_writers import FakeCausal, FakeSeq2Seq, generating, summarizing

# A zero-width space, which is no white space: the request's schema lets it through.
NOTHING = "\u200b"


def emptying_tokenizer(ends_with: str = "") -> Any:
    tokenizer = byte_tokenizer(ends_with)
    tokenizer.normalizer = normalizers.Replace(NOTHING, "")
    return tokenizer


@pytest.fixture
def embedder(tmp_path: Path) -> Task:
    folder = embedding_model(tmp_path / "model")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["normalizer"] = {"type": "Replace", "pattern": {"String": NOTHING}, "content": ""}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    manifest_for(folder, "embed")
    manifest = Manifest.read(folder, TASKS)
    task = TASKS["embed"](manifest, Limits(10, 1000))
    task.load(ModelFolder(folder, manifest))
    return task


def answered(task: Task, path: str, body: dict[str, Any]) -> bytes:
    operation = next(each for each in task.operations if each.path == path)
    work = operation.work(json.dumps(body).encode(), time.perf_counter())
    for index in range(work.size):
        work.step(index)
    return work.result()


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("/embed", {"text": NOTHING}, ["#/text"]),
        ("/embed", {"text": ["log in", NOTHING, "more", NOTHING * 3]}, ["#/text/1", "#/text/3"]),
        ("/embed", {"text": [NOTHING, "log in"], "truncate": True}, ["#/text/0"]),
        ("/v1/embeddings", {"input": ["log in", NOTHING]}, ["#/input/1"]),
    ],
)
def test_a_text_without_tokens_is_refused_and_not_embedded(
    embedder: Task, path: str, body: dict[str, Any], pointers: list[str]
):
    with pytest.raises(InvalidInput, match="has no tokens") as refused:
        answered(embedder, path, body)
    assert [error.pointer for error in refused.value.errors] == pointers


def test_texts_with_tokens_are_embedded_as_before(embedder: Task):
    assert (
        len(json.loads(answered(embedder, "/embed", {"text": ["log in", f"log{NOTHING}"]}))["embeddings"])
        == 2
    )


def test_of_a_text_that_is_too_long_and_one_without_tokens_the_long_one_is_told(embedder: Task):
    with pytest.raises(TextTooLong):
        answered(embedder, "/embed", {"text": [NOTHING, "more " * (MAX_TOKENS + 1)]})


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/generate", {"prompt": NOTHING}, "#/prompt"),
        ("/v1/completions", {"prompt": NOTHING}, "#/prompt"),
    ],
)
def test_a_prompt_without_tokens_is_refused_and_not_gone_on_with(
    path: str, body: dict[str, Any], pointer: str
):
    backend = FakeCausal("ab")
    task, _ = generating(backend)
    attach: Callable[..., None] = task.attach  # pyright: ignore
    attach(emptying_tokenizer(), backend)
    backend.seen.clear()
    with pytest.raises(InvalidInput, match="prompt has no tokens") as refused:
        answered(task, path, body)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert backend.seen == []


@pytest.mark.parametrize(
    ("text", "pointers"), [(NOTHING, ["#/text"]), (["a storm", NOTHING], ["#/text/1"])], ids=["one", "a list"]
)
def test_a_text_without_tokens_is_not_summarised_though_a_prefix_stands_before_it(
    text: str | list[str], pointers: list[str]
):
    backend = FakeSeq2Seq()
    task, _ = summarizing(backend)
    attach: Callable[..., None] = task.attach  # pyright: ignore
    attach(emptying_tokenizer("</s>"), backend)
    with pytest.raises(InvalidInput, match="has no tokens") as refused:
        answered(task, "/summarize", {"text": text})
    assert [error.pointer for error in refused.value.errors] == pointers

"""Encoder-decoder models on torch: against Transformers' own loop, greedy and with beams."""
# ruff: noqa: E402 - where torch is absent the skip comes before what imports it

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

REASON = "torch is not installed here; `make test-torch` installs it and runs this"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("transformers", reason=REASON)

from slipway.service.backends.pretrained import pt
from slipway.service.backends.seq2seq import TorchSeq2Seq
from slipway.service.faults import BadModel
from tests.service.backends.tiny_writers import PREFIX, copied, served, tiny_t5
from tests.service.running_server import AUTHORIZED, failed_start, running_server
from tests.service.tasks.byte_tokenizer import byte_tokenizer

TEXT = "The harbour was closed on Monday."
TOKENS: list[int] = byte_tokenizer(ends_with="</s>").encode(PREFIX + TEXT).ids


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models") / "t5"


@pytest.fixture(scope="module")
def network(folder: Path) -> Any:
    return tiny_t5(folder)


@pytest.fixture(scope="module")
def backend(folder: Path, network: Any) -> TorchSeq2Seq:
    del network  # has written the folder
    return TorchSeq2Seq(folder)


def always() -> bool:
    return True


def reference(network: Any, token_ids: list[int], **how: Any) -> list[int]:
    """Return what Transformers itself writes."""
    input_ids = pt.tensor([token_ids])
    return network.generate(input_ids, attention_mask=pt.ones_like(input_ids), **how)[0, 1:].tolist()


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("length", [1, 12, len(TOKENS)])
def test_it_writes_what_transformers_does(folder: Path, network: Any, beams: int, length: int):
    token_ids = TOKENS[-length:]
    expected = reference(network, token_ids, num_beams=beams, max_new_tokens=40, do_sample=False)
    assert TorchSeq2Seq(folder, beams).generate(token_ids, 0, 40, always) == expected


def test_a_head_of_its_own_as_flan_t5_has_is_used(backend: TorchSeq2Seq, network: Any, tmp_path: Path):
    expected = reference(network, TOKENS, max_new_tokens=40, do_sample=False)
    network.lm_head.weight, own = network.shared.weight, network.lm_head.weight
    tied = reference(network, TOKENS, max_new_tokens=40, do_sample=False)
    network.lm_head.weight = own
    assert backend.generate(TOKENS, 0, 40, always) == expected != tied


def test_the_same_text_gets_the_same_answer_also_beside_others(backend: TorchSeq2Seq):
    texts = [TOKENS[number:] for number in range(4)]
    expected = [backend.generate(text, 0, 40, always) for text in texts]
    assert len({tuple(answer or []) for answer in expected}) > 1
    wrong: list[int] = []

    def ask(number: int) -> None:
        for turn in range(8):
            which = (number + turn) % len(texts)
            if backend.generate(texts[which], 0, 40, always) != expected[which]:
                wrong.append(which)

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert wrong == []


def test_the_bounds_of_the_answer_hold(folder: Path, backend: TorchSeq2Seq, tmp_path: Path):
    answer = backend.generate(TOKENS, 0, 7, always)
    assert answer is not None
    assert len(answer) == 7
    ends = copied(folder, tmp_path / "ends")
    (ends / "generation_config.json").write_text(
        json.dumps({"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": answer[2]})
    )
    ending = TorchSeq2Seq(ends)
    assert ending.generate(TOKENS, 0, 40, always) == answer[: answer.index(answer[2]) + 1]
    longer = ending.generate(TOKENS, 10, 40, always)
    assert longer is not None
    assert len(longer) >= 10


@pytest.mark.parametrize("beams", [1, 4])
def test_it_leaves_off_at_the_next_token_where_nobody_waits_any_more(folder: Path, beams: int):
    asked: list[int] = []

    def going() -> bool:
        asked.append(1)
        return len(asked) < 3

    assert TorchSeq2Seq(folder, beams).generate(TOKENS, 40, 40, going) is None
    assert len(asked) == 3


def test_a_folder_without_its_head_is_refused(tmp_path: Path):
    tiny_t5(tmp_path / "t5")
    config = tmp_path / "t5/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"num_layers": 3}))
    with pytest.raises(BadModel, match=r"tensors are missing: encoder\.block\.2"):
        TorchSeq2Seq(tmp_path / "t5")


def test_summaries_over_http_are_the_models_and_long_texts_get_one_too(
    folder: Path, network: Any, tmp_path: Path
):
    model = served(
        copied(folder, tmp_path / "model"), "summarize", max_tokens=64, prefix=PREFIX, max_new_tokens=20
    )
    with (
        running_server(tmp_path / "log", MODEL_DIR=str(model)) as server,
        httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client,
    ):
        one = client.post("/summarize", json={"text": TEXT}).json()
        expected = reference(network, TOKENS, max_new_tokens=20, do_sample=False)
        decoded = byte_tokenizer().decode(expected, skip_special_tokens=True).strip()
        assert one["summary"] == decoded
        long = [client.post("/summarize", json={"text": f"{TEXT} " * 10}) for _ in range(2)]
        assert long[0].status_code == 200
        assert long[0].json()["summary"] == long[1].json()["summary"]
        many = client.post("/summarize", json={"text": [TEXT, f"{TEXT} " * 10]}).json()["summaries"]
        assert many == [one["summary"], long[0].json()["summary"]]
        assert not [line for line in server.log if line["level"] in ("warning", "error", "critical")]
        assert server.stop() == 0


def test_a_file_that_the_manifest_does_not_list_is_refused(folder: Path, tmp_path: Path):
    model = served(copied(folder, tmp_path / "model"), "summarize", max_tokens=64, prefix=PREFIX)
    (model / "added_tokens.json").write_text("{}")
    code, log, _ = failed_start(MODEL_DIR=str(model))
    assert code == 2
    assert "holds added_tokens.json, which manifest.json does not list" in log[-1]["message"]

"""Encoder-decoder models on CTranslate2: against the engine's own loop, greedy, with beams and together."""

from pathlib import Path
from typing import Any

import ctranslate2  # pyright: ignore[reportMissingTypeStubs] - the package ships no types
import pytest

from slipway.service.backends.ct2_seq2seq import Ct2Seq2Seq
from tests.service.backends.ct2_models import PREFIX, opened, t5, tokens
from tests.service.tasks.byte_tokenizer import byte_tokenizer

engine: Any = ctranslate2
TEXT = "The harbour was closed on Monday."
TOKENS: list[int] = byte_tokenizer(ends_with="</s>").encode(PREFIX + TEXT).ids


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return t5(tmp_path_factory.mktemp("models") / "t5")


@pytest.fixture(scope="module")
def backend(folder: Path) -> Ct2Seq2Seq:
    return Ct2Seq2Seq(opened(folder))


def always() -> bool:
    return True


def reference(folder: Path, token_ids: list[int], **how: Any) -> list[str]:
    names = tokens()
    given = {"beam_size": 1, "max_input_length": 0, "min_decoding_length": 0, "return_end_token": True}
    translator = engine.Translator(str(folder))
    return translator.translate_batch([[names[token] for token in token_ids]], **given | how)[0].hypotheses[0]


def named(answer: list[int] | None) -> list[str]:
    assert answer is not None
    return [tokens()[token] for token in answer]


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("length", [2, 12, len(TOKENS)])
def test_it_writes_what_the_engine_does(folder: Path, beams: int, length: int):
    token_ids = TOKENS[-length:]
    expected = reference(folder, token_ids, beam_size=beams, max_decoding_length=40)
    assert named(Ct2Seq2Seq(opened(folder), beams).generate(token_ids, 0, 40, always)) == expected


def test_beams_of_the_model_are_honoured_where_the_manifest_says_none(folder: Path, tmp_path: Path):
    beaming = Ct2Seq2Seq(opened(t5(tmp_path / "t5", {"num_beams": 4, "length_penalty": 0.5})))
    expected = reference(folder, TOKENS, beam_size=4, length_penalty=0.5, max_decoding_length=40)
    assert named(beaming.generate(TOKENS, 0, 40, always)) == expected


def test_a_prompt_beyond_the_engines_own_limit_is_read_whole(folder: Path, backend: Ct2Seq2Seq):
    start = byte_tokenizer().encode("x" * 1100).ids
    ends = [[*start, *byte_tokenizer().encode(end).ids, TOKENS[-1]] for end in ("abc" * 30, "xyz" * 30)]
    answers = backend.generate_all(ends, 0, 12, always)
    assert answers is not None
    assert answers[0] != answers[1]  # they differ only beyond the 1,024 tokens that it reads by default
    assert named(answers[0]) == reference(folder, ends[0], max_decoding_length=12)


def test_texts_written_together_get_the_answers_they_get_alone(backend: Ct2Seq2Seq):
    prompts = [TOKENS[number:] for number in range(12)]
    alone = [backend.generate(prompt, 0, 40, always) for prompt in prompts]
    assert backend.generate_all(prompts, 0, 40, always) == alone
    assert len({tuple(answer or []) for answer in alone}) > 1


def test_the_bounds_of_the_answer_hold(backend: Ct2Seq2Seq, tmp_path: Path):
    answer = backend.generate(TOKENS, 0, 7, always)
    assert answer is not None
    assert len(answer) == 7
    free = backend.generate(TOKENS, 0, 40, always) or []
    last = next(token for token in free if token != free[0])
    ending = Ct2Seq2Seq(opened(t5(tmp_path / "t5", {"eos_token_id": last})))
    assert ending.generate(TOKENS, 0, 40, always) == free[: free.index(last) + 1]
    longer = ending.generate(TOKENS, 35, 40, always)
    assert longer is not None
    assert len(longer) >= 35


def test_tokens_that_the_model_begins_with_are_written_first(backend: Ct2Seq2Seq, tmp_path: Path):
    begins = Ct2Seq2Seq(opened(t5(tmp_path / "t5", {"forced_bos_token_id": 77})))
    answer = begins.generate(TOKENS, 0, 9, always)
    assert answer is not None
    assert (answer[0], len(answer)) == (77, 9)


def test_it_leaves_off_at_the_next_token_where_nobody_waits_any_more(backend: Ct2Seq2Seq):
    asked: list[int] = []

    def going() -> bool:
        asked.append(1)
        return len(asked) < 4

    assert backend.generate(TOKENS, 40, 40, going) is None
    assert len(asked) <= 6

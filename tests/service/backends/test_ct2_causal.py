"""Decoder-only models on CTranslate2: against the engine's own loop, with seeds beside load, in batches."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctranslate2  # pyright: ignore[reportMissingTypeStubs] - the package ships no types
import pytest

from slipway.service.backends.chat_template import JinjaTemplate
from slipway.service.backends.ct2_causal import Ct2Causal
from slipway.service.backends.generation import ChatRefused, Sampling, SeedRefused
from slipway.service.faults import BadModel
from tests.service.backends.ct2_models import CONTEXT, llama, opened, tokens
from tests.service.tasks.byte_tokenizer import byte_tokenizer

engine: Any = ctranslate2
PROMPT: list[int] = byte_tokenizer().encode("A slipway is").ids
GREEDY = Sampling(40, temperature=0)
SEEDED = Sampling(150, temperature=1, seed=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return llama(tmp_path_factory.mktemp("models") / "llama", letters_only=True)


@pytest.fixture(scope="module")
def backend(folder: Path) -> Ct2Causal:
    return Ct2Causal(opened(folder))


def written(backend: Ct2Causal, prompt: list[int], sampling: Sampling) -> list[int]:
    answer: list[int] = []

    def take(token: int) -> bool:
        answer.append(token)
        return True

    backend.generate(prompt, sampling, take)
    return answer


def side_by_side(*works: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)


def test_greedy_answers_are_the_engines_own(tmp_path: Path):
    folder = llama(tmp_path / "llama")
    names = tokens()
    own = engine.Generator(str(folder)).generate_batch(
        [[names[token] for token in PROMPT]], max_length=40, include_prompt_in_result=False
    )[0]
    assert written(Ct2Causal(opened(folder)), PROMPT, GREEDY) == own.sequences_ids[0]


def test_a_seed_gives_the_same_answer_alone_and_beside_load(backend: Ct2Causal):
    expected = {seed: written(backend, PROMPT, Sampling(150, 1.0, None, seed)) for seed in range(3)}
    assert len({tuple(answer) for answer in expected.values()}) == 3
    got: list[tuple[int, list[int]]] = []

    def ask(seed: int) -> None:
        for _ in range(3):
            got.append((seed, written(backend, PROMPT, Sampling(150, 1.0, None, seed))))

    def load(temperature: float) -> None:
        for _ in range(6):
            written(backend, PROMPT * 3, Sampling(100, temperature))

    side_by_side(*[lambda seed=seed: ask(seed) for seed in range(3)], lambda: load(0.7), lambda: load(0))
    assert len(got) == 9
    assert [seed for seed, answer in got if answer != expected[seed]] == []


def test_without_a_seed_each_answer_is_another(backend: Ct2Causal):
    answers = {tuple(written(backend, PROMPT, Sampling(40, temperature=1))) for _ in range(4)}
    assert len(answers) == 4


def test_seeded_draws_have_the_models_distribution(backend: Ct2Causal):
    drawn = Counter(written(backend, PROMPT, Sampling(1, 1.0, None, seed))[0] for seed in range(200))
    loose = Counter(written(backend, PROMPT, Sampling(1, 1.0))[0] for _ in range(200))
    first = [token for token, _ in loose.most_common(4)]
    for token in first:
        assert drawn[token] == pytest.approx(loose[token], abs=45)


def test_a_nearly_cold_temperature_and_a_small_top_p_are_greedy(backend: Ct2Causal):
    greedy = written(backend, PROMPT, GREEDY)
    assert written(backend, PROMPT, Sampling(40, 0.001, None, 3)) == greedy
    assert written(backend, PROMPT, Sampling(40, 1.0, 0.001, 3)) == greedy


def test_top_k_and_temperature_of_the_model_hold_where_the_request_says_none(tmp_path: Path):
    backend = Ct2Causal(opened(llama(tmp_path / "llama", {"top_k": 1}, letters_only=True)))
    assert written(backend, PROMPT, Sampling(40)) == written(backend, PROMPT, GREEDY)


def test_a_seed_for_a_prompt_of_one_token_is_refused(backend: Ct2Causal):
    with pytest.raises(SeedRefused, match="two tokens"):
        written(backend, PROMPT[:1], SEEDED)
    assert len(written(backend, PROMPT[:1], Sampling(7, temperature=1))) == 7
    assert len(written(backend, PROMPT[:1], Sampling(7, temperature=0, seed=1))) == 7


def test_answers_written_together_are_those_written_alone(backend: Ct2Causal):
    prompts = [PROMPT[number:] + PROMPT[:number] for number in range(6)]
    expected = [written(backend, prompt, GREEDY) for prompt in prompts]
    got: dict[int, list[int]] = {}

    def ask(number: int) -> None:
        got[number] = written(backend, prompts[number], GREEDY)

    side_by_side(*[lambda number=number: ask(number) for number in range(6)])
    assert [got[number] for number in range(6)] == expected


def test_it_leaves_off_at_the_token_where_nobody_waits_any_more(backend: Ct2Causal):
    taken: list[int] = []

    def take(token: int) -> bool:
        taken.append(token)
        return len(taken) < 3

    assert backend.generate(PROMPT, GREEDY, take) is False
    assert len(taken) == 3


def test_an_error_of_one_answer_is_its_own(backend: Ct2Causal):
    expected, got = written(backend, PROMPT, GREEDY), list[list[int]]()
    errors: list[str] = []

    def break_off(token: int) -> bool:
        raise RuntimeError(f"at {token}")

    def fail() -> None:
        try:
            backend.generate(PROMPT, GREEDY, break_off)
        except RuntimeError as error:
            errors.append(str(error))

    side_by_side(fail, lambda: got.append(written(backend, PROMPT, GREEDY)))
    assert errors == [f"at {expected[0]}"]
    assert got == [expected]


def test_the_token_that_ends_an_answer_is_not_passed_on(tmp_path: Path):
    free = written(Ct2Causal(opened(llama(tmp_path / "free", letters_only=True))), PROMPT, GREEDY)
    place = next(at for at, token in enumerate(free) if token != free[0])
    ending = Ct2Causal(
        opened(llama(tmp_path / "ends", {"eos_token_id": [1, free[place]]}, letters_only=True))
    )
    answer: list[int] = []
    assert ending.generate(PROMPT, GREEDY, lambda token: (answer.append(token), True)[1]) is True
    assert answer == free[:place]


def test_penalties_of_the_model_are_honoured(tmp_path: Path):
    free = written(Ct2Causal(opened(llama(tmp_path / "free", letters_only=True))), PROMPT, GREEDY)
    strict = Ct2Causal(opened(llama(tmp_path / "strict", {"no_repeat_ngram_size": 1}, letters_only=True)))
    answer = written(strict, PROMPT, Sampling(20, temperature=0))
    assert len(set(answer)) == 20 > len(set(free[:20]))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"min_p": 0.1}, r"min_p is 0\.1, which engine 'ctranslate2' cannot do"),
        ({"top_k": "many"}, "top_k is 'many'"),
        ({"eos_token_id": ["</s>"]}, "eos_token_id"),
    ],
)
def test_what_the_engine_cannot_do_is_refused_at_load(tmp_path: Path, said: dict[str, Any], told: str):
    with pytest.raises(BadModel, match=told):
        Ct2Causal(opened(llama(tmp_path / "llama", said)))


def test_a_chat_is_rendered_with_the_models_template(folder: Path, backend: Ct2Causal):
    ids = backend.chat_token_ids([{"role": "user", "content": "hi</s>"}])
    text = byte_tokenizer().encode("<s><|turn|>user: hi", add_special_tokens=False).ids
    spelt = [byte_tokenizer().token_to_id(letter) for letter in "</s>"]
    turn = byte_tokenizer().encode("<|turn|>assistant: ", add_special_tokens=False).ids
    assert ids == [*text, *spelt, *turn]  # the text "</s>" ends nothing
    with pytest.raises(ChatRefused, match="no tools here"):
        backend.chat_token_ids([{"role": "tool", "content": "hi"}])
    assert JinjaTemplate(opened(folder)).is_there


def test_a_template_that_is_no_template_is_refused(tmp_path: Path):
    with pytest.raises(BadModel, match="chat template"):
        Ct2Causal(opened(llama(tmp_path / "llama", chat_template="{% for %}")))


def test_the_context_is_what_the_manifest_says(backend: Ct2Causal):
    assert backend.context_tokens == 0  # positions are computed, not learned
    assert len(written(backend, PROMPT, Sampling(CONTEXT - len(PROMPT), temperature=0))) == CONTEXT - 12

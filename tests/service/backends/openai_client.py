"""What OpenAI's client gets of `/generate`, whatever engine writes the answers.

A module of tests has a fixture `official`, the client of its server, whose model is a tiny one of letters.
"""

import threading
from typing import Any

import openai
import pytest
from openai.types import Completion

PROMPT = "A slipway is"
CHAT: Any = [{"role": "user", "content": "What is a slipway?"}]
SEEDED: dict[str, Any] = {"model": "tiny", "max_tokens": 40, "seed": 5, "temperature": 1}


def completed(official: openai.OpenAI, **more: Any) -> Completion:
    create: Any = official.completions.create
    return create(prompt=PROMPT, **SEEDED | more)


class OpenAIClient:
    """Tests of any engine. context: the most tokens that a prompt and its answer have."""

    context: int

    def test_a_stop_text_of_the_models_own_ends_its_answer(self, official: openai.OpenAI):
        text = completed(official).choices[0].text
        stop = text[10:14]
        stopped = completed(official, stop=stop).choices[0]
        assert (stopped.text, stopped.finish_reason) == (text[: text.index(stop)], "stop")

    def test_a_prompt_beyond_the_context_is_refused(self, official: openai.OpenAI):
        with pytest.raises(openai.UnprocessableEntityError) as refused:
            official.completions.create(model="tiny", prompt=PROMPT, max_tokens=self.context)
        problem: Any = refused.value.body
        assert f"context is {self.context} tokens" in problem["detail"]

    def test_many_at_once_are_all_answered_each_with_its_own(self, official: openai.OpenAI):
        def ask(seed: int) -> None:
            got.setdefault(seed, set()).add(completed(official, seed=seed).choices[0].text)

        got: dict[int, set[str]] = {}
        for seed in range(6):
            ask(seed)
        askers = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(timeout=60)
        assert [len(texts) for texts in got.values()] == [1] * 6
        assert len(set[str]().union(*got.values())) == 6

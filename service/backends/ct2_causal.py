"""CTranslate2: a decoder-only model such as Llama on the CPU, with its chat template."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..folder import ModelFolder
from ..manifest import VOCABULARY_FILE
from .chat_template import JinjaTemplate
from .ct2_file import CAUSAL
from .ct2_lanes import Choice, Lanes, WritingRow
from .ct2_model import Ct2Model, opened
from .ct2_random import EngineRandom
from .ct2_tokens import TokenFlow, longest_first
from .generation import Sampling, SeedRefused, always


class Ct2Causal:
    def __init__(self, model: ModelFolder) -> None:
        """Load the model. Raises BadModel."""
        loaded = opened(model, CAUSAL, VOCABULARY_FILE)
        self._writing = loaded.writing
        self._chat = JinjaTemplate(model)
        self._random = _engine_random()
        self._lanes = Lanes(_Generating(loaded, self._random), loaded.most_tokens)
        self.context_tokens = loaded.positions
        self.vocabulary_size = len(loaded.tokens)
        self.has_chat_template = self._chat.is_there

    def chat_token_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        return self._chat.token_ids(messages)

    def generate(
        self,
        token_ids: Sequence[int],
        sampling: Sampling,
        on_token: Callable[[int], bool],
        going: Callable[[], bool] = always,
    ) -> bool:
        choice = self._choice(sampling)
        if sampling.seed is not None and choice.top_k != 1:
            self._expect_seeds(token_ids)
        row = WritingRow(token_ids, sampling.max_new_tokens, choice, on_token, going, sampling.seed)
        self._lanes.write([row])
        return row.is_ended_by_model

    def _expect_seeds(self, token_ids: Sequence[int]) -> None:
        if self._random is None:
            raise SeedRefused("cannot be kept by this build of the engine, CTranslate2; leave it out")
        if len(token_ids) < 2:
            raise SeedRefused("needs a prompt of two tokens or more; send a longer prompt, or no seed")

    def _choice(self, sampling: Sampling) -> Choice:
        said = self._writing
        temperature = said.temperature if sampling.temperature is None else sampling.temperature
        top_p = said.top_p if sampling.top_p is None else sampling.top_p
        if temperature == 0 or said.top_k == 1:
            return Choice()
        top_k = said.top_k if said.top_k < self.vocabulary_size else 0
        return Choice(top_k=top_k, top_p=top_p, temperature=temperature)


def _engine_random() -> EngineRandom | None:
    try:
        return EngineRandom()
    except OSError:
        return None


class _Generating:
    def __init__(self, model: Ct2Model, random: EngineRandom | None) -> None:
        self._model = model
        self._random = random
        # What was written before a row left is read with its prompt, where penalties do not look.
        self.can_resume = not model.writing.looks_back

    def write(self, rows: Sequence[WritingRow], goes_on: Callable[[WritingRow], bool]) -> None:
        first = rows[0]
        if first.seed is not None and first.choice.top_k != 1 and self._random is not None:
            self._write_seeded(first, first.seed, self._random, goes_on)
            return
        rows = longest_first(rows)
        tokens = TokenFlow(rows, self._model.writing.ends, goes_on, passes_end=False, given=0)
        self._generate(
            [[*row.prompt, *row.answer] for row in rows],
            first.choice,
            max(row.max_new_tokens - len(row.answer) for row in rows),
            tokens.take,
            include_prompt_in_result=False,
        )
        tokens.end()

    def _write_seeded(
        self, row: WritingRow, seed: int, random: EngineRandom, goes_on: Callable[[WritingRow], bool]
    ) -> None:
        """Write one row: the last token of its prompt is a step of its own, so that no draw is before it."""
        tokens = TokenFlow([row], self._model.writing.ends, goes_on, passes_end=False, given=1)

        def take(step: Any) -> bool:
            ends = tokens.take(step)
            random.seed(seed, len(row.answer))
            return ends

        known = [*row.prompt, *row.answer]
        self._generate(
            [known[-2:]],
            row.choice,
            row.max_new_tokens - len(row.answer) + 1,
            take,
            static_prompt=self._model.spelt(known[:-2]) or None,
            cache_static_prompt=False,
            include_prompt_in_result=True,
        )
        tokens.end()

    def _generate(
        self,
        prompts: Sequence[Sequence[int]],
        choice: Choice,
        max_length: int,
        callback: Callable[[Any], bool],
        **more: Any,
    ) -> None:
        model = self._model
        model.engine.generate_batch(
            [model.spelt(prompt) for prompt in prompts],
            max_length=max_length,
            sampling_topk=choice.top_k,
            sampling_topp=choice.top_p,
            sampling_temperature=choice.temperature,
            callback=callback,
            **{**model.options, "beam_size": 1},
            **more,
        )

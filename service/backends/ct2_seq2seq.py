"""CTranslate2: an encoder-decoder model such as T5 on the CPU, which writes the same answer each time."""

from collections.abc import Callable, Sequence
from typing import Any

from ..faults import BadModel
from ..folder import ModelFolder
from ..manifest import SHARED_VOCABULARY_FILE
from .ct2_file import SEQ2SEQ
from .ct2_lanes import Choice, Lanes, WritingRow
from .ct2_model import Ct2Model, opened
from .ct2_tokens import TokenFlow, longest_first


class Ct2Seq2Seq:
    def __init__(self, model: ModelFolder, num_beams: int | None = None) -> None:
        """Load the model. Raises BadModel. num_beams: None: as generation_config.json says, else 1."""
        loaded = opened(model, SEQ2SEQ, SHARED_VOCABULARY_FILE, num_beams)
        most = getattr(model.manifest, "max_tokens", 0)
        if 0 < loaded.positions < most:
            raise BadModel(
                f"the manifest's max_tokens is {most}; the model has {loaded.positions} positions. "
                "Lower max_tokens."
            )
        self.vocabulary_size = len(loaded.tokens)
        self._lanes = Lanes(_Translating(loaded), loaded.most_tokens)

    def generate(
        self, token_ids: Sequence[int], min_new_tokens: int, max_new_tokens: int, going: Callable[[], bool]
    ) -> list[int] | None:
        answers = self.generate_all([token_ids], min_new_tokens, max_new_tokens, going)
        return None if answers is None else answers[0]

    def generate_all(
        self,
        prompts: Sequence[Sequence[int]],
        min_new_tokens: int,
        max_new_tokens: int,
        going: Callable[[], bool],
    ) -> list[list[int]] | None:
        choice = Choice(min_new_tokens=min_new_tokens)
        rows = [WritingRow(prompt, max_new_tokens, choice, lambda _: going(), going) for prompt in prompts]
        self._lanes.write(rows)
        return [row.answer for row in rows] if going() else None


class _Translating:
    """Writes batches. With beams the engine calls nobody: such a batch ends as a whole."""

    def __init__(self, model: Ct2Model) -> None:
        self._model = model
        self._has_beams = model.writing.num_beams > 1
        self.can_resume = not self._has_beams
        self._ids = {token: number for number, token in reversed(list(enumerate(model.tokens)))}

    def write(self, rows: Sequence[WritingRow], goes_on: Callable[[WritingRow], bool]) -> None:
        model, rows = self._model, longest_first(rows)
        tokens = TokenFlow(rows, model.writing.ends, goes_on, passes_end=True)
        # The engine reads a prefix token by token, and passes it on as if it were written.
        prefixes = [row.answer or model.writing.begins_with for row in rows]
        results: list[Any] = model.engine.translate_batch(
            [model.spelt(row.prompt) for row in rows],
            [model.spelt(prefix) for prefix in prefixes] if any(prefixes) else None,
            max_input_length=0,
            max_decoding_length=max(row.max_new_tokens for row in rows),
            min_decoding_length=rows[0].choice.min_new_tokens,
            callback=None if self._has_beams else tokens.take,
            **model.options,
        )
        if self._has_beams:
            for row, result in zip(rows, results, strict=True):
                row.answer = [self._ids[token] for token in result.hypotheses[0]][: row.max_new_tokens]
        tokens.end()

"""PyTorch: an encoder-decoder model such as T5, which writes the same answer each time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..device import DeviceKind
from .pretrained import hf, pretrained, pt, visible_device
from .writing import Abandoned, AtEachToken, kept_generation_config


class TorchSeq2Seq:
    def __init__(self, folder: Path, num_beams: int | None = None, device: DeviceKind | None = None) -> None:
        """Load the model. Raises BadModel.

        folder: as save_pretrained writes it. num_beams: None: as the model says. device: None takes a GPU if
        torch sees one.
        """
        self._device = device or visible_device()
        self._model = pretrained(folder, "ModelForSeq2SeqLM", self._device)
        config = self._model.generation_config = kept_generation_config(folder, self._model)
        self.vocabulary_size: int = self._model.get_input_embeddings().num_embeddings
        self._num_beams = num_beams or config.num_beams or 1

    def generate(
        self, token_ids: Sequence[int], min_new_tokens: int, max_new_tokens: int, going: Callable[[], bool]
    ) -> list[int] | None:
        def go_on(newest: Any) -> bool:
            del newest
            if not going():
                raise Abandoned
            return True

        input_ids = pt.tensor([token_ids], device=self._device)
        lengths = {"min_new_tokens": min_new_tokens, "max_new_tokens": max_new_tokens}
        config = hf.GenerationConfig(do_sample=False, num_beams=self._num_beams, **lengths)
        try:
            with pt.inference_mode():
                answer: list[int] = self._model.generate(
                    input_ids,
                    attention_mask=pt.ones_like(input_ids),
                    generation_config=config,
                    stopping_criteria=[AtEachToken(go_on)],
                )[0].tolist()
        except Abandoned:
            return None
        return answer[1:]  # the first is the one the decoder starts from

    def generate_all(
        self,
        prompts: Sequence[Sequence[int]],
        min_new_tokens: int,
        max_new_tokens: int,
        going: Callable[[], bool],
    ) -> list[list[int]] | None:
        answers: list[list[int]] = []
        for prompt in prompts:
            answer = self.generate(prompt, min_new_tokens, max_new_tokens, going)
            if answer is None:
                return None
            answers.append(answer)
        return answers

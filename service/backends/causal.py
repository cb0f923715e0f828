"""PyTorch: a decoder-only model such as Llama, with its chat template."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ..device import DeviceKind
from ..faults import BadModel
from .generation import ChatRefused, Sampling, always
from .pretrained import FROM_THE_FOLDER_ALONE, first_line, hf, pretrained, pt, visible_device
from .writing import AtEachToken, end_token_ids, kept_generation_config

# Below this a probability is lost in fp32, and its logarithm with it.
LEAST_NOISE = 1e-20


class TorchCausal:
    def __init__(self, folder: Path, device: DeviceKind | None = None) -> None:
        """Load the model. Raises BadModel.

        folder: as save_pretrained writes it, with the tokenizer. device: None takes a GPU if torch sees one.
        """
        self._device = device or visible_device()
        self._model = pretrained(folder, "ModelForCausalLM", self._device)
        self._config = self._model.generation_config = kept_generation_config(folder, self._model)
        self._ends = end_token_ids(self._config)
        self._chat = ChatTemplate(folder)
        self.context_tokens: int = getattr(self._model.config, "max_position_embeddings", 0) or 0
        self.vocabulary_size: int = self._model.get_input_embeddings().num_embeddings
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
        del going  # nothing waits here, and `on_token` says it too
        ended = False

        def go_on(newest: Any) -> bool:
            nonlocal ended
            token = int(newest[0])
            ended = token in self._ends
            return not ended and on_token(token)

        input_ids = pt.tensor([token_ids], device=self._device)
        with pt.inference_mode():
            self._model.generate(
                input_ids,
                attention_mask=pt.ones_like(input_ids),
                # Sampled by _processors: Transformers would draw from one generator for the whole process.
                generation_config=hf.GenerationConfig(
                    do_sample=False, num_beams=1, max_new_tokens=sampling.max_new_tokens
                ),
                logits_processor=self._processors(sampling),
                stopping_criteria=[AtEachToken(go_on)],
            )
        return ended

    def _processors(self, sampling: Sampling) -> list[Any]:
        temperature = _first(sampling.temperature, self._config.temperature, 1.0)
        top_p = _first(sampling.top_p, self._config.top_p, 1.0)
        if temperature == 0:
            return []
        processors = [] if temperature == 1 else [hf.TemperatureLogitsWarper(temperature)]
        if self._config.top_k:
            processors.append(hf.TopKLogitsWarper(self._config.top_k))
        if top_p < 1:
            processors.append(hf.TopPLogitsWarper(top_p))
        return [*processors, Drawn(sampling.seed, self._device)]


class Drawn(hf.LogitsProcessor):
    """Turns the highest score into a draw from the scores' softmax, with a random generator of its own.

    Source: Maddison, Tarlow & Minka 2014, "A* Sampling", section 2, the Gumbel-max trick.
    """

    def __init__(self, seed: int | None, device: str) -> None:
        self._generator = pt.Generator(device)
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        del input_ids
        noise = pt.empty_like(scores).exponential_(generator=self._generator)
        return scores - noise.clamp_(min=LEAST_NOISE).log_()


class ChatTemplate:
    """chat_template.jinja, or the one in tokenizer_config.json; it runs in Jinja's sandbox."""

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer = hf.PreTrainedTokenizerFast.from_pretrained(folder, **FROM_THE_FOLDER_ALONE)
        except Exception as error:  # wrong JSON and unknown tokens have classes of their own
            raise BadModel(f"the tokenizer of {folder} cannot be loaded: {first_line(error)}") from None
        self.is_there = bool(self._tokenizer.chat_template)
        self._lock = threading.Lock()  # Transformers switches the tokenizer between texts and special tokens

    def token_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the prompt's tokens. In a message, the name of a special token stays plain text."""
        with self._lock:
            try:
                return cast(
                    "list[int]",
                    self._tokenizer.apply_chat_template(
                        [dict(message) for message in messages],
                        add_generation_prompt=True,
                        sanitize_control_tokens=True,
                        return_dict=False,
                    ),
                )
            except Exception as error:  # a template raises what it likes
                raise ChatRefused(first_line(error)) from None


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)

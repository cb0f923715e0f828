"""What a model is for. A task is one file: it validates, tokenises and decodes; TASKS names them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel
from tokenizers import Tokenizer

from service.backends import Backend
from service.engine import Work
from service.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Limits:
    max_texts: int
    max_text_characters: int


class Task(Protocol):
    """Made before the model is loaded, so that the schemas are there at once; `attach` gives it the model."""

    request_model: type[BaseModel]
    answer_models: tuple[type[BaseModel], ...]
    summary: str
    description: str
    request_examples: dict[str, Any]
    answer_examples: dict[str, Any]

    def attach(self, tokenizer: Tokenizer, backend: Backend) -> None:
        """Take the model and warm it up. Raises BadModel if its output does not fit the manifest."""
        ...

    def work(self, body: bytes, received: float) -> Work[bytes]:
        """Validate a request body. received: `time.perf_counter()` when the request came.

        Raises InvalidJson or InvalidInput. The work's result is the answer's JSON.
        """
        ...


def _classify(manifest: Manifest, limits: Limits) -> Task:
    from service.tasks.classify import Classify

    return Classify(manifest, limits)


TASKS: dict[str, Callable[[Manifest, Limits], Task]] = {"classify": _classify}

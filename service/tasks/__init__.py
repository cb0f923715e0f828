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


@dataclass(frozen=True, slots=True)
class Operation:
    """One route of a task, with what the OpenAPI document says of it.

    work: from a request body and the `time.perf_counter()` of its arrival to work whose result is the JSON of
    the answer. Raises InvalidJson or InvalidInput.
    """

    path: str
    operation_id: str
    summary: str
    description: str
    request_model: type[BaseModel]
    answer_models: tuple[type[BaseModel], ...]
    request_examples: dict[str, Any]
    answer_examples: dict[str, Any]
    work: Callable[[bytes, float], Work[bytes]]


class Task(Protocol):
    """Made before the model is loaded, so that the schemas are there at once; `attach` gives it the model."""

    output: str
    """Name of the model's output that the task reads."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The first is the one to try."""
        ...

    def attach(self, tokenizer: Tokenizer, backend: Backend) -> None:
        """Take the model and warm it up. Raises BadModel if its output does not fit the manifest."""
        ...


def _classify(manifest: Manifest, limits: Limits) -> Task:
    from service.tasks.classify import Classify

    return Classify(manifest, limits)


def _embed(manifest: Manifest, limits: Limits) -> Task:
    from service.tasks.embed import Embed

    return Embed(manifest, limits)


TASKS: dict[str, Callable[[Manifest, Limits], Task]] = {"classify": _classify, "embed": _embed}

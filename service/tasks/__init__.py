"""The tasks of models. A task is one file here: a class that says what its models need, and does the work.

`TASK` in the file names the class, and the file's name is the task's: so TASKS finds it. The guide
docs/guides/add-a-task.md walks through one.
"""

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from ..columns import Column
from ..engine import Work
from ..folder import ModelFolder
from ..manifest import TaskRules


@dataclass(frozen=True, slots=True)
class Limits:
    max_texts: int
    max_text_characters: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One route of a task, with its description in the OpenAPI document.

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
    stream_example: str | None = None
    """The server-sent events of a whole answer, if it can be requested as a stream."""
    texts: Sequence[str] = ()
    """Texts to try on the page; none: the one of the first request example."""
    columns: Sequence[Column] = ()
    """What a row of the request has, where it takes rows; the page has a field for each."""


class Task(TaskRules, ABC):
    """A task, created before its model so that the schemas exist at once; `load` gives it the model."""

    operations: tuple[Operation, ...]
    """The first is the one to try."""

    @abstractmethod
    def __init__(self, manifest: Any, limits: Limits) -> None:
        """Make the task. manifest: of the type that `manifest_type` names."""

    @abstractmethod
    def load(self, model: ModelFolder) -> None:
        """Load the model and warm it up, on a thread. Raises BadModel if it does not fit the manifest."""


class _Tasks(Mapping[str, type[Task]]):
    """Imports a task's file on first use, because each brings its own libraries."""

    def __getitem__(self, name: str) -> type[Task]:
        if name in _modules() and (found := _task_in(name)) is not None:
            return found
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in _modules() if _task_in(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@cache
def _modules() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def _task_in(module: str) -> type[Task] | None:
    return getattr(import_module(f"{__name__}.{module}"), "TASK", None)


TASKS: Mapping[str, type[Task]] = _Tasks()

"""Tables: a row of numbers, or a list of rows, to a label with its probability, or to a value.

For what scikit-learn, XGBoost or LightGBM learned, converted to ONNX where it was trained: a pickle is never
loaded here. docs/guides/add-a-task.md walks through this file.
"""

import time
from typing import Annotated, Any

import numpy as np
import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    create_model,
    field_validator,
)
from pydantic_core import PydanticCustomError

from ..backends import Float32s
from ..backends.rows import RowBackend
from ..faults import FieldFault, InvalidInput
from ..folder import ModelFolder
from ..manifest import GRAPH_FILES, Manifest, Name, all_different
from . import Limits, Operation, Task
from .bounds import Bounds
from .lists import Counted, WrongCount
from .requests import LIST, ONE, parsed
from .texts import LatencyMs, ModelVersion

# One turn in the engine's line: a long table waits for others between its turns.
ROWS_PER_STEP = 256
WARM_UP_RUNS = 3
# A prediction's dict, its numbers, and both as JSON with a label of up to 100 characters.
PREDICTION_BYTES = 500
LARGEST = float(np.finfo(np.float32).max)


class TabularManifest(Manifest):
    features: tuple[Name, ...] = Field(min_length=1)
    """The columns' names, in the model's order."""
    labels: tuple[Name, ...] = ()
    """A classifier's, in the order of its probabilities; none: a regressor."""
    example: tuple[float, ...] = ()
    """A row to try, as the API's document and `slipway up` show it; none: zeros."""

    @field_validator("labels")
    @classmethod
    def _none_or_several(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(labels) == 1:
            raise PydanticCustomError("labels", "got 1; allowed are none (a regressor), or two and more")
        all_different(labels)
        return labels

    @field_validator("features")
    @classmethod
    def _all_different(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        all_different(features)
        return features

    @field_validator("example")
    @classmethod
    def _as_long_as_the_features(cls, example: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        features = len(info.data.get("features", example))
        if example and len(example) != features:
            counts = {"got": len(example), "features": features}
            raise PydanticCustomError("example", "got {got} numbers; features has {features}", counts)
        return example

    @property
    def row(self) -> list[float]:
        return list(self.example) or [0.0] * len(self.features)


class Label(BaseModel):
    label: str = Field(description="The most probable label.", examples=["setosa"])
    proba: float = Field(ge=0, le=1, description="Probability of that label, 0 to 1.", examples=[0.97])


class Value(BaseModel):
    value: float = Field(description="What the model predicts.", examples=[21.4])


class Answered(BaseModel):
    latency_ms: LatencyMs
    model_version: ModelVersion


class SingleLabel(Label, Answered):
    """The answer to one row."""


class SingleValue(Value, Answered):
    """The answer to one row."""


class Labels(Answered):
    """The answer to a list of rows."""

    predictions: list[Label] = Field(description="One for each row, in the order of the request.")


class Values(Answered):
    """The answer to a list of rows."""

    predictions: list[Value] = Field(description="One for each row, in the order of the request.")


class TabularRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    features: list[float] | list[list[float]]


def request_model(manifest: TabularManifest, limits: Limits) -> type[TabularRequest]:
    number: Any = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
    features = len(manifest.features)
    row: Any = Annotated[list[number], Counted(features, features, _wrong_count(manifest))]
    rows: Any = Annotated[list[row], Counted(limits.max_texts, wrong_count=_too_many(limits.max_texts))]
    one: Any = Annotated[row, Tag(ONE)]
    many: Any = Annotated[rows, Tag(LIST)]
    described = Field(
        description=f"The numbers of a row ({_names(manifest)}), or a list of such rows.",
        examples=[manifest.row, [manifest.row, manifest.row]],
    )
    field: Any = (Annotated[one | many, Discriminator(_branch)], described)
    return create_model(
        "TabularRequest", __base__=TabularRequest, __doc__="One row, or rows.", features=field
    )


def _branch(value: Any) -> str:
    return LIST if isinstance(value, list) and value and isinstance(value[0], list) else ONE


def _wrong_count(manifest: TabularManifest) -> WrongCount:
    def error(got: int) -> PydanticCustomError:
        counts = {"got": got, "expected": len(manifest.features), "names": _names(manifest)}
        words = "has {got} numbers; the model takes {expected}: {names}"
        return PydanticCustomError("features", words, counts)

    return error


def _too_many(most: int) -> WrongCount:
    def error(got: int) -> PydanticCustomError:
        words = "has {got} rows; at most {most} are allowed in one call"
        return PydanticCustomError("rows", words, {"got": got, "most": most})

    return error


def _names(manifest: TabularManifest) -> str:
    shown = ", ".join(manifest.features[:20])
    return shown if len(manifest.features) <= 20 else f"{shown}, …"


class Tabular(Task):
    manifest_type = TabularManifest
    files = GRAPH_FILES

    def __init__(self, manifest: TabularManifest, limits: Limits) -> None:
        self._manifest = manifest
        self._request_model = request_model(manifest, limits)
        self._bounds = Bounds.for_items(limits.max_texts, "rows", len(manifest.features))
        self._backend: RowBackend | None = None
        self.operations = (self._operation(),)

    def _operation(self) -> Operation:
        manifest = self._manifest
        one = {"label": manifest.labels[-1], "proba": 0.97} if manifest.labels else {"value": 21.4}
        timing = {"latency_ms": 0.11, "model_version": manifest.model_version}
        labels = (
            f"Labels: {', '.join(f'`{label}`' for label in manifest.labels)}. " if manifest.labels else ""
        )
        return Operation(
            path="/predict",
            operation_id="predict",
            summary="Predict for a row, or a list of rows",
            description=f"Model `{manifest.model_version}`. {labels}Features, in order: {_names(manifest)}.",
            request_model=self._request_model,
            answer_models=(SingleLabel, Labels) if manifest.labels else (SingleValue, Values),
            request_examples={
                "one row": {"features": manifest.row},
                "a list": {"features": [manifest.row, manifest.row]},
            },
            answer_examples={"one row": one | timing, "a list": {"predictions": [one, one]} | timing},
            work=self.work,
        )

    def load(self, model: ModelFolder) -> None:
        manifest = self._manifest
        self._backend = RowBackend(model.onnx(), len(manifest.labels), manifest.row)
        body = orjson.dumps({"features": manifest.row})
        for _ in range(WARM_UP_RUNS):
            work = self.work(body, time.perf_counter())
            work.step(0)

    def work(self, body: bytes, received: float) -> "TabularWork":
        request = parsed(self._request_model, body, self._bounds)
        if self._backend is None:
            raise RuntimeError("work before load")
        return TabularWork(self._backend, self._manifest, request, received)


class TabularWork:
    """One call, computed some rows at a time."""

    def __init__(
        self, backend: RowBackend, manifest: TabularManifest, request: TabularRequest, received: float
    ) -> None:
        rows: Any = request.features
        self.is_list = isinstance(rows[0], list)
        self._rows = np.array(rows if self.is_list else [rows], np.float32)
        self._backend = backend
        self._manifest = manifest
        self._received = received
        self.size = -(-len(self._rows) // ROWS_PER_STEP)
        self.tokens = len(self._rows)
        self.answer_bytes = PREDICTION_BYTES * len(self._rows)
        self._found: list[list[dict[str, Any]]] = [[] for _ in range(self.size)]

    def step(self, index: int) -> None:
        first = index * ROWS_PER_STEP
        numbers = self._backend.run(self._rows[first : first + ROWS_PER_STEP])
        finite = np.isfinite(numbers.reshape(len(numbers), -1)).all(axis=1)
        if not finite.all():
            raise self._not_finite(first + int(finite.argmin()))
        self._found[index] = self._values(numbers)

    def _values(self, numbers: Float32s) -> list[dict[str, Any]]:
        if not self._manifest.labels:
            return [{"value": value} for value in numbers.tolist()]
        chances: list[float] = numbers.max(axis=1).clip(0, 1).astype(np.float64).round(6).tolist()
        places: list[int] = numbers.argmax(axis=1).tolist()
        labels = self._manifest.labels
        return [
            {"label": labels[place], "proba": chance} for place, chance in zip(places, chances, strict=True)
        ]

    def _not_finite(self, row: int) -> InvalidInput:
        place = f"/{row}" if self.is_list else ""
        return InvalidInput(
            f"features{f'[{row}]' if self.is_list else ''}: the model gives no finite number for this row",
            errors=[FieldFault(f"#/features{place}", "is outside what the model can compute")],
        )

    def result(self) -> bytes:
        predictions = [each for step in self._found for each in step]
        answer = {"predictions": predictions} if self.is_list else predictions[0]
        latency_ms = round((time.perf_counter() - self._received) * 1000, 3)
        return orjson.dumps(
            {**answer, "latency_ms": latency_ms, "model_version": self._manifest.model_version}
        )

    def stop(self) -> None:
        """Do nothing: a step is too short to be cut."""


TASK = Tabular

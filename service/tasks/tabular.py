"""Tables: a row, or a list of rows, to a label with its probability, or to a value.

For what scikit-learn, XGBoost or LightGBM learned, converted to ONNX where it was trained: a pickle is never
loaded here. docs/guides/add-a-task.md walks through this file.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, ClassVar

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

from ..backends.rows import Floats, RowBackend, failing_row
from ..columns import Cell, Column, NamedColumn
from ..engine import CallFacts, Observation
from ..faults import FieldFault, InvalidInput
from ..folder import ModelFolder
from ..manifest import GRAPH_FILES, Manifest, all_different
from . import Limits, Operation, Task
from .bounds import Bounds
from .lists import FAULTS_KEPT, Counted, WrongCount
from .requests import LIST, MAX_FAULTS_SHOWN, ONE, escaped, parsed
from .table_ranges import Ranges
from .table_rows import NamedRow, RowOf, checked_row, names_of
from .texts import LatencyMs, ModelVersion

# One turn in the engine's line: a long table waits for others between its turns.
ROWS_PER_STEP = 256
WARM_UP_RUNS = 3
# A prediction's dict, its numbers, and both as JSON with a label of up to 100 characters.
PREDICTION_BYTES = 500


class TabularManifest(Manifest):
    parts: ClassVar[Mapping[str, type[BaseModel]]] = {**Manifest.parts, "features": Column}

    features: tuple[NamedColumn, ...]
    """The columns, in the model's order: objects, or names of `float` columns."""
    labels: tuple[Any, ...] = ()
    """A classifier's, in the order of its probabilities: strings or whole numbers; none: a regressor."""
    example: tuple[Any, ...] = ()
    """A row to try, as the API's document and `slipway up` show it; none: the columns' own examples."""

    @field_validator("labels")
    @classmethod
    def _none_or_several(cls, labels: tuple[Any, ...]) -> tuple[str | int, ...]:
        if len(labels) == 1:
            raise PydanticCustomError("labels", "got 1; allowed are none (a regressor), or two and more")
        if {type(label) for label in labels} not in (set(), {str}, {int}) or "" in labels:
            raise PydanticCustomError("labels", "allowed are strings that are not empty, or whole numbers")
        all_different([str(label) for label in labels])
        return labels

    @field_validator("features")
    @classmethod
    def _all_different(cls, features: tuple[Column, ...]) -> tuple[Column, ...]:
        if not features:
            raise PydanticCustomError("features", "got none; list the columns that the model takes")
        all_different([column.name for column in features])
        return features

    @field_validator("example")
    @classmethod
    def _fits_the_features(cls, example: tuple[Any, ...], info: ValidationInfo) -> tuple[Cell, ...]:
        columns: Sequence[Column] = info.data.get("features", ())
        if not example or not columns:
            return example
        if len(example) != len(columns):
            counts = {"got": len(example), "features": len(columns)}
            raise PydanticCustomError("example", "got {got} values; features has {features}", counts)
        return tuple(checked_row(columns, list(example)))

    @property
    def row(self) -> list[Cell]:
        """Return a row that the model can be tried with."""
        return list(self.example) or [column.to_try for column in self.features]

    @property
    def named_row(self) -> dict[str, Cell]:
        return dict(zip((column.name for column in self.features), self.row, strict=True))


class LabelProbability(BaseModel):
    label: str | int = Field(description="A label of the model.", examples=["setosa"])
    proba: float = Field(ge=0, le=1, description="Probability of that label, 0 to 1.", examples=[0.97])


class Label(LabelProbability):
    label: str | int = Field(description="The most probable label.", examples=["setosa"])
    top: list[LabelProbability] = Field(
        default=[], description="Present where `top` is in the request: the most probable labels, best first."
    )


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

    features: list[Any]
    """A row, or a list of rows."""


def request_model(manifest: TabularManifest, limits: Limits) -> type[TabularRequest]:
    row: Any = Annotated[Any, RowOf(manifest.features, limits.max_text_characters)]
    rows: Any = Annotated[list[row], Counted(limits.max_texts, wrong_count=_too_many(limits.max_texts))]
    one: Any = Annotated[row, Tag(ONE)]
    many: Any = Annotated[rows, Tag(LIST)]
    described = Field(
        description="A row, or a list of rows: an object from the columns' names to their values, or a list "
        f"of the values in the order of the columns ({names_of(manifest.features)}).",
        examples=[manifest.named_row, [manifest.row, manifest.row]],
    )
    fields: dict[str, Any] = {"features": (Annotated[one | many, Discriminator(_branch)], described)}
    if manifest.labels:
        words = "How many labels to list with their probabilities, the most probable first."
        top: Any = Field(default=None, ge=1, le=len(manifest.labels), description=words, examples=[2])
        fields["top"] = (int | None, top)
    return create_model("TabularRequest", __base__=TabularRequest, __doc__="One row, or rows.", **fields)


def _branch(value: Any) -> str:
    return LIST if isinstance(value, list) and value and isinstance(value[0], list | dict) else ONE


def _too_many(most: int) -> WrongCount:
    def error(got: int) -> PydanticCustomError:
        words = "has {got} rows; at most {most} are allowed in one call"
        return PydanticCustomError("rows", words, {"got": got, "most": most})

    return error


class Tabular(Task):
    manifest_type = TabularManifest
    files = GRAPH_FILES

    def __init__(self, manifest: TabularManifest, limits: Limits) -> None:
        self._manifest = manifest
        self._request_model = request_model(manifest, limits)
        # Of a row that is an object the names are strings as well.
        self._bounds = Bounds.for_items(limits.max_texts, "rows", 2 * len(manifest.features))
        self._ranges = Ranges([column.name for column in manifest.features], manifest.reference)
        self._backend: RowBackend | None = None
        self.operations = (self._operation(),)

    def _operation(self) -> Operation:
        manifest = self._manifest
        one = {"label": manifest.labels[-1], "proba": 0.97} if manifest.labels else {"value": 21.4}
        timing = {"latency_ms": 0.11, "model_version": manifest.model_version}
        labels = (
            f"Labels: {', '.join(f'`{label}`' for label in manifest.labels)}. " if manifest.labels else ""
        )
        columns = names_of(manifest.features)
        return Operation(
            path="/predict",
            operation_id="predict",
            summary="Predict for a row, or a list of rows",
            description=f"Model `{manifest.model_version}`. {labels}Columns, in order: {columns}.",
            request_model=self._request_model,
            answer_models=(SingleLabel, Labels) if manifest.labels else (SingleValue, Values),
            request_examples={
                "one row": {"features": manifest.row},
                "a row by name": {"features": manifest.named_row},
                "a list": {"features": [manifest.row, manifest.row]},
            },
            answer_examples={"one row": one | timing, "a list": {"predictions": [one, one]} | timing},
            work=self.work,
            columns=manifest.features,
        )

    def load(self, model: ModelFolder) -> None:
        manifest = self._manifest
        self._backend = RowBackend(model.onnx(), manifest.features, manifest.labels, manifest.row)
        body = orjson.dumps({"features": manifest.row})
        for _ in range(WARM_UP_RUNS):
            work = self.work(body, time.perf_counter())
            work.step(0)

    def work(self, body: bytes, received: float) -> "TabularWork":
        request = parsed(self._request_model, body, self._bounds)
        if self._backend is None:
            raise RuntimeError("work before load")
        return TabularWork(self._backend, self._manifest, self._ranges, request, received)


class TabularWork:
    """One call, computed some rows at a time."""

    def __init__(
        self,
        backend: RowBackend,
        manifest: TabularManifest,
        ranges: Ranges,
        request: TabularRequest,
        received: float,
    ) -> None:
        features = request.features
        self.is_list = isinstance(features[0], list)
        self._rows: list[list[Cell]] = features if self.is_list else [features]
        self._backend = backend
        self._manifest = manifest
        self._ranges = ranges
        self._received = received
        self._top: int = getattr(request, "top", None) or 0
        self.size = -(-len(self._rows) // ROWS_PER_STEP)
        self.tokens = len(self._rows)
        self.answer_bytes = PREDICTION_BYTES * len(self._rows) * (1 + self._top)
        self._found: list[list[dict[str, Any]]] = [[] for _ in range(self.size)]
        self._feed = backend.inputs.feed(self._rows)
        self._refuse_changed()

    def _refuse_changed(self) -> None:
        """Raise InvalidInput for whole numbers that the graph's floats would change."""
        changed = list(islice(self._backend.inputs.changed(self._rows, self._feed), FAULTS_KEPT))
        if not changed:
            return
        faults = [self._changed(*each) for each in changed[:MAX_FAULTS_SHOWN]]
        raise InvalidInput(f"{self._place(changed[0][0])}: {faults[0].detail}", errors=faults)

    def _changed(self, row: int, place: int, held: int) -> FieldFault:
        column = self._manifest.features[place]
        rounded = "" if column.type == "int" else ", or write it with a fraction (.0) to have it rounded"
        words = f"is a whole number that the model would take as {held}; send that one{rounded}"
        named = isinstance(self._rows[row], NamedRow)
        pointer = f"{self._pointer(row)}/{escaped(column.name if named else place)}"
        return FieldFault(pointer, words if named else f"{words} (column {column.name!r})")

    def _pointer(self, row: int) -> str:
        return f"#/features/{row}" if self.is_list else "#/features"

    def _place(self, row: int) -> str:
        return f"features[{row}]" if self.is_list else "features"

    def step(self, index: int) -> None:
        first = index * ROWS_PER_STEP
        feed = {name: array[first : first + ROWS_PER_STEP] for name, array in self._feed.items()}
        numbers = self._computed(feed, first)
        finite = np.isfinite(numbers.reshape(len(numbers), -1)).all(axis=1)
        if not finite.all():
            raise self._not_computed(first + int(finite.argmin()), "gives no finite number for")
        self._found[index] = self._values(numbers)

    def _computed(self, feed: dict[str, Any], first: int) -> Floats:
        try:
            return self._backend.run(feed)
        except Exception:
            count = min(ROWS_PER_STEP, len(self._rows) - first)
            if (row := failing_row(self._backend.run, feed, count)) is None:
                raise
        raise self._not_computed(first + row, "cannot compute")

    def _values(self, numbers: Floats) -> list[dict[str, Any]]:
        labels = self._manifest.labels
        if not labels:
            return [{"value": value} for value in numbers.tolist()]
        chances: list[list[float]] = numbers.clip(0, 1).astype(np.float64).round(6).tolist()
        order: list[list[int]] = np.argsort(-numbers, axis=1, kind="stable")[:, : self._top or 1].tolist()
        found = [
            [{"label": labels[place], "proba": row[place]} for place in places]
            for row, places in zip(chances, order, strict=True)
        ]
        return [best[0] | {"top": best} if self._top else best[0] for best in found]

    def _not_computed(self, row: int, what: str) -> InvalidInput:
        return InvalidInput(
            f"{self._place(row)}: the model {what} this row",
            errors=[FieldFault(self._pointer(row), "is outside what the model can compute")],
        )

    @property
    def facts(self) -> CallFacts:
        """Return no tokens, which a row has not, but its label and the columns outside the reference."""
        found = (each for step in self._found for each in step)
        seen = [
            Observation(each.get("label"), each.get("proba"), None, 0, self._ranges.outside(row))
            for each, row in zip(found, self._rows, strict=True)
        ]
        return CallFacts(
            0, observations=[each for each in seen if (each.label, each.outside) != (None, None)]
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

"""The rows that the deploying side keeps of the server's tasks are what the server serves."""

import json
from pathlib import Path

import pytest

from slipway.components.tasks import TASKS
from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS as SERVED
from slipway.service.tasks import Limits
from tests.service.tasks.embedding_model import embedding_model
from tests.service.tasks.fake_writers import FakeCausal, FakeSeq2Seq, Model, generating, summarizing
from tests.service.tasks.table_model import classifier


def test_every_task_of_the_server_has_a_row_and_no_other() -> None:
    assert sorted(TASKS) == sorted(SERVED)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_row_asks_for_the_files_that_the_task_asks_for(name: str) -> None:
    assert TASKS[name].files == SERVED[name].files


@pytest.mark.parametrize("name", ["classify", "embed", "tabular"])
def test_the_example_of_a_row_is_a_request_of_its_route(tmp_path: Path, name: str) -> None:
    make = {"embed": embedding_model, "tabular": classifier}.get(name)
    folder = make(tmp_path / "model") if make else BUNDLED_MODEL
    operation = SERVED[name](Manifest.read(folder, SERVED), Limits(10, 1000)).operations[0]
    assert operation.path == TASKS[name].route
    operation.request_model.model_validate_json(json.dumps(TASKS[name].example))


@pytest.mark.parametrize(
    ("name", "model"),
    [("summarize", summarizing(FakeSeq2Seq())), ("generate", generating(FakeCausal("A ramp.")))],
)
def test_the_example_of_a_row_for_a_model_that_writes_is_a_request_too(name: str, model: Model) -> None:
    operation = model[0].operations[0]
    assert operation.path == TASKS[name].route
    operation.request_model.model_validate_json(json.dumps(TASKS[name].example))

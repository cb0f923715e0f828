"""An embedding model through the whole command, with the real server."""

import json
from pathlib import Path

from tests.conftest import write_stack
from tests.infra.command import pasted, refused, slipway
from tests.service.tasks.embedding_model import WIDTH, embedding_model


def embedding_stack(project: Path, port: int) -> Path:
    folder = embedding_model(project / "tiny")
    write_stack(
        project, {"target": "local", "task": "embed", "model": f"file:{folder}", "port": str(port)}, "vectors"
    )
    return folder


def test_an_embedding_model_is_started_and_the_printed_curl_line_gives_its_vector(
    project: Path, free_port: int
) -> None:
    embedding_stack(project, free_port)
    try:
        done = slipway(project, "up", "vectors")
        assert done.returncode == 0, done.stderr
        assert len(json.loads(pasted(project, done.stdout))["embedding"]) == WIDTH
    finally:
        slipway(project, "down", "vectors")


def test_fit_measures_it_on_its_own_route(project: Path, free_port: int) -> None:
    folder = embedding_stack(project, free_port)
    arguments = ("--tokens", "4", "--concurrency", "1", "--seconds", "0.2", "--format", "json")
    done = slipway(project, "fit", str(folder), *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["memory_mib"] > 0


def test_a_task_that_is_not_the_models_is_refused(project: Path, free_port: int) -> None:
    embedding_stack(project, free_port)
    message = refused(project, "preview", "vectors", "--set", "task=classify")
    assert "whose manifest says 'embed'; take the model's task" in message

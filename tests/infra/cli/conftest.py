"""Projects whose local service runs, for tests of the command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import a_free_port, project_in
from tests.infra.command import report, slipway


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run the service of a project, for tests that leave it running."""
    project = project_in(tmp_path_factory.mktemp("running"), a_free_port())
    assert report(project, "up")["result"] == "created"
    yield project
    slipway(project, "down")


@pytest.fixture
def started(project: Path) -> Iterator[Path]:
    done = slipway(project, "up")
    assert done.returncode == 0, done.stderr
    yield project
    slipway(project, "down")

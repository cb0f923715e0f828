from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Api
from tests.cluster.control_plane import control_plane, controllers, program, wait_until
from tests.cluster.extensions import definitions


@pytest.fixture(scope="session")
def plane_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kubernetes")


@pytest.fixture(scope="session")
def api(plane_folder: Path) -> Iterator[Api]:
    """Run a real API server with the extensions' kinds."""
    missing = [name for name in ("etcd", "kube-apiserver") if program(name) is None]
    if missing:
        pytest.skip(
            f"KUBEBUILDER_ASSETS names no folder with {' and '.join(missing)}; `.ci/kubernetes` makes one"
        )
    with control_plane(plane_folder) as client:
        api = Api(client)
        wait_until(lambda: api.get(_namespace("default")) is not None)
        for definition in definitions():
            api.apply(definition)
        wait_until(lambda: all(map(api.serves, definitions())))
        yield api


@pytest.fixture(scope="session")
def cluster(api: Api, plane_folder: Path) -> Iterator[Api]:
    """Run that API server with the scheduler and the controllers."""
    missing = [name for name in ("kube-scheduler", "kube-controller-manager") if program(name) is None]
    if missing:
        pytest.skip(f"KUBEBUILDER_ASSETS holds no {' and '.join(missing)}; `.ci/kubernetes` builds them")
    with controllers(plane_folder):
        yield api


def _namespace(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}

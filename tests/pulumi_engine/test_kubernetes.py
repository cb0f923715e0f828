"""The real engine, Kubernetes provider and API server: what running pods use survives a change taken back.

SLIPWAY_TEST_KUBERNETES_PROVIDER names the provider; `.ci/pulumi-kubernetes` prints it. There is no kubelet:
pods of an image that is not BROKEN become ready at once.
"""

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.cluster.conftest import api, cluster, plane_folder
from tests.cluster.nodes import Kubelet, make_node
from tests.pulumi_engine.conftest import ROOT, Engine, engine_in
from tests.pulumi_engine.standin import BROKEN

pytestmark = [pytest.mark.pulumi_engine, pytest.mark.cluster]

__all__ = ["api", "cluster", "plane_folder"]  # fixtures of the tests marked `cluster`
PROVIDER = "SLIPWAY_TEST_KUBERNETES_PROVIDER"
STARTS = "a" * 64
PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import pulumi
from components.kubernetes import GkeService, objects, timing
from components.content_hash import hashed

config = pulumi.Config()
level, key = config.require("level"), config.require("key")
# A minute is enough here for pods that start, and too long to wait for ones that do not.
timing.apply_minutes = lambda spec: 1
if config.get_bool("contentNames"):
    nameless = objects._nameless

    def named(head):
        name = hashed("api-" + head["kind"].lower(), {{"level": level, "key": key}})
        return {{**head, "metadata": {{**nameless(head)["metadata"], "name": name}}}}

    objects._nameless = named
GkeService(
    "api",
    {{
        "image_ref": "host/server@sha256:" + config.require("image"),
        "model": "bundled:sms-spam",
        "namespace": config.require("namespace"),
        "env": {{"LOG_LEVEL": level}},
        "api_key": key,
        "cpu": 1,
        "memory_gib": 1,
        "min_replicas": 2,
        "max_replicas": 2,
        "kubeconfig": open({kubeconfig!r}).read(),
        "deletion_protection": False,
    }},
)
"""


class Watch:
    """Plays the nodes; notes every object that a ready pod names and that is not there."""

    def __init__(self, server: Api, namespace: str) -> None:
        self._server, self._namespace = server, namespace
        self._kubelet = Kubelet(server, namespace, starts=lambda pod: BROKEN not in str(pod["spec"]))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.missing: set[str] = set()

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            self._kubelet.step()
            for pod in self._ready():
                self.missing |= {name for name, there in self.used_by(pod).items() if not there}

    def _ready(self) -> list[dict[str, Any]]:
        pods = self._server.all_of("Pod", namespace=self._namespace)
        staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return [pod for pod in staying if pod["status"].get("phase") == "Running"]

    def used_by(self, pod: Mapping[str, Any]) -> dict[str, bool]:
        """Name -> whether it is there, of the pod's ConfigMap and Secret."""
        [container] = pod["spec"]["containers"]
        secrets = {one["valueFrom"]["secretKeyRef"]["name"] for one in container["env"]}
        settings = container["envFrom"][0]["configMapRef"]["name"]
        kinds = {settings: "ConfigMap", **dict.fromkeys(secrets, "Secret")}
        return {name: self._server.get(self._named(kind, name)) is not None for name, kind in kinds.items()}

    def _named(self, kind: str, name: str) -> dict[str, Any]:
        place = {"name": name, "namespace": self._namespace}
        return {"apiVersion": "v1", "kind": kind, "metadata": place}

    def lost(self) -> set[str]:
        """What the pods of the Deployment name now and is not there."""
        return {name for pod in self._ready() for name, there in self.used_by(pod).items() if not there}


@pytest.fixture(scope="module", autouse=True)
def node(cluster: Api) -> None:
    make_node(cluster, "a-node", {"cpu": "16", "memory": "64Gi"})


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    return f"engine-{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def engine(cluster: Api, plane_folder: Path, tmp_path: Path, namespace: str) -> Iterator[Engine]:
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH; `.ci/pulumi` builds one")
    provider = os.environ.get(PROVIDER, "")
    if not Path(provider).is_file():
        pytest.skip(f"{PROVIDER} names no provider; `.ci/pulumi-kubernetes` builds one and prints it")
    project, release = tmp_path / "project", version("pulumi-kubernetes")
    project.mkdir()
    (project / "Pulumi.yaml").write_text(
        f"name: demo\nruntime:\n  name: python\n  options: {{virtualenv: {ROOT / '.venv'}}}\n"
    )
    kubeconfig = str(plane_folder / "kubeconfig")
    (project / "__main__.py").write_text(PROGRAM.format(root=str(ROOT), kubeconfig=kubeconfig))
    plugin = tmp_path / "home" / "plugins" / f"resource-kubernetes-v{release}"
    plugin.mkdir(parents=True)
    (plugin / "pulumi-resource-kubernetes").symlink_to(provider)
    engine = engine_in(project, tmp_path / "backend")
    engine.environment |= {
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    engine("stack", "init", "dev")
    for key, value in {**GOOD, "namespace": namespace}.items():
        engine("config", "set", key, value)
    yield engine
    engine("destroy", "--yes", "--skip-preview")


GOOD = {"level": "info", "key": "k" * 20, "image": STARTS}
BAD = {"level": "debug", "key": "l" * 20, "image": BROKEN}


def fail_and_take_back(engine: Engine) -> None:
    for key, value in BAD.items():
        engine("config", "set", key, value)
    engine.up(ok=False)
    for key, value in GOOD.items():
        engine("config", "set", key, value)
    engine.up()


def test_objects_named_by_their_contents_are_lost_when_a_failed_change_is_taken_back(
    engine: Engine, cluster: Api, namespace: str
) -> None:
    """Why they are not: both the ConfigMap and the Secret of the running pods are gone."""
    engine("config", "set", "contentNames", "true")
    with Watch(cluster, namespace) as watch:
        engine.up()
        assert watch.lost() == set()
        fail_and_take_back(engine)
        assert {name.rpartition("-")[0] for name in watch.lost()} == {"api-configmap", "api-secret"}


def test_a_failed_change_that_is_taken_back_leaves_the_pods_what_they_use(
    engine: Engine, cluster: Api, namespace: str
) -> None:
    with Watch(cluster, namespace) as watch:
        first = engine.up()
        fail_and_take_back(engine)
        assert engine.up() == {"same": sum(first.values())}
        assert watch.lost() == watch.missing == set()


def test_a_stack_with_names_by_contents_moves_without_its_pods_missing_anything(
    engine: Engine, cluster: Api, namespace: str
) -> None:
    engine("config", "set", "contentNames", "true")
    with Watch(cluster, namespace) as watch:
        engine.up()
        engine("config", "rm", "contentNames")
        changes = engine.up()
        assert changes["replace"] == 2
        assert engine.up().keys() == {"same"}
        assert watch.lost() == watch.missing == set()

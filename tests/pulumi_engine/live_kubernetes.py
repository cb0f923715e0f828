"""A stack of a `KubernetesService` on the real engine, Kubernetes provider and API server.

SLIPWAY_TEST_KUBERNETES_PROVIDER names the provider; `.ci/pulumi-kubernetes` prints it. There is no kubelet:
pods of an image that is not BROKEN become ready at once.
"""

import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.cluster.history import History
from tests.cluster.nodes import Kubelet, make_node
from tests.pulumi_engine.conftest import ROOT, Engine, engine_in
from tests.pulumi_engine.standin import BROKEN

PROVIDER = "SLIPWAY_TEST_KUBERNETES_PROVIDER"
STARTS = "a" * 64
PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import pulumi
from components.kubernetes import KubernetesService, objects, registration, timing
from components.content_hash import hashed

config = pulumi.Config()
level, key = config.require("level"), config.require("key")
# Enough here for pods that start; ones that do not are waited for in vain.
if deadline := config.get_int("deadline"):
    timing.progress_deadline_seconds = lambda spec: deadline
    timing.rollout_seconds = lambda spec, at_once: deadline
else:
    timing.apply_seconds = lambda spec, at_once: 30
if config.get_bool("contentNames"):
    nameless = objects._nameless

    def named(head):
        name = hashed("api-" + head["kind"].lower(), {{"level": level, "key": key}})
        return {{**head, "metadata": {{**nameless(head)["metadata"], "name": name}}}}

    objects._nameless = named
    options = registration.Registrar._options
    registration.Registrar._options = lambda self, manifest, protect, *, named: options(
        self, manifest, protect, named=False  # as before: the new one is made first
    )
jobs = {{}}
if config.get_bool("jobs"):
    jobs = {{"jobs": True, "min_workers": int(config.get("leastWorkers") or 1)}}
    jobs |= {{"max_workers": most}} if (most := config.get_int("mostWorkers")) else {{}}
    jobs |= {{"jobs_database": database}} if (database := config.get("database")) else {{}}
KubernetesService(
    "api",
    {{
        "image_ref": "host/server@sha256:" + config.require("image"),
        "model": "bundled:sms-spam",
        "namespace": config.require("namespace"),
        "env": {{"LOG_LEVEL": level}},
        "api_key": key,
        "cpu": config.get_float("cpu") or 1,
        "memory_gib": 1,
        "min_replicas": int(config.get("least") or 2),
        "max_replicas": config.get_int("most") or 2,
        "scale_on": config.get("scaleOn") or "cpu",
        "monitoring": config.get("monitoring") or "none",
        "kubeconfig": open({kubeconfig!r}).read(),
        "cluster_identifier": config.get("cluster") or "",
        "deletion_protection": config.get_bool("protect") or False,
        **jobs,
    }},
)
"""
# What a service on a Deployment is made of under names that are its own.
NAMED = {
    "ServiceAccount": "v1",
    "Service": "v1",
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}


class Watch:
    """Plays the nodes for every namespace, and records what happens in those that begin with `prefix`."""

    def __init__(self, server: Api, prefix: str) -> None:
        self._server, self._prefix = server, prefix
        self._kubelet = Kubelet(server, "", starts=lambda pod: BROKEN not in str(pod["spec"]))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._history = History(server, dict.fromkeys(("Pod", "ConfigMap", "Secret"), "v1"))

    def __enter__(self) -> "Watch":
        self._history.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._history.stop()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            self._kubelet.step()

    def start_at_most(self, pods: int) -> None:
        """Let only so many pods get ready from now on."""
        started: set[str] = set()

        def starts(pod: Mapping[str, Any]) -> bool:
            if len(started) < pods:
                started.add(pod["metadata"]["name"])
            return pod["metadata"]["name"] in started

        self._kubelet.starts = starts

    def missed(self) -> set[str]:
        """Names of objects that a ready pod used and that were not there, at any moment so far."""
        there: set[tuple[str, str, str]] = set()
        pods: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        found: set[str] = set()
        for event in self._history.events():
            if event.kind == "Pod":
                pods[event.address] = event.body
            else:
                there.add(event.address)
            if event.type == "DELETED":
                pods.pop(event.address, None)
                there.discard(event.address)
            found |= {name for _, _, name in self._used_by(pods.values()) - there}
        return found

    def lost(self) -> set[str]:
        """Names of objects that the ready pods use now and that are not there."""
        used = self._used_by(self._server.all_of("Pod"))
        return {name for kind, namespace, name in used if not self._is_there(kind, namespace, name)}

    def _used_by(self, pods: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
        """Kind, namespace and name of the ConfigMaps and Secrets of the pods that are ready and stay."""
        found: set[tuple[str, str, str]] = set()
        for pod in pods:
            namespace: str = pod["metadata"]["namespace"]
            running = pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
            if running and namespace.startswith(self._prefix):
                [container] = pod["spec"]["containers"]
                found.add(("ConfigMap", namespace, container["envFrom"][0]["configMapRef"]["name"]))
                secret = [variable for variable in container["env"] if "valueFrom" in variable]
                for variable in secret:
                    found.add(("Secret", namespace, variable["valueFrom"]["secretKeyRef"]["name"]))
        return found

    def _is_there(self, kind: str, namespace: str, name: str) -> bool:
        place = {"name": name, "namespace": namespace}
        return self._server.get({"apiVersion": "v1", "kind": kind, "metadata": place}) is not None


@pytest.fixture(scope="module", autouse=True)
def node(cluster: Api) -> None:
    make_node(cluster, "a-node", {"cpu": "64", "memory": "64Gi"})


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    return f"engine-{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def watch(cluster: Api, namespace: str) -> Iterator[Watch]:
    with Watch(cluster, namespace) as watch:
        yield watch


@pytest.fixture
def engine(watch: Watch, plane_folder: Path, tmp_path: Path, namespace: str) -> Iterator[Engine]:
    """Run a stack of the program; its pods end when it is destroyed, because the nodes are simulated."""
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


def absent(server: Api, namespace: str) -> set[str]:
    """Kinds of which the service's object is not there, or is about to go."""
    places = {"Namespace": ("v1", {"name": namespace})}
    places |= {kind: (version, {"name": "api", "namespace": namespace}) for kind, version in NAMED.items()}
    found = {
        kind: server.get({"apiVersion": version, "kind": kind, "metadata": metadata})
        for kind, (version, metadata) in places.items()
    }
    return {kind for kind, body in found.items() if not body or "deletionTimestamp" in body["metadata"]}

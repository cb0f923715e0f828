"""`slipway up` itself on the real engine, Kubernetes provider, API server and `kubectl`, with played pods.

There is no kubelet, through which `kubectl port-forward` reaches a pod: a script in its place answers for the
pods of each version, as files say. Everything else goes to the real `kubectl`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from slipway.components.model import model_version
from tests.cluster.api import Api
from tests.cluster.control_plane import program, wait_until
from tests.cluster.history import Event, History
from tests.infra.command import COMMAND, ENVIRONMENT
from tests.pulumi_engine.conftest import ROOT, Engine, engine_in
from tests.pulumi_engine.live_kubernetes import PROVIDER, Watch

STACK, SERVICE = "live", "slipway-live"
OLD, NEW, THIRD = (f"registry.example.com/server@sha256:{digit * 64}" for digit in "123")
_MANIFEST = json.loads((ROOT / "service/models/sms-spam/manifest.json").read_text())
_SHIM = """#!{python}
import http.server, json, os, pathlib, re, signal, sys, threading
arguments = sys.argv[1:]
if arguments[:1] != ["port-forward"]:
    os.execv({kubectl!r}, ["kubectl", *arguments])
folder = pathlib.Path({folder!r})
pod = arguments[1].removeprefix("pod/")
version = "new" if "-canary-" in pod else "old"


class Pod(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        said = json.loads((folder / (version + ".json")).read_text())
        with (folder / "asked").open("a") as asked:
            asked.write(version + " " + self.path + "\\n")
        body = said["pages"].get(self.path, "")
        self.send_response(said["status"] if self.path == "/predict" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET

    def log_message(self, *_):
        pass


for port in [each[1:] for each in arguments if re.fullmatch(":[0-9]+", each)]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pod)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"Forwarding from 127.0.0.1:{{server.server_port}} -> {{port}}", flush=True)
signal.pause()
"""


def joined(said: str) -> str:
    """Return what was said without the breaks of a terminal's lines."""
    return " ".join(said.split())


def metrics(requests: int, failures: int = 0, memory: float = 0.1) -> str:
    """Return a metrics page. requests: answered so far, each in 20 ms, besides `failures` with 500."""
    name, labels = "http_server_request_duration_seconds", 'http_route="/predict",http_response_status_code='
    rows = [f"# TYPE {name} histogram"]
    for status, count in (("200", requests), ("500", failures)):
        rows += [
            f'{name}_bucket{{{labels}"{status}",le="{bound}"}} {count if bound != "0.01" else 0}'
            for bound in ("0.01", "0.05", "+Inf")
        ]
        rows.append(f'{name}_count{{{labels}"{status}"}} {count}')
        rows.append(f'{name}_sum{{{labels}"{status}"}} {count * 0.02}')
    gauges = {"slipway_memory_used_bytes": memory * 1e9, "slipway_memory_limit_bytes": 1e9}
    for gauge, value in gauges.items():
        rows += [f"# TYPE {gauge} gauge", f"{gauge} {value}"]
    return "\n".join([*rows, ""])


@dataclass
class Rollouts:
    """A stack that `slipway` deploys, and what its pods answer."""

    engine: Engine
    cluster: Api
    watch: Watch
    history: History
    folder: Path

    def configure(self, **settings: str) -> None:
        for key, value in settings.items():
            self.engine("config", "set", "--stack", STACK, "--path", f"slipway:{key}", value)

    def log_at(self, level: str) -> None:
        """Change a setting that only the ConfigMap has."""
        self.engine("config", "set", "--stack", STACK, "--path", "slipway:env.LOG_LEVEL", level)

    def answers(self, version: str, page: str, status: int = 200, label: str = "spam") -> None:
        """Say what the pods of the old or the new version answer. page: of metrics."""
        pages = {
            "/ready": "{}",
            "/health": json.dumps({"model_version": model_version(_MANIFEST)}),
            "/predict": json.dumps({"label": label}),
            "/metrics": page,
        }
        temporary = self.folder / f"{version}.new"
        temporary.write_text(json.dumps({"status": status, "pages": pages}))
        temporary.replace(self.folder / f"{version}.json")

    def slipway(self, *arguments: str, code: int = 0) -> str:
        """Run the command; return its standard error, or where it has output that."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.engine.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"{done.returncode}: {done.stdout}\n{done.stderr}"
        return joined(done.stderr + done.stdout)

    def rolled_out(self, before: str, after: str, code: int = 0) -> str:
        """Run `up` with a canary whose metrics page changes once it has requests; return what was said."""
        self.answers("new", before)
        with self.begun("up", STACK, "--yes") as process:
            self.wait_for_share(process, f"instance={SERVICE}")
            self.answers("old", metrics(2000))
            self.answers("new", after)
            said, _ = process.communicate(timeout=300)
        assert process.returncode == code, said
        return joined(said)

    def wait_for_share(self, process: subprocess.Popen[str], selector: str) -> None:
        """Wait until the Service selects the second version. selector: as the story has it."""

        def selects() -> bool:
            if process.poll() is not None:
                raise AssertionError(process.communicate()[0])
            found = self.get("Service", SERVICE)
            return found is not None and _shown("Service", found["spec"]) == f"selects {selector}"

        wait_until(selects)

    def be_silent(self) -> None:
        """Have the last word of a rollout's command be long ago."""
        body = self.get("ConfigMap", f"{SERVICE}-rollout")
        assert body is not None
        rollout = {**self.record(), "seen_at": 0}
        self.cluster.patch(body, {"data": {"rollout": json.dumps(rollout)}})

    def asked(self, version: str) -> set[str]:
        """Return the paths that were asked of a version's pods."""
        lines = (self.folder / "asked").read_text().splitlines()
        return {line.partition(" ")[2] for line in lines if line.startswith(version)}

    def status(self) -> dict[str, Any]:
        return self._answer("status")

    def _answer(self, command: str) -> dict[str, Any]:
        done = subprocess.run(
            [*COMMAND, command, STACK, "--format", "json"],
            cwd=self.engine.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout)

    def begun(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.engine.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {**ENVIRONMENT, **self.engine.environment}

    def get(self, kind: str, name: str, api_version: str = "v1") -> dict[str, Any] | None:
        place = {"name": name, "namespace": SERVICE}
        return self.cluster.get({"apiVersion": api_version, "kind": kind, "metadata": place})

    def image(self, name: str = SERVICE) -> str:
        """Return the image of a Deployment; '' without one."""
        found = self.get("Deployment", name, "apps/v1")
        return found["spec"]["template"]["spec"]["containers"][0]["image"] if found else ""

    def record(self) -> dict[str, Any]:
        found = self.get("ConfigMap", f"{SERVICE}-rollout")
        return json.loads(found["data"]["rollout"]) if found and "rollout" in found["data"] else {}

    def releases(self) -> list[dict[str, Any]]:
        return self._answer("releases")["releases"]

    def story(self, since: int = 0) -> list[str]:
        """Return what happened to the Deployments and the Service, one line for each change that matters."""
        return list(_story(event for event in self.history.events() if event.revision > since))

    @property
    def now(self) -> int:
        return max((event.revision for event in self.history.events()), default=0)


def _story(events: Iterator[Event]) -> Iterator[str]:
    shown: dict[str, str] = {}
    for event in events:
        if event.body["metadata"].get("namespace") != SERVICE:
            continue
        name = event.body["metadata"]["name"]
        line = f"{event.kind} {name}: {_shown(event.kind, event.body['spec'])}"
        if event.type == "DELETED":
            yield f"{event.kind} {name} is deleted"
            shown.pop(f"{event.kind}/{name}", None)
        elif shown.get(f"{event.kind}/{name}") != line:
            shown[f"{event.kind}/{name}"] = line
            yield line


def _shown(kind: str, spec: Mapping[str, Any]) -> str:
    if kind == "Service":
        pairs = (f"{key.rpartition('/')[2]}={value}" for key, value in spec["selector"].items())
        return f"selects {', '.join(pairs)}"
    image = spec["template"]["spec"]["containers"][0]["image"]
    versions = {OLD: "the old version", NEW: "the new version", THIRD: "a third version"}
    return f"{spec['replicas']} of {versions[image]}"


@pytest.fixture
def rollouts(cluster: Api, plane_folder: Path, tmp_path: Path) -> Iterator[Rollouts]:
    """Deploy the old version with `rollout: canary`; remove all of it at the end."""
    provider, kubectl = os.environ.get(PROVIDER, ""), program("kubectl")
    if shutil.which("pulumi") is None or not Path(provider).is_file():
        pytest.skip(f"no `pulumi` on PATH, or {PROVIDER} names no provider")
    if kubectl is None:
        pytest.skip("KUBEBUILDER_ASSETS holds no kubectl; `.ci/kubernetes` builds it")
    project, folder, release = tmp_path / "project", tmp_path / "pods", version("pulumi-kubernetes")
    for made in (project, folder, tmp_path / "bin"):
        made.mkdir()
    text = (ROOT / "Pulumi.yaml").read_text()
    (project / "Pulumi.yaml").write_text(text.replace("virtualenv: .venv", f"virtualenv: {ROOT / '.venv'}"))
    (project / "__main__.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom slipway.infra.program import main\nmain()\n"
    )
    shim = tmp_path / "bin" / "kubectl"
    shim.write_text(_SHIM.format(python=sys.executable, kubectl=str(kubectl), folder=str(folder)))
    shim.chmod(0o755)
    plugin = tmp_path / "home" / "plugins" / f"resource-kubernetes-v{release}"
    plugin.mkdir(parents=True)
    (plugin / "pulumi-resource-kubernetes").symlink_to(provider)
    engine = engine_in(project, tmp_path / "backend")
    engine.environment |= {
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    }
    settings = {
        "target": "kubernetes",
        "image": OLD,
        "kubeconfig": str(plane_folder / "kubeconfig"),
        "memory": "1Gi",
        "minInstances": "2",
        "maxInstances": "4",
        "rollout": "canary",
        "bakeMinutes": "0.1",
        "deletionProtection": "false",
    }
    history = History(cluster, {"Deployment": "apps/v1", "Service": "v1"})
    with Watch(cluster, SERVICE) as watch, history:
        found = Rollouts(engine, cluster, watch, history, folder)
        engine("stack", "init", STACK)
        engine("config", "set", "--stack", STACK, "--secret", "slipway:apiKey", "k" * 20)
        found.configure(**settings)
        found.answers("old", metrics(1000))
        found.answers("new", metrics(0))
        found.slipway("up", STACK, "--yes")
        yield found
        engine("destroy", "--yes", "--skip-preview", "--stack", STACK)

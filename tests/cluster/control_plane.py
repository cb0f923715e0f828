"""A real control plane of Kubernetes: etcd, the API server, and where asked the scheduler and controllers.

Its programs are found as controller-runtime's envtest finds them: in the folder that KUBEBUILDER_ASSETS
names; `.ci/kubernetes` makes one. There is no kubelet: nodes and what runs on them are played by the tests.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

TOKEN = "a-token-of-the-tests"
PATIENCE_SECONDS = 180
_PEM, _PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
# The node lifecycle's is not among them: it would taint nodes that have no kubelet.
CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "disruption-controller",
    "endpoints-controller",  # what Pulumi's provider waits on
    "endpointslice-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
    "job-controller",
    "namespace-controller",
    "serviceaccount-controller",
)


def program(name: str) -> Path | None:
    """None: it is not there."""
    folder = os.environ.get("KUBEBUILDER_ASSETS", "")
    path = Path(folder) / name
    return path if folder and path.is_file() else None


class NotStarted(AssertionError):
    """A process ended, or did not answer in time."""


@contextmanager
def control_plane(folder: Path) -> Generator[httpx.Client]:
    """Run an API server and yield a client with administrator rights. folder: for its data, keys and logs."""
    _make_keys(folder)
    with _etcd(folder) as etcd_url, _api_server(folder, etcd_url) as url:
        (folder / "kubeconfig").write_text(yaml.safe_dump(_kubeconfig(url)))
        with _client(url) as client:
            yield client


@contextmanager
def controllers(folder: Path) -> Generator[None]:
    """Run the scheduler and the controllers of the control plane in the same folder."""
    common = ["--kubeconfig", str(folder / "kubeconfig"), "--leader-elect=false", "--secure-port=0"]
    manager = [
        *common,
        f"--controllers={','.join(CONTROLLERS)}",
        f"--service-account-private-key-file={folder / 'key.pem'}",
        "--horizontal-pod-autoscaler-sync-period=1s",
    ]
    with (
        _process(folder, "kube-scheduler", common),
        _process(folder, "kube-controller-manager", manager),
    ):
        yield


@contextmanager
def _etcd(folder: Path) -> Generator[str]:
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    arguments = [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    ]
    with _process(folder, "etcd", arguments) as process:
        wait_until(lambda: _answers(client, "/health"), process, folder / "etcd.log")
        yield client


@contextmanager
def _api_server(folder: Path, etcd_url: str) -> Generator[str]:
    port = free_port()
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    arguments = [
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'key.pub'}",
        f"--service-account-signing-key-file={folder / 'key.pem'}",
    ]
    url = f"https://127.0.0.1:{port}"
    with _process(folder, "kube-apiserver", arguments) as process:
        wait_until(lambda: _answers(url, "/readyz"), process, folder / "kube-apiserver.log")
        yield url


@contextmanager
def _process(folder: Path, name: str, arguments: list[str]) -> Generator[subprocess.Popen[bytes]]:
    found = program(name)
    assert found is not None, f"KUBEBUILDER_ASSETS holds no {name}"
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([str(found), *arguments], stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(
    holds: Callable[[], bool], process: subprocess.Popen[bytes] | None = None, log: Path | None = None
) -> None:
    """Generously: machines are noisy. Raises NotStarted with the end of the log."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > end:
            said = log.read_text()[-2000:] if log else ""
            raise NotStarted(f"{'it ended' if ended else 'it is not there in time'}: {said}")
        time.sleep(0.1)


def _answers(base: str, path: str) -> bool:
    try:
        with _client(base) as client:
            return client.get(path).status_code == 200
    except httpx.HTTPError:
        return False


def _client(url: str) -> httpx.Client:
    # The API server signs its own certificate; it is on this machine.
    return httpx.Client(
        base_url=url, verify=False, timeout=60, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False
    )


def _make_keys(folder: Path) -> None:
    """Create the keys that sign the tokens of service accounts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "key.pem").write_bytes(key.private_bytes(_PEM, _PKCS8, serialization.NoEncryption()))
    public = key.public_key().public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pub").write_bytes(public)


def _kubeconfig(url: str) -> dict[str, object]:
    cluster = {"server": url, "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

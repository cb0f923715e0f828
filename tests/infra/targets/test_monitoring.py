"""Whether a cluster has what reads the metrics or scales by them: asked before anything is made."""

import json
import socket
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from slipway.infra.errors import Failed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.registry import target_named
from slipway.infra.targets.target import Access

OPERATOR = "apps/v1\nmonitoring.coreos.com/v1\nv1\n"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Generator[Path]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        config: dict[str, object] = {
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.getsockname()[1]}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}],
            "current-context": "c",
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        yield tmp_path / "kubeconfig"


def answering(monkeypatch: pytest.MonkeyPatch, folder: Path, said: str, code: int = 0) -> Path:
    """Put a kubectl on PATH that records its arguments and answers this."""
    (folder / "said").write_text(said)
    script = f'#!/bin/sh\necho "$@" >> {folder}/calls\ncat {folder}/said\nexit {code}\n'
    (folder / "kubectl").write_text(script)
    (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "calls"


def access(
    kubeconfig: Path, monitoring: str, more: Mapping[str, str] | None = None, *, applies: bool = True
) -> Access:
    values = {"target": "kubernetes", "kubeconfig": str(kubeconfig), "monitoring": monitoring, **(more or {})}
    given = {f"slipway:{key}": value for key, value in values.items()}
    settings = settings_from(StackConfig("slipway", "prod", given, frozenset(), {}))
    return target_named("kubernetes").access(settings, applies=applies)


def test_a_cluster_with_the_operator_is_known_as_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kubeconfig: Path
) -> None:
    calls = answering(monkeypatch, tmp_path, OPERATOR)
    assert access(kubeconfig, "operator").has_operator
    assert access(kubeconfig, "auto").has_operator
    assert calls.read_text().splitlines() == [f"--kubeconfig {kubeconfig} api-versions"] * 2


def test_without_the_operator_it_is_refused_before_anything_is_made_and_auto_does_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kubeconfig: Path
) -> None:
    answering(monkeypatch, tmp_path, "apps/v1\nmonitoring.coreos.com/v1alpha1\n")
    with pytest.raises(
        Refused, match=r"has no Prometheus Operator \(no monitoring.coreos.com/v1\).*or to auto"
    ):
        access(kubeconfig, "operator")
    assert access(kubeconfig, "auto").has_operator is False


def test_a_cluster_that_does_not_answer_is_not_taken_for_one_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kubeconfig: Path
) -> None:
    answering(monkeypatch, tmp_path, "", code=1)
    with pytest.raises(Failed, match="does not list its APIs"):
        access(kubeconfig, "auto")


@pytest.mark.parametrize("monitoring", ["none", "auto", "operator"])
def test_a_preview_asks_no_cluster_and_neither_does_a_service_without_monitoring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kubeconfig: Path, monitoring: str
) -> None:
    calls = answering(monkeypatch, tmp_path, OPERATOR)
    assert access(kubeconfig, monitoring, applies=False).has_operator is None
    assert access(kubeconfig, "none").has_operator is None
    assert not calls.exists()


KEDA = OPERATOR + "keda.sh/v1alpha1\n"


@pytest.mark.parametrize(
    ("said", "scale_on", "message"),
    [
        (OPERATOR, "requests", r"`scaleOn` is requests, but .* has no KEDA \(no keda.sh/v1alpha1\).*to cpu"),
        (OPERATOR, "interceptor", r"`scaleOn` is interceptor, but .* has no KEDA"),
        (KEDA, "interceptor", r"has no HTTP add-on of KEDA \(no http.keda.sh/v1beta1\).*to requests or cpu"),
        (
            KEDA + "http.keda.sh/v1alpha1\n",
            "interceptor",
            r"has no HTTP add-on of KEDA \(no http.keda.sh/v1beta1\)",
        ),
    ],
)
def test_a_cluster_that_lacks_what_scales_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kubeconfig: Path,
    said: str,
    scale_on: str,
    message: str,
) -> None:
    answering(monkeypatch, tmp_path, said)
    with pytest.raises(Refused, match=message):
        access(kubeconfig, "operator", {"scaleOn": scale_on})


@pytest.mark.parametrize(
    ("said", "given", "message"),
    [
        (
            KEDA,
            {"jobs": "true"},
            r"`jobs` is true, but .* has no CloudNativePG \(no postgresql.cnpg.io/v1\). Install it, or set "
            r"`jobsDatabase` to kubernetes:<secret>/<key>",
        ),
        (
            OPERATOR + "postgresql.cnpg.io/v1\n",
            {"jobs": "true", "maxWorkers": "4"},
            r"`maxWorkers` is 4, but .* has no KEDA .* set it and `minWorkers` to the same number",
        ),
        (OPERATOR, {"jobs": "true", "jobsDatabase": "kubernetes:a/b", "minWorkers": "0"}, r"has no KEDA"),
    ],
)
def test_a_cluster_that_lacks_what_jobs_need_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kubeconfig: Path,
    said: str,
    given: dict[str, str],
    message: str,
) -> None:
    answering(monkeypatch, tmp_path, said)
    with pytest.raises(Refused, match=message):
        access(kubeconfig, "none", given)


def test_jobs_with_a_database_elsewhere_and_a_fixed_number_of_workers_need_nothing_of_the_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kubeconfig: Path
) -> None:
    calls = answering(monkeypatch, tmp_path, OPERATOR)
    given = {"jobs": "true", "jobsDatabase": "kubernetes:a/b", "minWorkers": "3"}
    assert access(kubeconfig, "none", given).cluster
    assert not calls.exists()


def test_a_cluster_with_keda_is_taken_and_one_is_asked_for_nothing_that_is_not_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kubeconfig: Path
) -> None:
    calls = answering(monkeypatch, tmp_path, KEDA)
    assert access(kubeconfig, "operator", {"scaleOn": "queue"}).has_operator
    answering(monkeypatch, tmp_path, KEDA + "http.keda.sh/v1beta1\n")
    assert access(kubeconfig, "none", {"scaleOn": "interceptor"}).cluster
    assert len(calls.read_text().splitlines()) == 2
    assert access(kubeconfig, "none", {"scaleOn": "cpu"}).has_operator is None
    assert access(kubeconfig, "none", {"scaleOn": "interceptor"}, applies=False).has_operator is None
    assert len(calls.read_text().splitlines()) == 2

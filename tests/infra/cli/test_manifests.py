"""`slipway manifests`, as a person calls it."""

from pathlib import Path

import pytest
import yaml

from tests.conftest import write_stack
from tests.infra.command import refused, slipway

IMAGE = "europe-west4-docker.pkg.dev/acme/slipway/api@sha256:" + "a" * 64
SETTINGS = {"target": "kubernetes", "image": IMAGE, "minInstances": "2"}


@pytest.fixture
def prod(project: Path) -> Path:
    write_stack(project, SETTINGS, "prod")
    return project


def test_the_objects_of_a_stack_come_as_one_yaml(prod: Path) -> None:
    done = slipway(prod, "manifests", "prod")
    assert (done.returncode, done.stderr) == (0, "")
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    assert [each["kind"] for each in objects][:2] == ["Namespace", "ServiceAccount"]
    assert slipway(prod, "manifests", "prod").stdout == done.stdout


def test_a_setting_may_be_another_one_for_once(prod: Path) -> None:
    done = slipway(prod, "manifests", "prod", "--set", "maxInstances=7")
    kinds = {each["kind"]: each for each in yaml.safe_load_all(done.stdout) if each}
    assert kinds["HorizontalPodAutoscaler"]["spec"]["maxReplicas"] == 7


def test_a_folder_gets_a_file_for_each_object(prod: Path) -> None:
    done = slipway(prod, "manifests", "prod", "-o", "k8s")
    assert done.returncode == 0, done.stderr
    files = {path.name for path in (prod / "k8s").glob("*.yaml")}
    assert "slipway-prod-deployment.yaml" in files
    assert f"{len(files) + 1} files are in k8s" in done.stdout
    assert "kubectl create secret generic slipway-prod-secrets" in done.stderr


def test_a_chart_has_its_values_and_templates(prod: Path) -> None:
    assert slipway(prod, "manifests", "prod", "--format", "helm", "-o", "chart").returncode == 0
    assert yaml.safe_load((prod / "chart" / "values.yaml").read_text())["image"] == IMAGE
    assert (
        "{{ .Values.image | quote }}"
        in (prod / "chart" / "templates" / "slipway-prod-deployment.yaml").read_text()
    )


def test_a_chart_without_a_folder_is_refused(prod: Path) -> None:
    assert "A chart is a folder; name one" in refused(prod, "manifests", "prod", "--format", "helm")


def test_another_target_is_refused(prod: Path) -> None:
    assert "Stack local has no Kubernetes objects" in refused(prod, "manifests", "local")


def test_a_folder_of_somebody_elses_is_left_as_it_is(prod: Path) -> None:
    (prod / "k8s").mkdir()
    (prod / "k8s" / "slipway-prod-service.yaml").write_text("mine")
    assert "did not write" in refused(prod, "manifests", "prod", "-o", "k8s")
    assert [path.name for path in (prod / "k8s").iterdir()] == ["slipway-prod-service.yaml"]


def test_faulty_settings_write_nothing(prod: Path) -> None:
    said = refused(prod, "manifests", "prod", "-o", "k8s", "--set", "minInstances=0")
    assert "min_replicas is 0" in said or "minInstances" in said
    assert not (prod / "k8s").exists()

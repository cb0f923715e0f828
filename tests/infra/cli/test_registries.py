"""The registries that a stack's image is pushed to, read from its plan."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.infra.cli.registries import ImageRegistry, registries_of, registry_at
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.program import main
from slipway.infra.settings.stackfile import stack_config
from tests.checkout import ROOT

DIGEST = f"europe-west4-docker.pkg.dev/my-project/slipway/server@sha256:{'0' * 64}"


def of_stack(stack: str, *overrides: str) -> list[ImageRegistry]:
    return registries_of(plan_of(main, stack_config(ROOT, stack, overrides)))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_on_google_pushes_to_the_artifact_registry_of_its_own_region(stack: str) -> None:
    [registry] = of_stack(stack, "region=us-east4", *(["zones=[]"] if stack == "prod" else []))
    assert registry == ImageRegistry("artifact-registry", "us-east4-docker.pkg.dev")


def test_a_stack_on_fargate_pushes_to_the_ecr_of_its_own_region_whose_host_only_aws_knows() -> None:
    [registry] = of_stack("prod-aws", "region=eu-central-1", "zones=[]")
    assert registry == ImageRegistry("ecr", "", "eu-central-1")


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-aws"])
def test_a_stack_with_an_existing_image_pushes_nowhere(stack: str) -> None:
    assert of_stack(stack, f"image={DIGEST}") == []


def test_nor_does_a_stack_of_this_machine() -> None:
    assert of_stack("local") == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("europe-west4-docker.pkg.dev", "artifact-registry europe-west4-docker.pkg.dev -"),
        ("eu.gcr.io", "artifact-registry eu.gcr.io -"),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "ecr 123456789012.dkr.ecr.eu-west-1.amazonaws.com eu-west-1",
        ),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "ecr 123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn cn-north-1",
        ),
        ("ghcr.io", "other ghcr.io -"),
        ("europe-west4-docker.pkg.dev.example.com", "other europe-west4-docker.pkg.dev.example.com -"),
    ],
)
def test_a_repository_of_ones_own_is_known_by_its_host(host: str, expected: str) -> None:
    assert str(registry_at(host)) == expected


def test_a_kubernetes_stack_pushes_to_the_host_of_its_repository(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:6443"}}],
                "contexts": [{"name": "k", "context": {"cluster": "k", "user": "k"}}],
                "users": [{"name": "k", "user": {"token": "t"}}],
                "current-context": "k",
            }
        )
    )
    values = {"target": "kubernetes", "repository": "ghcr.io/acme/server", "kubeconfig": str(kubeconfig)}
    given = {f"slipway:{key}": value for key, value in values.items()}
    plan = plan_of(main, StackConfig("slipway", "kind", given, frozenset(), {}))
    assert registries_of(plan) == [ImageRegistry("other", "ghcr.io")]


def listed(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slipway.infra.cli.registries", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_lists_one_a_line() -> None:
    done = listed("prod-aws")
    assert (done.returncode, done.stdout) == (0, "ecr - eu-west-1\n"), done.stderr


def test_a_stack_that_is_not_there_is_refused_by_name() -> None:
    done = listed("staging")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no stack 'staging': Pulumi.staging.yaml is missing." in done.stderr


def test_without_a_stack_the_command_says_how_it_is_used() -> None:
    done = listed()
    assert (done.returncode, done.stderr) == (2, "usage: python -m slipway.infra.cli.registries STACK\n")

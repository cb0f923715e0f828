"""Wrong arguments are refused all at once, before anything is registered or staged."""

import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from slipway.components.image import InferenceImageArgs, Platform, Registry, Variant
from slipway.components.image.rules import checked_spec
from slipway.components.image.spec import ImageSpec
from slipway.infra.plan.run import plan_of
from tests.components.image.conftest import AMAZON, CONFIG, DIGEST, GOOGLE, PINNED, Planned

HUB = f"hf:acme/model@{'a' * 40}"
GIVEN: dict[str, Any] = {"repository": "127.0.0.1:5000/slipway"}


def spec(name: str = "demo", **args: Any) -> ImageSpec:
    return checked_spec(name, cast(InferenceImageArgs, args))


def test_other_languages_send_numbers_as_floats_and_enums_as_texts() -> None:
    numbers = {"keep_images": 5.0, "expire_days": 3.0}
    args: dict[str, Any] = {**GOOGLE, **numbers, "variant": "torch-cpu", "platform": "linux/arm64"}
    checked = spec(**args)
    assert (checked.keep_images, checked.variant, checked.platform, checked.registry) == (
        5,
        Variant.TORCH_CPU,
        Platform.LINUX_ARM64,
        Registry.ARTIFACT_REGISTRY,
    )


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ({}, "no place for the image is given"),
        ({"registry": "docker-hub"}, "registry is 'docker-hub'; allowed are artifact-registry, ecr."),
        ({"registry": "artifact-registry"}, "project is missing; give the ID of a Google Cloud project"),
        ({"registry": "artifact-registry", "project": "my-project"}, "region is missing"),
        ({**GOOGLE, "project": "My Project"}, "project is 'My Project'"),
        ({**GOOGLE, "region": "Europe"}, "region is 'Europe'"),
        ({"registry": "ecr"}, "region is missing"),
        (
            {**AMAZON, "project": "my-project"},
            "project is 'my-project' with `registry` ecr; it is for artifact-registry: leave it out.",
        ),
        (
            {**GOOGLE, **GIVEN},
            "repository is '127.0.0.1:5000/slipway' with `registry` artifact-registry; keep one",
        ),
        ({"repository": "127.0.0.1:5000/a:tag"}, "without tag and digest"),
        ({"repository": f"127.0.0.1:5000/a@{DIGEST}"}, "without tag and digest"),
        ({"repository": "library/python"}, "it must be host/name"),
        (
            {"image": "127.0.0.1:5000/a:tag"},
            "image is '127.0.0.1:5000/a:tag'; it must have its digest",
        ),
        ({"image": "127.0.0.1:5000/a@sha256:12"}, "image is '127.0.0.1:5000/a@sha256:12'"),
        ({"image": f"python@{DIGEST}"}, "which is no reference to an image"),
        ({"image": f"acme/python@{DIGEST}"}, "it must name its registry, as host/name@sha256:"),
        ({**GIVEN, "variant": "gpu"}, "variant is 'gpu'; allowed are cpu, torch-cpu, cuda."),
        (
            {**GIVEN, "variant": "cuda"},
            "variant is cuda with `model` bundled:sms-spam, made for onnx, which uses no GPU",
        ),
        ({**GIVEN, "model": HUB, "task": "chat"}, "task is 'chat'; allowed are classify, embed, summarize"),
        (
            {**GIVEN, "task": "classify"},
            "task is 'classify' with `model` 'bundled:sms-spam'; it is for hf: models",
        ),
        (
            {**GIVEN, "model": HUB, "task": "summarize", "ctranslate2": False},
            "ctranslate2 is false with `model` hf:",
        ),
        (
            {**GIVEN, "model": HUB, "variant": "cuda", "ctranslate2": True},
            "ctranslate2 is true with `variant` cuda; CTranslate2 computes on the CPU here",
        ),
        (
            {**GIVEN, "model": HUB, "variant": "torch-cpu", "build_args": {"PRECISION": "fp32"}},
            "build_args has PRECISION with `variant` torch-cpu",
        ),
        (
            {**GIVEN, "variant": "cuda", "platform": "linux/arm64"},
            "variant is cuda with `platform` linux/arm64",
        ),
        ({**GIVEN, "platform": "windows/amd64"}, "platform is 'windows/amd64'; allowed are linux/amd64"),
        (
            {**GIVEN, "model": "bundled:none"},
            "model is 'bundled:none', which is no folder here; bundled are sms-spam.",
        ),
        ({**GIVEN, "model": "file:/models/a"}, "model is 'file:/models/a', which is no folder here"),
        ({**GIVEN, "model": "hf:owner/name"}, "hf:<owner>/<name>@<commit of 40 hexadecimal digits>"),
        ({**GIVEN, "model": "hf:owner/name@main"}, "hf:<owner>/<name>@<commit of 40 hexadecimal digits>"),
        ({**GIVEN, "model": "spam"}, "model is 'spam'; allowed are bundled:<name>"),
        ({**GIVEN, "builder": "--push"}, "builder is '--push'"),
        ({**GIVEN, "python_image": "python 3.11"}, "python_image is 'python 3.11'"),
        ({**GIVEN, "ca": "/nowhere/ca.pem"}, "ca is '/nowhere/ca.pem', which cannot be read or is empty"),
        (
            {**GIVEN, "source": "/nowhere"},
            "source is '/nowhere', which has no .dockerignore and no LICENSE and no service/Dockerfile",
        ),
        (
            {**GIVEN, "keep_images": 0},
            "keep_images is 0; it must be a whole number from 1 to 1000; nearest: 1.",
        ),
        (
            {**GIVEN, "expire_days": 1.5},
            "expire_days is 1.5; it must be a whole number from 1 to 3650; nearest: 2.",
        ),
        ({**GIVEN, "keep_images": float("nan")}, "keep_images is nan"),
        (
            {**GIVEN, "build_args": {"VARIANT": "x"}},
            "build_args has VARIANT, which is set from the other arguments",
        ),
        ({**GIVEN, "build_args": {"A B": "x"}}, "build_args has 'A B'"),
        ({**GIVEN, "cache": "yes"}, "cache is of type str; it must be true or false."),
        ({**GOOGLE, "labels": {"Team": "ml"}}, "labels has 'Team', which is no key of a label"),
        ({**AMAZON, "labels": {"aws:team": "ml"}}, "labels has 'aws:team': 'ml'"),
        (
            {**GOOGLE, "region": pulumi.Output.from_input("europe-west4")},
            "region is an Output; it must be a plain value, because it decides what is created.",
        ),
        ({**GIVEN, "memory_gib": 2}, "memory_gib is no argument here"),
    ],
)
def test_a_wrong_argument_is_refused(args: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 the text is looked at below
        spec(**args)
    assert fault in str(refused.value)
    assert all(line.startswith("demo: ") for line in str(refused.value).splitlines())


@pytest.mark.parametrize("name", ["Demo", "a" * 64, "demo-", ""])
def test_a_name_that_no_repository_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name is"):
        spec(name, **GIVEN)


def test_a_name_that_only_ecr_refuses_is_refused_for_ecr_alone() -> None:
    assert spec("de--mo", **GOOGLE).name == "de--mo"
    with pytest.raises(ValueError, match="ECR allows no two hyphens in a row"):
        spec("de--mo", **AMAZON)


def test_a_value_that_looks_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="HF_TOKEN, which looks like a secret") as refused:
        spec(**GIVEN, build_args={"HF_TOKEN": "hf_abcdef"})
    assert "hf_abcdef" not in str(refused.value)


def test_all_faults_come_together_and_nothing_is_registered_or_staged(
    planned: Planned, project: Path
) -> None:
    wrong = {"registry": "artifact-registry", "variant": "gpu", "model": "spam", "keep_images": 0}
    with pytest.raises(ValueError) as refused:  # noqa: PT011 the text is looked at below
        planned(cast(InferenceImageArgs, wrong))
    assert [line.split()[1] for line in str(refused.value).splitlines()] == [
        "variant", "project", "region", "keep_images", "model",
    ]  # fmt: skip
    assert list(project.iterdir()) == []


def test_a_ca_bundle_that_docker_buildx_cannot_be_given_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("c" * 140_000)
    given = {**GIVEN, "ca": str(tmp_path / "ca.pem")}
    assert spec(**given).ca
    with pytest.raises(ValueError, match="ca has 140000 bytes with `provenance`"):
        spec(**given, provenance=True)


def test_a_missing_sdk_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        return None if name == "pulumi_aws" else importlib.machinery.ModuleSpec(name, None)

    monkeypatch.setattr(importlib.util, "find_spec", missing)
    with pytest.raises(
        ValueError,
        match=r"pulumi_aws is not installed; run `pip install 'slipway\[aws\]'`, or",
    ):
        spec(**AMAZON)
    assert spec(**GOOGLE).builds


def test_a_given_image_needs_neither_model_nor_checkout() -> None:
    checked = spec(image=PINNED, source="/nowhere", model="file:/models/a")
    assert checked.image_name == "registry.example.com/team/server"


@pytest.mark.parametrize(
    "image",
    [
        f"europe-west4-docker.pkg.dev/my-project/demo/server@{DIGEST}",
        f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/demo:v1@{DIGEST}",
        f"127.0.0.1:5000/a/b@{DIGEST}",
        f"ghcr.io/owner/my_image.name@{DIGEST}",
    ],
)
def test_references_of_the_usual_registries_are_taken(image: str) -> None:
    assert spec(image=image).image_name == image.split("@")[0].removesuffix(":v1")


def test_an_empty_plan_is_no_accident(planned: Planned) -> None:
    """The faults above come from the arguments: without one the same program is planned."""
    assert len(planned(GOOGLE).resources) == len(plan_of(lambda: None, CONFIG).resources) + 5

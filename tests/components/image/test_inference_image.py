"""What `InferenceImage` registers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition

from slipway.components.image import InferenceImage, InferenceImageArgs, Variant
from slipway.infra.plan.monitor import Monitor
from slipway.infra.plan.run import Plan, plan_of, run
from slipway.infra.resources.reading import Resource
from tests.components.image.conftest import AMAZON, CONFIG, DIGEST, GOOGLE, PINNED, Planned

ROOT = Path(__file__).resolve().parents[3]
LOCAL: InferenceImageArgs = {"repository": "127.0.0.1:5000/slipway"}
BUILT_IN = {"MODELS": "model", "BUNDLED": "sms-spam"}


def named(plan: Plan, name: str) -> Resource:
    (resource,) = [resource for resource in plan.resources if resource.name == name]
    return resource


def build(plan: Plan) -> dict[str, Any]:
    return dict(named(plan, "demo-build").inputs)


COMPONENT = ("slipway:index:InferenceImage", "demo", "demo-dev")
BUILD = ("docker-build:index:Image", "demo-build", "demo")


@pytest.mark.parametrize(
    ("args", "children"),
    [
        (
            GOOGLE,
            {
                BUILD,
                ("gcp:artifactregistry/repository:Repository", "demo-repository", "demo"),
                ("gcp:projects/service:Service", "demo-cloudresourcemanager-api", "demo"),
                ("gcp:projects/service:Service", "demo-api", "demo"),
            },
        ),
        (
            {**GOOGLE, "enable_apis": False, "image": PINNED},
            {("gcp:artifactregistry/repository:Repository", "demo-repository", "demo")},
        ),
        (
            AMAZON,
            {
                BUILD,
                ("aws:ecr/repository:Repository", "demo-repository", "demo"),
                ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "demo-lifecycle", "demo"),
            },
        ),
        (LOCAL, {BUILD}),
        ({"image": PINNED}, set[tuple[str, str, str]]()),
    ],
)
def test_type_name_and_parent_of_every_resource_stay(
    planned: Planned, args: InferenceImageArgs, children: set[tuple[str, str, str]]
) -> None:
    """They are the state: a change here replaces what users have."""
    resources = planned(args).resources
    names = {resource.urn: resource.name for resource in resources}
    assert {(r.type, r.name, names.get(r.parent or "")) for r in resources} == {
        ("pulumi:pulumi:Stack", "demo-dev", None),
        COMPONENT,
        *children,
    }


def test_the_build_is_pushed_cached_and_never_made_in_a_preview(planned: Planned) -> None:
    inputs = build(planned(LOCAL))
    cache = "127.0.0.1:5000/slipway:cache"
    assert inputs["push"] is True
    assert inputs["buildOnPreview"] is False
    assert inputs["platforms"] == ["linux/amd64"]
    assert inputs["context"] == {"location": ".slipway/context"}
    assert inputs["dockerfile"] == {"location": ".slipway/context/Dockerfile"}
    assert inputs["cacheFrom"] == [{"registry": {"ref": cache}}]
    assert inputs["cacheTo"][0]["registry"] == {
        "ref": cache,
        "mode": "max",
        "imageManifest": True,
        "ociMediaTypes": True,
        "ignoreError": True,
    }
    assert "exec" not in inputs
    assert "builder" not in inputs


def test_what_was_built_before_is_not_deleted_with_the_resource(project: Path, checkout: Path) -> None:
    monitor = Monitor("demo", "dev")

    def program() -> None:
        _image({**LOCAL, "source": str(checkout)})

    run(program, CONFIG, monitor, preview=True)
    (request,) = [r for r in monitor.requests.values() if r.name == "demo-build"]
    assert request.retainOnDelete is True


def test_cache_builder_and_provenance_are_asked_for_by_arguments(planned: Planned) -> None:
    inputs = build(planned({**LOCAL, "cache": False, "builder": "ci", "provenance": True}))
    assert not {"cacheFrom", "cacheTo"} & inputs.keys()
    assert inputs["builder"] == {"name": "ci"}
    assert inputs["exec"] is True
    assert inputs["tags"] != build(planned(LOCAL))["tags"], "docker-build compares tags, but not exec"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, {"VARIANT": "cpu", **BUILT_IN, "MODEL_VERSION": "sms-spam-1.0.0"}),
        (
            {"model": f"hf:owner/name@{'a' * 40}", "variant": Variant.CUDA},
            {
                "VARIANT": "cuda",
                "MODEL": f"hf:owner/name@{'a' * 40}",
                "MODEL_VERSION": f"hf:owner/name@{'a' * 40}",
            },
        ),
        ({"model": "gs://models/spam@1763721600000000"}, {"VARIANT": "cpu", **BUILT_IN, "BUCKETS": "1"}),
        ({"model": "gs://models/spam", "buckets": False}, {"VARIANT": "cpu", **BUILT_IN}),
        (
            {"python_image": "mirror/python:3.11", "build_args": {"EXTRA": "1"}, "buckets": True},
            {
                "VARIANT": "cpu",
                **BUILT_IN,
                "MODEL_VERSION": "sms-spam-1.0.0",
                "BUCKETS": "1",
                "PYTHON_IMAGE": "mirror/python:3.11",
                "EXTRA": "1",
            },
        ),
    ],
)
def test_arguments_become_build_arguments(
    planned: Planned, args: InferenceImageArgs, expected: dict[str, str]
) -> None:
    given = build(planned({**LOCAL, **args}))["buildArgs"]
    assert given.pop("REVISION").startswith("sha256:")
    assert given == expected


def test_another_version_of_a_model_in_a_bucket_builds_nothing(planned: Planned) -> None:
    first, second = (build(planned({**LOCAL, "model": f"gs://models/spam@{n}"})) for n in (1, 2))
    assert first == second


def test_a_preview_elsewhere_has_the_same_inputs(
    planned: Planned, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine: another path, umask, time, stray files, working directory and CA file."""
    here = planned(LOCAL)
    elsewhere = Path(shutil.copytree(checkout, tmp_path / "another place/checkout"))
    (elsewhere / "service/__pycache__").mkdir()
    (elsewhere / "service/__pycache__/stray.cpython-311.pyc").write_text("stray")
    for path in elsewhere.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (2_000_000_000, 2_000_000_000))
    ca = tmp_path / "ca.pem"
    ca.write_text("-----BEGIN CERTIFICATE-----")
    monkeypatch.chdir(elsewhere.parent)
    before = os.umask(0o077)
    try:
        there = planned({**LOCAL, "source": str(elsewhere), "ca": str(ca)})
    finally:
        os.umask(before)
    assert there.resources == here.resources


def test_a_change_of_memory_leaves_the_image_alone(project: Path, checkout: Path) -> None:
    def plan(memory: str) -> dict[str, Resource]:
        def program() -> None:
            image = _image({**GOOGLE, "source": str(checkout)})
            limits = {"cpu": "1", "memory": memory}
            template = {"containers": [{"image": image.image_ref, "resources": {"limits": limits}}]}
            gcp.cloudrunv2.Service("demo-svc", location="europe-west4", template=template)  # pyright: ignore[reportArgumentType]

        return {resource.urn: resource for resource in plan_of(program, CONFIG).resources}

    before, after = plan("2Gi"), plan("4Gi")
    assert [after[urn].name for urn in after if after[urn] != before[urn]] == ["demo-svc"]


def test_a_change_of_code_shows_in_the_build(planned: Planned, checkout: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(checkout, tmp_path / "changed"))
    with (changed / "service/cpus.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    before, after = build(planned(LOCAL)), build(planned({**LOCAL, "source": str(changed)}))
    assert {key for key in before if before[key] != after[key]} == {"buildArgs", "tags"}
    assert {key for key in before["buildArgs"] if before["buildArgs"][key] != after["buildArgs"][key]} == {
        "REVISION"
    }


def test_the_ca_bundle_is_a_secret_that_no_diff_shows(planned: Planned, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    plan = planned({**LOCAL, "ca": str(tmp_path / "ca.pem")})
    assert build(plan)["secrets"] == "[secret]"
    assert build(plan)["ignoreSecretsInDiffCalculation"] == ["ca"]
    assert build(planned(LOCAL)).keys() == build(plan).keys()
    assert "BEGIN CERTIFICATE" not in repr(plan)
    assert "ca.pem" not in repr(plan)


def test_artifact_registry_keeps_the_newest_and_deletes_what_is_old(planned: Planned) -> None:
    plan = planned({**GOOGLE, "keep_images": 4, "expire_days": 2, "labels": {"team": "ml"}})
    inputs = named(plan, "demo-repository").inputs
    policies = {policy["id"]: policy for policy in inputs["cleanupPolicies"]}
    assert policies["keep-newest"]["mostRecentVersions"] == {
        "keepCount": 4,
        "packageNamePrefixes": ["server"],
    }
    assert policies["delete-untagged"]["condition"] == {"olderThan": "172800s", "tagState": "UNTAGGED"}
    assert policies["delete-old"]["condition"] == {
        "olderThan": "172800s",
        "tagState": "TAGGED",
        "packageNamePrefixes": ["server"],
    }
    assert {policy["action"] for name, policy in policies.items() if name.startswith("delete")} == {"DELETE"}
    assert inputs["cleanupPolicyDryRun"] is False
    assert (inputs["format"], inputs["labels"]) == ("DOCKER", {"team": "ml"})
    assert inputs["vulnerabilityScanningConfig"] == {"enablementConfig": "INHERITED"}
    image, cache = build(plan)["tags"][0], build(plan)["cacheFrom"][0]["registry"]["ref"]
    assert image.startswith("europe-west4-docker.pkg.dev/my-project/demo/server:build-")
    assert cache == "europe-west4-docker.pkg.dev/my-project/demo/cache:cache"


def test_with_provenance_the_three_versions_of_each_image_are_kept(planned: Planned) -> None:
    policies = named(planned({**GOOGLE, "provenance": True}), "demo-repository").inputs["cleanupPolicies"]
    assert policies[0]["mostRecentVersions"]["keepCount"] == 30


def test_ecr_keeps_the_newest_and_those_of_releases_and_expires_what_has_no_tag(planned: Planned) -> None:
    plan = planned({**AMAZON, "keep_images": 4, "expire_days": 2, "labels": {"team": "ml"}})
    inputs = named(plan, "demo-repository").inputs
    assert inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    assert (inputs["name"], inputs["region"], inputs["tags"]) == ("demo", "eu-west-1", {"team": "ml"})
    rules = json.loads(named(plan, "demo-lifecycle").inputs["policy"])["rules"]
    assert [rule["selection"] for rule in rules] == [
        {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 2},
        {
            "tagStatus": "tagged",
            "tagPrefixList": ["release-"],
            "countType": "imageCountMoreThan",
            "countNumber": 100,
        },
        {
            "tagStatus": "tagged",
            "tagPrefixList": ["build-"],
            "countType": "imageCountMoreThan",
            "countNumber": 4,
        },
    ]


@pytest.mark.parametrize(
    ("args", "key", "kept", "deleted"),
    [(GOOGLE, "deletionPolicy", "PREVENT", "DELETE"), (AMAZON, "forceDelete", False, True)],
)
def test_a_repository_with_images_is_deleted_only_when_asked(
    planned: Planned, args: InferenceImageArgs, key: str, kept: object, deleted: object
) -> None:
    assert named(planned(args), "demo-repository").inputs[key] == kept
    assert named(planned({**args, "force_delete": True}), "demo-repository").inputs[key] == deleted


@pytest.mark.parametrize("project_id", ["my-project", "example.com:my-project"])
def test_the_project_may_be_an_output_and_makes_the_same(
    project_id: str, project: Path, checkout: Path
) -> None:
    def made(*, output: bool) -> list[tuple[str, Any]]:
        def program() -> None:
            given = pulumi.Output.from_input(project_id) if output else project_id
            image = InferenceImage("demo", {**GOOGLE, "project": given, "source": str(checkout)})
            pulumi.export("repository", image.repository)

        plan = plan_of(program, CONFIG)
        return [(resource.name, resource.inputs) for resource in plan.resources] + [("", plan.outputs)]

    assert made(output=True) == made(output=False)


def test_nothing_is_pushed_before_the_repository_is_there(planned: Planned) -> None:
    for args in (GOOGLE, AMAZON):
        plan = planned(args)
        assert named(plan, "demo-repository").urn in named(plan, "demo-build").dependencies
    assert named(planned(GOOGLE), "demo-api").urn in named(planned(GOOGLE), "demo-repository").dependencies


def test_the_api_stays_enabled_when_the_stack_goes(planned: Planned) -> None:
    for name in ("demo-api", "demo-cloudresourcemanager-api"):
        assert named(planned(GOOGLE), name).inputs["disableOnDestroy"] is False


def test_the_outputs_are_the_digest_reference_and_the_name(project: Path, checkout: Path) -> None:
    def program() -> None:
        built, given = _image({**LOCAL, "source": str(checkout)}), InferenceImage("given", {"image": PINNED})
        pulumi.export("built", {"image_ref": built.image_ref, "repository": built.repository})
        pulumi.export("given", {"image_ref": given.image_ref, "repository": given.repository})

    urn = "urn:pulumi:dev::demo::slipway:index:InferenceImage$docker-build:index:Image::demo-build"
    monitor = Monitor("demo", "dev", applied={urn: {"digest": DIGEST}})
    outputs = run(program, CONFIG, monitor, preview=False)
    assert outputs["built"] == {
        "image_ref": f"127.0.0.1:5000/slipway@{DIGEST}",
        "repository": "127.0.0.1:5000/slipway",
    }
    assert outputs["given"] == {
        "image_ref": PINNED,
        "repository": "registry.example.com/team/server",
    }


def test_before_the_build_the_reference_is_unknown_not_wrong(project: Path, checkout: Path) -> None:
    plan = plan_of(lambda: pulumi.export("ref", _image({**LOCAL, "source": str(checkout)}).image_ref), CONFIG)
    assert plan.outputs["ref"] == "[unknown]"


def test_two_images_stand_side_by_side(project: Path, checkout: Path) -> None:
    def program() -> None:
        for name in ("one", "two"):
            InferenceImage(name, {**GOOGLE, "source": str(checkout)})

    assert len(plan_of(program, CONFIG).resources) == 1 + 2 * 5


@pytest.mark.parametrize(
    ("args", "unused"),
    [
        (GOOGLE, ["pulumi_aws"]),
        (AMAZON, ["pulumi_gcp"]),
        ({"image": PINNED}, ["pulumi_aws", "pulumi_gcp", "pulumi_docker_build"]),
    ],
)
def test_an_sdk_that_is_not_used_is_not_loaded(
    args: InferenceImageArgs, unused: list[str], tmp_path: Path
) -> None:
    code = (
        f"import sys\nfor name in {unused}: sys.modules[name] = None\n"
        "from slipway.components.image import InferenceImage\n"
        "from slipway.infra.plan.config import StackConfig\nfrom slipway.infra.plan.run import plan_of\n"
        f"plan_of(lambda: InferenceImage('demo', {dict(args)!r}) and None,"
        " StackConfig('demo', 'dev', {}, frozenset(), {}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_pulumis_schema_takes_the_arguments_and_outputs() -> None:
    analyzed = Analyzer("slipway").analyze([InferenceImage])
    component = analyzed["component_definitions"]["InferenceImage"]
    assert set(component.outputs) == {"imageRef", "repository"}
    assert {_type(component.inputs[key]) for key in ("registry", "variant", "platform")} == {
        "#/types/slipway:index:Registry",
        "#/types/slipway:index:Variant",
        "#/types/slipway:index:Platform",
    }
    values = [member.value for member in analyzed["type_definitions"]["Variant"].enum or []]
    assert values == ["cpu", "torch-cpu", "cuda"]
    assert all(definition.description for definition in component.inputs.values())


def _type(definition: PropertyDefinition) -> str | None:
    return definition.ref


def _image(args: InferenceImageArgs) -> InferenceImage:
    return InferenceImage("demo", args)

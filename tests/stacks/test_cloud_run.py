"""The whole program of a `cloud-run` stack, planned without a cloud."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.plan.monitor import Monitor
from slipway.infra.plan.run import Plan, plan_of, run
from slipway.infra.preview import findings_of
from slipway.infra.preview.command import Shown
from slipway.infra.preview.document import document_of
from slipway.infra.preview.stack import StackPreview
from slipway.infra.program import main
from slipway.infra.settings.stackfile import settings_from
from tests.warned import warned as warned_of

GIVEN = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"}
DIGEST = f"europe-west4-docker.pkg.dev/acme-ml/slipway/server@sha256:{'0' * 64}"
HUB = f"hf:acme/spam@{'a' * 40}"
L4 = {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", "model": HUB}
RTX = {"gpu": "nvidia-rtx-pro-6000", "cpu": "20", "memory": "80Gi", "model": HUB}
SECRET_KEYS = frozenset({"slipway:apiKey", "slipway:secrets"})


def config(**values: str) -> StackConfig:
    given = {f"slipway:{key}": value for key, value in {**GIVEN, **values}.items()}
    return StackConfig("slipway", "dev", given, SECRET_KEYS, {})


def planned(**values: str) -> Plan:
    return plan_of(main, config(**values))


def inputs(plan: Plan, name: str) -> Mapping[str, Any]:
    return next(resource.inputs for resource in plan.resources if resource.name == name)


def container(plan: Plan) -> Mapping[str, Any]:
    return inputs(plan, "slipway-dev-service")["template"]["containers"][0]


def refusal(**values: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        planned(**values)
    return str(caught.value)


def test_the_stack_exports_the_outputs_of_every_target() -> None:
    outputs = planned().outputs
    uniform = {"apiKey", "consoleUrl", "imageRef", "logsCommand", "serviceName", "url"}
    assert set(outputs) == {*uniform, "domainRecords"}
    assert outputs["apiKey"] == "[secret]"
    assert outputs["serviceName"] == "slipway-dev"
    assert "slipway-dev --project acme-ml --region europe-west4" in outputs["logsCommand"]


def test_settings_reach_the_service() -> None:
    plan = planned(cpu="2", memory="4Gi", minInstances="1", maxInstances="7", concurrency="5", timeout="90")
    template = inputs(plan, "slipway-dev-service")["template"]
    assert container(plan)["resources"]["limits"] == {"cpu": "2", "memory": "4Gi"}
    assert template["maxInstanceRequestConcurrency"] == 5
    assert template["timeout"] == "90s"
    assert inputs(plan, "slipway-dev-service")["scaling"] == {"minInstanceCount": 1, "maxInstanceCount": 7}


def test_another_memory_changes_the_service_and_leaves_the_image_alone() -> None:
    small = {r.name: r.inputs for r in planned(memory="1Gi").resources if r.custom}
    large = {r.name: r.inputs for r in planned(memory="4Gi").resources if r.custom}
    assert [name for name in small if small[name] != large[name]] == ["slipway-dev-service"]


def test_a_given_image_is_run_and_none_is_built() -> None:
    plan = planned(image=DIGEST)
    assert container(plan)["image"] == DIGEST
    assert not [r.name for r in plan.resources if r.type == "docker-build:index:Image"]


def test_the_repository_stays_where_an_image_is_given_as_it_has_what_ran_before() -> None:
    def repositories(plan: Plan) -> list[str]:
        return [r.urn for r in plan.resources if r.type == "gcp:artifactregistry/repository:Repository"]

    assert repositories(planned(image=DIGEST)) == repositories(planned()) != []


def warned(**values: str) -> str:
    return "\n".join(warned_of(config(**values)))


@pytest.mark.parametrize(
    "image",
    [
        "europe-west4-docker.pkg.dev/acme-ml/slipway/server",
        "us-docker.pkg.dev/acme-ml/shared/team/server",
        "gcr.io/acme-ml/server",
        "eu.gcr.io/acme-ml/server",
    ],
)
def test_an_image_of_the_project_needs_nothing_else(image: str) -> None:
    assert "image" not in warned(image=f"{image}@sha256:{'0' * 64}")
    assert "image" not in warned()


@pytest.mark.parametrize(
    "host",
    [
        *("ghcr.io", "quay.io", "public.ecr.aws", "registry.acme.io:443", "docker.acme.io", "localhost"),
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    ],
)
def test_a_registry_that_cloud_run_cannot_pull_from_is_refused_before_anything_is_made(host: str) -> None:
    image = f"{host}/acme/server@sha256:{'0' * 64}"
    monitor = Monitor("slipway", "dev")
    with pytest.raises(pulumi.RunError) as caught:
        run(main, config(image=image), monitor, preview=False)
    assert f"image is '{image}'; Cloud Run pulls from Artifact Registry" in str(caught.value)
    assert f"a remote repository there that fetches from {host}" in str(caught.value)
    assert [resource.type for resource in monitor.recorded.values()] == ["pulumi:pulumi:Stack"]


def test_an_image_of_docker_hub_is_run_and_told_to_be_public() -> None:
    image = f"docker.io/acme/server@sha256:{'0' * 64}"
    assert container(planned(image=image))["image"] == image
    assert "Docker Hub, where Cloud Run has no login" in warned(image=image)


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("us-docker.pkg.dev/acme-images/shared/server", "shared --project=acme-images --location=us "),
        ("gcr.io/acme-images/server", "gcr.io --project=acme-images --location=us "),
    ],
)
def test_an_image_of_another_project_is_told_with_the_grant_for_the_service_agent(
    image: str, repository: str
) -> None:
    text = warned(image=f"{image}@sha256:{'0' * 64}")
    assert f"`gcloud artifacts repositories add-iam-policy-binding {repository}" in text
    assert (
        '--role=roles/artifactregistry.reader --member="serviceAccount:service-$(gcloud projects describe '
        "acme-ml --format='value(projectNumber)')@serverless-robot-prod.iam.gserviceaccount.com\"`; whoever "
        "deploys needs the same role there."
    ) in text


def test_no_secret_is_in_the_preview_and_each_reaches_the_service_by_reference() -> None:
    secrets = json.dumps({"HF_TOKEN": "hf_a-real-value", "HUB": "projects/acme-ml/secrets/hub/versions/3"})
    plan = planned(apiKey="a-key-of-more-than-16-letters", secrets=secrets)
    shown = json.dumps(document_of(Shown([StackPreview(plan.stack, plan)])))
    assert "hf_a-real-value" not in shown
    assert "a-key-of-more-than-16-letters" not in shown
    by_name = {entry["name"]: entry for entry in container(plan)["envs"]}
    for name in ("HF_TOKEN", "HUB", "MODEL_API_KEY"):
        assert "value" not in by_name[name]
    assert by_name["HUB"]["valueSource"]["secretKeyRef"] == {"secret": "hub", "version": "3"}


def test_an_encrypted_secret_is_planned_without_its_value() -> None:
    plan = planned(secrets=json.dumps({"HF_TOKEN": ENCRYPTED}))
    assert inputs(plan, "slipway-dev-HF_TOKEN-version")["secretData"] == "[secret]"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cpu": "3"}, "cpu is 3; Cloud Run allows"),
        ({"memory": "8Gi"}, "memory is 8Gi with `cpu` 1; Cloud Run allows at most 4 GiB"),
        ({"memory": "8Gi"}, "and this much with `cpu` 2. Did you mean 4Gi?"),
        ({"cpu": "0.5", "memory": "512Mi", "concurrency": "2"}, "concurrency is 2"),
        ({"gpu": "nvidia-l4", "cpu": "2", "memory": "16Gi"}, "nvidia-l4"),
        ({"env": '{"PORT": "1"}'}, "PORT"),
        (
            {"env": '{"DB_PASSWORD": "x"}'},
            "env has DB_PASSWORD, which looks like a secret (its value is not shown); put it into `secrets`",
        ),
        ({"env": json.dumps({"LONG": "x" * 40_000})}, "LONG"),
        ({"memory": "64Mi"}, "memory is 64Mi with `cpu` 1 in generation 1; Cloud Run allows at least"),
        ({"model": "file:/nowhere"}, "model is 'file:/nowhere', which is no folder here"),
        ({"secrets": '{"HUB": "projects/p/secrets/hub/versions/newest"}'}, "newest"),
    ],
)
def test_what_cloud_run_would_not_run_is_refused_before_anything_is_registered(
    values: dict[str, str], said: str
) -> None:
    message = refusal(**values)
    assert said in message
    assert message.startswith("Stack dev: ")
    assert "Fix it in Pulumi.dev.yaml." in message


def test_a_gpu_has_its_cpu_always_without_being_told() -> None:
    plan = planned(**RTX)
    assert container(plan)["resources"]["cpuIdle"] is False
    assert inputs(plan, "slipway-dev-image")["variant"] == "cuda"


def test_a_gpu_that_was_asked_for_is_a_condition_of_the_start() -> None:
    def device(plan: Plan) -> str | None:
        return {entry["name"]: entry.get("value") for entry in container(plan)["envs"]}.get("DEVICE")

    assert device(planned(**RTX)) == "cuda"
    assert device(planned(**L4, image=DIGEST)) == "cuda"
    assert device(planned()) is None
    assert "env has DEVICE, which the service itself sets" in refusal(env='{"DEVICE": "cpu"}')


def test_a_gpu_whose_driver_cannot_run_the_image_that_is_built_here_is_refused_with_what_can() -> None:
    message = refusal(**L4)
    assert (
        "gpu is 'nvidia-l4', whose driver on Cloud Run is 535; the image has CUDA 13.2, which needs"
        in message
    )
    assert "take nvidia-rtx-pro-6000, GKE, or an image of your own" in message


def test_the_driver_that_a_given_image_must_do_with_is_a_finding() -> None:
    settings = settings_from(config(**L4, image=DIGEST))
    findings = [found["title"] for found in findings_of(planned(**L4, image=DIGEST), settings)]
    [driver] = [title for title in findings if "driver" in title]
    assert "driver of nvidia-l4 on Cloud Run is 535, which runs images for CUDA 12.x and older" in driver


def test_a_region_by_invitation_is_a_finding() -> None:
    settings = {
        **L4,
        "image": DIGEST,
        "cpuAlways": "true",
        "region": "asia-south1",
    }
    plan = planned(**settings)
    [finding] = [
        found
        for found in findings_of(plan, settings_from(config(**settings)))
        if "invitation" in found["title"]
    ]
    assert finding["severity"] == "warning"


def faults(**values: str) -> list[str]:
    return [line.strip() for line in refusal(**values).splitlines()[1:]]


def test_every_wrong_setting_and_argument_is_named_in_one_run() -> None:
    """Combine three sources: the declaration of maxInstances, Cloud Run's memory rule, a missing model."""
    found = faults(maxInstances="5000", memory="40Gi", model="bundled:nope")
    assert [line.split()[0] for line in found] == ["maxInstances:", "model", "memory"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"labels": '{"Team": "ml"}'}, "labels has 'Team', which is no key of a label; a key has 1 to 63"),
        ({"labels": '{"team": "ML"}'}, "labels.team is 'ML'; a value has at most 63 lowercase letters"),
        ({"model": "bundled:nope"}, "model is 'bundled:nope', which is no folder here; bundled are sms-spam"),
        ({"model": "file:/nowhere"}, "model is 'file:/nowhere', which is no folder here"),
        ({"image": f"server@sha256:{'0' * 64}"}, "image is 'server@sha256:000"),
    ],
)
def test_what_the_service_and_its_image_both_refuse_is_named_once(values: dict[str, str], said: str) -> None:
    [found] = faults(**values)
    assert found.startswith(said)


def test_a_name_that_neither_can_have_is_named_once_with_where_it_comes_from() -> None:
    given = {f"Slip_way:{key}": value for key, value in GIVEN.items()}
    with pytest.raises(pulumi.RunError) as caught:
        plan_of(main, StackConfig("Slip_way", "dev", given, SECRET_KEYS, {}))
    [found] = str(caught.value).splitlines()[1:]
    assert "name is 'Slip_way-dev'" in found
    assert found.endswith("Fix it in Pulumi.dev.yaml: set `name`.")

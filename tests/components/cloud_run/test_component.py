import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_random as random
import pytest

from slipway.components.cloud_run import APIS, CloudRunService, Ingress
from slipway.components.google.apis import PROJECTS_API
from slipway.components.google.monitoring.resources import API as MONITORING
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.resources.reading import Resource
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.cloud_run_cases import GPU, IMAGE, KEY, PLAIN

REFERENCE = "projects/other-team/secrets/database/versions/7"


def emitted(**args: Any) -> Emitted:
    """args: a function among them is called in the program, which an Output has to be made in."""

    def program() -> None:
        given = {name: value() if callable(value) else value for name, value in {**PLAIN, **args}.items()}
        service = CloudRunService("api", given)  # pyright: ignore[reportArgumentType]
        for name in (
            "url",
            "image_ref",
            "service_name",
            "console_url",
            "logs_command",
            "api_key",
            "domain_records",
        ):
            pulumi.export(name, getattr(service, name))

    return emitted_by(program)


def planned(**args: Any) -> Plan:
    def program() -> None:
        service = CloudRunService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        pulumi.export("key", service.api_key)

    return plan_of(program, StackConfig("demo", "dev", {}, frozenset(), {}))


def template(**args: Any) -> Mapping[str, Any]:
    return emitted(**args).named("api-service").inputs["template"]


def container(**args: Any) -> Mapping[str, Any]:
    return template(**args)["containers"][0]


def environment(**args: Any) -> dict[str, Any]:
    return {env["name"]: env.get("value") or env.get("valueSource") for env in container(**args)["envs"]}


def made(found: Emitted) -> list[tuple[str, str, Any]]:
    """List what a cloud is asked to create, without the components' own records."""
    resources = (resource for resource in found.resources if not resource.type.startswith("slipway:"))
    return sorted((resource.type, resource.name, resource.inputs) for resource in resources)


def names_of(urns: tuple[str, ...]) -> set[str]:
    return {urn.split("::")[-1] for urn in urns}


def without_inputs_of(plan: Plan, *names: str) -> list[Resource]:
    return [resource for resource in plan.resources if resource.name not in names]


def test_no_secret_is_in_the_json_of_a_plan() -> None:
    plan = planned(
        api_key="hush-hush-hush-hush", secret_values={"HF_TOKEN": "hush"}, secrets={"DATABASE": REFERENCE}
    )
    text = json.dumps([dict(resource.inputs) for resource in plan.resources]) + json.dumps(dict(plan.outputs))
    assert "hush" not in text
    assert text.count("[secret]") >= 4  # two versions, two arguments of the component


def test_grants_and_apis_come_before_the_service() -> None:
    service = next(
        r
        for r in planned(secrets={"DATABASE": REFERENCE}, model="gs://models/a@1").resources
        if r.name == "api-service"
    )
    assert names_of(service.dependencies) >= {
        "api-MODEL_API_KEY-access",
        "api-MODEL_API_KEY-version",
        "api-other-team-database-access",
        "api-models-reader",
        "api-account",
        "api-cloudresourcemanager-api",
        "api-iam-api",
        "api-run-api",
        "api-secretmanager-api",
    }


def test_apis_come_before_what_needs_them_and_stay_enabled() -> None:
    made = emitted()
    apis = made.of_type(gcp.projects.Service)
    assert sorted(api.inputs["service"] for api in apis) == sorted((*APIS, MONITORING, PROJECTS_API))
    first = next(api for api in apis if api.inputs["service"] == PROJECTS_API)
    assert all(first.urn in api.dependencies for api in apis if api is not first)
    for api in apis:
        assert (api.inputs["disableOnDestroy"], api.inputs["disableDependentServices"]) == (False, False)
    for cls in (gcp.serviceaccount.Account, gcp.secretmanager.Secret):
        assert names_of(made.of_type(cls)[0].dependencies) >= {api.name for api in apis}
    assert emitted(enable_apis=False).of_type(gcp.projects.Service) == []


def test_a_revision_may_have_as_many_instances_as_its_service() -> None:
    """Source: RUNPB RevisionScaling.max_instance_count: 100 where a revision states none."""

    def of_revision(most: int) -> int:
        template = emitted(max_replicas=most).named("api-service").inputs["template"]
        return template.get("scaling", {"maxInstanceCount": 100})["maxInstanceCount"]

    assert [of_revision(most) >= most for most in (3, 100, 101, 1000)] == [True] * 4
    assert "scaling" not in emitted(max_replicas=100).named("api-service").inputs["template"]


def test_callers_that_are_not_checked_need_no_grant_to_everyone() -> None:
    """Source: RUNPB Service.invoker_iam_disabled; Domain Restricted Sharing: BerriAI/litellm#37857."""
    unchecked = emitted(public=True, check_invokers=False)
    assert unchecked.named("api-service").inputs["invokerIamDisabled"] is True
    assert unchecked.of_type(gcp.cloudrunv2.ServiceIamMember) == []
    checked = emitted(public=True)
    assert "invokerIamDisabled" not in checked.named("api-service").inputs
    assert [g.inputs["member"] for g in checked.of_type(gcp.cloudrunv2.ServiceIamMember)] == ["allUsers"]


def test_each_secret_has_one_grant_to_the_service_alone() -> None:
    grants = emitted(
        secrets={"DATABASE": REFERENCE, "AGAIN": REFERENCE.replace("/7", "/6")},
        secret_values={"HF_TOKEN": "hush"},
    ).of_type(gcp.secretmanager.SecretIamMember)
    assert sorted((g.inputs["project"], g.inputs["secretId"]) for g in grants) == [
        ("acme-prod", "api-HF_TOKEN"),
        ("acme-prod", "api-MODEL_API_KEY"),
        ("other-team", "database"),
    ]
    assert {g.inputs["role"] for g in grants} == {"roles/secretmanager.secretAccessor"}
    assert len({g.inputs["member"] for g in grants}) == 1
    assert grants[0].inputs["member"].startswith("serviceAccount:api-")


def test_a_variable_points_at_a_numbered_version() -> None:
    said = environment(secrets={"DATABASE": REFERENCE, "HERE": REFERENCE.replace("other-team", "acme-prod")})
    assert said["MODEL_API_KEY"] == {"secretKeyRef": {"secret": "api-MODEL_API_KEY", "version": "4"}}
    assert said["DATABASE"] == {
        "secretKeyRef": {"secret": "projects/other-team/secrets/database", "version": "7"}
    }
    assert said["HERE"] == {"secretKeyRef": {"secret": "database", "version": "7"}}


def test_a_version_is_abandoned_never_destroyed() -> None:
    versions = emitted(secret_values={"HF_TOKEN": "hush"}).of_type(gcp.secretmanager.SecretVersion)
    assert [version.inputs["deletionPolicy"] for version in versions] == ["ABANDON", "ABANDON"]
    assert [version.inputs["secretData"] for version in versions] == ["[secret]", "[secret]"]


def test_a_key_is_created_only_where_none_is_given() -> None:
    created = emitted().of_type(random.RandomPassword)
    assert [(made.inputs["length"], made.inputs["special"]) for made in created] == [(40, False)]
    assert emitted(api_key=KEY).of_type(random.RandomPassword) == []


def test_the_account_gets_no_role_but_what_it_reads() -> None:
    made = emitted(model="gs://models/spam@7")
    reader = made.of_type(gcp.storage.BucketIAMMember)
    assert [(r.inputs["bucket"], r.inputs["role"]) for r in reader] == [
        ("models", "roles/storage.objectViewer")
    ]
    assert {r.type for r in made.resources if "Member" in r.type} == {
        "gcp:secretmanager/secretIamMember:SecretIamMember",
        "gcp:storage/bucketIAMMember:BucketIAMMember",
    }
    assert emitted().of_type(gcp.storage.BucketIAMMember) == []


def test_it_is_private_until_somebody_is_named() -> None:
    def invokers(**args: Any) -> list[str]:
        return [grant.inputs["member"] for grant in emitted(**args).of_type(gcp.cloudrunv2.ServiceIamMember)]

    assert invokers() == []
    assert invokers(public=True) == ["allUsers"]
    assert invokers(invokers=["user:b@x.com", "user:a@x.com", "user:b@x.com"]) == [
        "user:a@x.com",
        "user:b@x.com",
    ]


def test_defaults_are_small_protected_and_stated() -> None:
    service = emitted().named("api-service").inputs
    assert service["scaling"] == {"minInstanceCount": 0, "maxInstanceCount": 3}
    assert service["deletionProtection"] is True
    assert service["ingress"] == "INGRESS_TRAFFIC_ALL"
    assert service["template"]["maxInstanceRequestConcurrency"] == 8
    assert service["template"]["timeout"] == "60s"
    assert service["template"]["executionEnvironment"] == "EXECUTION_ENVIRONMENT_GEN2"
    assert container()["resources"] == {
        "limits": {"cpu": "1", "memory": "2Gi"},
        "cpuIdle": True,
        "startupCpuBoost": True,
    }


def test_the_server_hears_what_the_platform_does() -> None:
    said = environment(request_timeout_seconds=90, cpu=2)
    assert (said["HOST"], said["REQUEST_TIMEOUT_SECONDS"], said["INFERENCE_THREADS"]) == (
        "0.0.0.0",
        "90",
        "2",
    )
    assert int(said["DRAIN_SECONDS"]) < 10  # Cloud Run kills 10 s after SIGTERM
    assert "PORT" not in said
    assert environment(env={"INFERENCE_THREADS": "5"})["INFERENCE_THREADS"] == "5"
    assert said["LOG_LEVEL_FIELD"] == "severity"  # as Cloud Logging reads it
    assert "DEVICE" not in said
    assert environment(**GPU)["DEVICE"] == "cuda"


@pytest.mark.parametrize(
    ("cpu", "memory_gib", "limits"),
    [
        (0.333, 0.25, {"cpu": "333m", "memory": "256Mi"}),
        (4.0, 2.5, {"cpu": "4", "memory": "2560Mi"}),
        (1, 0.25, {"cpu": "1", "memory": "256Mi"}),
    ],
)
def test_sizes_are_written_as_cloud_run_reads_them(
    cpu: float, memory_gib: float, limits: dict[str, str]
) -> None:
    assert container(cpu=cpu, memory_gib=memory_gib)["resources"]["limits"] == limits
    generation = template(cpu=cpu, memory_gib=memory_gib)["executionEnvironment"][-1]
    assert generation == ("1" if memory_gib < 0.5 else "2")


def test_a_gpu_comes_with_cpu_all_the_time_and_in_one_zone() -> None:
    made = template(**GPU)
    assert made["nodeSelector"] == {"accelerator": "nvidia-l4"}
    assert made["gpuZonalRedundancyDisabled"] is True
    assert made["containers"][0]["resources"] == {
        "limits": {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"},
        "cpuIdle": False,
        "startupCpuBoost": False,
    }
    assert template(**GPU, gpu_zonal_redundancy=True)["gpuZonalRedundancyDisabled"] is False
    assert not {"nodeSelector", "gpuZonalRedundancyDisabled"} & template().keys()


def test_a_model_is_in_the_image_or_fetched_or_mounted() -> None:
    assert not {"MODEL_DIR", "MODEL_SOURCE"} & environment().keys()
    assert environment(model="gs://models/spam@7")["MODEL_SOURCE"] == "gs://models/spam@7"
    mounted = template(model="gs://models/spam/v2", model_volume=True)
    assert mounted["volumes"] == [
        {"name": "model", "gcs": {"bucket": "models", "readOnly": True, "mountOptions": ["only-dir=spam/v2"]}}
    ]
    assert mounted["containers"][0]["volumeMounts"] == [{"name": "model", "mountPath": "/mnt/model"}]
    assert environment(model="gs://models/spam/v2", model_volume=True)["MODEL_DIR"] == "/mnt/model"


def test_a_network_and_an_ingress_are_handed_over() -> None:
    access = template(vpc_network="inner", ingress=Ingress.INTERNAL)["vpcAccess"]
    assert access == {"egress": "PRIVATE_RANGES_ONLY", "networkInterfaces": [{"network": "inner"}]}
    assert template(vpc_subnetwork="eu")["vpcAccess"]["networkInterfaces"] == [{"subnetwork": "eu"}]
    assert "vpcAccess" not in template()


def test_a_domain_is_mapped_and_its_records_are_told() -> None:
    made = emitted(domain="api.example.com")
    mapping = made.of_type(gcp.cloudrun.DomainMapping)[0].inputs
    assert (mapping["name"], mapping["spec"]) == ("api.example.com", {"routeName": "api"})
    assert made.outputs["domain_records"] == ["CNAME api ghs.googlehosted.com."]
    assert made.named("api-service").inputs["customAudiences"] == ["https://api.example.com"]
    assert emitted().outputs["domain_records"] == []


def test_outputs_are_those_of_every_target() -> None:
    outputs = emitted().outputs
    assert outputs["url"] == "https://api-123456789012.europe-west4.run.app"
    assert (outputs["image_ref"], outputs["service_name"]) == (IMAGE, "api")
    assert "europe-west4/api" in outputs["console_url"]
    assert outputs["logs_command"].startswith("gcloud beta run services logs tail api ")
    assert planned().outputs["key"] == "[secret]"


def test_more_memory_changes_nothing_but_the_service() -> None:
    before, after = planned(), planned(memory_gib=4)
    changed = ("api", "api-service")
    assert without_inputs_of(before, *changed) == without_inputs_of(after, *changed)
    assert before != after


def test_an_image_that_turns_out_to_be_where_cloud_run_cannot_pull_from_stops_the_service() -> None:
    image = f"ghcr.io/acme/slipway@sha256:{'a' * 64}"
    with pytest.raises(
        pulumi.RunError, match=r"image_ref is 'ghcr.io.*Cloud Run pulls from Artifact Registry"
    ):
        emitted(image_ref=lambda: pulumi.Output.from_input(image))


@pytest.mark.parametrize("image_ref", ["acme/slipway:latest", "acme/slipway"])
def test_an_image_that_turns_out_to_have_no_digest_stops_the_service(image_ref: str) -> None:
    with pytest.raises(pulumi.RunError, match="must have its digest"):
        emitted(image_ref=lambda: pulumi.Output.from_input(image_ref))


@pytest.mark.parametrize("key", ["hush-hush", "hush hush hush hush hush", "hush" * 1025])
def test_a_key_that_turns_out_wrong_stops_the_service_and_is_not_shown(key: str) -> None:
    with pytest.raises(
        pulumi.RunError, match=r"api_key has \d+ characters \(they are not shown\)"
    ) as refusal:
        emitted(api_key=lambda: pulumi.Output.secret(key))
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(("value", "size"), [("", 0), ("x" * 32769, 32769)])
def test_a_secret_that_no_variable_can_hold_stops_the_service(value: str, size: int) -> None:
    with pytest.raises(
        pulumi.RunError, match=f"secret HF_TOKEN has {size} bytes; it must have from 1 to 32768"
    ):
        emitted(secret_values=lambda: {"HF_TOKEN": pulumi.Output.secret(value)})


def test_a_warning_reaches_the_person_who_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def warn(text: str, resource: pulumi.Resource) -> None:
        told.append(text)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    emitted(**GPU, region="us-central1")
    assert any("nvidia-l4 in us-central1 is by invitation" in text for text in told)


def later(value: str) -> Callable[[], pulumi.Output[str]]:
    """Return a function that creates an Output of the value once it is called in a program."""
    return lambda: pulumi.Output.from_input(value)


def test_what_only_flows_through_may_be_an_output_and_makes_the_same() -> None:
    plain = {"project": "acme-prod", "vpc_network": "inner", "vpc_subnetwork": "inner-eu"}
    same: dict[str, Any] = {"domain": "api.example.com", "public": True}
    known = emitted(**plain, **same, env={"LOG_LEVEL": "debug"})
    outputs = {name: later(value) for name, value in plain.items()}
    unknown = emitted(**outputs, **same, env=lambda: {"LOG_LEVEL": pulumi.Output.from_input("debug")})
    assert made(unknown) == made(known)
    assert unknown.outputs == known.outputs


def test_a_reference_is_complete_where_the_project_is_an_output() -> None:
    """Whether its secret is in the same project is known only when it is applied."""
    reference = "projects/acme-prod/secrets/database/versions/7"
    envs = environment(project=later("acme-prod"), secrets={"DATABASE": reference})
    secret = {"secret": "projects/acme-prod/secrets/database", "version": "7"}
    assert envs["DATABASE"] == {"secretKeyRef": secret}


def test_a_value_of_the_environment_that_is_an_output_is_refused_where_its_name_is_a_secrets() -> None:
    with pytest.raises(ValueError, match="env has DB_PASSWORD, which looks like a secret"):
        emitted(env=lambda: {"DB_PASSWORD": pulumi.Output.from_input("hush")})

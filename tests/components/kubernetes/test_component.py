import json
from typing import Any

import pulumi
import pytest

from slipway.components.fault import reader_words
from slipway.components.kubernetes import KubernetesService, Serving
from slipway.components.kubernetes.objects import ground_of
from slipway.components.kubernetes.rules import checked_spec
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of, run
from slipway.infra.resources.reading import Resource
from tests.contract.cloud import Cloud, Emitted, emitted_by
from tests.contract.kubernetes_cases import BUCKET, GOOGLE, GPU, KEY, PLAIN
from tests.contract.kubernetes_outputs import BALANCER_ADDRESS, INGRESS_ADDRESS

KUBECONFIG = '{"users": [{"user": {"token": "hush"}}]}'
OUTPUTS = ("url", "image_ref", "service_name", "console_url", "logs_command", "api_key", "domain_records")


def program_of(**args: Any) -> Any:
    """args: a function among them is called in the program, which an Output has to be made in."""

    def program() -> None:
        given = {name: value() if callable(value) else value for name, value in {**PLAIN, **args}.items()}
        service = KubernetesService("api", given)  # pyright: ignore[reportArgumentType]
        for name in OUTPUTS:
            pulumi.export(name, getattr(service, name))

    return program


def emitted(**args: Any) -> Emitted:
    return emitted_by(program_of(**args))


def planned(**args: Any) -> Plan:
    return plan_of(program_of(**args), StackConfig("demo", "dev", {}, frozenset(), {}))


def names_of(urns: tuple[str, ...]) -> set[str]:
    return {urn.split("::")[-1] for urn in urns}


def of_plan(plan: Plan, name: str) -> Resource:
    return next(resource for resource in plan.resources if resource.name == name)


def pod(made: Emitted) -> dict[str, Any]:
    return made.named("api-deployment").inputs["spec"]["template"]["spec"]


def variables(made: Emitted) -> dict[str, tuple[str, str]]:
    found = {v["name"]: v["valueFrom"]["secretKeyRef"] for v in pod(made)["containers"][0]["env"]}
    return {name: (reference["name"], reference["key"]) for name, reference in found.items()}


def test_no_secret_is_in_the_json_of_a_plan() -> None:
    plan = planned(api_key="hush-hush-hush-hush", secret_values={"HF_TOKEN": "hush"}, kubeconfig=KUBECONFIG)
    text = json.dumps([dict(resource.inputs) for resource in plan.resources]) + json.dumps(dict(plan.outputs))
    assert "hush" not in text
    assert text.count("[secret]") >= 4  # the component's arguments, the Secret and the provider


def test_only_the_secret_itself_is_secret_in_a_preview() -> None:
    plan = planned(api_key=KEY, secret_values={"HF_TOKEN": "hush"})
    deployment = of_plan(plan, "api-deployment")
    assert "[secret]" not in json.dumps(dict(deployment.inputs))
    assert of_plan(plan, "api-secrets").inputs["stringData"] == "[secret]"


def test_another_secret_value_makes_another_secret_and_rolls_the_pods() -> None:
    before, after = (emitted(api_key=KEY, secret_values={"HF_TOKEN": token}) for token in ("one", "two"))
    names = [made.named("api-secrets").inputs["metadata"]["name"] for made in (before, after)]
    assert names[0] != names[1]
    assert [variables(made)["HF_TOKEN"] for made in (before, after)] == [(name, "HF_TOKEN") for name in names]


def test_another_setting_makes_another_configmap_and_the_same_one_does_not() -> None:
    first, same, other = (
        emitted(env={"LOG_LEVEL": level}).named("api-settings").inputs["metadata"]["name"]
        for level in ("info", "info", "debug")
    )
    assert first == same != other


def test_settings_and_secrets_have_no_name_that_could_return() -> None:
    spec = checked_spec("api", {**PLAIN, "env": {"LOG_LEVEL": "info"}})
    nameless = [each.role for each in ground_of(spec, {}) if "name" not in each.body["metadata"]]
    assert nameless == ["settings", "secrets"]


def test_a_key_that_is_made_by_up_leaves_the_name_of_its_secret_unknown() -> None:
    assert of_plan(planned(), "api-secrets").inputs["metadata"]["name"] == "[unknown]"


def test_references_point_at_existing_secrets() -> None:
    made = emitted(secrets={"DATABASE": "database/url"})
    assert variables(made)["DATABASE"] == ("database", "url")
    assert variables(made)["MODEL_API_KEY"][0].startswith("api-secrets-")


def test_everything_comes_after_its_namespace_and_the_pods_after_what_they_need() -> None:
    plan = planned(**GOOGLE, model=BUCKET, kubeconfig=KUBECONFIG)
    objects = [r for r in plan.resources if r.type.startswith("kubernetes:") and r.name != "api-namespace"]
    assert len(objects) >= 8
    assert all("api-namespace" in names_of(each.dependencies) for each in objects)
    assert names_of(of_plan(plan, "api-deployment").dependencies) >= {
        *("api-identity", "api-settings", "api-secrets", "api-policy"),
        *("api-account", "api-pods", "api-models-reader"),
    }
    assert "api-deployment" in names_of(of_plan(plan, "api-service").dependencies)


def test_what_has_the_same_name_everywhere_is_deleted_before_it_is_made_anew() -> None:
    plan = planned(**GOOGLE, domain="a.example.com", public=True, model=BUCKET)
    objects = [r for r in plan.resources if r.type.startswith("kubernetes:") or r.name == "api-pods"]
    later = {each.name for each in objects if not each.delete_before_replace}
    assert len(objects) >= 10
    assert later == {"api-settings", "api-secrets"}  # whose names never return


def test_a_namespace_takes_all_that_is_in_it_along_and_goes_before_what_that_uses() -> None:
    plan = planned(**GOOGLE, domain="a.example.com", public=True)
    objects = [r for r in plan.resources if r.type.startswith("kubernetes:") and r.name != "api-namespace"]
    namespace = of_plan(plan, "api-namespace")
    assert {each.deleted_with for each in objects} == {namespace.urn}
    assert names_of(namespace.dependencies) >= {"api-account", "api-pods", "api-address"}
    assert {each.deleted_with for each in planned(create_namespace=False).resources} == {""}


def test_an_address_keeps_its_name_and_the_ingress_names_the_one_that_is_there() -> None:
    plan = planned(**GOOGLE, domain="a.example.com", public=True)
    address, ingress = of_plan(plan, "api-address"), of_plan(plan, "api-ingress")
    assert address.ignore_changes == ("name",)
    assert "api-address" in names_of(ingress.uses["metadata"])
    annotations = ingress.inputs["metadata"]["annotations"]
    assert annotations["kubernetes.io/ingress.global-static-ip-name"] == address.inputs["name"]


def test_the_identity_waits_for_the_cluster_whose_pool_it_names() -> None:
    assert "api-cluster" in names_of(
        of_plan(planned(**GOOGLE, kubeconfig=KUBECONFIG), "api-pods").dependencies
    )


def test_the_pods_act_as_their_own_account_and_read_their_own_bucket_alone() -> None:
    made = emitted(**GOOGLE, model=BUCKET)
    email = "api-14c2529e@acme-prod.iam.gserviceaccount.com"
    account = made.named("api-identity").inputs["metadata"]["annotations"]
    assert account == {"iam.gke.io/gcp-service-account": email, "pulumi.com/patchForce": "true"}
    user = made.named("api-pods").inputs
    assert user["member"] == "serviceAccount:acme-prod.svc.id.goog[api/api]"
    reader = made.named("api-models-reader").inputs
    assert (reader["bucket"], reader["role"], reader["member"]) == (
        "models",
        "roles/storage.objectViewer",
        f"serviceAccount:{email}",
    )


def test_elsewhere_nothing_of_google_is_made() -> None:
    assert not [r for r in emitted(domain="api.example.com").resources if r.type.startswith("gcp:")]


def test_a_given_kubeconfig_makes_a_provider_with_a_lasting_name_of_its_cluster() -> None:
    made = emitted(kubeconfig=KUBECONFIG, context="prod", cluster_identifier="acme/main")
    provider = made.named("api-cluster").inputs
    assert (provider["kubeconfig"], provider["context"]) == ("[secret]", "prod")
    assert provider["clusterIdentifier"] == "acme/main"


def test_without_a_kubeconfig_the_provider_is_the_parents() -> None:
    assert not [r for r in emitted().resources if r.type.startswith("pulumi:providers:")]


@pytest.mark.parametrize(
    ("args", "url", "records"),
    [
        ({}, "http://api.api.svc.cluster.local", []),
        ({"namespace": "ml"}, "http://api.ml.svc.cluster.local", []),
        ({"public": True}, f"http://{BALANCER_ADDRESS}", []),
        (
            {"domain": "a.example.com", "public": True, **GOOGLE},
            "https://a.example.com",
            [f"A a.example.com {INGRESS_ADDRESS}"],
        ),
        ({"domain": "a.example.com"}, "http://a.example.com", []),
        ({"domain": "a.example.com", "tls_secret": "tls"}, "https://a.example.com", []),
        ({"serving": Serving.KSERVE}, "http://api.api.svc.cluster.local", []),
    ],
)
def test_its_address_is_the_domains_the_balancers_or_the_clusters_own(
    args: dict[str, Any], url: str, records: list[str]
) -> None:
    outputs = emitted(**args).outputs
    assert (outputs["url"], outputs["domain_records"]) == (url, records)


def test_the_outputs_are_those_of_every_target() -> None:
    outputs = emitted(**GOOGLE, context="prod").outputs
    assert set(outputs) == set(OUTPUTS)
    assert outputs["image_ref"] == PLAIN["image_ref"]
    assert outputs["service_name"] == "api"
    assert outputs["console_url"] == (
        "https://console.cloud.google.com/kubernetes/deployment/europe-west4/main/api/api/overview"
        "?project=acme-prod"
    )
    assert outputs["logs_command"] == (
        "kubectl --context prod logs --namespace api --selector app.kubernetes.io/name=api "
        "--container server --prefix --follow"
    )
    assert emitted().outputs["console_url"] == ""


def test_kserves_pods_have_their_own_label_and_container() -> None:
    command = emitted(serving="kserve").outputs["logs_command"]
    assert "--selector serving.kserve.io/inferenceservice=api --container kserve-container" in command


def test_an_image_whose_digest_turns_out_missing_fails() -> None:
    with pytest.raises(pulumi.RunError, match="must have its digest"):
        emitted(image_ref=lambda: pulumi.Output.from_input("host/api:latest"))


def requests_of(**args: Any) -> dict[str, Any]:
    """Return the requests to the engine by the resource's name."""
    cloud = Cloud("demo", "dev")
    run(program_of(**args), StackConfig("demo", "dev", {}, frozenset(), {}), cloud, preview=False)
    return {urn.split("::")[-1]: request for urn, request in cloud.requests.items()}


def test_what_takes_long_to_make_again_or_whose_loss_is_an_outage_is_protected_until_said_otherwise() -> None:
    def protected(**args: Any) -> set[str]:
        return {name for name, request in requests_of(**args).items() if request.protect}

    assert protected() == {"api-namespace", "api-deployment", "api-service"}
    assert protected(model=BUCKET, model_storage_class="rwx") == {
        "api-namespace",
        "api-deployment",
        "api-service",
        "api-model",
    }
    assert protected(serving="kserve") == {"api-namespace", "api-inference"}
    assert protected(deletion_protection=False) == set()


def test_an_up_waits_for_as_long_as_every_pod_may_take() -> None:
    def seconds(**args: Any) -> int:
        return int(requests_of(**args)["api-deployment"].customTimeouts.create.removesuffix("s"))

    assert seconds(max_replicas=3) > 600
    assert seconds(max_replicas=30, **GPU) > seconds(max_replicas=3, **GPU)
    assert seconds(node_start_seconds=900) > seconds(node_start_seconds=60)


def test_a_deletion_waits_for_as_long_as_a_pod_may_take_to_end() -> None:
    """Source: K8S concepts/workloads/pods/pod-lifecycle: a pod has its grace period to end."""
    made = requests_of(request_timeout_seconds=3600)
    waits = {made[name].customTimeouts.delete for name in ("api-deployment", "api-namespace")}
    assert min(int(wait.removesuffix("s")) for wait in waits) > 3600


def made(found: Emitted) -> list[tuple[str, str, Any]]:
    """List what a cluster and a cloud are asked to create, without the components' own records."""
    resources = (resource for resource in found.resources if not resource.type.startswith("slipway:"))
    return sorted((resource.type, resource.name, resource.inputs) for resource in resources)


def outputs(values: dict[str, str]) -> dict[str, Any]:
    """Each as an Output, once it is called in a program."""
    return {name: lambda value=value: pulumi.Output.from_input(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("flowing", "shaping"),
    [
        (
            {"google_project": "example.com:acme-prod", "google_region": "europe-west4", "context": "main"},
            {"cluster_name": "main", "domain": "api.example.com", "public": True, "model": BUCKET},
        ),
        ({**GOOGLE, "workload_pool": "fleet-host.svc.id.goog"}, {"cluster_name": "main"}),
        (
            {"ingress_class": "nginx", "tls_secret": "api-tls", "cert_issuer": "letsencrypt"},
            {"domain": "api.example.com"},
        ),
        ({"context": "main", "cluster_identifier": "one"}, {"kubeconfig": "{}"}),
        ({"model_storage_class": "standard-rwx"}, {"model": BUCKET}),
    ],
)
def test_what_only_flows_through_may_be_an_output_and_makes_the_same(
    flowing: dict[str, str], shaping: dict[str, Any]
) -> None:
    flowing = {name: value for name, value in flowing.items() if name not in shaping}
    known = emitted(api_key=KEY, **flowing, **shaping)
    later = emitted(api_key=KEY, **outputs(flowing), **shaping)
    assert made(later) == made(known)
    assert later.outputs == known.outputs


def test_a_value_of_the_environment_may_be_an_output() -> None:
    env = {"LOG_LEVEL": "debug"}
    later = emitted(env=lambda: {name: pulumi.Output.from_input(value) for name, value in env.items()})
    assert later.named("api-settings").inputs["data"] == emitted(env=env).named("api-settings").inputs["data"]


@pytest.mark.parametrize("name", ["namespace", "domain", "cluster_name", "serving", "min_replicas"])
def test_an_output_is_refused_where_it_decides_what_is_made(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is an Output; it must be a plain value, because"):
        emitted(**outputs({name: "x"}))


def test_a_warning_is_in_the_words_of_whoever_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def warn(text: str, *_: object) -> None:
        told.append(text)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    with reader_words({"min_replicas": "minInstances"}):
        emitted(min_replicas=1)
    assert any(text.startswith("`minInstances` is 1: while a node is drained") for text in told)

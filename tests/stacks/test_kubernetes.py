"""The whole program of a `kubernetes` stack, planned without a cluster."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.kubernetes import Kubernetes
from slipway.infra.targets.rollout_step import ROLLOUT_STEP
from slipway.infra.targets.target import Access
from slipway.stacks.settings.common import Settings
from tests.warned import warned

DIGEST = f"registry.example.com/slipway/server@sha256:{'0' * 64}"
GIVEN = {"target": "kubernetes", "image": DIGEST}
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "kind", "cluster": {"server": "https://127.0.0.1:6443"}}],
    "contexts": [{"name": "kind", "context": {"cluster": "kind", "user": "kind"}}],
    "users": [{"name": "kind", "user": {"token": "hush-hush"}}],
    "current-context": "kind",
}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(KUBECONFIG))
    return str(path)


def config(**values: str) -> StackConfig:
    given = {f"slipway:{key}": value for key, value in {**GIVEN, **values}.items()}
    return StackConfig("slipway", "kind", given, frozenset(), {})


def planned(**values: str) -> Plan:
    return plan_of(main, config(**values))


def inputs(plan: Plan, name: str) -> Mapping[str, Any]:
    return next(resource.inputs for resource in plan.resources if resource.name == name)


def refusal(**values: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        planned(**values)
    return str(caught.value)


def test_the_stack_exports_the_outputs_of_every_target(kubeconfig: str) -> None:
    outputs = planned(kubeconfig=kubeconfig).outputs
    uniform = {"apiKey", "consoleUrl", "imageRef", "logsCommand", "serviceName", "url"}
    assert set(outputs) == {*uniform, "domainRecords"}
    assert (outputs["imageRef"], outputs["consoleUrl"]) == (DIGEST, "")


def test_nothing_of_a_cloud_is_made(kubeconfig: str) -> None:
    types = {resource.type.split(":")[0] for resource in planned(kubeconfig=kubeconfig).resources}
    assert types == {"pulumi", "kubernetes", "random", "slipway"}


def test_the_provider_is_told_its_cluster_and_the_kubeconfig_is_a_secret(kubeconfig: str) -> None:
    plan = planned(kubeconfig=kubeconfig)
    provider = inputs(plan, "slipway-kind-cluster")
    assert provider["kubeconfig"] == "[secret]"
    assert provider["clusterIdentifier"] == "https://127.0.0.1:6443"
    assert "hush" not in json.dumps([dict(resource.inputs) for resource in plan.resources])


def test_a_preview_needs_no_kubeconfig(tmp_path: Path) -> None:
    plan = planned(kubeconfig=str(tmp_path / "missing"), context="kind")
    assert inputs(plan, "slipway-kind-cluster")["kubeconfig"] == "[secret]"
    assert inputs(plan, "slipway-kind-deployment")["spec"]["template"]["spec"]["containers"]


def test_settings_reach_the_service(kubeconfig: str) -> None:
    plan = planned(
        kubeconfig=kubeconfig,
        namespace="shop",
        nodeSelector='{"disk": "fast"}',
        gpu="nvidia-l4",
        gpuCount="2",
        domain="api.example.com",
        ingressClass="nginx",
        tlsSecret="api-tls",
    )
    spec = inputs(plan, "slipway-kind-deployment")["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"disk": "fast"}
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "2"
    [settings] = [made.inputs for made in plan.resources if made.type.endswith(":ConfigMap")]
    assert settings["data"]["DEVICE"] == "cuda"
    assert plan.outputs["url"] == "https://api.example.com"
    ingress = inputs(plan, "slipway-kind-ingress")
    assert ingress["metadata"]["namespace"] == "shop"
    assert ingress["spec"]["ingressClassName"] == "nginx"


def test_an_image_is_built_into_a_repository_that_exists(kubeconfig: str) -> None:
    plan = planned(kubeconfig=kubeconfig, image="", repository="registry.example.com/slipway/server")
    assert inputs(plan, "slipway-kind-image")["repository"] == "registry.example.com/slipway/server"
    assert any(resource.type == "docker-build:index:Image" for resource in plan.resources)


def test_an_inference_service_is_made_where_kserve_is_asked_for(kubeconfig: str) -> None:
    plan = planned(kubeconfig=kubeconfig, serving="kserve", canaryPercent="10")
    assert inputs(plan, "slipway-kind-inference")["spec"]["predictor"]["canaryTrafficPercent"] == 10


def test_a_command_drives_a_rollout_by_steps_and_a_bare_update_has_none(
    kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"kubeconfig": kubeconfig, "rollout": "canary"}
    assert "slipway-kind-canary" not in {made.name for made in planned(**given).resources}
    monkeypatch.setenv(ROLLOUT_STEP, "share:3")
    plan = planned(**given)
    assert inputs(plan, "slipway-kind-canary")["spec"]["replicas"] == 3
    assert inputs(plan, "slipway-kind-service")["spec"]["selector"] == {
        "app.kubernetes.io/instance": "slipway-kind"
    }
    for step in ("share:x", "share:3:4", "Share"):
        monkeypatch.setenv(ROLLOUT_STEP, step)
        with pytest.raises(pulumi.RunError, match="no step of a rollout"):
            planned(**given)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"image": ""},
            "image is missing; name it with its digest, host/repository@sha256:<64 hex digits>, or",
        ),
        ({"namespace": "Kube"}, "namespace: got 'Kube'; allowed: 1 to 63"),
        (
            {"namespace": "default"},
            "which every cluster has; choose another one, or set `createNamespace` to false",
        ),
        (
            {"canaryPercent": "10"},
            "canaryPercent is 10 with `rollout` rolling; use `rollout` canary, or leave it out",
        ),
        (
            {"rollout": "canary", "rollbackOn": '["p99"]'},
            "rollbackOn has 'p99'; allowed are `http_server_req",
        ),
        ({"bakeMinutes": "3"}, "bakeMinutes is 3 with `rollout` rolling, which watches nothing"),
        (
            {"rollout": "canary", "gpu": "nvidia-l4"},
            "needs a spare GPU, and none is known to be there; set `spareNode` to true",
        ),
        ({"requestsMetric": "http_requests"}, "without `requestsPerInstance`; give both, or leave both out"),
        ({"modelDelivery": "mount"}, "modelDelivery: got 'mount'; allowed: fetch."),
        (
            {"memory": "1G"},
            "memory is 1G, which is 953.6743164 MiB; it must be whole MiB. Did you mean 954Mi?",
        ),
        ({"certIssuer": "le"}, "certIssuer is 'le' without `domain`, so there is no Ingress"),
        ({"serving": "kserve", "allowedNamespaces": '["shop"]'}, "allowedNamespaces is given with KServe"),
        ({"secrets": '{"DB": "kubernetes:-a/b"}'}, "secrets has DB, which refers to no Secret of a cluster"),
        ({"context": "other"}, "has no context 'other'; it has kind"),
    ],
)
def test_what_a_cluster_would_not_run_is_refused_before_anything_is_registered(
    kubeconfig: str, values: dict[str, str], said: str
) -> None:
    assert said in refusal(**{"kubeconfig": kubeconfig, **values})


def test_a_kubeconfig_that_cannot_be_parsed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("clusters: [")
    assert "is not YAML" in refusal(kubeconfig=str(path))


def test_the_warnings_of_the_service_are_told() -> None:
    told = "\n".join(warned(config()))
    assert "`minInstances` is 1" in told


def test_a_limit_that_a_deployment_does_not_keep_is_a_warning() -> None:
    def told(**values: str) -> str:
        return "\n".join(warned(config(**values)))

    assert "`concurrency` is 4, which only KServe keeps to" in told(concurrency="4")
    assert "concurrency" not in told()
    assert "concurrency" not in told(concurrency="4", serving="kserve")


def test_an_answer_that_begins_too_late_for_knative_is_warned_of() -> None:
    """Source: knative/serving, pkg/apis/config/defaults.go: RevisionResponseStartTimeoutSeconds."""
    late = "has not begun after 300 s"
    assert late in "\n".join(warned(config(serving="kserve", timeout="301")))
    assert late not in "\n".join(warned(config(serving="kserve", timeout="300")))
    assert late not in "\n".join(warned(config(timeout="301")))


def test_a_login_that_the_nodes_may_lack_is_told_with_what_gives_it() -> None:
    def told(**values: str) -> str:
        return "\n".join(warned(config(**values)))

    way = "`kubectl --namespace ml create secret docker-registry`) and name it in `imagePullSecrets`"
    assert "the image is in registry.example.com: if it requires a login" in told(namespace="ml")
    assert way in told(namespace="ml")
    assert way in told(namespace="ml", image="", repository="registry.example.com/slipway/server")
    assert "requires a login" not in told(imagePullSecrets='["registry-login"]')
    ecr = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@sha256:{'0' * 64}"
    assert "nodes of EKS pull it by their role" in told(image=ecr)
    assert "the image is in" not in told(image=f"public.ecr.aws/acme/server@sha256:{'0' * 64}")


def test_the_driver_that_the_nodes_must_have_is_a_warning(kubeconfig: str) -> None:
    def told(**values: str) -> str:
        return "\n".join(warned(config(kubeconfig=kubeconfig, gpu="nvidia-l4", **values)))

    built = told(image="", repository="registry.example.com/acme/server", model=f"hf:acme/spam@{'a' * 40}")
    assert (
        "driver of the nodes is not known; the image has CUDA 13.2, which needs driver 580 or newer" in built
    )
    assert "CUDA 12.x needs driver 525 or newer, CUDA 13.x needs driver 580 or newer" in told()


MONITORED = {"objective": '{"availability": 99.9}', "thresholds": '{"memory": {"page": 0.9}}'}


def kinds(plan: Plan) -> set[str]:
    return {r.type.rpartition(":")[2] for r in plan.resources if r.type.startswith("kubernetes:monitoring")}


def test_a_preview_of_auto_shows_what_a_cluster_with_the_operator_gets(kubeconfig: str) -> None:
    for monitoring in ("auto", "operator"):
        plan = planned(kubeconfig=kubeconfig, monitoring=monitoring, **MONITORED)
        assert kinds(plan) == {"PodMonitor", "PrometheusRule"}
    assert kinds(planned(kubeconfig=kubeconfig)) == set()


def test_auto_makes_nothing_in_a_cluster_without_the_operator(
    kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Kubernetes.access

    def without(self: Kubernetes, settings: Settings, *, applies: bool) -> Access:
        return replace(access(self, settings, applies=applies), has_operator=False)

    monkeypatch.setattr(Kubernetes, "access", without)
    plan = planned(kubeconfig=kubeconfig, monitoring="auto", metricsPath="/stats", **MONITORED)
    assert kinds(plan) == set()
    assert "METRICS_PATH" not in next(
        r.inputs["data"] for r in plan.resources if r.type == "kubernetes:core/v1:ConfigMap"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"objective": '{"availability": 100}'}, "objective.availability is 100, which leaves no failure"),
        ({"objective": '{"availabilty": 99}'}, "objective: got .*availability"),
        ({"objective": '{"availability": "high"}'}, "objective: got .*availability and latency"),
        ({"thresholds": '{"memory": {"ticket": 0.99, "page": 0.9}}'}, "thresholds.memory.ticket is 0.99"),
        ({"thresholds": '{"memori": {"page": 0.9}}'}, "thresholds has 'memori'.*Did you mean memory"),
        ({"thresholds": '{"memory": 0.9}'}, "thresholds: got .*such as"),
        ({"thresholds": f'{{"turn": {{"page": {"9" * 400}}}}}'}, "thresholds: got .*such as"),
        ({"objective": '{"days": 1e400}'}, "objective: got .*a map with numbers"),
        ({"monitoring": "google"}, "monitoring: got 'google'; allowed: none, auto, operator"),
        ({"monitoring": "none", **MONITORED}, "objective is given without `monitoring`"),
        ({"runbooks": "runbooks.md"}, "runbooks: got 'runbooks.md'"),
        ({"runbooks": "https://a.example/r#top"}, "runbooks: got .*without an anchor"),
    ],
)
def test_monitoring_that_could_not_work_is_refused_in_the_words_of_the_settings(
    kubeconfig: str, values: Mapping[str, str], message: str
) -> None:
    said = refusal(kubeconfig=kubeconfig, **{"monitoring": "operator", **values})
    assert re.search(message, said), said


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scaleOn": "memory"}, "scaleOn: got 'memory'; allowed: cpu, requests, queue, interceptor"),
        ({"scaleOn": "queue"}, "scaleOn is 'queue' without `monitoring`"),
        ({"minInstances": "0"}, "minInstances is 0: .*`scaleOn` to interceptor"),
        ({"minInstances": "0", "scaleOn": "requests", "monitoring": "operator"}, "minInstances is 0"),
        ({"minInstances": "5", "maxInstances": "2"}, "maxInstances: got .2.; allowed: 5 or more"),
        ({"scaleTarget": "0", "scaleOn": "queue", "monitoring": "operator"}, "scaleTarget: got '0'"),
        ({"prometheusAddress": "prometheus:9090"}, "prometheusAddress: got 'prometheus:9090'; .*such as"),
        ({"prometheusAddress": "http://a:9090"}, "prometheusAddress is given with `scaleOn` cpu"),
        ({"kedaNamespace": "a_b", "scaleOn": "interceptor"}, "kedaNamespace: got 'a_b'"),
        ({"public": "true", "scaleOn": "interceptor"}, "public is true with `scaleOn` interceptor"),
        (
            {"rollout": "canary", "scaleOn": "interceptor"},
            "rollout is canary with `scaleOn` interceptor, which lets one Deployment sleep; use `sc",
        ),
        (
            {"rollout": "blue-green", "scaleOn": "queue", "monitoring": "operator"},
            "rollout is blue-green with `scaleOn` queue, which scales one Deployment; .* `scaleOn` cpu",
        ),
    ],
)
def test_what_nothing_could_scale_by_is_refused_in_the_words_of_the_settings(
    kubeconfig: str, values: Mapping[str, str], message: str
) -> None:
    said = refusal(kubeconfig=kubeconfig, **values)
    assert re.search(message, said), said


def test_keda_scales_by_what_the_operators_prometheus_reads(kubeconfig: str) -> None:
    plan = planned(kubeconfig=kubeconfig, monitoring="operator", scaleOn="requests", concurrency="20")
    [trigger, _] = inputs(plan, "slipway-kind-scaler")["spec"]["triggers"]
    assert trigger["metadata"]["threshold"] == "14"
    assert not [r for r in plan.resources if r.type.endswith("HorizontalPodAutoscaler")]


def test_a_service_that_sleeps_is_reached_where_it_is_woken(kubeconfig: str) -> None:
    values = {"scaleOn": "interceptor", "minInstances": "0", "namespace": "ml"}
    url = planned(kubeconfig=kubeconfig, **values).outputs["url"]
    assert url == "http://slipway-kind-proxy.ml.svc.cluster.local:8080"
    settings = settings_from(config(kubeconfig=kubeconfig, **values))
    assert Kubernetes().place("slipway-kind", settings).url == url


def test_scaling_by_a_prometheus_that_auto_does_not_find_is_refused(
    kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Kubernetes.access

    def without(self: Kubernetes, settings: Settings, *, applies: bool) -> Access:
        return replace(access(self, settings, applies=applies), has_operator=False)

    monkeypatch.setattr(Kubernetes, "access", without)
    said = refusal(kubeconfig=kubeconfig, monitoring="auto", scaleOn="requests")
    assert "scaleOn is 'requests' without `monitoring`" in said


def test_a_number_of_a_map_may_be_a_string_as_pulumi_keeps_it(kubeconfig: str) -> None:
    plan = planned(
        kubeconfig=kubeconfig, monitoring="operator", objective='{"availability": "99.9", "days": 28}'
    )
    rules = next(r.inputs for r in plan.resources if r.type.endswith("PrometheusRule"))
    assert "> 0.01344 " in json.dumps(rules["spec"])

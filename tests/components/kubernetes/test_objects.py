"""What the objects say, where a judge of the whole would not mind another choice."""

from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from slipway.components.content_hash import hashed
from slipway.components.kubernetes.args import Serving
from tests.contract.kubernetes_cases import BUCKET, GOOGLE, GPU
from tests.contract.kubernetes_objects import objects_of, one


def pod(**args: Any) -> dict[str, Any]:
    return one(objects_of(args), "Deployment")["spec"]["template"]["spec"]


def server(**args: Any) -> dict[str, Any]:
    return pod(**args)["containers"][0]


def test_a_gpu_pod_finds_gkes_driver_and_bears_its_taint() -> None:
    settings = one(objects_of(GPU), "ConfigMap")["data"]
    assert settings["LD_LIBRARY_PATH"].split(":")[0] == "/usr/local/nvidia/lib64"
    assert pod(**GPU)["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert server(**GPU)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert settings["DEVICE"] == "cuda"
    assert not {"LD_LIBRARY_PATH", "DEVICE"} & one(objects_of({}), "ConfigMap")["data"].keys()


def test_given_tolerations_take_the_place_of_the_default_one() -> None:
    spot = {"key": "spot", "value": "true", "effect": "NoSchedule"}
    assert pod(**GPU, tolerations=[spot])["tolerations"] == [spot]


def test_an_init_container_fetches_with_the_servers_own_settings_and_no_gpu() -> None:
    found = pod(model=BUCKET, **GPU)
    [fetcher], [main] = found["initContainers"], found["containers"]
    assert fetcher["command"] == ["python", "-m", "service.sources"]
    assert (fetcher["image"], fetcher["envFrom"]) == (main["image"], main["envFrom"])
    assert "nvidia.com/gpu" not in fetcher["resources"]["limits"]
    assert fetcher["volumeMounts"] == main["volumeMounts"]
    settings = one(objects_of({"model": BUCKET}), "ConfigMap")["data"]
    assert (settings["MODEL_SOURCE"], settings["MODEL_CACHE_DIR"]) == (BUCKET, "/var/cache/slipway")
    assert "initContainers" not in pod()


def test_a_shared_volume_has_room_for_the_model_before_it_too() -> None:
    objects = objects_of({"model": BUCKET, "model_storage_class": "standard-rwx", "model_gib": 10})
    claim = one(objects, "PersistentVolumeClaim")["spec"]
    assert claim["accessModes"] == ["ReadWriteMany"]
    assert claim["resources"]["requests"]["storage"] == f"{24 * 1024}Mi"
    volumes = one(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "model", "persistentVolumeClaim": {"claimName": "api-model"}} in volumes


def test_a_mounted_bucket_is_read_only_and_told_to_the_driver() -> None:
    args = {"model": "gs://models/spam/v2", "model_delivery": "mount", **GOOGLE}
    template = one(objects_of(args), "Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"] == {"gke-gcsfuse/volumes": "true"}
    driver = template["spec"]["volumes"][-1]["csi"]
    assert (driver["driver"], driver["readOnly"]) == ("gcsfuse.csi.storage.gke.io", True)
    assert driver["volumeAttributes"] == {
        "bucketName": "models",
        "mountOptions": "implicit-dirs,only-dir=spam/v2,uid=10001,gid=10001",
    }
    assert one(objects_of(args), "ConfigMap")["data"]["MODEL_DIR"] == "/mnt/model"


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ({}, "ClusterIP"),
        ({"public": True}, "LoadBalancer"),
        ({"public": True, "domain": "a.example.com"}, "ClusterIP"),
    ],
)
def test_only_a_public_service_without_a_domain_has_an_address_of_its_own(
    args: dict[str, Any], kind: str
) -> None:
    assert one(objects_of(args), "Service")["spec"]["type"] == kind


@pytest.mark.parametrize(("least", "most"), [(3, 3), (1, 1), (2, 9)])
def test_the_number_of_pods_is_the_autoscalers_which_begins_at_the_minimum(least: int, most: int) -> None:
    objects = objects_of({"min_replicas": least, "max_replicas": most})
    scaler = one(objects, "HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (least, most)
    assert one(objects, "Deployment")["spec"]["replicas"] == least


def test_requests_count_in_thousandths_beside_the_cpu() -> None:
    args = {"requests_metric": "http_requests", "requests_per_replica": 12.5}
    cpu, requests = one(objects_of(args), "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert cpu["resource"]["target"] == {"type": "Utilization", "averageUtilization": 60}
    assert requests["pods"] == {
        "metric": {"name": "http_requests"},
        "target": {"type": "AverageValue", "averageValue": "12500m"},
    }


def test_pods_go_slower_than_a_new_one_starts() -> None:
    down = one(objects_of({**GPU, "node_start_seconds": 900}), "HorizontalPodAutoscaler")["spec"]["behavior"]
    assert down["scaleDown"]["stabilizationWindowSeconds"] > 900
    assert down["scaleUp"]["stabilizationWindowSeconds"] == 0


def egress(**args: Any) -> list[dict[str, Any]]:
    return one(objects_of(args), "NetworkPolicy")["spec"]["egress"]


def egress_ports(**args: Any) -> set[int]:
    return {port["port"] for rule in egress(**args) for port in rule.get("ports", [])}


def reached(*, port: int, **args: Any) -> set[str]:
    """Return the networks that pods reach on a port; '*' for every address."""
    rules = [rule for rule in egress(**args) if port in {each["port"] for each in rule.get("ports", [])}]
    return {
        to["ipBlock"]["cidr"] if "ipBlock" in to else "the cluster"
        for rule in rules
        for to in rule.get("to", [{"ipBlock": {"cidr": "*"}}])
    }


@pytest.mark.parametrize("place", [{}, GOOGLE], ids=["anywhere", "GKE"])
def test_names_are_resolved_in_the_cluster_alone(place: dict[str, Any]) -> None:
    """Sources: K8S tasks/administer-cluster/nodelocaldns, AKS LocalDNS, GKE how-to/cloud-dns."""
    [network] = reached(port=53, **place) - {"the cluster"}
    for on_the_node in ("169.254.20.10", "169.254.10.11", "169.254.169.254"):
        assert ip_address(on_the_node) in ip_network(network)
    for outside in ("8.8.8.8", "10.0.0.10", "169.253.0.1"):
        assert ip_address(outside) not in ip_network(network)


def test_pods_reach_the_agent_that_gives_them_credentials_on_eks() -> None:
    """Source: docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html."""
    assert reached(port=80, model="s3://models/spam@3sL4kqtJlcpXroDTDmJ") == {"169.254.170.23/32"}
    assert reached(port=80) == set()


def test_pods_may_call_what_their_environment_names() -> None:
    assert reached(port=9000, env={"AWS_ENDPOINT_URL": "http://minio:9000"}) == {"*"}
    assert reached(port=3128, env={"HTTPS_PROXY": "http://10.0.0.7:3128"}) == {"10.0.0.7/32"}
    assert egress_ports(env={"LOG_LEVEL": "debug", "AWS_ENDPOINT_URL": "http://localhost:9000"}) == {53}


@pytest.mark.parametrize(
    ("host", "to"),
    [
        ("minio", {"podSelector": {}}),
        ("minio.api.svc", {"podSelector": {}}),
        (
            "minio.storage.svc.cluster.local",
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "storage"}}},
        ),
    ],
)
def test_a_service_of_the_cluster_is_reached_whatever_its_pods_port_is(host: str, to: Any) -> None:
    """Source: K8S concepts/services-networking/network-policies: a port is the pod's, not the Service's."""
    rules = egress(env={"AWS_ENDPOINT_URL": f"http://{host}:80"})
    assert {"to": [to]} in rules


def test_a_pod_has_its_share_of_the_nodes_disk() -> None:
    def disk(**args: Any) -> set[str]:
        pod = one(objects_of(args), "Deployment")["spec"]["template"]["spec"]
        both = [each["resources"] for each in [*pod.get("initContainers", []), *pod["containers"]]]
        return {of[kind]["ephemeral-storage"] for of in both for kind in ("requests", "limits")}

    assert disk() == {"1088Mi"}
    assert disk(model=BUCKET, model_gib=10) == {f"{1088 + 12288}Mi"}
    assert disk(model=BUCKET, model_gib=10, model_storage_class="filestore") == {"1088Mi"}


def test_pods_of_kserve_have_the_restrictions_and_the_start_that_others_have() -> None:
    """Source: github.com/knative/serving, pkg/apis/serving/fieldmask.go (2026-08): what Knative takes."""
    args = {"load_seconds": 100.0}
    [ours] = one(objects_of(args), "Deployment")["spec"]["template"]["spec"]["containers"]
    predictor = one(objects_of({**args, "serving": Serving.KSERVE}), "InferenceService")["spec"]["predictor"]
    [theirs] = predictor["containers"]
    assert predictor["automountServiceAccountToken"] is False
    assert predictor["enableServiceLinks"] is False
    assert theirs["securityContext"] == ours["securityContext"]
    assert theirs["resources"] == ours["resources"]
    for probe in (ours["startupProbe"], theirs["startupProbe"]):
        assert probe["failureThreshold"] * probe["periodSeconds"] >= 300
    assert theirs["startupProbe"]["httpGet"]["port"] == theirs["ports"][0]["containerPort"]


def test_pods_call_only_what_their_model_needs() -> None:
    assert egress_ports() == {53}
    assert egress_ports(model=BUCKET) == {53, 443}
    assert egress_ports(model=BUCKET, **GOOGLE) == {53, 443, 988, 80}


def incoming(**args: Any) -> Any:
    [rule] = one(objects_of(args), "NetworkPolicy")["spec"]["ingress"]
    return rule.get("from")


def test_the_level_of_a_line_is_named_as_the_log_of_the_cluster_reads_it() -> None:
    google = one(objects_of({**GOOGLE}), "ConfigMap")["data"]
    assert google["LOG_LEVEL_FIELD"] == "severity"
    assert "LOG_LEVEL_FIELD" not in one(objects_of({}), "ConfigMap")["data"]


@pytest.mark.parametrize("port", [8080, 9464])
def test_only_managed_prometheus_reaches_the_page_of_metrics_and_reads_it_where_it_is(port: int) -> None:
    objects = objects_of({**GOOGLE, "metrics_path": "/stats", "public": True, "port": port})
    [endpoint] = one(objects, "PodMonitoring")["spec"]["endpoints"]
    [container] = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    data, _ = (found["data"] for found in objects if found["kind"] == "ConfigMap")
    assert (endpoint["port"], endpoint["path"]) == ("metrics", data["METRICS_PATH"])
    assert str(ports["metrics"]) == data["METRICS_PORT"] != data["PORT"]
    calls, scrapes = one(objects, "NetworkPolicy")["spec"]["ingress"]
    assert [each["port"] for each in calls["ports"]] == ["http"]
    assert [each["port"] for each in scrapes["ports"]] == ["metrics"]
    [collectors] = scrapes["from"]
    names = collectors["namespaceSelector"]["matchExpressions"][0]["values"]
    assert names == ["gke-gmp-system"]
    assert [each["targetPort"] for each in one(objects, "Service")["spec"]["ports"]] == ["http"]


def test_callers_are_the_clusters_the_named_ones_or_for_an_own_address_anybody() -> None:
    assert incoming() == [{"namespaceSelector": {}}]
    [named] = incoming(allowed_namespaces=["front"])
    assert named["namespaceSelector"]["matchExpressions"][0]["values"] == ["api", "front"]
    assert incoming(public=True) is None
    blocks = incoming(domain="a.example.com", public=True, **GOOGLE)[1:]
    assert [block["ipBlock"]["cidr"] for block in blocks] == ["35.191.0.0/16", "130.211.0.0/22"]


def test_the_default_budget_never_blocks_a_drain_and_a_given_one_is_kept() -> None:
    assert one(objects_of({}), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    budget = one(objects_of({"min_available": 1}), "PodDisruptionBudget")["spec"]
    assert (budget["minAvailable"], "maxUnavailable" in budget) == (1, False)


def test_kserve_gets_the_same_container_and_the_canarys_share() -> None:
    objects = objects_of({"serving": "kserve", "canary_percent": 10, "min_replicas": 0, **GPU})
    assert [found["kind"] for found in objects][-1] == "InferenceService"
    predictor = one(objects, "InferenceService")["spec"]["predictor"]
    [container] = predictor["containers"]
    assert (predictor["minReplicas"], predictor["canaryTrafficPercent"]) == (0, 10)
    assert container["resources"] == server(**GPU)["resources"]
    assert container["image"] == server()["image"]
    assert one(objects, "ConfigMap")["data"]["DEVICE"] == "cuda"
    assert container["readinessProbe"]["httpGet"]["port"] == 8080
    assert predictor["annotations"]["serving.knative.dev/progress-deadline"].endswith("s")
    assert "lifecycle" not in container


@pytest.mark.parametrize(("public", "visibility"), [(False, "cluster-local"), (True, None)])
def test_knative_is_told_that_a_service_is_private(public: bool, visibility: str | None) -> None:
    labels = one(objects_of({"serving": "kserve", "public": public}), "InferenceService")["metadata"][
        "labels"
    ]
    assert labels.get("networking.knative.dev/visibility") == visibility


def test_a_hash_is_of_the_json_that_helm_writes() -> None:
    written = rb'{"A":"\u003c\u0026\u003e","B":"\u2028"}'  # as Go's encoding/json does
    assert hashed("x", {"B": "\u2028", "A": "<&>"}) == f"x-{sha256(written).hexdigest()[:8]}"

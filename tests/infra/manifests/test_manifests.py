"""`slipway manifests`: plain YAML and a Helm chart of what a stack's program registers."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.components.kubernetes import KubernetesService
from slipway.infra.errors import Refused
from slipway.infra.manifests.chart import chart_files
from slipway.infra.manifests.folder import write_files
from slipway.infra.manifests.objects import Manifests, manifests_of, yaml_files, yaml_of
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from tests.contract.kubernetes_cases import GOOGLE, GPU, KEY, PLAIN
from tests.contract.kubernetes_job_cases import EVERY_RIGHT, JOBS
from tests.contract.kubernetes_judge import schema_faults

EVERYTHING: dict[str, Any] = {
    **GPU,
    **GOOGLE,
    "model": "gs://models/spam@1763721600000000",
    "public": True,
    "domain": "api.example.com",
    "metrics_path": "/metrics",
    "env": {"MARK": "<&>'\"\u2028ä", "BRACES": "{{ .Values.x }} '@@x@@'", "NUMBER": "007", "LINES": "a\nb"},
    "secret_values": {"HF_TOKEN": "hush"},
    "secrets": {"DATABASE": "database/url"},
    "node_selector": {"pool": "gpu"},
}
# A step of a rollout holds parts of objects as they are, and is only for who has them.
LASTING = {name: args for name, args in EVERY_RIGHT.items() if "rollout_step" not in args}


def plan(args: Mapping[str, Any]) -> Plan:
    def program() -> None:
        KubernetesService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]

    return plan_of(program, StackConfig("demo", "prod", {}, frozenset(), {}))


def found(args: Mapping[str, Any]) -> Manifests:
    return manifests_of(plan(args))


def documents(text: str) -> list[Any]:
    return [each for each in yaml.safe_load_all(text) if each]


def by_name(objects: list[Any]) -> dict[tuple[str, str], Any]:
    named = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    assert len(named) == len(objects)
    return named


@pytest.mark.parametrize("args", LASTING.values(), ids=LASTING.keys())
def test_the_yaml_is_what_would_be_registered_but_for_the_secret(args: Mapping[str, Any]) -> None:
    registered = [dict(r.inputs) for r in plan(args).resources if r.type.startswith("kubernetes:")]
    written = by_name(documents(yaml_of(found(args))))
    for each in registered:
        name = (each["kind"], each["metadata"]["name"])
        if each["kind"] == "Secret":
            assert not [kind for kind, _ in written if kind == "Secret"]
        elif each["kind"] not in ("Deployment", "InferenceService"):  # these refer to the Secret
            assert written[name] == each
    assert len(written) == len(registered) - 1
    assert schema_faults(list(written.values()), ["1.37"]) == []


def test_it_is_sorted_and_the_same_every_time() -> None:
    first, second = (yaml_of(found(EVERYTHING)) for _ in range(2))
    assert first == second
    kinds = [each["kind"] for each in documents(first)]
    assert kinds[:7] == [
        "Namespace",
        "ServiceAccount",
        "ConfigMap",
        "ConfigMap",
        "NetworkPolicy",
        "Deployment",
        "PodDisruptionBudget",
    ]
    for each in documents(first):
        assert list(each) == sorted(each)


def test_no_secret_is_in_it_and_the_way_to_make_it_is() -> None:
    text = yaml_of(found({**EVERYTHING, "api_key": KEY}))
    assert KEY not in text
    assert "hush" not in text
    assert (
        "#   kubectl create secret generic api-secrets --namespace api "
        "--from-file=HF_TOKEN=<file with its value> "
        '--from-literal=MODEL_API_KEY="$(openssl rand -hex 20)"'
    ) in text.splitlines()
    server = by_name(documents(text))[("Deployment", "api")]["spec"]["template"]["spec"]["containers"][0]
    named = {variable["name"]: variable["valueFrom"]["secretKeyRef"]["name"] for variable in server["env"]}
    assert named == {"DATABASE": "database", "HF_TOKEN": "api-secrets", "MODEL_API_KEY": "api-secrets"}


def test_what_pulumi_makes_beside_it_is_told() -> None:
    head = yaml_of(found(EVERYTHING)).partition("apiVersion")[0]
    for name in ("api-account", "api-address", "api-models-reader", "api-pods"):
        assert name in head
    plain = yaml_of(found({}))
    assert "is not included, because its values are secret" in plain
    assert "not included" not in plain.replace("is not included, because its values are secret", "")


def test_an_unknown_image_is_refused_with_the_way_to_name_one() -> None:
    def program() -> None:
        import pulumi

        unknown: Any = pulumi.UNKNOWN
        image = pulumi.Output.from_input(unknown)
        KubernetesService("api", {**PLAIN, "image_ref": image})  # pyright: ignore[reportArgumentType]

    unfinished = plan_of(program, StackConfig("demo", "prod", {}, frozenset(), {}))
    with pytest.raises(Refused, match=r"Stack prod: the Deployment needs .*--set image=<registry>/"):
        manifests_of(unfinished)


def test_a_stack_without_objects_is_refused() -> None:
    empty = plan_of(lambda: None, StackConfig("demo", "dev", {}, frozenset(), {}))
    with pytest.raises(Refused, match="Stack dev has no Kubernetes objects"):
        manifests_of(empty)


def test_a_file_of_an_object_keeps_its_name_when_its_settings_change() -> None:
    names = [set(yaml_files(found({"env": {"LOG_LEVEL": level}}))) for level in ("info", "debug")]
    assert names[0] == names[1] >= {"api-settings.yaml", "api-deployment.yaml", "README.txt"}


def test_files_that_are_no_longer_made_go_and_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "k8s"
    write_files(folder, yaml_files(found({"domain": "a.example.com"})))
    (folder / "own.yaml").write_text("mine")
    assert (folder / "api-ingress.yaml").is_file()
    write_files(folder, yaml_files(found({})))
    assert not (folder / "api-ingress.yaml").exists()
    assert (folder / "own.yaml").read_text() == "mine"


def test_a_file_that_somebody_else_wrote_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "api-service.yaml").write_text("mine")
    with pytest.raises(Refused, match=r"holds api-service\.yaml, which `slipway manifests` did not write"):
        write_files(tmp_path, yaml_files(found({})))
    assert [path.name for path in tmp_path.iterdir()] == ["api-service.yaml"]
    with pytest.raises(Refused, match="is a file"):
        write_files(tmp_path / "api-service.yaml", {})


def test_a_charts_values_hold_what_people_change() -> None:
    files = chart_files(found(EVERYTHING))
    values = yaml.safe_load(files["values.yaml"])
    assert set(values) == {
        *("autoscaling", "createNamespace", "image", "namespace", "nodeSelector", "resources"),
        *("secretName", "settings", "tolerations"),
    }
    assert values["image"] == PLAIN["image_ref"]
    assert yaml.safe_load(files["Chart.yaml"])["name"] == "api"
    assert PLAIN["image_ref"] not in "".join(
        text for name, text in files.items() if name.startswith("templates/")
    )


HELM = shutil.which("helm")
needs_helm = pytest.mark.skipif(HELM is None, reason="there is no `helm` on PATH; `.ci/helm` builds one")


def rendered(folder: Path, args: Mapping[str, Any], *options: str) -> list[Any]:
    for name, text in chart_files(found(args)).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert HELM is not None
    command = [HELM, "template", "any", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


@needs_helm
@pytest.mark.parametrize("args", [*LASTING.values(), EVERYTHING], ids=[*LASTING, "everything"])
def test_helms_rendering_of_the_chart_is_the_plain_yaml(args: Mapping[str, Any], tmp_path: Path) -> None:
    assert by_name(rendered(tmp_path, args)) == by_name(documents(yaml_of(found(args))))


@needs_helm
def test_changed_values_make_another_configmap_that_the_pods_name(tmp_path: Path) -> None:
    changed = rendered(
        tmp_path, {}, "--set-string", "settings.LOG_LEVEL=debug", "--set", "autoscaling.maxReplicas=4"
    )
    kinds = {each["kind"]: each for each in changed}
    plain = by_name(documents(yaml_of(found({"env": {"LOG_LEVEL": "debug"}, "max_replicas": 4}))))
    assert by_name(changed) == plain
    assert kinds["HorizontalPodAutoscaler"]["spec"]["maxReplicas"] == 4


@needs_helm
def test_the_namespace_may_be_somebody_elses(tmp_path: Path) -> None:
    others = rendered(tmp_path, {}, "--set", "createNamespace=false", "--set", "namespace=ml")
    assert {each["metadata"]["namespace"] for each in others} == {"ml"}


@needs_helm
@pytest.mark.parametrize("how", ["operator", "google"])
def test_rules_and_dashboard_are_of_the_namespace_in_the_values(how: str, tmp_path: Path) -> None:
    args: dict[str, Any] = {**(GOOGLE if how == "google" else {}), "monitoring": how, "namespace": "ml"}
    elsewhere = by_name(documents(yaml_of(found({**args, "namespace": "shop"}))))
    changed = by_name(rendered(tmp_path, args, "--set", "namespace=shop"))
    watching = [name for name in changed if name[0] in ("Rules", "PrometheusRule") or "dashboard" in name[1]]
    assert len(watching) == 2
    assert all(changed[name] == elsewhere[name] for name in watching)


SCALED: dict[str, dict[str, Any]] = {
    "requests": {"monitoring": "operator", "scale_on": "requests"},
    "interceptor": {"scale_on": "interceptor", "min_replicas": 0, "domain": "api.example.com"},
}


@needs_helm
@pytest.mark.parametrize("args", SCALED.values(), ids=SCALED.keys())
def test_load_and_hosts_are_of_the_namespace_in_the_values(args: dict[str, Any], tmp_path: Path) -> None:
    elsewhere = by_name(documents(yaml_of(found({**args, "namespace": "shop", "max_replicas": 7}))))
    given = ("--set", "namespace=shop", "--set", "autoscaling.maxReplicas=7")
    changed = by_name(rendered(tmp_path, {**args, "namespace": "ml"}, *given))
    scaling = [name for name in changed if name[0] in ("ScaledObject", "InterceptorRoute", "Service")]
    assert len(scaling) > 1
    assert all(changed[name] == elsewhere[name] for name in scaling)


def test_a_chart_takes_kedas_range_from_the_values_and_keeps_no_namespace() -> None:
    files = chart_files(found({**SCALED["interceptor"], "namespace": "ml-of-one"}))
    assert "minReplicaCount: {{ int .Values.autoscaling.minReplicas }}" in files["templates/api-scaler.yaml"]
    assert "minReplicas: 0" in files["values.yaml"]
    assert "ml-of-one" not in files["templates/api-route.yaml"]
    by_query = chart_files(found({**SCALED["requests"], "namespace": "ml-of-one"}))
    assert "ml-of-one" not in by_query["templates/api-scaler.yaml"]


def test_a_chart_takes_the_workers_range_and_size_from_values_of_their_own() -> None:
    files = chart_files(found({**JOBS, "min_workers": 0, "max_workers": 6, "worker_memory_gib": 4}))
    values = yaml.safe_load(files["values.yaml"])
    assert values["workers"] == {"minReplicas": 0, "maxReplicas": 6}
    assert values["autoscaling"] == {"minReplicas": 2, "maxReplicas": 3}
    assert values["resources"]["worker"]["limits"]["memory"] == "4Gi"
    assert values["resources"]["server"]["limits"]["memory"] == "2Gi"
    assert values["jobsDatabase"] == {"size": "10240Mi"}


def test_a_chart_keeps_no_query_of_the_namespace_that_it_was_made_for() -> None:
    files = chart_files(found({"monitoring": "operator", "namespace": "ml-of-one"}))
    for name in ("templates/api-rules.yaml", "templates/api-dashboard.yaml"):
        assert "ml-of-one" not in files[name]
        assert "{{ .Values.namespace }}" in files[name]
    # The label of each alarm, and the file that a Grafana of all namespaces keeps.
    assert (
        "  namespace: {{ .Values.namespace | quote }}\n        service: api"
        in files["templates/api-rules.yaml"]
    )
    assert "slipway-{{ .Values.namespace }}_api.json: " in files["templates/api-dashboard.yaml"]

"""The one table of resource types: every type that a stack can make has a row, and every reader asks it."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway.infra.cost.charge import NotPriced, Scene
from slipway.infra.cost.kinds import CHARGES, verdict_of
from slipway.infra.cost.usage import Usage
from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import Knowledge, StackSource
from slipway.infra.diff.risks import risks_of
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.policy.judge import judged, unjudged_notes
from slipway.infra.program import main
from slipway.infra.resources.reading import Resource
from slipway.infra.resources.row import Billed
from slipway.infra.resources.table import TABLE, containers_of, is_component, role_of, row_of, ways_in
from slipway.stacks.settings.targets import SETTINGS
from tests.infra.plain import cost, resource
from tests.infra.policy.test_rules import Choices
from tests.stacks.examples import TOGETHER, base_of, example_of
from tests.stacks.targets import GIVEN

INFRA = Path(__file__).resolve().parents[3] / "infra"
TYPE = re.compile(r"^(gcp|aws|kubernetes|docker|docker-build|random|pulumi|pulumi-python):\S*:[A-Z]\w+$")
# Google bills the samples that it scrapes, by their number; a file share is no resource of the stack.
WITHOUT_A_PRICE = {
    "kubernetes:monitoring.googleapis.com/v1:PodMonitoring",
    "kubernetes:core/v1:PersistentVolume",
}
UNKNOWN = "gcp:redis/instance:Instance"


def settings_of_every_target() -> Iterator[Mapping[str, str]]:
    """Yield the base of each target, and a changed value of each of its settings."""
    yield from GIVEN.values()
    for target, settings in SETTINGS.items():
        for row in settings.rows():
            example = None if row.key == "target" or row.secret else example_of(target, row)
            if example is not None:
                value, needs = example
                yield {**base_of(target), **needs, **TOGETHER.get((target, row.key), {}), row.key: value}


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Resource]:
    """One resource of each type that any stack makes."""
    found: dict[str, Resource] = {}
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("stage")
        patch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
        patch.chdir(folder)
        for settings in settings_of_every_target():
            for each in resources_of(settings):
                found.setdefault(each.type, each)
    return {type_: each for type_, each in found.items() if not is_component(each)}


def resources_of(settings: Mapping[str, str]) -> tuple[Resource, ...]:
    """Return what a stack makes; nothing where it needs files that are not in an empty folder."""
    values = {f"slipway:{key}": value for key, value in settings.items()}
    try:
        return plan_of(main, StackConfig("slipway", "prod", values, frozenset(), {})).resources
    except pulumi.RunError:
        return ()


def test_every_type_that_a_stack_makes_has_a_row_without_an_unknown_cell(
    emitted: Mapping[str, Resource],
) -> None:
    assert len(emitted) > 55
    assert emitted.keys() - TABLE.keys() == set()
    unknown = {
        (type_, cell)
        for type_ in emitted
        for cell in ("replaced_by", "charge", "protection", "containers", "opens", "reachable", "holds")
        if getattr(TABLE[type_], cell) is None
    }
    assert unknown <= {(type_, "charge") for type_ in WITHOUT_A_PRICE}


def test_every_reader_knows_every_type_that_a_stack_makes(emitted: Mapping[str, Resource]) -> None:
    everything = tuple(emitted.values())
    scene = Scene(everything, Usage())
    not_priced = {each.type for each in everything if _is_unknown_type(each, scene)}
    assert not_priced <= WITHOUT_A_PRICE
    reasons = {
        why
        for rules in judged("dev", everything, Choices(), None).unjudged.values()
        for why in rules.values()
    }
    assert not [why for why in reasons if "the type" in why]
    before, after = plan_with(everything), plan_with(tuple(changed(each) for each in everything))
    diff = difference_of("dev", before, after)
    assert {change.type for change in diff.resources if change.knowledge is Knowledge.UNKNOWN} == set()


def _is_unknown_type(each: Resource, scene: Scene) -> bool:
    verdict = verdict_of(each, scene)
    return isinstance(verdict, NotPriced) and "the type" in verdict.reason


def plan_with(resources: tuple[Resource, ...]) -> StackSource:
    return StackSource(Plan("slipway", "dev", resources, {}))


def changed(each: Resource) -> Resource:
    return resource(each.type, {**each.inputs, "labels": {"a": "b"}}, each.name)


def test_of_a_type_without_a_row_every_reader_says_that_it_is_unknown() -> None:
    database = resource(UNKNOWN, {"tier": "db-f1-micro"}, "store")
    assert row_of(UNKNOWN) is None
    assert role_of(UNKNOWN) is None
    assert cost(database).resources[0].kind == "unknown"
    [note] = unjudged_notes(judged("dev", [database], Choices(), None).unjudged)
    assert note.startswith("Not judged of store: public, memory-limit, max-instances")
    assert note.endswith(f"because the type {UNKNOWN} is not known here.")
    gone = difference_of("dev", plan_with((database,)), plan_with(()))
    assert "Whether something is lost with it is not known here." in [risk.detail for risk in risks_of(gone)]
    other = difference_of("dev", plan_with((database,)), plan_with((changed(database),)))
    assert [change.knowledge for change in other.resources] == [Knowledge.UNKNOWN]


def test_of_a_kind_of_kubernetes_that_is_not_known_only_what_replaces_it_is() -> None:
    kind = resource("kubernetes:acme.org/v1:Anything", {"metadata": {"name": "a"}}, "thing")
    [note] = unjudged_notes(judged("dev", [kind], Choices(), None).unjudged)
    assert note.startswith("Not judged of thing: public, memory-limit, image-digest, plain-secret,")
    assert cost(kind).resources[0].kind == "unknown"
    diff = difference_of("dev", plan_with((kind,)), plan_with((changed(kind),)))
    assert [change.knowledge for change in diff.resources] == [Knowledge.KNOWN]


def test_every_charge_of_the_table_is_priced_and_every_price_is_of_the_table() -> None:
    named = {row.charge.charge for row in TABLE.values() if isinstance(row.charge, Billed)}
    assert named == CHARGES.keys()


def test_an_inference_service_is_judged_as_a_deployment_is() -> None:
    container = {"name": "server", "image": "acme/server:latest", "ports": [{"containerPort": 8080}]}
    inputs: dict[str, Any] = {"spec": {"predictor": {"containers": [container]}}}
    service = resource("kubernetes:serving.kserve.io/v1beta1:InferenceService", inputs)
    rules = {one.rule for one in judged("dev", [service], Choices(), None).violations}
    assert rules == {"public", "memory-limit", "image-digest", "probe"}
    private = {"networking.knative.dev/visibility": "cluster-local"}
    hidden = resource(service.type, {**inputs, "metadata": {"labels": private}})
    assert list(ways_in(service)) == ["an InferenceService with a public address"]
    assert list(ways_in(hidden)) == []


def test_the_containers_of_jobs_pods_and_docker_are_found() -> None:
    pod = {"containers": [{"name": "server", "image": "a"}]}
    template = {"template": {"spec": pod}}
    for type_, inputs in {
        "kubernetes:core/v1:Pod": {"spec": pod},
        "kubernetes:batch/v1:Job": {"spec": template},
        "kubernetes:batch/v1:CronJob": {"spec": {"jobTemplate": {"spec": template}}},
        "docker:index/container:Container": {"image": "a", "envs": ["A=b"]},
    }.items():
        assert [one.image for one in containers_of(resource(type_, inputs))] == ["a"], type_


def test_no_resource_type_is_named_in_infra_outside_its_table() -> None:
    named = {
        f"{path.relative_to(INFRA)}:{node.lineno} {node.value}"
        for path in sorted(INFRA.rglob("*.py"))
        if path.relative_to(INFRA).parts[0] != "resources"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TYPE.match(node.value)
    }
    assert named == set()


WORKLOADS = ("apps/v1:StatefulSet", "apps/v1:DaemonSet", "batch/v1:Job", "batch/v1:CronJob", "core/v1:Pod")


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_workload_that_goes_is_a_risk(kind: str) -> None:
    diff = difference_of("dev", plan_with((resource(f"kubernetes:{kind}", {}, "db"),)), plan_with(()))
    assert [risk.text for risk in risks_of(diff)] == [f"deletes db ({kind.rpartition(':')[2]})"]


@pytest.mark.parametrize("value", ["[unknown]", "[secret]"])
@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("aws:ecs/taskDefinition:TaskDefinition", "containerDefinitions"),
        ("kubernetes:core/v1:ConfigMap", "data"),
        ("aws:iam/rolePolicy:RolePolicy", "policy"),
    ],
)
def test_a_value_that_only_the_cloud_knows_is_not_judged(type_: str, name: str, value: str) -> None:
    judgement = judged("dev", [resource(type_, {name: value, "memory": "512"})], Choices(), None)
    assert judgement.violations == []
    assert judgement.unjudged["one"]


@pytest.mark.parametrize(
    ("type_", "inputs", "text"),
    [
        (
            "gcp:projects/iAMBinding:IAMBinding",
            {"role": "roles/viewer", "members": ["user:ada@example.com"]},
            "gives roles/viewer to user:ada@example.com",
        ),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", {"url": "https://a.example"}, ""),
        ("aws:ecr/repositoryPolicy:RepositoryPolicy", {"policy": "{}"}, ""),
    ],
)
def test_a_grant_names_what_it_gives_to_whom_and_nothing_else_is_one(
    type_: str, inputs: dict[str, Any], text: str
) -> None:
    before, after = plan_with(()), plan_with((resource(type_, inputs),))
    given = [risk.text for risk in risks_of(difference_of("dev", before, after)) if "gives" in risk.text]
    assert given == ([text] if text else [])


@pytest.mark.parametrize("version", ["v1", "v2", "v2beta2"])
def test_an_autoscaler_of_any_version_needs_a_maximum(version: str) -> None:
    scaler = resource(f"kubernetes:autoscaling/{version}:HorizontalPodAutoscaler", {"spec": {}})
    assert "max-instances" in [one.rule for one in judged("dev", [scaler], Choices(), None).violations]


def test_a_provider_that_reaches_no_cluster_moves_no_objects_to_another() -> None:
    google = resource("pulumi:providers:gcp", {}, "b")
    [risk] = risks_of(difference_of("dev", plan_with((google,)), plan_with(())))
    assert (risk.text, risk.level.name) == ("deletes b (gcp)", "MEDIUM")

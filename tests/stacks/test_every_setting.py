"""Every setting of every target changes what is planned, and a live stack can follow it there and back.

One that is read and dropped would mislead.
"""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.components.cloud_run import CloudRunServiceArgs
from slipway.components.fargate import FargateServiceArgs
from slipway.components.image import InferenceImageArgs
from slipway.components.kubernetes import KubernetesServiceArgs
from slipway.infra.plan.run import Plan
from slipway.stacks.settings.setting import Setting
from slipway.stacks.settings.targets import SETTINGS
from tests.components.fargate.emitted import containers
from tests.stacks.examples import TOGETHER, Example, base_of, example_of
from tests.stacks.plans import planned
from tests.stacks.transitions import accepted, collisions, shapes, values_of

ROWS = [
    (target, row)
    for target, settings in SETTINGS.items()
    for row in settings.rows()
    if row.key != "target" and not row.silent and not row.secret
]
# On this machine a stack is one process or container, which goes before the next one.
IN_A_CLOUD = [(target, row) for target, row in ROWS if target != "local"]
SERVICES = {
    "cloud-run": CloudRunServiceArgs,
    "fargate": FargateServiceArgs,
    "gke": KubernetesServiceArgs,
    "kubernetes": KubernetesServiceArgs,
}
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: other, cluster: {server: "https://192.0.2.7"}}]
contexts: [{name: other, context: {cluster: other, user: other}}]
users: [{name: other, user: {token: hush}}]
current-context: other
"""


def same(target: str, row: Setting, one: Plan, other: Plan) -> bool:
    """Whether the two make the same; what the image's component makes counts for its own settings alone."""
    declared = SERVICES[target].__annotations__.keys() if target in SERVICES else set[str]()
    of_service = row.field in declared - InferenceImageArgs.__annotations__.keys()
    if effect(one, not of_service) != effect(other, not of_service):
        return False
    return target != "fargate" or _containers(one) == _containers(other)


def effect(plan: Plan, with_image: bool) -> Any:
    """Return the resources and outputs, without the components' records of their arguments."""
    made = [
        (resource.urn, resource.inputs, resource.dependencies, resource.protect)
        for resource in plan.resources
        if not resource.type.startswith("slipway:index:")
        and (with_image or ":InferenceImage$" not in resource.urn)
    ]
    return made, plan.outputs


def _containers(plan: Plan) -> Any:
    """Build the containers of Fargate, which a preview does not know: they contain ARNs of the same `up`."""
    [component] = [r for r in plan.resources if r.type == "slipway:index:FargateService"]
    apart = ("image_ref", "secret_values", "zones", "egress")
    return containers(**{key: value for key, value in component.inputs.items() if key not in apart})


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Work in a folder with a model and a kubeconfig, for the settings that name one."""
    folder = tmp_path_factory.mktemp("project")
    bundled = Path(__file__).resolve().parents[2] / "service/models/sms-spam"
    shutil.copytree(bundled, folder / "models/mine")
    (folder / "smoke.jsonl").write_text('{"request": {"text": "x"}, "answer": {"label": "ham"}}\n')
    for name in ("kubeconfig-of-another", "kubeconfig-of-a-third"):
        (folder / name).write_text(KUBECONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
        patch.chdir(folder)
        yield


@pytest.mark.parametrize(("target", "row"), ROWS, ids=[f"{target}-{row.key}" for target, row in ROWS])
def test_a_changed_value_changes_what_is_planned(target: str, row: Setting) -> None:
    mine: Example = ("file:models/mine", {})
    example = mine if (target, row.key) == ("local", "model") else example_of(target, row)
    assert example is not None, f"tests/stacks/examples.py has no value of {row.key} on {target}"
    value, needs = example
    before = {**base_of(target), **needs}
    after = {**before, **TOGETHER.get((target, row.key), {}), row.key: value}
    assert not same(target, row, planned(before), planned(after))


@pytest.mark.parametrize(("target", "row"), IN_A_CLOUD, ids=[f"{t}-{row.key}" for t, row in IN_A_CLOUD])
def test_a_setting_changes_back_and_forth_without_a_name_that_is_taken(target: str, row: Setting) -> None:
    plans = [plan for plan in map(accepted, values_of(target, row)) if plan]
    only = row.type == "choice" and row.allowed.count(", ") < 2
    if len(plans) > 1 and shapes(*plans[:2]):
        assert len(plans) > 2 or only, (
            f"tests/stacks/examples.py needs a third value of {row.key} on {target}"
        )
    found = {text for one, other in itertools.permutations(plans, 2) for text in collisions(one, other)}
    assert found == set()


def test_a_setting_without_an_effect_says_why() -> None:
    silent = {row.silent for settings in SETTINGS.values() for row in settings.rows() if row.silent}
    assert all(len(reason.split()) > 3 for reason in silent)


@pytest.mark.parametrize(
    ("target", "protected"),
    [
        ("cloud-run", {"gcp:cloudrunv2/service:Service"}),
        ("fargate", {"aws:lb/loadBalancer:LoadBalancer"}),
        ("gke", {"gcp:container/cluster:Cluster"}),
    ],
)
@pytest.mark.parametrize("wanted", [True, False])
def test_the_cloud_itself_refuses_a_deletion_where_the_setting_says_so(
    target: str, protected: set[str], wanted: bool
) -> None:
    """Pulumi's own protection changes with the setting too, so that a lost input alone would go unnoticed."""
    plan = planned({**base_of(target), "deletionProtection": str(wanted).lower()})
    given = {
        resource.type: value
        for resource in plan.resources
        if not resource.type.startswith("slipway:index:")
        for key, value in resource.inputs.items()
        if key in ("deletionProtection", "enableDeletionProtection")
    }
    assert given == dict.fromkeys(protected, wanted)

"""Each component of a stack is checked once, and warns once, in the plan that preview and up share."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from slipway.components.cloud_run import CloudRunService, CloudRunServiceArgs
from slipway.components.cloud_run import rules as cloud_run
from slipway.components.fargate import rules as fargate
from slipway.components.gke import rules as gke
from slipway.components.kubernetes import rules as kubernetes
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.program import main
from slipway.stacks.settings.common import TARGETS

DIGEST = f"registry.example.com/acme/server@sha256:{'0' * 64}"
GOOGLE = {"project": "acme-123", "region": "europe-west4", "labels": '{"a": "b"}'}
# Target -> what its stack says, and the rules that its components are checked by.
STACKS: dict[str, tuple[dict[str, str], tuple[Any, ...]]] = {
    "cloud-run": (GOOGLE, (cloud_run,)),
    "fargate": ({"region": "eu-west-1"}, (fargate,)),
    "gke": ({**GOOGLE, "gpu": "nvidia-l4", "cpu": "2", "memory": "4Gi"}, (gke, kubernetes)),
    "kubernetes": ({"image": DIGEST}, (kubernetes,)),
}


def config(target: str, **values: str) -> StackConfig:
    given = {"target": target, "model": f"gs://acme/model@{'1' * 16}", **STACKS[target][0], **values}
    return StackConfig("slipway", "prod", {f"slipway:{k}": v for k, v in given.items()}, frozenset(), {})


def test_every_cloud_is_looked_at() -> None:
    assert set(STACKS) == set(TARGETS) - {"local"}


@pytest.mark.parametrize("target", STACKS)
def test_a_component_is_checked_once_and_warns_of_each_thing_once(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: Counter[str] = Counter()

    def counted(rules: Any) -> Callable[[Any], Any]:
        faults = rules.name_faults

        def name_faults(spec: Any) -> Any:
            checks[rules.__name__] += 1
            return faults(spec)

        return name_faults

    for rules in STACKS[target][1]:
        monkeypatch.setattr(rules, "name_faults", counted(rules))
    plan = plan_of(main, config(target))
    assert checks == {rules.__name__: 1 for rules in STACKS[target][1]}
    assert len(set(plan.warnings)) == len(plan.warnings) > 0


@pytest.mark.parametrize("target", STACKS)
def test_a_warning_is_of_a_resource_of_the_plan_and_does_not_repeat_its_name(target: str) -> None:
    plan = plan_of(main, config(target))
    components = {each.urn for each in plan.resources if each.type.startswith("slipway:index:")}
    assert {each.urn for each in plan.warnings} <= components
    assert not [each.text for each in plan.warnings if each.text.startswith("slipway-prod")]


def test_arguments_that_changed_since_they_were_checked_are_checked_again() -> None:
    args: CloudRunServiceArgs = {
        "model": "bundled:sms-spam",
        "image_ref": f"europe-west4-docker.pkg.dev/acme-123/server/server@sha256:{'0' * 64}",
        "project": "acme-123",
        "region": "europe-west4",
    }
    checked = cloud_run.checked_spec("api", args)
    plain = StackConfig("slipway", "prod", {}, frozenset(), {})
    with pytest.raises(ValueError, match="cpu is 3"):
        plan_of(lambda: CloudRunService("api", {**args, "cpu": 3}, checked=checked) and None, plain)
    plan = plan_of(lambda: CloudRunService("web", args, checked=checked) and None, plain)
    names = {each.name for each in plan.resources if each.parent and "CloudRunService" in each.parent}
    assert all(name.startswith("web") for name in names)

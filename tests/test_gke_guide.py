"""What docs/guides/gke.md quotes is what the program says, and every setting that it names exists."""

import re
from pathlib import Path

import pulumi
import pytest
import yaml

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.program import main
from slipway.infra.settings.stackfile import settings_from, stack_config
from slipway.stacks.settings.gke import GkeSettings
from slipway.stacks.settings.kubernetes import KubernetesSettings
from slipway.stacks.settings.targets import keys
from tests.checkout import ROOT
from tests.warned import warned

GUIDE = (ROOT / "docs/guides/gke.md").read_text()
KUBERNETES = (ROOT / "docs/guides/kubernetes.md").read_text()
QUOTED = [" ".join(block.split()) for block in re.findall(r"```text\n(.*?)```", GUIDE, re.DOTALL)]
PROJECT = "project=my-project-id"


def refusal(*overrides: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        plan_of(main, stack_config(ROOT, "prod", [PROJECT, *overrides]))
    first, *rest = str(caught.value).splitlines()
    assert first == "Stack prod: 1 setting is wrong."
    return " ".join(" ".join(rest).split())


def test_the_refusals_that_it_quotes_are_said() -> None:
    [quoted] = [text for text in QUOTED if "Did you mean g2-standard-4?" in text]
    assert refusal("machineType=n1-standard-4") in quoted
    assert refusal("memory=14Gi") in quoted
    begin, end = re.split(r"\(.*\)", refusal("maxNodes=3"))
    assert f"{begin}(…){end}" in quoted


def test_the_warning_of_the_quotas_that_it_quotes_is_told() -> None:
    told = [" ".join(text.split()) for text in warned(stack_config(ROOT, "prod", [PROJECT]))]
    [quoted] = [text for text in QUOTED if text.startswith("warning: at its maximum")]
    assert quoted.removeprefix("warning: ") in told


def test_every_setting_that_it_names_exists() -> None:
    named = set(re.findall(r"`([a-z]+(?:[A-Z][a-z]+)+)(?::|`)", GUIDE))
    assert len(named) > 20
    assert named - set(keys()) == set()


def test_its_stack_file_has_settings_of_the_target_alone(tmp_path: Path) -> None:
    [block, *_] = re.findall(r"```yaml\n(.*?)```", KUBERNETES, re.DOTALL)
    text = block.replace("<64 hex digits>", "0" * 64)
    assert set(yaml.safe_load(text)) == {"config"}
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.kind.yaml").write_text(text)
    settings = settings_from(stack_config(tmp_path, "kind"))
    assert isinstance(settings, KubernetesSettings)
    assert (settings.target, settings.context, settings.min_replicas) == ("kubernetes", "kind-kind", 2)


def test_the_commit_of_the_model_and_the_numbers_of_the_stack_file_are_the_guides() -> None:
    settings = settings_from(stack_config(ROOT, "prod", [PROJECT]))
    assert isinstance(settings, GkeSettings)
    assert (settings.min_replicas, settings.max_replicas, settings.max_nodes) == (1, 4, 5)
    assert (settings.spot, settings.deletion_protection, settings.task) == (False, True, "summarize")
    assert "flan-t5-base" in settings.model


def test_its_program_makes_the_cluster_and_the_service_on_it() -> None:
    [program] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    code = compile(program.replace("<64 hex digits>", "0" * 64), "guide", "exec")
    plan = plan_of(lambda: exec(code, {}), StackConfig("demo", "dev", {}, frozenset(), {}))
    types = {resource.type for resource in plan.resources}
    assert {
        "slipway:index:GkeCluster",
        "slipway:index:KubernetesService",
        "gcp:container/nodePool:NodePool",
    } <= types
    assert plan.outputs["url"] == "http://api.api.svc.cluster.local"

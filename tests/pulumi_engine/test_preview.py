"""The offline plan of every stack beside what the real engine registers; its provider takes everything."""

import copy
import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import Action, StackSource
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main
from slipway.infra.resources.reading import SECRET, UNKNOWN
from slipway.infra.settings.stackfile import stack_config
from tests.checkout import copy_of_the_checkout
from tests.infra.repository import STACKS, write_stack
from tests.pulumi_engine.conftest import ROOT, Engine, engine_in
from tests.pulumi_engine.standin import standing_in

pytestmark = pytest.mark.pulumi_engine

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_PLUGINS = ("gcp", "aws", "kubernetes", "random", "docker-build")
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_OF_THE_ENGINE = ("__provider", "__defaults")
_SEED, _SETTINGS = 9, 20


def choices(stack: str, dice: random.Random) -> dict[str, str]:
    """Choose settings at random that the stack's target takes."""
    least = dice.randint(1, 3)
    common = {
        "minInstances": str(least),
        "maxInstances": str(least + dice.randint(0, 5)),
        "timeout": str(dice.randint(10, 300)),
        "deletionProtection": dice.choice(["true", "false"]),
        "concurrency": str(dice.randint(1, 64)),
    }
    if stack == "dev":
        common |= {"memory": dice.choice(["512Mi", "1Gi", "2Gi"]), "public": dice.choice(["true", "false"])}
    elif stack == "old":
        common |= {
            "memory": dice.choice(["2Gi", "3Gi", "4Gi"]),
            "spotPercent": dice.choice(["0", "50", "100"]),
        }
    else:
        common |= {"gpu": dice.choice(["nvidia-l4", "nvidia-tesla-t4"])}
    return {
        **STACKS[stack],
        **{key: common[key] for key in dice.sample(sorted(common), 4)},
        "minInstances": str(least),
        "maxInstances": common["maxInstances"],
    }


DICE = random.Random(_SEED)
DRAWN = [(stack, choices(stack, DICE)) for stack in DICE.choices(sorted(STACKS), k=_SETTINGS)]
CLUSTERS = {
    "target": "kubernetes",
    "kubeconfig": "kubeconfig.yaml",
    "image": f"ghcr.io/acme/server@sha256:{'a' * 64}",
    "allowedNamespaces": '["shop"]',
    "minInstances": "2",
}
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: one
clusters: [{name: one, cluster: {server: "https://203.0.113.1"}}]
contexts: [{name: one, context: {cluster: one, user: one}}]
users: [{name: one, user: {token: none}}]
"""
CASES: list[tuple[str, Mapping[str, str]]] = [*STACKS.items(), ("clusters", CLUSTERS), *DRAWN]
OWN = sorted(path.stem.partition(".")[2] for path in ROOT.glob("Pulumi.*.yaml"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Copy this project, with an engine whose plugins accept everything."""
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH")
    folder = tmp_path_factory.mktemp("engine")
    project = copy_of_the_checkout(folder / "project")
    (project / ".venv").symlink_to(ROOT / ".venv")
    for file in project.glob("Pulumi.*.yaml"):
        file.unlink()
    (project / "kubeconfig.yaml").write_text(KUBECONFIG)
    engine = engine_in(project, folder / "backend")
    (folder / "log.jsonl").touch()
    engine.environment |= {"PULUMI_HOME": str(folder / "home"), "PATH": os.environ["PATH"]}
    with standing_in(folder / "log.jsonl", *_PLUGINS) as environment:
        engine.environment |= environment
        for stack in sorted({*STACKS, *OWN, "clusters"}):
            engine("stack", "init", stack)
        yield engine


@pytest.mark.parametrize(("stack", "settings"), CASES)
def test_every_resource_and_input_is_as_the_engine_registers_it(
    engine: Engine, stack: str, settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    salt = salt_of(engine, stack)
    write_stack(engine.project, stack, settings)
    compare(engine, stack, salt, monkeypatch)


@pytest.mark.parametrize("stack", OWN)
def test_the_stack_files_of_this_repository_are_as_the_engine_registers_them(
    engine: Engine, stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    salt = salt_of(engine, stack)
    shutil.copyfile(ROOT / f"Pulumi.{stack}.yaml", engine.project / f"Pulumi.{stack}.yaml")
    compare(engine, stack, salt, monkeypatch)


def salt_of(engine: Engine, stack: str) -> str:
    lines = (engine.project / f"Pulumi.{stack}.yaml").read_text().splitlines()
    [salt] = [line for line in lines if line.startswith("encryptionsalt")]
    return salt


def compare(engine: Engine, stack: str, salt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the plan against the engine's preview: URN, parent, inputs, and that each is created."""
    file = engine.project / f"Pulumi.{stack}.yaml"
    file.write_text(f"{salt}\n{file.read_text()}")
    theirs = registered(json.loads(engine("preview", "--json", "--stack", stack)))
    monkeypatch.chdir(engine.project)
    plan = plan_of(main, stack_config(engine.project, stack))
    shown = difference_of(stack, None, StackSource(plan))
    assert {each.action for each in shown.resources} == {Action.CREATE}
    ours = {each.urn: (each.parent, copy.deepcopy(dict(each.inputs))) for each in plan.resources}
    assert ours.keys() == theirs.keys()
    drawn = drawn_names(plan)
    names = {theirs[urn][1]["metadata"].pop("name", UNKNOWN) for urn in drawn}
    unknown = {UNKNOWN, _UNKNOWN, *drawn.values(), *names}
    for urn, (parent, inputs) in ours.items():
        if urn in drawn:
            del inputs["metadata"]["name"]
        assert (parent, comparable(inputs, unknown)) == (
            theirs[urn][0],
            comparable(theirs[urn][1], unknown),
        ), urn


def drawn_names(plan: Plan) -> dict[str, str]:
    """URN -> the name that the plan has for an object whose name the Kubernetes provider draws.

    In the first preview of a cluster the engine does not ask that provider: the object is without a name, and
    what names it unknown.
    """
    kinds = ("kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret")
    return {each.urn: each.inputs["metadata"]["name"] for each in plan.resources if each.type in kinds}


def registered(preview: Mapping[str, Any]) -> dict[str, tuple[str | None, dict[str, Any]]]:
    """URN -> parent and inputs of every resource but the providers that nobody wrote."""
    assert {step["op"] for step in preview["steps"]} == {"create"}
    states = [step["newState"] for step in preview["steps"]]
    return {
        state["urn"]: (state.get("parent"), written(state["type"], state.get("inputs", {})))
        for state in states
        if "default" not in state["urn"].rpartition("::")[2]
        or not state["type"].startswith("pulumi:providers:")
    }


def written(type_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """To what a provider is given the engine adds its plugin's version, and room for its own notes."""
    added = ("version", "__internal") if type_.startswith("pulumi:providers:") else ()
    return {key: value for key, value in inputs.items() if key not in added}


def comparable(value: Any, unknown: set[str]) -> Any:
    """Whole floats as ints; secrets and unknowns each as one word, with what the engine adds left out."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if _SIGNATURE in fields:
            return SECRET
        return {key: comparable(each, unknown) for key, each in fields.items() if key not in _OF_THE_ENGINE}
    if isinstance(value, list):
        return [comparable(each, unknown) for each in cast("list[Any]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return "unknown" if isinstance(value, str) and value in unknown else value

"""The `local` target with `runtime: container`."""

import sys

import pulumi
import pytest

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.program import main

pytest.importorskip("pulumi_docker", reason="Docker's SDK is not installed: `make setup-cloud`")
pytest.importorskip("pulumi_random", reason="the SDK of random is not installed: `make setup-cloud`")


def config(**values: str) -> StackConfig:
    given = {"target": "local", "runtime": "container", **values}
    return StackConfig("slipway", "local", {f"slipway:{k}": v for k, v in given.items()}, frozenset(), {})


def test_the_settings_reach_the_container() -> None:
    plan = plan_of(main, config(memory="512Mi", cpu="2", timeout="5", port="8123", image="mine:2"))
    inputs = {resource.name: resource.inputs for resource in plan.resources}
    container = inputs["slipway-local-container"]
    assert (container["memory"], container["cpuQuota"]) == (512, 200_000)
    assert container["ports"][0]["external"] == 8123
    assert {"REQUEST_TIMEOUT_SECONDS=5", "INFERENCE_THREADS=2"} <= set(container["envs"])
    assert inputs["slipway-local-image"]["image"] == "mine:2"


def test_the_image_is_the_one_that_make_image_makes_unless_another_is_set() -> None:
    inputs = {resource.name: resource.inputs for resource in plan_of(main, config()).resources}
    assert inputs["slipway-local-image"]["image"] == "slipway"


def test_the_outputs_are_those_of_a_process_but_for_image_and_log() -> None:
    container, process = plan_of(main, config()), plan_of(main, config(runtime="process"))
    assert container.outputs.keys() == process.outputs.keys()
    differing = {name for name in process.outputs if process.outputs[name] != container.outputs[name]}
    assert differing <= {"imageRef", "logsCommand", "apiKey"}


def test_without_dockers_sdk_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "slipway.components.local.container", raising=False)
    monkeypatch.setitem(sys.modules, "pulumi_docker", None)
    with pytest.raises(pulumi.RunError, match=r"pulumi_docker; .*`pip install 'slipway\[docker\]'`"):
        plan_of(main, config())
    assert plan_of(main, config(runtime="process")).resources


def test_a_container_that_is_to_take_jobs_is_refused_with_the_way_that_works() -> None:
    words = r"jobs.* is given, and no worker runs next to a local container"
    with pytest.raises(pulumi.RunError, match=words):
        plan_of(main, config(jobs="true"))

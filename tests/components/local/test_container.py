"""What the component registers, seen on the offline plan."""

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

pytest.importorskip("pulumi_docker", reason="Docker's SDK is not installed: `make setup-cloud`")
pytest.importorskip("pulumi_random", reason="the SDK of random is not installed: `make setup-cloud`")

from slipway.components.local.container import LocalContainer, LocalContainerArgs
from slipway.components.local.container_provider import ContainerImageProvider, ContainerReadyProvider
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.monitor import Monitor
from slipway.infra.plan.run import Plan, plan_of, run

CONFIG = StackConfig("demo", "dev", {}, frozenset(), {})
BUNDLED: LocalContainerArgs = {"model": "bundled:sms-spam"}


def program(args: LocalContainerArgs) -> Callable[[], None]:
    def register() -> None:
        service = LocalContainer("api", args)
        pulumi.export("url", service.url)
        pulumi.export("imageRef", service.image_ref)
        pulumi.export("logsCommand", service.logs_command)
        pulumi.export("apiKey", service.api_key)

    return register


def inputs(plan: Plan, name: str = "api-container") -> dict[str, Any]:
    return next(dict(r.inputs) for r in plan.resources if r.name == name)


def test_type_name_and_parent_of_every_resource_stay_as_they_are() -> None:
    """A change here replaces what people run, unless it carries an alias."""
    plan = plan_of(program(BUNDLED), CONFIG)
    assert sorted((r.type, r.name, (r.parent or "").split("::")[-1]) for r in plan.resources) == [
        ("docker:index/container:Container", "api-container", "api"),
        ("pulumi-python:dynamic/slipway:ContainerImage", "api-image", "api"),
        ("pulumi-python:dynamic/slipway:ContainerReady", "api-ready", "api"),
        ("pulumi:pulumi:Stack", "demo-dev", ""),
        ("random:index/randomPassword:RandomPassword", "api-api-key", "api"),
        ("slipway:index:LocalContainer", "api", "demo-dev"),
    ]


def test_module_and_class_names_of_the_providers_stay_as_they_are() -> None:
    """They are in people's state: after a move `pulumi destroy` could not load the provider."""
    monitor = Monitor("demo", "dev")
    run(program(BUNDLED), CONFIG, monitor, preview=True)
    pickled = {
        request.name: b64decode(request.object["__provider"]["value"])
        for request in monitor.requests.values()
        if request.type.startswith("pulumi-python")
    }
    for name, provider in (("api-image", ContainerImageProvider), ("api-ready", ContainerReadyProvider)):
        assert b"components.local.container_provider" in pickled[name]
        assert provider.__name__.encode() in pickled[name]
    assert (ContainerImageProvider.__name__, ContainerReadyProvider.__name__) == (
        "ContainerImageProvider",
        "ContainerReadyProvider",
    )


def test_the_container_is_locked_down_and_limited() -> None:
    plan = plan_of(program({**BUNDLED, "cpu": 0.5, "memory_gib": 0.25, "port": 8123}), CONFIG)
    container = inputs(plan)
    del container["envs"], container["labels"]
    assert container == {
        "name": "api",
        "image": "[unknown]",
        "ports": [{"internal": 8080, "external": 8123, "ip": "127.0.0.1", "protocol": "tcp"}],
        "cpuPeriod": 100_000,
        "cpuQuota": 50_000,
        "memory": 256,
        "memorySwap": 256,
        "user": "10001:10001",
        "readOnly": True,
        "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777"},
        "mounts": [],
        "capabilities": {"drops": ["ALL"]},
        "securityOpts": ["no-new-privileges:true"],
        "restart": "on-failure",
        "maxRetryCount": 5,
        "stopTimeout": 30,
        "destroyGraceSeconds": 30,
        "logDriver": "json-file",
        "logOpts": {"max-file": "3", "max-size": "10m"},
    }


def test_the_container_may_serve_the_model_that_was_looked_at_alone(understated_model: Path) -> None:
    for model in ("bundled:sms-spam", f"file:{understated_model}"):
        envs = inputs(plan_of(program({"model": model}), CONFIG))["envs"]
        assert [one for one in envs if one.startswith("EXPECTED_MODEL=sms-spam-1.0.0+")]


def test_the_start_is_waited_for_as_long_as_the_model_takes() -> None:
    assert inputs(plan_of(program(BUNDLED), CONFIG), "api-ready")["load_seconds"] < 1
    slow = plan_of(program({**BUNDLED, "load_seconds": 300}), CONFIG)
    assert inputs(slow, "api-ready")["load_seconds"] == 300


def test_the_stop_waits_longer_than_the_drain() -> None:
    container = inputs(plan_of(program(BUNDLED), CONFIG))
    drain = next(one for one in container["envs"] if one.startswith("DRAIN_SECONDS="))
    assert int(drain.partition("=")[2]) < container["stopTimeout"]
    assert int(drain.partition("=")[2]) < container["destroyGraceSeconds"]


def test_a_memory_in_parts_of_a_mebibyte_is_rounded_down() -> None:
    assert inputs(plan_of(program({**BUNDLED, "memory_gib": 0.25 + 0.0009}), CONFIG))["memory"] == 256


def test_the_image_is_run_by_its_id_after_its_name_was_looked_up() -> None:
    resources = {r.name: r for r in plan_of(program({**BUNDLED, "image": "mine:2"}), CONFIG).resources}
    assert resources["api-image"].inputs["image"] == "mine:2"
    assert resources["api-image"].urn in resources["api-container"].dependencies
    assert resources["api-container"].urn in resources["api-ready"].dependencies
    assert inputs(plan_of(program(BUNDLED), CONFIG), "api-image")["image"] == "slipway"


def test_the_key_is_a_secret_wherever_it_stands() -> None:
    plan = plan_of(program({**BUNDLED, "api_key": "k" * 20}), CONFIG)
    assert "[secret]" in inputs(plan)["envs"]
    assert plan.outputs["apiKey"] == "[secret]"
    assert "k" * 20 not in repr(plan)
    assert "api-api-key" not in [r.name for r in plan.resources]
    assert plan_of(program(BUNDLED), CONFIG).outputs["apiKey"] == "[secret]"


def test_a_model_folder_is_mounted_read_only_and_its_content_is_part_of_the_container(
    understated_model: Path,
) -> None:
    args: LocalContainerArgs = {"model": f"file:{understated_model}"}
    before = inputs(plan_of(program(args), CONFIG))
    mount = {"type": "bind", "source": str(understated_model), "target": "/model", "readOnly": True}
    assert before["mounts"] == [mount]
    assert "MODEL_DIR=/model" in before["envs"]
    manifest = understated_model / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    assert inputs(plan_of(program(args), CONFIG))["labels"] != before["labels"]


def test_outputs_are_those_of_every_target() -> None:
    assert plan_of(program(BUNDLED), CONFIG).outputs == {
        "apiKey": "[secret]",
        "imageRef": "[unknown]",
        "logsCommand": "docker logs -f api",
        "url": "http://127.0.0.1:8080",
    }


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"gpu": "nvidia-l4"}, r"api: gpu is 'nvidia-l4', and a local container has none; leave it out"),
        (
            {"secrets": {"TOKEN": "projects/p/secrets/s/versions/1"}},
            r"api: secrets has TOKEN, and a local container has no secret store",
        ),
        ({"cpu": 0, "gpu": "nvidia-l4"}, r"api: cpu is 0[\s\S]*api: gpu is 'nvidia-l4'"),
        (
            {"model": "bundled:nothing"},
            "model is 'bundled:nothing', which is no folder here; bundled are sms-spam",
        ),
        (
            {"memory_gib": 0.0625},
            r"memory_gib is 0\.0625 with bundled:sms-spam, .* is 128Mi; .*nearest: 0\.125",
        ),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_registered(
    args: dict[str, Any], message: str
) -> None:
    monitor = Monitor("demo", "dev")
    wrong: Any = {**BUNDLED, **args}
    with pytest.raises(ValueError, match=message):
        run(program(wrong), CONFIG, monitor, preview=True)
    assert [resource.name for resource in monitor.recorded.values()] == ["demo-dev"]

from base64 import b64decode
from pathlib import Path
from typing import Any

import dill  # pyright: ignore[reportMissingTypeStubs]
import pulumi
import pytest

from slipway.components.local.provider import LocalProcessProvider
from slipway.infra.plan.config import ENCRYPTED, StackConfig
from slipway.infra.plan.monitor import Monitor
from slipway.infra.plan.run import Plan, plan_of, run
from slipway.infra.program import main
from slipway.infra.settings.stackfile import stack_config
from slipway.infra.targets.target import Target

SERVICE = "slipway-local"


def config(**values: str) -> StackConfig:
    given = {"target": "local", **values}
    return StackConfig(
        "slipway", "local", {f"slipway:{k}": v for k, v in given.items()}, frozenset({"slipway:apiKey"}), {}
    )


def process_inputs(plan: Plan) -> dict[str, Any]:
    return next(dict(r.inputs) for r in plan.resources if r.name == f"{SERVICE}-process")


def test_type_name_and_parent_of_every_resource_stay_as_they_are() -> None:
    """A change here replaces what people run, unless it carries an alias."""
    resources = [
        (r.type, r.name, (r.parent or "").split("::")[-1]) for r in plan_of(main, config()).resources
    ]
    assert sorted(resources) == [
        ("pulumi-python:dynamic/slipway:LocalProcess", "slipway-local-process", "slipway-local"),
        ("pulumi:pulumi:Stack", "slipway-local", ""),
        ("slipway:index:LocalService", "slipway-local", "slipway-local"),
    ]


def test_module_and_class_name_of_the_provider_stay_as_they_are() -> None:
    """They are in people's state: after a move `pulumi destroy` could not load the provider."""
    monitor = Monitor("slipway", "local")
    run(main, config(), monitor, preview=True)
    request = next(r for r in monitor.requests.values() if r.type.startswith("pulumi-python"))
    pickled = b64decode(request.object["__provider"]["value"])
    assert b"components.local.provider" in pickled
    assert b"LocalProcessProvider" in pickled
    assert isinstance(dill.loads(pickled), LocalProcessProvider)  # pyright: ignore[reportUnknownMemberType]


def test_a_model_of_the_hub_is_refused_here_with_the_command_that_makes_a_folder_of_it() -> None:
    with pytest.raises(
        pulumi.RunError,
        match=r"slipway model add hf:acme/spam@0+ mine`, and give `file:models/mine`",
    ):
        plan_of(main, config(model=f"hf:acme/spam@{'0' * 40}"))


def test_the_stack_exports_the_outputs_of_every_target_and_the_key() -> None:
    plan = plan_of(main, config(port="8123"))
    assert plan.outputs == {
        "apiKey": "[unknown]",
        "consoleUrl": "http://127.0.0.1:8123/",
        "imageRef": "",
        "logsCommand": "tail -F .slipway/slipway-local/server.log",
        "serviceName": SERVICE,
        "url": "http://127.0.0.1:8123",
    }


def test_the_settings_reach_the_process_in_the_units_of_the_components() -> None:
    inputs = process_inputs(plan_of(main, config(memory="512Mi", cpu="2", timeout="5", port="8123")))
    assert (inputs["memory_gib"], inputs["cpu"], inputs["timeout_seconds"], inputs["port"]) == (
        0.5,
        2,
        5,
        8123,
    )
    assert inputs["api_key_given"] is False


def test_the_time_to_load_is_the_setting_or_what_was_measured() -> None:
    assert process_inputs(plan_of(main, config(loadSeconds="300")))["load_seconds"] == 300
    assert process_inputs(plan_of(main, config()))["load_seconds"] < 1


def test_a_given_key_is_a_secret_wherever_it_stands() -> None:
    plan = plan_of(main, config(apiKey="k" * 20))
    assert process_inputs(plan)["api_key"] == "[secret]"
    assert plan.outputs["apiKey"] == "[secret]"
    assert "k" * 20 not in repr(plan)


def test_an_encrypted_key_is_a_secret_that_nobody_here_can_read() -> None:
    plan = plan_of(main, config(apiKey=ENCRYPTED))
    assert process_inputs(plan)["api_key"] in ("[secret]", "[unknown]")
    assert ENCRYPTED not in repr(plan)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"model": "bundled:nothing"},
            "model is 'bundled:nothing', which is no folder here; bundled are sms-spam",
        ),
        ({"model": "file:nowhere"}, "model is 'file:nowhere', which is no folder here"),
        (
            {"model": "file:stacks"},
            "model is 'file:stacks', which lacks manifest.json, model.onnx, tokenizer.json",
        ),
        ({"memory": "4GB", "cpu": "x"}, "2 settings are wrong"),
        ({"timeout": "0", "model": "file:nowhere"}, "2 settings are wrong"),
        ({"runtime": "container", "timeout": "0", "model": "file:nowhere"}, "2 settings are wrong"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_registered(
    settings: dict[str, str], message: str
) -> None:
    monitor = Monitor("slipway", "local")
    with pytest.raises(pulumi.RunError, match=message):
        run(main, config(**settings), monitor, preview=True)
    assert [resource.name for resource in monitor.recorded.values()] == ["slipway-local"]


def test_the_committed_local_stack_is_valid() -> None:
    plan = plan_of(main, stack_config(Path(), "local"))
    assert process_inputs(plan)["model"] == "bundled:sms-spam"


def test_a_target_whose_sdk_is_missing_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "needs_an_sdk.py").write_text("import pulumi_nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]
    monkeypatch.setattr(Target, "stack_module", "needs_an_sdk")
    with pytest.raises(
        pulumi.RunError, match=r"pulumi_nowhere; .*Run `pip install 'slipway\[all\]'`, .*`make setup-cloud`"
    ):
        plan_of(main, config())

from typing import Any

import pulumi
import pytest

from slipway.components.local.component import LocalService
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of

CONFIG = StackConfig("demo", "dev", {}, frozenset(), {})


def test_a_key_that_a_program_gives_in_clear_is_hidden_in_all_that_is_registered() -> None:
    def program() -> None:
        service = LocalService("api", {"model": "bundled:sms-spam", "api_key": "k" * 20})
        pulumi.export("apiKey", service.api_key)

    plan = plan_of(program, CONFIG)
    assert plan.outputs == {"apiKey": "[secret]"}
    assert "k" * 20 not in repr(plan)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"model": ""}, r"^api: model is missing; name one, such as `bundled:sms-spam`\.$"),
        ({"cpu": "2"}, r"^api: cpu is of type str; it must be a number\.$"),
        ({"zzz": 1}, r"^api: zzz is no argument here; leave it out\.$"),
        (
            {"env": {"A": "b"}},
            r"^api: env is given, and a local process has .*; leave it out, or run a contain",
        ),
        (
            {"gpu": "nvidia-l4", "public": True},
            r"^api: gpu is given, .* on the CPU.*\napi: public is given, .*127",
        ),
        (
            {"labels": {"a": "b"}},
            r"^api: labels is given, and a local process has no labels; leave it out\.$",
        ),
        ({"secrets": {"A": "x:1"}, "concurrency": 2}, r"^api: concurrency is given.*\napi: secrets is given"),
        ({"api_key": "short"}, r"^api: api_key has 5 characters \(they are not shown\); allowed are 16 to"),
        ({"port": 70000, "model": "bundled:none"}, r"^api: port is 70000.*\napi: model is 'bundled:none'"),
        (
            {"memory_gib": 0.0625},
            r"^api: memory_gib is 0\.0625 with bundled:sms-spam, which was measured .*; nearest: 0\.125\.$",
        ),
    ],
)
def test_every_wrong_argument_is_named_before_anything_is_registered(args: dict[str, Any], said: str) -> None:
    def program() -> None:
        LocalService("api", {"model": "bundled:sms-spam", **args})  # pyright: ignore[reportArgumentType]

    with pytest.raises(ValueError, match=said):
        plan_of(program, CONFIG)


def test_what_is_none_is_not_given() -> None:
    def program() -> None:
        args: dict[str, Any] = {"model": "bundled:sms-spam", "api_key": None, "run_folder": None}
        LocalService("api", args)  # pyright: ignore[reportArgumentType]

    process = next(r.inputs for r in plan_of(program, CONFIG).resources if r.name == "api-process")
    assert (process["api_key_given"], process["run_folder"]) == (False, ".slipway/api")

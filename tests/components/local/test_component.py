import pulumi

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

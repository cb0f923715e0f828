import pulumi

from components.local.component import LocalService
from infra.plan import plan_of
from infra.stackfile import StackConfig

CONFIG = StackConfig("demo", "dev", {}, frozenset(), {})


def test_a_key_that_a_program_gives_in_clear_is_hidden_in_all_that_is_registered() -> None:
    def program() -> None:
        service = LocalService("api", {"model": "bundled:sms-spam", "api_key": "k" * 20})
        pulumi.export("apiKey", service.api_key)

    plan = plan_of(program, CONFIG)
    assert plan.outputs == {"apiKey": "[secret]"}
    assert "k" * 20 not in repr(plan)

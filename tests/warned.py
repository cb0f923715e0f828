"""What `slipway preview` and `pulumi up` warn of in a stack."""

from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.program import main


def warned(config: StackConfig) -> list[str]:
    return [each.text for each in plan_of(main, config).warnings]

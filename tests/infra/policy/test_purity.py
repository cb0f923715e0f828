"""The policy pack has the policy SDK alone: what it imports of this project needs no other."""

import subprocess
import sys

PROGRAM = """
import sys
from slipway.infra.cost import assume, stack
from slipway.infra.policy import judge, plain
from slipway.infra.settings import stackfile
roots = {name.split(".")[0] for name in sys.modules}
print(sorted(roots & {"pulumi", "pulumi_gcp", "pulumi_aws", "rich", "typer", "numpy"}))
print("slipway.infra.plan.run" in sys.modules or "slipway.infra.plan.monitor" in sys.modules)
"""


def test_cost_and_policy_import_neither_pulumi_nor_the_plan() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nFalse\n"

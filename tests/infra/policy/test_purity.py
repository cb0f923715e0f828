"""The policy pack has the policy SDK alone: what it imports of this project needs no other."""

import subprocess
import sys

PROGRAM = """
import sys
import infra.cost.assume, infra.cost.stack, infra.policy.judge, infra.policy.plain, infra.stackfile
roots = {name.split(".")[0] for name in sys.modules}
print(sorted(roots & {"pulumi", "pulumi_gcp", "pulumi_aws", "rich", "typer", "numpy"}))
print("infra.plan" in sys.modules or "infra.monitor" in sys.modules)
"""


def test_cost_and_policy_import_neither_pulumi_nor_the_plan() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nFalse\n"

"""Slipway's rules as a CrossGuard policy pack: `pulumi preview --policy-pack policy`.

The rules are those of the offline preview (infra/policy), at the levels that the stack's own settings say. A
rule is here twice, as mandatory and as advisory, because the engine fixes the level of a policy before it
sees the stack; the one that the stack did not choose reports nothing.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pack import policies
from pulumi_policy import PolicyPack  # pyright: ignore[reportMissingModuleSource] in the pack's environment

PolicyPack(name="slipway", policies=policies())

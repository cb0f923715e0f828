"""What of a stack is secret, as every target takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi


@dataclass(frozen=True, slots=True)
class StackSecrets:
    """api_key: None where one is to be created. values: environment name -> secret value.

    kubeconfig: None where the target has none of its own. cluster: which one it reaches, in a text that stays
    the same for as long as it is that cluster.
    """

    api_key: pulumi.Output[str] | None = None
    values: Mapping[str, pulumi.Output[str]] = field(default_factory=dict[str, pulumi.Output[str]])
    kubeconfig: pulumi.Output[str] | None = None
    cluster: str = ""

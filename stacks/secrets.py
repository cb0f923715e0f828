"""The secrets of a stack, in the form that every target takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from slipway.stacks.update_step import UpdateStep


@dataclass(frozen=True, slots=True)
class StackSecrets:
    """The secrets of one stack.

    api_key: None if one is to be created. values: environment name -> secret value. kubeconfig: None if the
    target has none of its own. cluster: identifies the cluster that it reaches, by a string that stays the
    same for as long as the cluster does. has_operator: whether the cluster has the Prometheus Operator; None
    if that was not asked. step: of a rollout that a command drives in several updates.
    """

    api_key: pulumi.Output[str] | None = None
    values: Mapping[str, pulumi.Output[str]] = field(default_factory=dict[str, pulumi.Output[str]])
    kubeconfig: pulumi.Output[str] | None = None
    cluster: str = ""
    has_operator: bool | None = None
    step: UpdateStep | None = None

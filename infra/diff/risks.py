"""What a reviewer should fear of a change, in words, worst first."""

from slipway.infra.diff import (
    access_rules,
    exposure_rules,
    ingress_rules,
    loss_rules,
    running_rules,
    stack_rules,
)
from slipway.infra.diff.model import StackDiff
from slipway.infra.diff.risk import Risk, Rule

# In the order in which they are read, within one level.
RULES: tuple[Rule, ...] = (
    stack_rules.another_project,
    stack_rules.stack_gone,
    access_rules.opened,
    exposure_rules.networks,
    exposure_rules.namespaces,
    exposure_rules.addresses,
    exposure_rules.members,
    exposure_rules.policies,
    ingress_rules.ingress,
    access_rules.unencrypted,
    access_rules.plain_secrets,
    access_rules.exempted,
    loss_rules.clusters,
    loss_rules.other_clusters,
    loss_rules.namespaces,
    loss_rules.node_pools,
    loss_rules.services,
    loss_rules.workers,
    loss_rules.renames,
    loss_rules.component_gone,
    loss_rules.holders,
    running_rules.scheduled_stop,
    running_rules.memory,
    running_rules.gpu,
    running_rules.probes,
    loss_rules.protection,
    loss_rules.held_by_the_cloud,
    access_rules.rotated_key,
    access_rules.secrets,
    access_rules.roles,
    access_rules.closed,
    access_rules.domain,
    loss_rules.other_losses,
    loss_rules.unknown_types,
    running_rules.image,
    running_rules.model,
    running_rules.instances,
    running_rules.cpu,
    running_rules.spot,
    running_rules.speed,
    running_rules.logs,
    running_rules.rollout,
    running_rules.traffic,
    stack_rules.stack_new,
)


def risks_of(diff: StackDiff) -> list[Risk]:
    """Return every risk, sorted by level, then in the order of the rules."""
    return sorted((risk for rule in RULES for risk in rule(diff)), key=lambda risk: risk.level)

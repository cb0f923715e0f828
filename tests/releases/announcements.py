"""Finds what changed since a release without a word in the changelog.

A name that is gone, or that now means something else, needs an entry that has the name as code: `--option`,
`setting`. A resource that an `up` would replace or delete needs one under "Replaces resources" that has the
stack's target as code and the kind of resource in words: "`fargate`: the target group is replaced …".
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import Action, StackSource
from slipway.infra.plan.run import Plan
from slipway.infra.setup.changelog import REPLACES, ReleaseNotes

# Which word of the changelog stands for the plan of this component or stack: the target of its resources.
TARGETS: Mapping[str, str] = {
    "slipway:index:CloudRunService": "cloud-run",
    "slipway:index:FargateService": "fargate",
    "slipway:index:GkeCluster": "gke",
    "slipway:index:KubernetesService": "kubernetes",
    "slipway:index:LocalService": "local",
    "slipway:index:InferenceImage": "InferenceImage",
}


def changed_names(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield each line of a surface that is gone or says something else, with the name that it is about."""
    now = set(after.splitlines())
    for line in before.splitlines():
        if line not in now:
            yield line, line.partition(": ")[0].rpartition(" ")[2]


def is_announced(name: str, entries: Sequence[str]) -> bool:
    """Return whether an entry has the name as code, alone or as a part: `slipway up --name`."""
    whole = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    return any(whole.search(code) for entry in entries for code in re.findall(r"`([^`]+)`", entry))


def lost_resources(name: str, before: Plan, after: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield what `up` with the new code does to each resource that it replaces or deletes.

    A sentence, the target and the resource's kind, such as `TargetGroup`.
    """
    for change in difference_of(name, StackSource(before), StackSource(after)).resources:
        if change.resource.custom and change.action in (Action.REPLACE, Action.DELETE):
            reason = f", because of {', '.join(change.forced_by)}" if change.forced_by else ""
            kind = change.type.rpartition(":")[2]
            yield f"{name}: {change.action} {kind} {change.name}{reason}", _target(change.urn, name), kind


def is_replacement_announced(target: str, kind: str, release: ReleaseNotes) -> bool:
    """Return whether an entry under "Replaces resources" has the target as code and the kind in words."""
    words = "".join(kind.lower().split())
    for entry in release.groups.get(REPLACES, ()):
        said = re.sub(r"[\s`-]", "", entry.lower())
        if is_announced(target, [entry]) and words in said:
            return True
    return False


def _target(urn: str, name: str) -> str:
    return next((target for type_, target in TARGETS.items() if f"{type_}$" in urn), name)

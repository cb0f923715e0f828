"""What runs, how much of it, and how it rolls out: image, model, sizes, instances, probes, logs."""

from collections.abc import Iterator
from typing import Any

from slipway.components.model import model_folder
from slipway.components.model_address import ModelAddress
from slipway.components.need import Need, need_of
from slipway.components.rollouts.kinds import BLUE_GREEN, CANARY, ROLLING
from slipway.infra.diff.model import Action, ResourceChange, StackDiff
from slipway.infra.diff.paths import ABSENT
from slipway.infra.diff.risk import Level, Risk, components, numbers, of_roles, said
from slipway.infra.resources.reading import at, items_at
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import row_of

_PROBES = ("startupProbe", "livenessProbe", "readinessProbe", "healthCheck")
_RETENTION = ("retentionInDays", "retentionDays", "log_retention_days")


def memory(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        found = numbers(change, "memory_gib")
        if found is None:
            continue
        before, after = found
        sizes = f"from {before:g} to {after:g} GiB"
        need = _need(change)
        if after < before and need and after * 1024 < need.with_margin_mib:
            detail = f"It needs {need.memory_mib:.0f} MiB, {need.with_margin_mib:.0f} with a margin."
            text = f"lowers the memory limit below what the model needs with its margin, {sizes}"
            yield Risk(Level.HIGH, text, detail, change.urn)
        elif after < before:
            detail = "The model still fits, with its margin."
            if need is None:
                detail = "What this model needs is not known here: `slipway fit` measures it."
            yield Risk(Level.MEDIUM, f"lowers the memory limit {sizes}", detail, change.urn)
        else:
            yield Risk(Level.LOW, f"raises the memory limit {sizes}", "", change.urn)


def cpu(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        if found := numbers(change, "cpu"):
            verb, level = ("lowers", Level.MEDIUM) if found[1] < found[0] else ("raises", Level.LOW)
            yield Risk(
                level, f"{verb} the vCPU of an instance from {found[0]:g} to {found[1]:g}", "", change.urn
            )


def gpu(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        if change.before and change.after and (found := change.change_of("gpu")):
            before, after = _text(found.before), _text(found.after)
            text = f"changes the GPU from {before or 'none'} to {after or 'none'}"
            detail = "It has its own quota in the region; without one the rollout fails."
            yield Risk(Level.HIGH, text, detail if after else "", change.urn)


def instances(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        if found := numbers(change, "min_replicas"):
            before, after = found
            if after == 0:
                text = f"lets the service scale to zero (minimum instances before: {before:g})"
                yield Risk(
                    Level.MEDIUM, text, "The first request after an idle time waits for a start.", change.urn
                )
            else:
                verb = "lowers" if after < before else "raises"
                level = Level.MEDIUM if after < before else Level.LOW
                yield Risk(
                    level, f"{verb} the minimum instances from {before:g} to {after:g}", "", change.urn
                )
        if found := numbers(change, "max_replicas"):
            verb, level = ("lowers", Level.MEDIUM) if found[1] < found[0] else ("raises", Level.LOW)
            detail = (
                "Requests above that are refused." if found[1] < found[0] else "The bill can grow with it."
            )
            yield Risk(
                level, f"{verb} the maximum instances from {found[0]:g} to {found[1]:g}", detail, change.urn
            )


def image(diff: StackDiff) -> Iterator[Risk]:
    for change in of_roles(diff, {Role.IMAGE}, Action.UPDATE, Action.REPLACE):
        paths = [each.path for each in change.changes if not each.follows and each.path != "tags[0]"]
        if paths:
            yield Risk(Level.MEDIUM, "rebuilds the image", f"Changed: {', '.join(paths[:5])}.", change.urn)
    for change in components(diff):
        found = change.change_of("image_ref")
        if change.before and change.after and found and not found.follows:
            text = "changes the image"
            detail = f"Before {said(found.before)}, then {said(found.after)}."
            yield Risk(Level.MEDIUM, text, detail, change.urn)


def model(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        for name in ("model", "task"):
            found = change.change_of(name)
            if change.before and change.after and found:
                text = f"changes the {name} from {_text(found.before)} to {_text(found.after)}"
                yield Risk(Level.MEDIUM, text, "Its answers change.", change.urn)


def rollout(diff: StackDiff) -> Iterator[Risk]:
    if diff.before is None or diff.after is None:
        return
    for change in of_roles(diff, {Role.SERVICE}, Action.UPDATE, Action.FOLLOW):
        row = row_of(change.type)
        rolls = row.rolls_on if row else ()
        if not rolls:
            yield Risk(Level.LOW, f"restarts {change.name}", "", change.urn)
        elif any(each.follows or each.plain_path.startswith(rolls) for each in change.changes):
            text = f"rolls out a new revision of {change.name}"
            yield Risk(Level.LOW, text, _two_revisions(change), change.urn)


def _two_revisions(change: ResourceChange) -> str:
    """Return what runs while a command moves the requests; '' where the cloud replaces the old version."""
    service = change.after
    if service is None or "traffics" not in service.ignore_changes:
        return ""
    most = at(service.inputs, "scaling", "maxInstanceCount")
    room = f"{2 * most:g} instances instead of {most:g}" if isinstance(most, int | float) else "twice as many"
    was_moved = change.before is None or "traffics" in change.before.ignore_changes
    first = "" if was_moved else " This first time, `pulumi up` alone moves them at once."
    return (
        "It gets no requests until `slipway up` moves them. Until the old one has none, both run, cost and "
        f"use the quota: up to {room}.{first}"
    )


def traffic(diff: StackDiff) -> Iterator[Risk]:
    """Yield changes that take away where the requests are, which may be the second target group."""
    for change in components(diff):
        if not (change.before and change.after and change.type.endswith(":FargateService")):
            continue
        before, after = change.before.inputs, change.after.inputs
        if before.get("rollout") not in (CANARY, BLUE_GREEN):
            continue
        first = "Go over to `rollout: rolling` in an `up` of its own first: it has the tasks in both groups."
        if "rollout" not in after:
            text = (
                "leaves the target group that may have all tasks, and the service answers 503 until the end"
            )
            yield Risk(Level.HIGH, text, first, change.urn)
        elif after["rollout"] != ROLLING and ("certificate_arn" in before) is not (
            "certificate_arn" in after
        ):
            text = "sends the requests of another listener to the target group that may have no task"
            yield Risk(Level.HIGH, text, first, change.urn)


def probes(diff: StackDiff) -> Iterator[Risk]:
    for change in diff.resources:
        for each in change.changes:
            name = each.plain_path.rpartition(".")[2]
            if name in _PROBES and each.after is ABSENT and change.after is not None:
                yield Risk(Level.HIGH, f"removes the {name} of {change.name}", "", change.urn)


def logs(diff: StackDiff) -> Iterator[Risk]:
    for change in diff.resources:
        for name in _RETENTION:
            found = numbers(change, name) if change.resource.custom else None
            if found and found[1] < found[0]:
                text = f"keeps the log for {found[1]:g} days instead of {found[0]:g}"
                yield Risk(Level.MEDIUM, text, "Older log entries are deleted.", change.urn)


def spot(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        found = change.change_of("spot_percent")
        before, after = (_share(side) for side in (found.before, found.after)) if found else (0, 0)
        if change.before and change.after and after > before:
            text = f"puts {after:g} % of the instances above the base on Spot (before: {before:g} %)"
            yield Risk(Level.MEDIUM, text, "The cloud can reclaim them within minutes.", change.urn)


def _share(value: Any) -> float:
    """Return a percentage; an argument that is not given is none."""
    return value if isinstance(value, int | float) else 0


def scheduled_stop(diff: StackDiff) -> Iterator[Risk]:
    """Yield the schedules that leave no instance, and did not before."""
    for change in components(diff):
        if change.before is None or change.after is None:
            continue
        stopped = {
            str(at(each, "name")) for each in items_at(change.before.inputs, "schedules") if _stops(each)
        }
        for each in items_at(change.after.inputs, "schedules"):
            name = str(at(each, "name"))
            if _stops(each) and name not in stopped:
                detail = f"{at(each, 'schedule')}; another schedule has to start it again."
                yield Risk(Level.HIGH, f"stops the service by the schedule {name!r}", detail, change.urn)


def _stops(schedule: Any) -> bool:
    return at(schedule, "max_replicas") == 0


def speed(diff: StackDiff) -> Iterator[Risk]:
    for change in components(diff):
        if found := numbers(change, "request_timeout_seconds"):
            verb, level = ("lowers", Level.MEDIUM) if found[1] < found[0] else ("raises", Level.LOW)
            text = f"{verb} the maximum time of a request from {found[0]:g} to {found[1]:g} s"
            yield Risk(level, text, "", change.urn)


def _need(change: ResourceChange) -> Need | None:
    """Return the need of a model whose manifest is here."""
    inputs = change.resource.inputs
    source, task, cpus = inputs.get("model"), inputs.get("task"), inputs.get("cpu")
    if not isinstance(source, str) or not ModelAddress.parse(source).is_here:
        return None
    try:
        folder = model_folder(change.name, source, str(task))
    except (ValueError, OSError):
        return None
    return need_of(folder.manifest, float(cpus or 1))


def _text(value: Any) -> str:
    return "" if value is ABSENT or value is None else str(value)

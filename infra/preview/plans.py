"""Plans the stacks of this checkout, with what a reviewer should know of each."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pulumi

from slipway.components.model_address import ModelAddress, Source
from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.plan.warning import Warned
from slipway.infra.preview.on_a_cluster import cluster_findings
from slipway.infra.preview.own_program import own_program
from slipway.infra.program import MissingSdk, refusal_of
from slipway.infra.program import main as program
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import role_of
from slipway.infra.settings.faults import SettingsError, unread
from slipway.infra.settings.stackfile import settings_from, stack_config, stack_names
from slipway.stacks.settings.common import Settings

NO_STACK = (
    "There is no stack here: this folder has no Pulumi.<stack>.yaml, such as Pulumi.dev.yaml. Change to the "
    "project's folder, or make one with `pulumi stack init`."
)
_CLOUD_RUN = "slipway:index:CloudRunService"


class BrokenProgram(Refused):
    """Raised where the stack's program itself fails: the message names the file and the line."""


def findings_of(plan: Plan, settings: Settings) -> list[dict[str, str]]:
    """Return what a reviewer should know before `up`. Each: severity, title, reason, fix."""
    warned = [
        {"severity": "warning", "title": warned.text, "reason": "", "fix": ""} for warned in plan.warnings
    ]
    unheard = [*_without_callers(plan), *_without_listener(plan)]
    return [
        *warned,
        *unheard,
        *cluster_findings(plan.stack, settings),
        *_without_effect(settings),
        *_not_checked(settings),
    ]


def _without_callers(plan: Plan) -> list[dict[str, str]]:
    """Report private services of Cloud Run that name no caller; other targets warn of theirs themselves."""
    return [
        {
            "severity": "info",
            "title": "no one is named who may call the service",
            "reason": f"Only those with a role on the whole project may call {each.name}.",
            "fix": "Name callers in `invokers`, or set `public: true`.",
        }
        for each in plan.resources
        if each.type == _CLOUD_RUN and not each.inputs.get("public") and not each.inputs.get("invokers")
    ]


def _without_listener(plan: Plan) -> list[dict[str, str]]:
    """Report alarms of a cloud that notify nobody."""
    has_alarm = any(role_of(each.type) is Role.ALARM for each in plan.resources)
    if not has_alarm or any(each.inputs.get("alert_email") for each in plan.resources):
        return []
    return [
        {
            "severity": "info",
            "title": "alarms notify nobody",
            "reason": "They show in the cloud's console only.",
            "fix": "Name who is called in `alertEmail`.",
        }
    ]


def _not_checked(settings: Settings) -> list[dict[str, str]]:
    """Report that nothing here knows what the model needs; a model whose folder is here was checked."""
    address = ModelAddress.parse(settings.model)
    is_in_image = bool(settings.image) and not settings.names_model
    if settings.target == "local" or (address.is_here and not is_in_image):
        return []
    model = "the model in the given `image`" if is_in_image else settings.model
    command = f"slipway fit {'<folder>' if is_in_image else settings.model}"
    if address.source is Source.HUB and not is_in_image:  # it is converted before it can be measured
        command = f"slipway model add {settings.model} NAME"
    return [
        {
            "severity": "info",
            "title": f"not checked: whether the memory is enough for {model}, and how long it loads",
            "reason": "Its manifest is not on this machine. A limit that is too small shows only at `up`.",
            "fix": f"Measure it with `{command}`, and set `memory` and `loadSeconds`.",
        }
    ]


def _without_effect(settings: Settings) -> list[dict[str, str]]:
    if settings.target != "local" or not settings.given & {"min_replicas", "max_replicas"}:
        return []
    return [
        {
            "severity": "info",
            "title": "minInstances and maxInstances do not apply to the local target",
            "reason": "It runs one process on this machine; the clouds scale.",
            "fix": "Leave both unset in a local stack.",
        }
    ]


@dataclass
class Previews:
    """Holds a Plan and its findings for each stack. left_out: stack -> why there is none."""

    found: list[tuple[Plan, list[dict[str, str]]]] = field(
        default_factory=list[tuple[Plan, list[dict[str, str]]]]
    )
    left_out: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Planned:
    """Holds one stack of this checkout: plan and settings, or refused, or left_out, which says why."""

    stack: str
    config: StackConfig | None = None
    settings: Settings | None = None
    plan: Plan | None = None
    refused: Refused | None = None
    left_out: str = ""


def planned(root: Path, stack: str, overrides: Iterable[str] = ()) -> Planned:
    """Plan one stack, or say what stands in its way."""
    try:
        config = stack_config(root, stack, overrides)
    except Refused as error:
        return Planned(stack, refused=error)
    try:
        plan = _plan_of(config, root)
        if config.environments:
            incomplete = Warned("", f"This plan is incomplete. {unread(config.environments)}")
            plan = replace(plan, warnings=(incomplete, *plan.warnings))
        settings = settings_from(config)
        if settings.target != "local" and (other := own_program(root)):
            plan = replace(plan, warnings=(other, *plan.warnings))
        return Planned(stack, config, settings, plan)
    except Refused as error:
        return Planned(stack, refused=error)
    except MissingSdk as error:
        return Planned(stack, left_out=str(error))
    except pulumi.RunError as error:
        return Planned(stack, refused=_refusal(error, config.environments))


def _refusal(error: pulumi.RunError, environments: tuple[str, ...]) -> Refused:
    """Explain why the program refused; what an unread environment sets may be missing."""
    refused = refusal_of(error)
    if environments and isinstance(refused, SettingsError):
        return SettingsError(refused.stack, refused.faults, environments)
    return refused


def previews_of(root: Path, stacks: Iterable[str], overrides: list[str]) -> Previews:
    """Preview the stacks; where none is named, every stack here whose SDK is installed.

    Raises every stack's refusal together, as an ExceptionGroup.
    """
    named = list(stacks)
    previews = Previews()
    every = [planned(root, stack, overrides) for stack in named or stack_names(root)]
    for each in every:
        if each.plan and each.settings:
            previews.found.append((each.plan, findings_of(each.plan, each.settings)))
        elif each.left_out:
            previews.left_out[each.stack] = each.left_out
    refuse(every, named=bool(named))
    return previews


def refuse(every: Iterable[Planned], *, named: bool) -> None:
    """Raise the refusals together. A stack without its SDK is one where it was named, or is all there is.

    Nor does a check pass that found no stack at all.
    """
    every = list(every)
    if not every:
        raise Refused(NO_STACK)
    refused = [each.refused for each in every if each.refused]
    if named or not any(each.plan for each in every):
        refused += [Refused(each.left_out) for each in every if each.left_out]
    if refused:
        raise ExceptionGroup("some stacks were refused", refused)


def _plan_of(config: StackConfig, root: Path) -> Plan:
    try:
        return plan_of(lambda: program(config), config)
    except (Refused, pulumi.RunError):
        raise
    except Exception as error:
        place = place_of(error, root.resolve())
        if place is None:
            raise
        raise BrokenProgram(f"The program of stack {config.stack} does not run: {place}") from error


def place_of(error: BaseException, root: Path) -> str | None:
    """Return `file:line: Type: message` of the innermost line below `root`; None where there is none."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(root):
        return f"{Path(error.filename).relative_to(root)}:{error.lineno}: {type(error).__name__}: {error.msg}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(root) and not path.relative_to(root).parts[0].startswith("."):
            return f"{path.relative_to(root)}:{frame.lineno}: {said}"
    return None

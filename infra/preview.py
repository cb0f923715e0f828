"""What a stack's program would register, as data for programs and as a tree for people. Reads Plans only."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from infra.errors import Refused
from infra.monitor import Resource
from infra.plan import Plan, plan_of
from infra.program import MissingSdk, warnings_of
from infra.program import main as program
from infra.settings import Settings
from infra.stackfile import settings_from, stack_config, stack_names


def findings_of(plan: Plan, settings: Settings) -> list[dict[str, str]]:
    """What a reviewer should know before `up`. Each: severity, title, reason, fix."""
    warned = [
        {"severity": "warning", "title": text, "reason": "", "fix": ""}
        for text in warnings_of(f"{plan.project}-{plan.stack}", settings)
    ]
    return warned + _without_effect(settings)


def _without_effect(settings: Settings) -> list[dict[str, str]]:
    if settings.target != "local" or (settings.min_instances <= 1 and settings.max_instances == 3):
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
    """found: a Plan and its findings for each stack. left_out: stack -> why there is none."""

    found: list[tuple[Plan, list[dict[str, str]]]] = field(
        default_factory=list[tuple[Plan, list[dict[str, str]]]]
    )
    left_out: dict[str, str] = field(default_factory=dict[str, str])


def previews_of(root: Path, stacks: Iterable[str], overrides: list[str]) -> Previews:
    """Previews of the stacks, or where none is named of every stack here whose SDK is installed.

    Raises every stack's refusal together, as an ExceptionGroup.
    """
    named = list(stacks)
    previews = Previews()
    refused: list[Refused] = []
    for stack in named or stack_names(root):
        try:
            config = stack_config(root, stack, overrides)
            settings = settings_from(config)
            plan = plan_of(program, config)
            previews.found.append((plan, findings_of(plan, settings)))
        except Refused as error:
            refused.append(error)
        except MissingSdk as error:
            if named:
                refused.append(Refused(str(error)))
            else:
                previews.left_out[stack] = str(error)
        except pulumi.RunError as error:
            refused.append(Refused(str(error)))
    if not previews.found:
        refused += [Refused(reason) for reason in previews.left_out.values()]
    if refused:
        raise ExceptionGroup("some stacks were refused", refused)
    return previews


def preview_json(plan: Plan, findings: list[dict[str, str]]) -> dict[str, Any]:
    """One entry of `stacks` in `slipway preview --format json`."""
    resources = [
        {
            "urn": resource.urn,
            "type": resource.type,
            "name": resource.name,
            "parent": resource.parent,
            "inputs": resource.inputs,
            "dependencies": list(resource.dependencies),
        }
        for resource in plan.resources
    ]
    return {"name": plan.stack, "resources": resources, "outputs": plan.outputs, "findings": findings}


def preview_tree(plan: Plan, findings: list[dict[str, str]]) -> Iterable[RenderableType]:
    """The resources below the stack with their inputs, the outputs, and the findings."""
    root = next(resource for resource in plan.resources if resource.parent is None)
    tree = Tree(Text.assemble(("Stack ", "bold"), (plan.stack, "bold cyan")), guide_style="dim")
    _grow(tree, root.urn, plan.resources)
    yield tree
    if plan.outputs:
        outputs = Tree(Text("Outputs", style="bold"), guide_style="dim")
        for name, value in plan.outputs.items():
            outputs.add(_pair(name, value))
        yield outputs
    for finding in findings:
        yield Text.assemble(
            (f"{finding['severity']}: ", "bold yellow"),
            " ".join(filter(None, (f"{finding['title'].rstrip('.')}.", finding["reason"], finding["fix"]))),
        )


def _grow(tree: Tree, parent: str, resources: Iterable[Resource]) -> None:
    for resource in resources:
        if resource.parent == parent:
            kind = resource.type.rpartition(":")[2]
            branch = tree.add(Text.assemble(("+ ", "green"), (resource.name, "bold"), (f"  {kind}", "dim")))
            for name, value in resource.inputs.items():
                branch.add(_pair(name, value))
            _grow(branch, resource.urn, resources)


def _pair(name: str, value: Any) -> Text:
    return Text.assemble((f"{name}: ", "dim"), str(value), overflow="fold")

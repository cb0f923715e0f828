"""`slipway cost`, `policy` and `advise`: what a stack costs, which rules it breaks, which target suits.

They need no cloud, credential or Pulumi CLI. Pulumi is imported only where a stack's program is run.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from slipway.infra.cli.console import ERR, OUT, Format, print_json, reported
from slipway.infra.cli.stacks import Stacks, StacksOption, some_stacks
from slipway.infra.cli.table import print_table
from slipway.infra.errors import Failed, Refused
from slipway.infra.settings.stackfile import stack_names

if TYPE_CHECKING:
    from slipway.infra.cost.stack import StackCost
    from slipway.infra.plan.run import Plan
    from slipway.infra.policy.judge import Judgement, Violation
    from slipway.infra.preview.foreign_report import ForeignJudgement
    from slipway.stacks.settings.common import Settings

_Format = Annotated[Format, typer.Option("--format", help="Output format.")]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Preview with this setting changed; repeatable."),
]
_Usage = Annotated[
    list[str] | None,
    typer.Option(
        "--usage",
        metavar="KEY=NUMBER",
        help="Assumed use: requests (a month), requestSeconds, hours (a day), egressGb, imageGb, logGb.",
    ),
]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: slipway cost 'prod*' --usage requests=5000000")(cost)
    app.command(epilog="Example: slipway policy prod")(policy)
    app.command(epilog="Example: slipway advise --rps 5 --residency eu --write eu-small")(advise)


def cost(
    stacks: Stacks = None,
    stack: StacksOption = None,
    overrides: _Set = None,
    usage: _Usage = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also show every charge, and the price rows with their sources.")
    ] = False,
    format_: _Format = Format.TEXT,
) -> None:
    """Estimate the monthly cost of stacks. It is given idle, as expected, and with every instance busy.

    With several stacks, one table with their sum ends the output.
    """
    with reported(format_):
        from slipway.infra.cost.report import cost_json, cost_table, stack_rows

        costs = [found for _, _, found in _estimates(some_stacks(stacks, stack), overrides, usage)]
        if format_ is Format.JSON:
            print_json({"stacks": [cost_json(one) for one in costs]})
            return
        for one in costs:
            for part in cost_table(one, explain, OUT.width):
                OUT.print(part, soft_wrap=False)
            OUT.print()
        if len(costs) > 1:
            header, *rows = stack_rows(costs)
            print_table(header, rows, right=header[1:])


def policy(
    stacks: Stacks = None,
    stack: StacksOption = None,
    overrides: _Set = None,
    usage: _Usage = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Check the plans in the JSON of another commit's preview; its program does not run.",
        ),
    ] = None,
    removed: Annotated[
        list[str] | None,
        typer.Option(metavar="STACK", help="With --report: this stack needs no plan in it; repeatable."),
    ] = None,
    format_: _Format = Format.TEXT,
) -> None:
    """Check stacks against the policy rules. The exit code is 1 if a mandatory rule is broken.

    With --report, it is 1 too if the report has no plan of a stack that has a file here.
    """
    with reported(format_):
        if report is not None:
            if stacks or stack or overrides or usage:
                raise Refused(
                    "--report has its own stacks and settings; leave out stacks, --set and --usage."
                )
            _policy_of_report(report, removed or [], format_)
            return
        if removed:
            raise Refused("--removed says what a report need not have; it takes --report.")
        from slipway.infra.policy.judge import judged, refuse_mandatory, unjudged_notes

        found = [
            (plan.stack, judged(plan.stack, plan.resources, settings, cost))
            for plan, settings, cost in _estimates(some_stacks(stacks, stack), overrides, usage)
        ]
        if format_ is Format.JSON:
            print_json({"stacks": [_judged_json(*each) for each in found]})
        else:
            for name, each in found:
                for line in _judged_lines(name, each.violations, unjudged_notes(each.unjudged)):
                    OUT.print(line, soft_wrap=False)
            if len(found) > 1:
                OUT.print()
                rows = [(name, *_broken_counts(each.violations)) for name, each in found]
                print_table(("stack", "mandatory", "advisory"), rows, right=("mandatory", "advisory"))
        broken = [one for _, each in found for one in each.violations]
        is_broken = any(one.level == "mandatory" for one in broken)
        if format_ is Format.JSON and is_broken:
            raise typer.Exit(1)  # the one JSON object on standard output says why
        refuse_mandatory(broken)


def _policy_of_report(report: Path, removed: list[str], format_: Format) -> None:
    """Judge plans that were made elsewhere by the rules here, and say where theirs differ."""
    from slipway.infra.policy.judge import refuse_mandatory, unjudged_notes
    from slipway.infra.preview.foreign_report import judged_report

    found, left_out = judged_report(Path(), report, removed, datetime.now(UTC).date())
    broken = [one for each in found for one in each.judgement.violations]
    if format_ is Format.JSON:
        stacks = [_foreign_json(each) for each in found]
        print_json({"stacks": stacks, "left_out": left_out})
        if left_out or any(one.level == "mandatory" for one in broken):
            raise typer.Exit(1)
        return
    for each in found:
        notes = unjudged_notes(each.judgement.unjudged)
        if each.silent:
            rules = ", ".join(sorted({rule for rule, _ in each.silent}))
            notes = [f"The rules of the report's own program do not say so: {rules}.", *notes]
        for line in _judged_lines(each.stack, each.judgement.violations, notes):
            OUT.print(line, soft_wrap=False)
    if left_out:
        OUT.print(f"Not in the report: {', '.join(left_out)}.", markup=False)
    refuse_mandatory(broken)
    if left_out:
        raise Failed(
            f"The report has no plan of {', '.join(left_out)} in this project, so no rule could be checked. "
            f"If a stack's file was removed, say so: `--removed {left_out[0]}`."
        )


def _foreign_json(found: "ForeignJudgement") -> dict[str, Any]:
    return {**_judged_json(found.stack, found.judgement), "silent": sorted(map(list, found.silent))}


def _estimates(
    stacks: list[str], overrides: list[str] | None, usage: list[str] | None
) -> Iterator[tuple["Plan", "Settings", "StackCost"]]:
    from slipway.infra.cost.assume import usage_of
    from slipway.infra.cost.stack import cost_of
    from slipway.infra.cost.usage import given_values
    from slipway.infra.preview.plans import planned, refuse  # imports Pulumi

    given = given_values(usage or [])
    every = [planned(Path(), stack, overrides or []) for stack in stacks or stack_names(Path())]
    refuse(every, named=bool(stacks))
    today = datetime.now(UTC).date()
    for one in every:
        if one.plan and one.settings:
            assumed = usage_of(one.settings, given)
            yield one.plan, one.settings, cost_of(one.stack, one.plan.resources, assumed, today)
        else:
            ERR.print(f"Left out {one.stack}: {one.left_out}", markup=False)


def _judged_json(stack: str, judgement: "Judgement") -> dict[str, Any]:
    from slipway.infra.policy.judge import unjudged_json

    findings = [one.as_finding() for one in judgement.violations]
    return {"name": stack, "findings": findings, "not_judged": unjudged_json(judgement.unjudged)}


def _broken_counts(broken: list["Violation"]) -> tuple[str, str]:
    """Return how many mandatory and how many other rules are broken."""
    mandatory = sum(one.level == "mandatory" for one in broken)
    return str(mandatory), str(len(broken) - mandatory)


def _judged_lines(stack: str, broken: list["Violation"], notes: list[str]) -> Iterator[Text]:
    if not broken:
        judged = " breaks no rule that could be judged" if notes else " breaks no rule"
        yield Text.assemble((stack, "bold cyan"), judged)
        yield from (Text(f"  {note}", style="dim") for note in notes)
        return
    yield Text.assemble((stack, "bold cyan"), f" breaks {len(broken)} rule{'s' if len(broken) > 1 else ''}")
    for one in broken:
        colour = "bold red" if one.level == "mandatory" else "bold yellow"
        name = one.resource.rpartition("::")[2] or "the stack"
        yield Text.assemble((f"  {one.level} ", colour), (f"{one.rule}", "bold"), f": {one.title}.")
        yield Text(f"    {name}: {one.detail}")
        yield Text(f"    {one.reason} {one.fix}", style="dim")
    yield from (Text(f"  {note}", style="dim") for note in notes)


def advise(
    rps: Annotated[float, typer.Option(help="Average requests a second in the busy hours.")],
    model: Annotated[str, typer.Option(help="Model, as in the setting `model`.")] = "bundled:sms-spam",
    task: Annotated[str, typer.Option(help="Task, as in the setting `task` (default: the manifest's).")] = "",
    peak: Annotated[float | None, typer.Option(help="Maximum requests a second (default: as --rps).")] = None,
    hours: Annotated[float, typer.Option(help="Busy hours per day.")] = 24,
    latency: Annotated[float | None, typer.Option(help="Maximum response time in ms (default: any).")] = None,
    memory: Annotated[
        str, typer.Option(help="Memory that the model needs, such as 4Gi (default: from its manifest).")
    ] = "",
    request_seconds: Annotated[
        float | None, typer.Option(help="Seconds of one vCPU per request (default: as measured).")
    ] = None,
    gpu: Annotated[str, typer.Option(help="Also compare with this GPU, such as nvidia-l4.")] = "",
    gpu_seconds: Annotated[float | None, typer.Option(help="Seconds of that GPU per request.")] = None,
    budget: Annotated[float | None, typer.Option(help="Maximum cost in USD a month (default: any).")] = None,
    spot: Annotated[bool, typer.Option("--spot", help="Instances may be reclaimed at any time.")] = False,
    free_tier: Annotated[
        bool, typer.Option("--free-tier", help="The account does not use Cloud Run's free tier yet.")
    ] = False,
    residency: Annotated[str, typer.Option(help="Where data must stay: any, eu or us.")] = "any",
    region: Annotated[
        list[str] | None,
        typer.Option(help="Region of a cloud, instead of the residency's default; repeatable."),
    ] = None,
    project: Annotated[str, typer.Option(help="Google Cloud project for the stack file.")] = "my-project",
    write: Annotated[
        str, typer.Option(metavar="NAME", help="Write Pulumi.NAME.yaml; never overwrites a file.")
    ] = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Show every charge, and the price rows with their sources.")
    ] = False,
    format_: _Format = Format.TEXT,
) -> None:
    """Compare the targets by cost and recommend one. Also shows what would change the recommendation."""
    with reported(format_):
        from slipway.infra.advise.choose import advice_of
        from slipway.infra.advise.question import question_of
        from slipway.infra.advise.report import advice_json, advice_text
        from slipway.infra.advise.stack_file import stack_path, written
        from slipway.infra.cost.prices import price_table

        question = question_of(
            model=model,
            task=task,
            rps=rps,
            peak=peak,
            hours=hours,
            memory=memory,
            request_seconds=request_seconds,
            gpu=gpu,
            gpu_seconds=gpu_seconds,
            latency_ms=latency,
            budget_usd=budget,
            spot=spot,
            free_tier=free_tier,
            residency=residency,
            regions=tuple(region or ()),
            project=project,
        )
        if write:
            stack_path(Path(), write)
        found, today = advice_of(question, price_table()), datetime.now(UTC).date()
        path = written(Path(), write, found, today) if write else None
        if format_ is Format.JSON:
            print_json(advice_json(found, today) | {"written": path.name if path else None})
            return
        for part in advice_text(found, today, explain):
            OUT.print(part, soft_wrap=False)
        if path:
            OUT.print(f"Written: {path.name}. Look at it: `slipway preview {write}`.", markup=False)

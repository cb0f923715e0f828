"""The four formats of a preview state the same numbers, read from what each of them printed."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.console import Console

from slipway.infra.cost.stack import cost_of
from slipway.infra.cost.usage import Usage
from slipway.infra.errors import Refused
from slipway.infra.preview import document, markdown, page, text
from slipway.infra.preview.blocks import Block
from slipway.infra.preview.command import Shown
from slipway.infra.preview.other_commit import Base
from slipway.infra.preview.plans import Planned, planned
from slipway.infra.preview.rendering import Renderers
from slipway.infra.preview.stack import StackPreview, compared, stack_preview
from tests.checkout import ROOT
from tests.infra.diff.plans import resource, side, urn_of
from tests.infra.preview.lines import Page, html_of
from tests.infra.preview.reading import (
    Facts,
    facts_of_json,
    facts_of_markdown,
    facts_of_page,
    facts_of_text,
)
from tests.infra.preview.shown import compared as written

TODAY = date(2026, 11, 21)
STACKS = ("dev", "local", "prod", "prod-aws")
READERS = (facts_of_text, facts_of_markdown, facts_of_page)
# Name of a preview -> stack, and what its file says otherwise than the repository's.
COMPARED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "unjudged rules, a finding more": ("prod-aws", ("memory=4Gi", "maxInstances=12", "budget=10")),
    "a replacement, findings as before": ("prod", ("gpu=nvidia-tesla-t4",)),
    "a rule that is broken and mandatory": (
        "dev",
        ("public=true", "budget=1", "maxInstances=4", 'policy={"budget": "mandatory"}'),
    ),
    "nothing but a setting": ("local", ("budget=100",)),
}


@dataclass(frozen=True)
class Repository:
    """stacks: each of the repository as it is planned here, and as another commit, `base`, has it."""

    stacks: Mapping[str, Planned]
    base: Base

    def knowing_its_findings(self, stack: str) -> Base:
        found = stack_preview(self.stacks[stack], TODAY).findings
        return replace(self.base, findings={stack: frozenset(each["title"] for each in found)})


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """In a folder of its own, where the contexts of images are staged."""
    folder = tmp_path_factory.mktemp("repository")
    for file in ("Pulumi.yaml", *(f"Pulumi.{stack}.yaml" for stack in STACKS)):
        (folder / file).write_text((ROOT / file).read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        stacks = {stack: planned(folder, stack) for stack in STACKS}
        plans = {stack: each.plan for stack, each in stacks.items() if each.plan}
        assert plans.keys() == set(STACKS)
        yield Repository(stacks, Base("main", "0" * 40, folder, folder, STACKS, plans))


def against(base: Base, stack: Planned) -> Shown:
    return Shown([compared(stack, base, TODAY)], base=base.name, commit=base.commit)


def facts(shown: Shown) -> Facts:
    """Return what every format says, after checking that they agree."""
    expected = facts_of_json(shown)
    for read in READERS:
        assert read(shown) == expected, read.__name__
    changed = {action: sum(each) for action, each in expected.counts.items() if action != "same"}
    assert changed == expected.listed
    return expected


@pytest.mark.parametrize("stack", STACKS)
def test_the_formats_agree_on_a_stack_of_the_repository(repository: Repository, stack: str) -> None:
    found = facts(Shown([stack_preview(repository.stacks[stack], TODAY)]))
    assert found.planned
    assert found.outputs
    assert len(found.cost) == 1


@pytest.mark.parametrize("name", COMPARED)
def test_the_formats_agree_on_a_comparison(repository: Repository, name: str) -> None:
    stack, overrides = COMPARED[name]
    base = repository.knowing_its_findings(stack)
    found = facts(against(base, planned(base.root, stack, overrides)))
    assert found.settings == len(overrides)
    assert len(found.cost) == 1
    if "unjudged" in name:
        assert found.unjudged
        assert found.findings
    if "replacement" in name:
        assert found.counts["replace"][0]
        assert found.risks["high"]
        assert found.known
    if "mandatory" in name:
        assert found.findings["error"]
        assert found.counts["create"][0]


def test_the_formats_agree_on_a_stack_that_is_new_and_on_one_that_is_removed(repository: Repository) -> None:
    new = facts(against(replace(repository.base, plans={}), repository.stacks["prod-aws"]))
    removed = facts(against(repository.base, Planned("prod-aws")))
    assert new.counts == {"create": removed.counts["delete"]}
    assert new.listed["create"] == removed.listed["delete"] == sum(new.counts["create"])
    assert removed.cost == new.cost  # until somebody destroys it


def test_an_unchanged_stack_keeps_its_numbers_on_the_page_and_takes_a_line_elsewhere(
    repository: Repository,
) -> None:
    shown = against(repository.knowing_its_findings("prod-aws"), repository.stacks["prod-aws"])
    assert facts_of_page(shown) == facts_of_json(shown)
    assert len(list(text.text_of(shown))) == 4  # the verdict, against what, the stack, an empty line
    assert "as before" not in markdown.comment_of(shown)


def test_a_new_finding_of_an_unchanged_stack_is_shown_in_every_format(repository: Repository) -> None:
    shown = against(repository.base, repository.stacks["prod-aws"])
    assert "Nothing changes" in markdown.comment_of(shown)
    for read in (facts_of_json, *READERS):
        assert read(shown).findings.total() == len(shown.stacks[0].findings) > 0


FORMATS: Mapping[str, Renderers[Any]] = {
    "text": text.RENDERERS,
    "markdown": markdown.RENDERERS,
    "page": page.RENDERERS,
    "json": document.RENDERERS,
}


@pytest.mark.parametrize("format_", FORMATS)
def test_every_type_of_block_is_rendered_or_left_out_with_a_reason(format_: str) -> None:
    renderers = FORMATS[format_]
    assert renderers.by_type.keys() | renderers.left_out.keys() == set(get_args(Block))
    assert not renderers.by_type.keys() & renderers.left_out.keys()
    assert all(reason.endswith(".") for reason in renderers.left_out.values())


def printed(shown: Shown) -> Mapping[str, str]:
    """Format -> what it prints, as plain text in one line."""
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    for part in text.text_of(shown):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    html = {"markdown": html_of(markdown.comment_of(shown)), "page": page.page_of(shown)}
    return {
        "text": console.file.getvalue(),
        "json": json.dumps(document.document_of(shown)),
        **{format_: " ".join(line.text for line in Page(each).lines) for format_, each in html.items()},
    }


def test_every_format_names_what_is_compared_and_what_is_not_known() -> None:
    one = side(resource("aws:ec2/vpc:Vpc", "net", {}))
    preview = replace(written(one, one).stacks[0], notes=("The note of the stack.",))
    shown = Shown(
        [preview], {"absent": "It needs an SDK."}, "main (0123)", "0123", ["The note of the comparison."]
    )
    for format_, said in printed(shown).items():
        for part in ("main (0123)", "The note of the comparison.", "The note of the stack.", "absent"):
            assert part in said, format_
        assert "It needs an SDK." in said, format_


def test_a_stack_that_is_refused_here_and_has_no_plan_there_says_both_in_every_format(tmp_path: Path) -> None:
    base = Base("main", "0" * 40, tmp_path, tmp_path, ("dev",), failed={"dev": "It was broken there."})
    refused = Planned("dev", refused=Refused("It is wrong here."))
    for format_, said in printed(against(base, refused)).items():
        assert "It was broken there." in said, format_
        assert "It is wrong here." in said, format_


def test_what_no_price_is_known_for_is_named_in_every_format() -> None:
    made = side(resource("acme:index:Thing", "thing", {})).plan
    cost = cost_of("dev", made.resources, Usage(), TODAY)
    assert cost.maximum.unknown
    for format_, said in printed(Shown([StackPreview("dev", made, cost=cost)])).items():
        assert cost.maximum.unknown[0] in said, format_


def test_the_graph_has_what_is_deleted_and_a_renamed_resource_once() -> None:
    vpc = "aws:ec2/vpc:Vpc"
    before = side(resource(vpc, "old", {}), resource(vpc, "gone", {}))
    after = side(resource(vpc, "new", {}, aliases=(urn_of(vpc, "old"),)))
    shown = written(before, after)
    assert re.findall(r'\["(\w+)<br>aws Vpc"\]:::(\w+)', markdown.comment_of(shown)) == [
        ("new", "follow"),
        ("gone", "delete"),
    ]
    assert re.findall(r'<g class="(\w+)"', page.page_of(shown)) == ["rename", "delete"]

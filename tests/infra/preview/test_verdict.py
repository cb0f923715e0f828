"""The first line of a preview, on twenty changes that were labelled by hand.

No dangerous one is called safe, and none of them less than dangerous; at most one safe one is more than that.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from slipway.infra.plan.run import Plan
from slipway.infra.preview.command import Shown
from slipway.infra.preview.document import document_of
from slipway.infra.preview.grading import verdict_of
from slipway.infra.preview.markdown import comment_of
from slipway.infra.preview.other_commit import Base
from slipway.infra.preview.page import page_of
from slipway.infra.preview.plans import Planned, planned
from slipway.infra.preview.stack import StackPreview, compared, stack_preview
from slipway.infra.preview.verdict import Grade, StackVerdict
from tests.infra.repository import write_stack

TODAY = date(2026, 11, 21)
DIGEST = f"sha256:{'a' * 64}"
RUN = {
    "target": "cloud-run",
    "project": "acme-ml",
    "region": "europe-west4",
    "memory": "1Gi",
    "minInstances": "1",
    "maxInstances": "4",
    "image": f"europe-west4-docker.pkg.dev/acme-ml/images/server@{DIGEST}",
    "policy": '{"max-instances": "mandatory"}',
}
FARGATE = {
    "target": "fargate",
    "region": "eu-west-1",
    "cpu": "1",
    "memory": "2Gi",
    "minInstances": "2",
    "maxInstances": "4",
    "allowedCidrs": '["203.0.113.0/24"]',
    "image": f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@{DIGEST}",
    "egress": "endpoints",
}
GKE = {
    "target": "gke",
    "project": "acme-ml",
    "region": "europe-west4",
    "zones": '["europe-west4-a"]',
    "task": "summarize",
    "model": f"hf:google/flan-t5-base@{'7' * 40}",
    "cpu": "2",
    "memory": "6Gi",
    "privateNodes": "true",
    "controlPlaneCidrs": '["203.0.113.0/24"]',
    "image": f"europe-west4-docker.pkg.dev/acme-ml/images/server@{DIGEST}",
}
KUBERNETES = {
    "target": "kubernetes",
    "image": f"ghcr.io/acme/server@{DIGEST}",
    "allowedNamespaces": '["shop"]',
}


@dataclass(frozen=True)
class Labelled:
    """A change of a stack's file. before: None: the stack is new; after: None: it is removed."""

    name: str
    grade: Grade
    before: Mapping[str, str] | None
    after: Mapping[str, str] | None


def _to(name: str, grade: Grade, before: Mapping[str, str], **changes: str | None) -> Labelled:
    kept = {key: value for key, value in before.items() if key not in changes}
    return Labelled(name, grade, before, {**kept, **{key: text for key, text in changes.items() if text}})


SAFE, LOOK, DANGEROUS = Grade.SAFE, Grade.LOOK, Grade.DANGEROUS
CHANGES = [
    _to("nothing", SAFE, RUN),
    _to("a little more memory", SAFE, RUN, memory="2Gi"),
    _to("one more instance", SAFE, RUN, maxInstances="5"),
    _to("an assumption of its use", SAFE, RUN, usage='{"requests": 2000000}'),
    _to("a stricter rule", SAFE, RUN, policy='{"max-instances": "mandatory", "probe": "mandatory"}'),
    _to("a longer log", SAFE, FARGATE, logRetentionDays="90"),
    _to("fewer instances", LOOK, RUN, minInstances="0"),
    _to("another image", LOOK, RUN, image=RUN["image"].replace("a" * 64, "b" * 64)),
    _to("many instances", LOOK, RUN, maxInstances="100"),
    _to("a narrower network", LOOK, FARGATE, allowedCidrs='["203.0.113.0/25"]'),
    _to("a further network", LOOK, FARGATE, allowedCidrs='["203.0.113.0/24", "198.51.100.0/24"]'),
    _to("public", DANGEROUS, RUN, public="true"),
    _to("a rule off", DANGEROUS, RUN, policy='{"plain-secret": "off"}'),
    _to("a mail domain", DANGEROUS, RUN, invokers='["domain:gmail.com"]'),
    _to("half the internet", DANGEROUS, FARGATE, allowedCidrs='["203.0.113.0/24", "128.0.0.0/2"]'),
    _to("public addresses of tasks", DANGEROUS, FARGATE, egress="public-address"),
    _to("every namespace", DANGEROUS, KUBERNETES, allowedNamespaces=None),
    _to("public nodes", DANGEROUS, GKE, privateNodes="false"),
    _to("an open control plane", DANGEROUS, GKE, controlPlaneCidrs=None),
    _to("too little memory", DANGEROUS, RUN, memory="64Mi"),
    Labelled("the stack goes", DANGEROUS, RUN, None),
    _to("another region", DANGEROUS, RUN, region="europe-west1"),
]


def preview_of(folder: Path, labelled: Labelled) -> StackPreview:
    """Compare two folders with a stack `prod` in each."""
    plans: dict[str, Plan] = {}
    findings: dict[str, frozenset[str]] = {}
    for name, settings in (("base", labelled.before), ("here", labelled.after)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
        if settings is not None:
            write_stack(folder / name, "prod", settings)
    if labelled.before is not None:
        there = planned(folder / "base", "prod")
        assert there.plan is not None, there.refused
        plans["prod"] = there.plan
        findings["prod"] = frozenset(each["title"] for each in stack_preview(there, TODAY).findings)
    base = Base("main", "0" * 40, folder / "base", folder, tuple(plans), plans=plans, findings=findings)
    here = planned(Path(), "prod") if labelled.after is not None else Planned("prod")
    return compared(here, base, TODAY)


def test_reasons_that_are_sentences_are_joined_with_one_mark() -> None:
    verdict = StackVerdict("dev", Grade.LOOK, ("It costs more.", "it opens"), None)
    assert verdict.why == "It costs more; it opens"


@pytest.mark.parametrize(
    ("title", "clause"),
    [
        ("no one can call the service: give `allowedCidrs`, or `public`.", "no one can call the service"),
        ("traffic is in clear; give `certificate`", "traffic is in clear"),
        ("This plan is incomplete. Read what is missing.", "This plan is incomplete"),
        ("an old name.", "an old name"),
        ("run `a: b` first: then go on", "run `a: b` first"),
        (f"it costs {'word ' * 30}", f"it costs {'word ' * 15}word…"),
        (f"{'word ' * 15}`code that goes on and on`", f"{'word ' * 14}word…"),
    ],
)
def test_a_finding_is_in_the_verdict_with_its_first_clause(title: str, clause: str) -> None:
    finding = {"severity": "warning", "title": title, "reason": "", "fix": ""}
    preview = StackPreview("dev", findings=[finding])
    assert verdict_of(preview).reasons == (clause,)
    assert len(clause) <= 90
    document = document_of(Shown([preview]))["stacks"][0]
    assert document["findings"][0]["title"] == title


@pytest.mark.parametrize("labelled", CHANGES, ids=[each.name for each in CHANGES])
def test_the_first_line_gives_the_verdict(
    labelled: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    preview = preview_of(tmp_path, labelled)
    assert verdict_of(preview).grade is labelled.grade, [verdict_of(preview).reasons, preview.risks]
    shown = Shown([preview], base="main")
    word = labelled.grade.word
    assert comment_of(shown).splitlines()[1].partition("**")[2].startswith(word)
    assert json.loads(json.dumps(document_of(shown)))["verdict"] == word
    assert f'<p class="verdict {word}">' in page_of(shown)

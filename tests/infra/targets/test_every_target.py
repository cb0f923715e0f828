"""Every target of the settings' list keeps the same contract."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.infra.advise.options import WAYS, offers_of
from slipway.infra.advise.question import question_of
from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.faults import SettingsError
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.registry import every_target, smallest_sizes, target_named, target_of
from slipway.infra.targets.target import Access
from slipway.stacks.settings.common import TARGETS

ROOT = Path(__file__).resolve().parents[3]
DIGEST = f"sha256:{'0' * 64}"
# The least that a stack of each target says.
LEAST: dict[str, dict[str, str]] = {
    "local": {},
    "cloud-run": {"project": "acme-123", "region": "europe-west4"},
    "fargate": {"region": "eu-west-1"},
    "gke": {"project": "acme-123", "region": "europe-west4"},
    "kubernetes": {"image": f"host/server@{DIGEST}"},
}
# The program that answers for a target; a process of this machine answers for itself.
PROGRAMS = {"cloud-run": "gcloud", "fargate": "aws", "gke": "kubectl", "kubernetes": "kubectl"}


def config(target: str, **values: str) -> StackConfig:
    given = {"target": target, **LEAST.get(target, {}), **values}
    return StackConfig("slipway", "prod", {f"slipway:{k}": v for k, v in given.items()}, frozenset(), {})


def written_lists(path: Path) -> Iterator[int]:
    """Yield the lines where a literal names every target."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            members = node.elts
        elif isinstance(node, ast.Dict):
            members = [key for key in node.keys if key]
        else:
            continue
        if {member.value for member in members if isinstance(member, ast.Constant)} >= set(TARGETS):
            yield node.lineno


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_found_by_its_name_and_runs_a_module_of_stacks(name: str) -> None:
    target = target_named(name)
    assert target.name == name
    prepare = importlib.import_module(target.stack_module).prepare
    assert list(inspect.signature(prepare).parameters) == ["name", "settings", "secrets"]


@pytest.mark.parametrize(
    ("name", "values", "way"),
    [
        ("cloud-run", {}, "`gcloud run services update-traffic slipway-prod --to-revisions=REVISION=100 "),
        ("fargate", {}, "`slipway rollback --stack prod`"),
        ("gke", {}, "`slipway rollback --stack prod`"),
        ("kubernetes", {}, "`slipway rollback --stack prod`"),
        ("kubernetes", {"serving": "kserve"}, "`canaryPercent: 0` "),
    ],
)
def test_the_way_back_is_one_that_the_stack_has(name: str, values: dict[str, str], way: str) -> None:
    stack = config(name, **values)
    assert target_of(stack).how_to_roll_back(stack).startswith(way)


def test_the_targets_are_listed_once_and_advise_has_an_entry_for_each() -> None:
    folders = ("infra", "stacks", "components", "service", "bench")
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    found = {path.relative_to(ROOT).as_posix() for path in paths if list(written_lists(path))}
    assert found == {"stacks/settings/common.py", "infra/advise/options.py"}
    assert tuple(WAYS) == TARGETS


def test_a_target_has_offers_under_its_name_or_says_why_not() -> None:
    question = question_of(model="bundled:sms-spam", rps=1, memory="100Mi", request_seconds=0.01)
    for name, ways in WAYS.items():
        offers = ways.plain(question)
        assert bool(offers) != bool(ways.none), name
        assert {offer.target for offer in offers} <= {name, ""}, name
    assert {offer.target for offer in offers_of(question)} - {""} == {
        name for name, ways in WAYS.items() if not ways.none
    }


@pytest.mark.parametrize("name", TARGETS)
def test_a_cloud_is_asked_through_its_own_program_which_is_named_where_it_is_missing(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    target, stack = target_named(name), config(name)
    if name not in PROGRAMS:
        assert target.status(stack).state == "stopped"
        with pytest.raises(Refused, match="There is no log at"):
            list(target.log(stack, 10, follow=False))
        return
    missing = f"`{PROGRAMS[name]}`, which is not on PATH"
    with pytest.raises(Refused, match=missing):
        target.status(stack)
    for follow in (False, True):
        with pytest.raises(Refused, match=missing):
            list(target.log(stack, 10, follow))


@pytest.mark.parametrize("name", TARGETS)
def test_a_preview_needs_no_login_and_no_plugin(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    settings = settings_from(config(name, **({"context": "kind"} if name == "kubernetes" else {})))
    found = target_named(name).access(settings, applies=False)
    assert found == (Access("", "kind") if name == "kubernetes" else Access())


def test_what_is_applied_needs_what_its_cluster_is_reached_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    refused: list[str] = []
    for target in every_target():
        try:
            target.access(settings_from(config(target.name)), applies=True)
        except Refused:
            refused.append(target.name)
    assert refused == ["gke", "kubernetes"]


def test_only_a_local_process_is_applied_by_slipway_itself() -> None:
    here = [name for name in TARGETS if target_of(config(name)).applied_here(config(name))]
    assert here == ["local"]
    container = config("local", runtime="container")
    assert not target_of(container).applied_here(container)
    assert target_of(container).in_container(container)


def test_a_small_model_has_a_size_on_every_target() -> None:
    assert [size.target for size in smallest_sizes(100, 1)] == list(TARGETS)


def test_a_target_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SettingsError, match=r"(?s)'azure'.*local, cloud-run, fargate, gke, kubernetes"):
        target_of(config("azure"))
    assert target_of(StackConfig("slipway", "prod", {}, frozenset(), {})).name == "local"

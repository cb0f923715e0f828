"""That nobody can call a service stands before the details of what is made."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from slipway.infra.preview.command import Shown
from slipway.infra.preview.markdown import comment_of
from slipway.infra.preview.page import page_of
from slipway.infra.preview.text import text_of
from tests.infra.preview.shown import made
from tests.infra.repository import DEV, OLD

UNCALLED = {
    "a private service of Cloud Run": (DEV, "no one is named who may call the service"),
    "a load balancer without networks": (OLD, "no one can call the service"),
    "internal in a new network": ({**OLD, "internal": "true"}, "nothing reaches its private addresses"),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def text(shown: Shown) -> str:
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    for part in text_of(shown):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("name", UNCALLED)
def test_that_nobody_can_call_it_stands_before_the_details(name: str, tmp_path: Path) -> None:
    settings, said = UNCALLED[name]
    shown = made(tmp_path, dict(settings))
    start = text(shown).partition("\nResources\n")[0]
    assert said in start.partition("\nStack dev")[2]
    assert said in comment_of(shown).partition("### Stack")[2].partition("<details>")[0]
    assert said in page_of(shown).partition("<h2>")[2].partition("<h3>Resources")[0]


@pytest.mark.parametrize("more", [{"public": "true"}, {"invokers": '["user:ada@example.com"]'}])
def test_a_service_that_someone_may_call_has_no_such_finding(more: dict[str, str], tmp_path: Path) -> None:
    assert "no one" not in text(made(tmp_path, {**DEV, **more}))


def test_that_alarms_notify_nobody_is_said_where_they_do(tmp_path: Path) -> None:
    assert "alarms notify nobody" in text(made(tmp_path, dict(DEV)))
    assert "alarms notify nobody" not in text(made(tmp_path, {**DEV, "alertEmail": "oncall@example.com"}))
    assert "alarms notify nobody" not in text(made(tmp_path, {**DEV, "observability": "off"}))

"""Changes of a live `CloudRunService` on the real engine, in a project that enforces what Google enforces."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from slipway.components.cloud_run import CloudRunService, CloudRunServiceArgs
from slipway.components.observability.args import Observability
from tests.contract.cloud_run_cases import IMAGE, KEY
from tests.contract.cloud_run_cases import PLAIN as LEAST
from tests.pulumi_engine.live import Args, Changes, Live, each_of, lives
from tests.pulumi_engine.standin import BROKEN
from tests.pulumi_engine.strict.google import PROJECT, google_account

pytestmark = pytest.mark.pulumi_engine

PLAIN: dict[str, Any] = {**LEAST, "api_key": KEY, "public": True, "deletion_protection": False}
DOMAIN: dict[str, Any] = {"domain": "api.example.com"}
ELSEWHERE: dict[str, Any] = {"region": "us-central1"}
ALL: dict[str, Any] = {"observability": Observability.FULL, "cpu_always": True}
BROKEN_IMAGE = IMAGE.replace("a" * 64, BROKEN)
NAME = "api"


def program(args: Mapping[str, Any]) -> Callable[[], None]:
    given = {**PLAIN, **args}
    name = given.pop("name", NAME)
    return lambda: CloudRunService(name, cast("CloudRunServiceArgs", given)) and None


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run an engine on an empty project; destroy what a test created."""
    account = google_account()
    with lives(tmp_path, account, program, "gcp") as live:
        yield live
    assert account.left() == set()


CHANGES: Changes = {
    "another region": ({}, ELSEWHERE),
    "another region with a domain": (DOMAIN, {**DOMAIN, **ELSEWHERE}),
    "another project": ({}, {"project": "acme-dev"}),
    "another name": ({}, {"name": "service"}),
    "a domain": ({}, DOMAIN),
    "another domain": (DOMAIN, {"domain": "service.example.com"}),
    "callers": ({}, {"public": False, "invokers": ["user:ada@example.com"]}),
    "a secret": ({}, {"secret_values": {"HF_TOKEN": "hush"}}),
    "alarms": ({"observability": Observability.OFF}, {"alert_email": "oncall@example.com"}),
    "the server's own metrics": ({}, {**ALL, "alert_email": "oncall@example.com"}),
    "all of it off": ({**ALL, "alert_email": "a@example.com"}, {"observability": Observability.OFF}),
    "another address": ({"alert_email": "oncall@example.com"}, {"alert_email": "others@example.com"}),
    "a check from outside": ({}, {"min_replicas": 1}),
    "another key": ({}, {"api_key": "another-key-of-enough-characters"}),
}


@each_of(CHANGES)
def test_a_change_that_failed_goes_on_or_is_taken_back(live: Live, one: Args, other: Args) -> None:
    live.fail_go_on_and_go_back(one, other)
    assert live.is_as_wanted(**one)
    # Only a move to another project takes from a service what it starts with, before it is itself deleted.
    assert bool(live.account.noticed) is ("project" in other)


def test_a_revision_that_does_not_get_ready_is_taken_back(live: Live) -> None:
    live.up()
    assert "not found" in live.fails(image_ref=BROKEN_IMAGE)
    live.up()
    assert live.is_as_wanted()


def test_a_first_service_that_did_not_get_ready_is_imported_and_mended(live: Live) -> None:
    """The provider forgets it: docs/guides/stuck-stacks.md, "What exists already"."""
    live.fails(image_ref=BROKEN_IMAGE)
    assert "Error 409" in live.fails()
    [service] = live.account.of_kind("cloudrunv2.Service")
    component = f"urn:pulumi:dev::demo::slipway:index:CloudRunService::{NAME}"
    parts = ("gcp:cloudrunv2/service:Service", service.name, service.id)
    options = ("--protect=false", "--generate-code=false", "--yes", "--skip-preview")
    live.stack.run("import", *parts, "--parent", f"service={component}", *options)
    live.up()
    assert live.is_as_wanted()
    assert service.id.startswith(f"projects/{PROJECT}/locations/")


def test_a_protected_service_is_moved_in_two_steps(live: Live) -> None:
    protected = {"deletion_protection": True}
    live.up(**protected)
    assert "marked for protection" in live.preview(**protected, **ELSEWHERE, ok=False)
    live.up()
    live.up(**ELSEWHERE)
    assert live.is_as_wanted(**ELSEWHERE)


def test_both_steps_in_one_are_taken_back_and_made_one_after_the_other(live: Live) -> None:
    """The engine looks at the protection that is wanted, and the provider at the one before."""
    live.up(deletion_protection=True)
    assert "deletion_protection=false" in live.fails(**ELSEWHERE)
    assert len(live.account.of_kind("cloudrunv2.Service")) == 1
    assert live.account.of_kind("cloudrunv2.ServiceIamMember") == []
    live.up()
    live.up(**ELSEWHERE)
    assert live.is_as_wanted(**ELSEWHERE)

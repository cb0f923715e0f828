"""`slipway up` and its commands for on-call, on the real engine, in a project that enforces what Google does.

The command runs whole, in this process: `pulumi` is the engine, the program runs here, Google's interfaces
are simulated, and so is the time. The order of the calls is text that was approved.
"""

import os
import shutil
import stat
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from slipway.infra import program
from slipway.infra.cli.app import app
from slipway.infra.targets import clock
from tests.conftest import ROOT
from tests.infra.approval import approve
from tests.infra.cli.test_smoke_after_up import Service
from tests.pulumi_engine.serving import LiveStack, served_provider
from tests.pulumi_engine.strict.account import Account, Thing
from tests.pulumi_engine.strict.cloud_run import latest_of, traffic_of
from tests.pulumi_engine.strict.google import google_account
from tests.pulumi_engine.strict.google_rest import Behaviour, Project, asked_by_rest
from tests.pulumi_engine.strict.provider import StrictProvider

pytestmark = pytest.mark.pulumi_engine

STACK = "prod"
IMAGE = "europe-west4-docker.pkg.dev/acme-prod/slipway/server@sha256:"
SETTINGS = {
    "target": "cloud-run",
    "project": "acme-prod",
    "region": "europe-west4",
    "name": "api",
    "public": "true",
    "deletionProtection": "false",
    "image": IMAGE + "a" * 64,
    "model": "bundled:sms-spam",
}
CANARY = {"rollout": "canary", "bakeMinutes": "5"}
BLUE_GREEN = {"rollout": "blue-green", "bakeMinutes": "5"}


@dataclass
class Time:
    """A clock that passes only when somebody waits. at: what happens then, once each."""

    seconds: float = 1_800_000_000
    at: list[tuple[float, Callable[[], None]]] = field(default_factory=list[tuple[float, Callable[[], None]]])

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        due = [each for each in self.at if each[0] <= self.seconds]
        self.at = [each for each in self.at if each not in due]
        for _, happen in due:
            happen()

    def later(self, seconds: float, happen: Callable[[], None]) -> None:
        self.at.append((self.seconds + seconds, happen))


@dataclass
class Day:
    """A stack on Cloud Run, and whoever operates it. new: answers at the address of the new revision."""

    account: Account
    project: Project
    time: Time
    engine: LiveStack
    served: Service
    new: Service
    journal: list[str] = field(default_factory=list[str])
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))

    def set(self, **settings: str | None) -> None:
        self.settings |= {key: value for key, value in settings.items() if value is not None}
        self.settings = {
            key: value for key, value in self.settings.items() if settings.get(key, "") is not None
        }
        lines = "".join(f"  slipway:{key}: '{value}'\n" for key, value in self.settings.items())
        file = self.engine.project / f"Pulumi.{STACK}.yaml"
        kept = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt")]
        file.write_text("\n".join([*kept, "config:", lines]))

    def image(self, letter: str) -> None:
        self.set(image=IMAGE + letter * 64)

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run a command to its end and note what it did. Returns what it said."""
        calls, moves = len(self.account.calls), len(self.project.moves)
        done = CliRunner().invoke(app, [*arguments], env={"COLUMNS": "200"})
        said = done.output
        assert done.exit_code == code, said + str(done.exception)
        self.project.note_traffic()
        self.journal.append(f"$ slipway {' '.join(arguments)}   (exit code {code})")
        provider = [verb + " " + name for verb, name in self.account.calls[calls:] if name == "api-service"]
        moved = self.project.moves[moves:]
        engine = provider[: len(provider) - len(moved)]
        self.journal += [f"  pulumi: {each}" for each in engine] + [f"  command: {each}" for each in moved]
        self.journal += [f"  {line}" for line in said.splitlines() if _is_of_the_rollout(line)]
        self.journal.append(f"  requests: {self.shares()}")
        return said

    def up(self, *options: str, code: int = 0) -> str:
        return self.command("up", STACK, "--yes", *options, code=code)

    @property
    def service(self) -> Thing:
        [service] = self.account.of_kind("cloudrunv2.Service")
        return service

    @property
    def newest(self) -> str:
        return latest_of(self.account, self.service.id)

    def shares(self) -> str:
        found = traffic_of(self.account, self.service.id)
        return ", ".join(f"{name} {percent}%" for name, percent in sorted(found.items()))

    def behave(self, **how: float) -> None:
        """Set how every revision that is still to be made behaves; the newest one keeps what it does."""
        self.project.behaviours[self.newest] = Behaviour()
        self.project.otherwise = Behaviour(**how)

    def approved(self, name: str) -> None:
        text = "\n".join(self.journal)
        names = dict.fromkeys(word.strip(",.;:") for word in text.split() if word.startswith("api-"))
        revisions = [
            each for each in names if each.removeprefix("api-").isalnum() and len(each) == len("api-") + 8
        ]
        for letter, revision in zip("ABCDEFGH", revisions, strict=False):
            text = text.replace(revision, f"revision {letter}")
        approve(f"rollouts_cloud_run/{name}.txt", text)


class _Defaults(dict[str, Behaviour]):
    def __init__(self, known: dict[str, Behaviour], default: Behaviour) -> None:
        super().__init__(known)
        self._default = default

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else self._default


def _is_of_the_rollout(line: str) -> bool:
    return (
        not line.startswith(("Handing over", "Smoke test passed"))
        and line[:1].isalnum()
        and "pulumi" not in line
    )


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        pytest.skip("no `pulumi` on PATH; `.ci/pulumi` builds one")
    time, account = Time(), google_account()
    with ExitStack() as stack:
        served, new = (stack.enter_context(_answering(Service())) for _ in range(2))
        project = Project(account, time.now, {"": served.url, "next": new.url})
        make = account.make
        account.make = lambda *given: {
            **make(*given),
            **({"uri": served.url} if "Service" in given[1] else {}),
        }
        port = stack.enter_context(served_provider(StrictProvider(account)))
        engine = LiveStack(tmp_path, dict.fromkeys(("gcp", "random"), port))
        (engine.project / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
        (engine.project / f"Pulumi.{STACK}.yaml").write_text("")
        engine.run("stack", "init", STACK)
        inline = stack.enter_context(engine._inline(program.main))  # pyright: ignore[reportPrivateUsage]
        url = stack.enter_context(asked_by_rest(project))
        programs = _programs(tmp_path / "bin", pulumi, inline)
        for name, value in {
            **engine.environment,
            "PATH": f"{programs}:{os.environ['PATH']}",
            **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{each}": url for each in _INTERFACES},
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(engine.project)
        monkeypatch.setattr(clock.CLOCK, "now", time.now)
        monkeypatch.setattr(clock.CLOCK, "sleep", time.sleep)
        day = Day(account, project, time, engine, served, new)
        day.set()
        yield day
        engine.run("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert account.left() == set()
    assert account.noticed == []


_INTERFACES = ("RUN", "MONITORING", "SECRETMANAGER", "ARTIFACTREGISTRY")


def _programs(folder: Path, pulumi: str, inline: tuple[str, ...]) -> Path:
    """Write a `pulumi` that runs the program of this process, and a `gcloud` with a login."""
    folder.mkdir()
    texts = {
        "pulumi": f'case "$1" in up|preview) exec {pulumi} "$@" --skip-preview --non-interactive '
        f'{" ".join(inline)};; *) exec {pulumi} "$@";; esac',
        "gcloud": "echo a-token",
    }
    for name, text in texts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(stat.S_IRWXU)
    return folder


@contextmanager
def _answering(service: Service) -> Generator[Service]:
    with service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        yield service
        service.shutdown()
        thread.join()


def test_a_rolling_rollout_gives_the_newest_revision_all_requests(day: Day) -> None:
    day.up()
    day.image("c")
    day.up()
    assert day.project.moves == []
    day.approved("rolling")


def test_a_canary_gets_its_share_and_then_all_requests(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    day.image("c")
    before = day.newest
    said = day.up()
    assert "has 10% of the requests" in said
    assert day.newest != before
    assert day.shares() == f"{day.newest} 100%"
    day.up()  # nothing to do
    day.approved("canary")

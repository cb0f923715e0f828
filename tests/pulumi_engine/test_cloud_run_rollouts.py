"""`slipway up` and its commands for on-call, on the real engine, in a project that enforces what Google does.

The command runs whole, in this process: `pulumi` is the engine, the program runs here, Google's interfaces
are simulated, and so is the time. The order of the calls is text that was approved.
"""

import os
import re
import shutil
import signal
import stat
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slipway.infra import program
from slipway.infra.cli.app import app
from slipway.infra.targets import clock
from tests.conftest import ROOT
from tests.infra.approval import approve
from tests.infra.cli.test_smoke_after_up import Service
from tests.pulumi_engine.serving import LiveStack, served_provider
from tests.pulumi_engine.strict.account import Account, Inputs, Maker, Thing
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
        texts = {key: text if text[0] == "[" else f"'{text}'" for key, text in self.settings.items()}
        lines = "".join(f"  slipway:{key}: {text}\n" for key, text in texts.items())
        file = self.engine.project / f"Pulumi.{STACK}.yaml"
        kept = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt")]
        file.write_text("\n".join([*kept, "config:", lines]))

    def key(self, value: str) -> None:
        """Set the service's key until the stack's file is written anew."""
        self.engine.run("config", "set", "--secret", "slipway:apiKey", value, "--stack", STACK)

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

    def bare_up(self) -> None:
        """Run `pulumi up` without the command."""
        calls = len(self.account.calls)
        done = subprocess.run(["pulumi", "up", "--yes", "--stack", STACK], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        self.project.note_traffic()
        self.journal.append("$ pulumi up --yes --stack prod")
        provider = [verb + " " + name for verb, name in self.account.calls[calls:] if name == "api-service"]
        self.journal += [*(f"  pulumi: {each}" for each in provider), f"  requests: {self.shares()}"]

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
        revisions = dict.fromkeys(re.findall(r"api-(?:[0-9a-f]{8}|[0-9]{5}-xyz)", text))
        for letter, revision in zip("ABCDEFGH", revisions, strict=False):
            text = text.replace(revision, f"revision {letter}")
        approve(f"rollouts_cloud_run/{name}.txt", text)


def _is_of_the_rollout(line: str) -> bool:
    starts = (
        "Error",
        "Release",
        "The requests",
        "The rollout",
        "Smoke test failed",
        "api-",
        "Pulumi's state",
    )
    return line.startswith(starts)


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        pytest.skip("no `pulumi` on PATH; `.ci/pulumi` builds one")
    time, account = Time(), google_account()
    with ExitStack() as stack:
        served, new = (stack.enter_context(_answering(Service())) for _ in range(2))
        project = Project(account, time.now, {"": served.url, "next": new.url})
        account.make = _made_at(served.url, account.make)
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


def _made_at(url: str, make: Maker) -> Maker:
    """Return what makes things whose address is here."""

    def made(account: Account, type_: str, inputs: Inputs) -> Inputs:
        return {**make(account, type_, inputs), "uri": url}

    return made


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


@pytest.mark.long
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


def test_a_blue_green_rollout_moves_all_requests_and_takes_them_back_from_a_slow_release(day: Day) -> None:
    day.set(**BLUE_GREEN)
    day.up()
    day.time.sleep(1200)  # the old version is judged by what it answered before
    day.image("c")
    day.up()
    assert day.shares() == f"{day.newest} 100%"
    serves = day.shares()
    day.behave(latency_ms=400)
    day.image("d")
    said = day.up(code=1)
    assert "answers took longer than" in said.splitlines()[-1]
    assert day.shares() == serves
    day.approved("blue_green")


def test_a_bad_canary_goes_back_by_itself_and_comes_again_only_on_purpose(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    serves = day.shares()
    day.behave(failures=0.2)
    day.image("c")
    said = day.up(code=1)
    last = said.splitlines()[-1]
    assert re.search(r"went back: \d+ of \d+ requests failed .*failures > 1%.* serves all requests", last), (
        last
    )
    assert day.shares() == serves
    assert "went back" in day.command("releases", STACK)
    assert "It gets no requests until something changes" in day.up(code=2)
    assert day.shares() == serves
    day.project.otherwise = Behaviour()
    day.up("--again")
    assert day.shares() == f"{day.newest} 100%"
    day.approved("bad_canary")


@pytest.mark.long
def test_a_canary_with_too_few_requests_goes_back_undecided(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    serves, day.project.per_minute = day.shares(), 60
    day.image("c")
    assert "went back: undecided: it answered 30 requests" in day.up(code=1)
    assert day.shares() == serves


def test_a_release_that_answers_wrong_gets_no_requests(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    serves, day.new.status = day.shares(), 500
    day.image("c")
    said = day.up(code=1)
    assert "went back: it answers wrong: the model's own example was answered with 500" in said
    assert day.shares() == serves
    assert not any("10%" in move for move in day.project.moves)
    day.approved("wrong_answer")


def test_an_interrupted_command_takes_its_canary_back_and_the_next_one_brings_it(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    serves = day.shares()
    day.image("c")
    day.time.later(120, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert "went back: the command was interrupted" in day.up(code=1)
    assert day.shares() == serves
    day.up()
    assert day.shares() == f"{day.newest} 100%"
    day.approved("interrupted")


class Killed(BaseException):
    """What ends a command at once, as `kill -9` does: nothing of it runs afterwards."""


def test_a_killed_command_leaves_its_canary_which_other_commands_end(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.set(**CANARY)
    day.up()
    serves = day.shares()
    day.image("c")

    def kill() -> None:
        raise Killed

    def killed() -> None:
        day.time.later(120, kill)
        with pytest.raises(Killed):
            CliRunner().invoke(app, ["up", STACK, "--yes"])
        day.journal.append("$ slipway up prod --yes   (killed)")
        day.journal.append(f"  requests: {day.shares()}")

    killed()
    assert f"{day.newest} 10%" in day.shares()
    assert "is under way; it has 10% of the requests" in day.up(code=2)
    day.command("rollback", "--stack", STACK)
    assert day.shares() == serves
    day.time.later(120, kill)
    with pytest.raises(Killed):
        CliRunner().invoke(app, ["up", STACK, "--yes", "--again"])
    day.command("promote", STACK)
    assert day.shares() == f"{day.newest} 100%"
    day.image("d")
    killed()
    day.time.sleep(3 * 3600)
    day.up()
    assert day.shares() == f"{day.newest} 100%"
    day.approved("killed")


def test_a_release_is_rolled_back_and_an_unchanged_file_does_not_bring_it_again(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    first = day.shares()
    day.image("c")
    day.up()
    left = day.newest
    day.command("rollback", "--stack", STACK)
    assert day.shares() == first
    assert "`slipway rollback`" in day.up(code=2)
    assert day.shares() == first
    day.bare_up()
    assert day.shares() == first
    assert "Cloud Run keeps no revision api-none" in day.command(
        "rollback", "api-none", "--stack", STACK, code=2
    )
    assert "comes back with its settings" in day.command(
        "rollback", left, "--keep-settings", "--stack", STACK, code=2
    )
    day.command("rollback", left, "--stack", STACK)
    assert day.shares() == f"{left} 100%"
    day.approved("rollback")


@pytest.mark.long
def test_a_release_whose_secret_or_image_is_gone_does_not_come_back(day: Day) -> None:
    day.set(**CANARY)
    day.key("a-key-of-enough-characters")
    day.up()
    first = day.newest
    day.key("another-key-of-enough-characters")
    day.up()
    assert "other versions of MODEL_API_KEY" in day.command("rollback", "--stack", STACK, code=2)
    version = "/v1/projects/acme-prod/secrets/api-MODEL_API_KEY/versions/1"
    day.project.gone.add(version)
    assert "version 1 of api-MODEL_API_KEY is destroyed" in day.command(
        "rollback", "--secrets", "--stack", STACK, code=2
    )
    day.project.gone = {
        "/v1/projects/acme-prod/locations/europe-west4/repositories/slipway/dockerImages/server@sha256:"
        + "a" * 64
    }
    assert "its image" in day.command("rollback", "--secrets", "--stack", STACK, code=2)
    day.project.gone.clear()
    day.command("rollback", "--secrets", "--stack", STACK)
    assert day.shares() == f"{first} 100%"


def test_a_bare_update_makes_a_release_without_requests(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    serves = day.shares()
    day.image("c")
    day.bare_up()
    assert day.shares() == serves
    day.up()
    assert day.shares() == f"{day.newest} 100%"
    day.approved("bare_update")


def test_a_change_of_the_rollout_never_leaves_the_service_without_requests(day: Day) -> None:
    day.up()
    for number, rollout in enumerate(("canary", "blue-green", None, "canary", None)):
        day.time.sleep(1200)
        day.set(rollout=rollout)
        day.image("cdef1"[number])
        day.up()
        assert day.shares() == f"{day.newest} 100%"
    day.approved("changed_rollout")


@pytest.mark.long
def test_a_rollout_is_paused_and_promoted_from_another_terminal(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    day.image("c")
    said = list[str]()

    def elsewhere(command: str) -> Callable[[], None]:
        return lambda: said.append(CliRunner().invoke(app, [command, STACK]).output)

    for seconds, command in ((100, "pause"), (2000, "pause"), (2100, "promote")):
        day.time.later(seconds, elsewhere(command))
    begun = day.time.now()
    assert "was promoted by another command" in day.up()
    assert day.time.now() - begun > 2000
    assert [text.split()[-1] for text in said] == ["requests.", "on.", f"{STACK}."]
    assert day.shares() == f"{day.newest} 100%"
    assert "No rollout is under way" in day.command("promote", STACK, code=2)


def test_a_rollout_that_cannot_be_watched_is_refused_before_anything_changes(
    day: Day, capfd: pytest.CaptureFixture[str]
) -> None:
    day.set(**CANARY)
    day.up()
    day.image("c")
    day.project.may_monitor, calls = False, len(day.account.calls)
    assert "roles/monitoring.viewer" in day.up(code=2)
    day.set(rollbackOn='["slipway_drift > 0"]')
    day.up(code=1)
    assert "which Cloud Monitoring does not have" in _joined(capfd)
    day.set(rollbackOn=None, bakeMinutes="1")
    day.up(code=1)
    assert "bakeMinutes is 1; it must be at least 2" in _joined(capfd)
    assert len(day.account.calls) == calls


@pytest.mark.long
def test_a_service_that_changes_between_reading_and_writing_is_read_again(day: Day) -> None:
    day.set(**CANARY)
    day.up()
    day.image("c")
    changes = iter(range(2))

    def meddle() -> None:
        if next(changes, None) is not None:
            service = day.service
            day.account.update(service.id, {**service.inputs, "description": str(day.time.now())})

    day.time.later(5, lambda: setattr(day.project, "before_write", meddle))
    day.up()
    assert day.shares() == f"{day.newest} 100%"


def _joined(captured: pytest.CaptureFixture[str]) -> str:
    """Return what the engine printed, without its breaks of lines."""
    return " ".join("".join(captured.readouterr()).split())

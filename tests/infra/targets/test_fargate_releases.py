"""Days of a Fargate stack with `slipway up`, `releases` and `rollback`, over stand-ins for its commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_stack
from tests.infra.command import refused, slipway
from tests.infra.targets import fake_ecs
from tests.infra.targets.fake_ecs import Ecs

SETTINGS = {"target": "fargate", "region": "eu-west-1", "rollout": "canary"}


class Day:
    """A project, and an account in a folder on PATH. Each `up` deploys an image."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project, self.folder = project, folder
        folder.mkdir()
        for name in ("aws", "pulumi"):
            text = f"#!{sys.executable}\n{Path(fake_ecs.__file__).read_text()}"
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        self.environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
        self.set()

    @property
    def ecs(self) -> Ecs:
        return Ecs(self.folder / "state.json")

    def set(self, **settings: str) -> None:
        """Write the stack's file with further settings."""
        write_stack(self.project, {**SETTINGS, **settings}, "prod")

    def up(self, image: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return slipway(
            self.project, "up", "prod", "--yes", *options, IMAGE=image, **{**self.environment, **environment}
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return slipway(self.project, *arguments, **self.environment)

    def refused(self, *arguments: str) -> str:
        return refused(self.project, *arguments, IMAGE="any", **self.environment)

    def releases(self) -> list[dict[str, Any]]:
        return json.loads(self.run("releases", "prod", "--format", "json").stdout)["releases"]

    @property
    def deployed(self) -> int:
        """Return how often `pulumi up` ran."""
        return (self.folder / "calls").read_text().count("pulumi up")


@pytest.fixture
def day(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Day:
    day = Day(project, tmp_path / "bin")
    monkeypatch.setenv("PATH", day.environment["PATH"])
    return day


def test_a_bad_release_goes_back_is_told_and_is_not_brought_again_in_silence(day: Day) -> None:
    assert day.up("first").returncode == 0
    day.set(memory="3Gi")
    failed = day.up("bad")
    assert failed.returncode == 1
    reason = f"Service deployment rolled back because of alarms; in ALARM: {fake_ecs.ALARM}"
    last = failed.stderr.strip().splitlines()[-1]
    assert last.startswith(f"Release 2 went back: {reason}. Release 1 serves.")
    status = json.loads(day.run("status", "prod", "--format", "json").stdout)
    assert (status["rollout"]["state"], status["rollout"]["reason"]) == ("went back", reason)
    assert "release 2 went back" in day.run("status", "prod").stdout
    assert "This is release 2, which went back" in day.refused("up", "prod", "--yes")
    assert day.deployed == 2
    assert day.up("bad", "--again").returncode == 1
    assert day.deployed == 3
    day.set(memory="4Gi")
    assert day.up("second").returncode == 0
    assert day.ecs.state["serves"] == 4


@pytest.mark.parametrize(
    "aside", [{"alertEmail": "ops@example.org"}, {"maxInstances": "7"}, {"keepImages": "9"}], ids=str
)
def test_what_is_no_part_of_a_release_does_not_bring_a_bad_one_back(day: Day, aside: dict[str, str]) -> None:
    day.up("first")
    day.set(memory="3Gi")
    assert day.up("bad").returncode == 1
    day.set(memory="3Gi", **aside)
    assert "This is release 2, which went back" in day.refused("up", "prod", "--yes")


def test_a_rollback_is_one_command_and_the_next_up_refuses_what_left(day: Day) -> None:
    day.up("first")
    day.set(memory="3Gi")
    day.up("second")
    done = day.run("rollback", "--stack", "prod")
    assert done.returncode == 0, done.stderr
    assert "Release 1 serves stack prod; release 2 went back." in done.stdout
    assert day.ecs.state["serves"] == 1
    said = day.refused("up", "prod", "--yes")
    assert "This is release 2, which went back: taken back by slipway rollback." in said
    day.set()  # what serves
    assert day.up("first").returncode == 0
    assert "pulumi up --stack prod --refresh --yes" in (day.folder / "calls").read_text()


def test_a_rollback_moves_all_requests_at_once(day: Day) -> None:
    """The service's strategy is a canary, whose bake would keep users on the bad release."""
    day.up("first")
    day.set(memory="3Gi")
    day.up("second")
    day.run("rollback", "--stack", "prod")
    [update] = [line for line in (day.folder / "calls").read_text().splitlines() if "update-service" in line]
    assert '"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0' in update
    assert '"enable": false' in update  # the alarms are those of the release that leaves


def test_a_rollout_that_is_under_way_is_ended_by_a_rollback(day: Day) -> None:
    day.up("first")
    ecs = day.ecs
    ecs.deploy("second", "one", "IN_PROGRESS")
    ecs.save()
    assert "A rollout of release 2 is under way" in day.refused("up", "prod", "--yes")
    assert "by its clock alone" in day.refused("promote", "prod")
    assert "does not stop the clock of release 2, which gets 5%" in day.refused("pause", "prod")
    shares = {each["release"]: each["percent"] for each in day.releases()}
    assert shares == {"2": 5, "1": 95}
    done = day.run("rollback", "--stack", "prod")
    assert done.returncode == 0, done.stderr
    assert "Release 1 serves stack prod; release 2 went back." in done.stdout
    assert "none to promote" in day.refused("promote", "prod")


def test_releases_are_listed_with_what_became_of_each(day: Day) -> None:
    day.up("first")
    day.set(memory="3Gi")
    day.up("bad")
    day.set(memory="4Gi")
    day.up("third")
    ecs = day.ecs
    ecs.state["lost"] = ["first"]
    ecs.save()
    listed = day.releases()
    assert [(each["release"], each["percent"]) for each in listed] == [("3", 100), ("2", 0), ("1", 0)]
    assert [bool(each["went_back"]) for each in listed] == [False, True, False]
    assert "is deleted" in listed[2]["lost"]
    assert f"cannot come back: {listed[2]['lost']}" in day.run("releases", "prod").stdout
    assert listed[0]["model_version"] == "sms-spam-1.0.0"
    said = day.refused("rollback", "1", "--stack", "prod")
    assert "Release 1 cannot come back: its image sha256:" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "There is no earlier release than 1 that is kept"),
        (("7",), "There is no release 7; kept are 1."),
        (("1",), "Release 1 serves already."),
        (("--keep-settings",), "holds code, model and settings together"),
    ],
)
def test_what_cannot_come_back_is_refused(day: Day, arguments: tuple[str, ...], said: str) -> None:
    day.up("first")
    assert said in day.refused("rollback", *arguments, "--stack", "prod")


def test_other_secrets_come_back_only_where_that_is_asked_for(day: Day) -> None:
    day.up("first", SECRET="one")
    day.set(memory="3Gi")
    day.up("second", SECRET="two")
    assert "other versions of its secrets" in day.refused("rollback", "--stack", "prod")
    assert day.ecs.state["serves"] == 2
    assert day.run("rollback", "--secrets", "--stack", "prod").returncode == 0
    assert day.ecs.state["serves"] == 1


def test_a_release_that_went_back_without_slipway_is_told(day: Day) -> None:
    day.up("first")
    ecs = day.ecs
    ecs.deploy("bad", "one")
    ecs.save()
    done = day.up("second")
    assert done.returncode == 0, done.stderr
    assert "The last rollout, of release 2, went back: Service deployment rolled back" in done.stderr
    assert "pulumi up --stack prod --refresh --yes" in (day.folder / "calls").read_text()


def test_the_images_of_releases_that_served_are_kept_until_their_releases_are_not(day: Day) -> None:
    day.up("first")
    day.set(memory="3Gi")
    assert day.up("bad").returncode == 1
    day.set(memory="4Gi")
    day.up("third")
    images = day.ecs.state["images"]
    assert images.keys() == {"release-1", "release-3"}
    assert images["release-3"] == f"sha256:{b'third'.hex():0<64}"
    ecs = day.ecs
    ecs.state["tasks"][0]["gone"] = True
    ecs.save()
    day.set(memory="5Gi")
    day.up("fourth")
    assert day.ecs.state["images"].keys() == {"release-3", "release-4"}


def test_an_image_of_somebody_elses_repository_is_left_alone(day: Day) -> None:
    assert day.up("first", REPOSITORY="other").returncode == 0
    assert day.ecs.state["images"] == {}


CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
SECURE = {"certificate": CERTIFICATE, "domain": "api.example.com"}


@pytest.mark.parametrize(
    ("listener", "settings", "said"),
    [
        ("http", {"rollout": None}, "Without `rollout` the service has one target group."),
        ("http", SECURE, "With or without `certificate` another listener gets the requests."),
        ("https", {}, "With or without `certificate` another listener gets the requests."),
        ("https", {**SECURE, "rollout": "blue-green"}, ""),
        ("http", {"rollout": "blue-green"}, ""),
        ("https", {"rollout": "rolling"}, ""),
        ("", {"rollout": None}, ""),
    ],
)
def test_what_would_send_requests_where_no_task_may_be_is_refused(
    day: Day, listener: str, settings: dict[str, Any], said: str
) -> None:
    day.up("first")
    rule = f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/api/1/{listener}/3"
    ecs = day.ecs
    ecs.state["balancers"] = (
        [{"advancedConfiguration": {"productionListenerRule": rule}}] if listener else [{}]
    )
    ecs.save()
    wanted = {key: value for key, value in {**SETTINGS, "memory": "3Gi", **settings}.items() if value}
    write_stack(day.project, wanted, "prod")
    if not said:
        assert day.up("second").returncode == 0
        return
    refusal = day.refused("up", "prod", "--yes")
    assert f"answer 503 until the end of this `up`. {said}" in refusal
    assert "Go over to `rollout: rolling` in an `up` of its own first" in refusal
    assert day.deployed == 1


def test_prune_deregisters_what_is_older_than_the_newest_and_not_what_serves(day: Day) -> None:
    for number in range(1, 6):
        day.set(memory=f"{number + 1}Gi")
        day.up(f"version {number}")
    day.run("rollback", "1", "--stack", "prod")
    assert "To deregister these, add --yes" in day.refused("prune", "prod", "--keep", "2")
    done = day.run("prune", "prod", "--keep", "2", "--yes")
    assert done.returncode == 0, done.stderr
    assert [each["release"] for each in day.releases()] == ["5", "4", "1"]

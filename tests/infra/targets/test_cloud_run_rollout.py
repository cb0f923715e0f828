"""What `slipway up` does around `pulumi up` on Cloud Run, where something is not as it should be."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slipway.components.google.limits import TRAFFIC_TO_LATEST
from slipway.components.rollouts.states import CUT_OFF
from slipway.infra.cli.app import app
from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.cloud_run_place import CloudRunPlace
from slipway.infra.targets.cloud_run_releases import CloudRunReleases
from slipway.infra.targets.cloud_run_rollout import DEFAULT_RULES, CloudRunRollout, RolloutPlan
from slipway.infra.targets.rollout_record import KnownRelease, Rollouts
from tests.conftest import write_stack
from tests.infra.targets.fake_run import ANNOTATION, FakeRun, Time, faked

PLAN = RolloutPlan("canary", 10, 300, DEFAULT_RULES)
SPAM = {"task": "classify", "labels": "aaa", "features": "nnn"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    """Return a service whose first revision serves, and whose second one has been made."""
    found = FakeRun(newest="api-2", latest_ready="api-2")
    found.pin("api-1")
    faked(monkeypatch, found)
    return found


def rollout(
    interface: Mapping[str, str] | None = None, say: Callable[[str], None] = print
) -> CloudRunRollout:
    place = CloudRunPlace("api", "p", "r")
    return CloudRunRollout("prod", place, PLAN, say, lambda: None, interface=interface, clock=Time())


def known(run: FakeRun, revision: str, interface: Mapping[str, str]) -> None:
    run.annotations[ANNOTATION] = Rollouts().noting(KnownRelease(revision, interface=interface)).to_text()


@pytest.mark.parametrize("part", ["task", "labels", "features"])
def test_a_model_that_answers_differently_gets_no_share(run: FakeRun, part: str) -> None:
    known(run, "api-1", SPAM)
    with pytest.raises(Refused, match=rf"another `{part}` than that of release api-1.*rollout: rolling"):
        rollout({**SPAM, part: "other"}).prepare()
    assert run.writes == []


def test_a_model_of_which_less_is_known_is_not_refused(run: FakeRun) -> None:
    known(run, "api-1", SPAM)
    assert rollout({"task": "classify"}).prepare()
    run.annotations.clear()
    assert rollout({**SPAM, "labels": "other"}).prepare()


def test_what_a_release_answers_is_kept_with_it(run: FakeRun) -> None:
    run.pin("api-2")
    rollout(SPAM).carry_out({"url": "https://api.example.com"}, None)
    found = run.rollouts.known("api-2")
    assert found is not None
    assert found.interface == SPAM


def test_a_revision_that_did_not_start_begins_no_rollout(run: FakeRun) -> None:
    run.failed["api-2"] = "The user-provided container failed to start."
    with pytest.raises(Failed, match=r"api-2 did not start: The user-provided .* api-1 serves all requests"):
        rollout().carry_out({"url": "https://api.example.com"}, None)
    assert run.writes == []
    assert run.rollouts.last is None


@pytest.mark.parametrize(
    ("newest", "ready", "said"),
    [
        ("api-2", "api-1", "Release api-2 did not start: it has no memory. api-1 serves all requests."),
        ("api-1", "api-1", "api-1 serves all requests."),
        ("api-2", "", "Release api-2 did not start: it has no memory. Nothing serves."),
    ],
    ids=["it did not start", "it was refused", "it is the first one"],
)
def test_after_an_update_that_failed_it_is_said_what_serves(
    run: FakeRun, newest: str, ready: str, said: str
) -> None:
    run.newest, run.latest_ready, run.failed = newest, ready, {"api-2": "it has no memory."}
    assert rollout().after_failure() == said


def test_a_service_whose_first_revision_never_started_takes_the_next_one(run: FakeRun) -> None:
    run.newest, run.latest_ready, run.failed = "api-1", "", {"api-1": "it has no memory"}
    assert rollout().prepare()
    assert run.traffic == [{"type": TRAFFIC_TO_LATEST, "percent": 100}]
    run.newest = run.latest_ready = "api-2"
    rollout().carry_out({"url": "https://api.example.com"}, None)
    assert run.rollouts.last is None
    assert run.rollouts.known("api-2") is not None


def test_the_releases_of_a_rolling_stack_are_its_revisions(run: FakeRun) -> None:
    run.traffic, run.kept = [], ["api-00001-abc", "api-00002-xyz"]
    run.latest_ready = "api-00002-xyz"
    listed = CloudRunReleases("prod", CloudRunPlace("api", "p", "r"), Time()).listed()
    assert [(each["release"], each["percent"], each["commit"]) for each in listed] == [
        ("api-00002-xyz", 100.0, None),
        ("api-00001-abc", 0.0, None),
    ]


def test_a_release_that_cloud_run_lost_is_listed_with_that(
    run: FakeRun, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    settings = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4", "name": "api"}
    write_stack(project, settings, "prod")
    monkeypatch.chdir(project)
    known(run, "api-0", {})
    done = CliRunner().invoke(app, ["releases", "prod"])
    assert done.exit_code == 0, done.output
    assert "cannot come back: Cloud Run no longer" in done.output
    assert "has this r" in done.output


@pytest.mark.parametrize("where", ["services/api", "timeSeries"])
def test_a_login_that_fails_once_while_a_canary_is_watched_ends_nothing(run: FakeRun, where: str) -> None:
    met = list[str]()

    def trouble(path: str) -> None:
        if path.endswith(where) and len(run.writes) == 2:
            met.append(path)
            if len(met) == 2:  # the first one reads what the move of the requests did
                raise Refused("Google Cloud needs a login.")

    run.trouble = trouble
    with pytest.raises(Failed, match="went back: undecided: it answered 0 requests"):
        rollout().carry_out({"url": "https://api.example.com"}, None)
    assert len(met) > 2


def test_an_interruption_of_the_first_step_leaves_no_rollout_open(
    run: FakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = run._written  # pyright: ignore[reportPrivateUsage]

    def interrupted(body: Mapping[str, object]) -> dict[str, object]:
        answer = written(body)
        if len(run.writes) == 1:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(run, "_written", interrupted)
    with pytest.raises(Failed, match="the command was interrupted"):
        rollout().carry_out({"url": "https://api.example.com"}, None)
    last = run.rollouts.last
    assert last is not None
    assert (last.state, len(run.writes)) == (CUT_OFF, 2)
    assert [each.get("tag") for each in run.traffic] == [None]

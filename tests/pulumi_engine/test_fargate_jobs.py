"""Changes of a live `FargateService` that takes jobs, in an account that enforces AWS's rules."""

import pytest

from slipway.components.fargate import Egress
from tests.contract.fargate_cases import IMAGE, REFERENCE
from tests.pulumi_engine import test_fargate
from tests.pulumi_engine.live import FULL, Args, Changes, Live, each_of
from tests.pulumi_engine.standin import BROKEN
from tests.pulumi_engine.strict.aws import ELSEWHERE, REGION, Existing
from tests.pulumi_engine.test_fargate import NETWORK

pytestmark = pytest.mark.pulumi_engine

JOBS: Args = {"jobs": True}
SIZED: Args = {**JOBS, "worker_cpu": 2, "worker_memory_gib": 4, "worker_spot": True}
FILES: Args = {**JOBS, "job_files": ["s3://acme-input/"], "job_results": "s3://acme-results/"}

live, program = test_fargate.live, test_fargate.program

CHANGES: Changes = {
    "jobs": ({}, JOBS),
    "an existing database": (JOBS, {**JOBS, "jobs_database": REFERENCE}),
    "another size, on Spot": (JOBS, SIZED),
    "a number that is fixed": (JOBS, {**JOBS, "min_workers": 2, "max_workers": 2}),
    "down to none": (JOBS, {**JOBS, "min_workers": 0}),
    "files": (JOBS, FILES),
    "another port": (JOBS, {**JOBS, "port": 9000}),
    "a third zone": (JOBS, {**JOBS, "zones": [f"{REGION}{zone}" for zone in "abc"]}),
    "not watched": (JOBS, {**JOBS, "observability": "off"}),
}
# What loses the jobs, which `deletion_protection` refuses.
MOVES: Changes = {
    "another region": (JOBS, {**JOBS, "region": ELSEWHERE}),
    "an existing network": (JOBS, {**JOBS, **NETWORK}),
    "other zones": (JOBS, {**JOBS, "zones": [f"{REGION}b", f"{REGION}c"]}),
    "private endpoints": (JOBS, {**JOBS, "egress": Egress.ENDPOINTS}),
    "an existing cluster": (JOBS, {**JOBS, "cluster_arn": Existing.cluster}),
}
FAILED = {**CHANGES, **MOVES} if FULL else {"jobs": CHANGES["jobs"], "other zones": MOVES["other zones"]}


@each_of({**CHANGES, **MOVES})
def test_jobs_are_taken_and_worked_on_while_a_service_changes_and_changes_back(
    live: Live, one: Args, other: Args
) -> None:
    live.up(**one)
    live.up(**other)
    live.up(**one)
    assert live.account.noticed == []
    assert "unchanged" in live.up(**one)


@each_of(FAILED)
def test_a_change_of_jobs_that_failed_goes_on_or_is_taken_back(live: Live, one: Args, other: Args) -> None:
    live.fail_go_on_and_go_back(one, other)
    assert live.account.noticed == []
    assert live.is_as_wanted(**one)


def test_jobs_off_and_on_again_makes_another_database(live: Live) -> None:
    names: list[str] = []
    for _ in range(2):
        live.up(**JOBS)
        names += [each.inputs["identifier"] for each in live.account.of_kind("rds.Instance")]
        live.up()
        assert live.account.of_kind("rds.Instance") == []
    assert len(set(names)) == 2


def test_the_database_stays_where_jobs_are_kept(live: Live) -> None:
    live.up(**JOBS)
    [before] = live.account.of_kind("rds.Instance")
    for name, (_, other) in CHANGES.items():
        if name not in ("jobs", "an existing database"):
            live.up(**other)
            assert live.account.of_kind("rds.Instance") == [before], name


@each_of({name: MOVES[name] for name in ("another region", "other zones")})
def test_a_protected_database_keeps_its_jobs(live: Live, one: Args, other: Args) -> None:
    protected: Args = {"deletion_protection": True}
    live.up(**one, **protected)
    [before] = live.account.of_kind("rds.Instance")
    assert "marked for protection" in live.preview(**{**one, **other, **protected}, ok=False)
    live.fails(**{**one, **other, **protected})
    live.up(**one, **protected)
    assert live.account.of_kind("rds.Instance") == [before]
    live.up(**one)


def test_jobs_of_a_protected_service_are_given_up_in_two_steps(live: Live) -> None:
    live.up(**JOBS, deletion_protection=True)
    assert "cannot be deleted" in live.preview(deletion_protection=True, ok=False)
    live.up(**JOBS)
    live.up()
    assert live.account.of_kind("rds.Instance") == []


def test_a_version_that_does_not_start_leaves_the_old_workers_at_work(live: Live) -> None:
    live.up(**JOBS)
    [before] = [each.id for each in live.account.of_kind("ecs.TaskDefinition") if "workers" in each.name]
    live.fails(**JOBS, image_ref=IMAGE.replace("/slipway@", f"/{BROKEN}@"))
    services = {each.inputs["name"]: each for each in live.account.of_kind("ecs.Service")}
    assert services["api-workers"].inputs["taskDefinition"] == before
    live.up(**JOBS)
    assert live.account.noticed == []


def test_workers_follow_a_service_that_was_rolled_out(live: Live) -> None:
    live.up(**JOBS, rollout="canary")
    live.account.calls.clear()
    live.up(**JOBS, rollout="canary", image_ref=IMAGE.replace("/slipway@", "/other@"))
    changed = [name for verb, name in live.account.calls if verb == "update" and "service" in name]
    assert changed == ["api-service", "api-workers-service"]

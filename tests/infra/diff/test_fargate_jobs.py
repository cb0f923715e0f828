"""What a preview says of the jobs of a Fargate stack: when they are lost, and when they only wait."""

from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import StackSource
from slipway.infra.diff.risk import Level
from slipway.infra.diff.risks import risks_of
from tests.infra.plain import plan
from tests.stacks.targets import GIVEN

JOBS = {**GIVEN["fargate"], "jobs": "true", "deletionProtection": "false"}


def risks(before: dict[str, str], after: dict[str, str]) -> dict[str, Level]:
    old, new = (StackSource(plan(settings)) for settings in (before, after))
    return {risk.text: risk.level for risk in risks_of(difference_of("dev", old, new))}


def lost(found: dict[str, Level]) -> list[Level]:
    return [level for text, level in found.items() if "-database: what it holds is lost" in text]


def test_jobs_off_loses_them_and_only_ends_the_workers() -> None:
    found = risks(JOBS, {**JOBS, "jobs": "false"})
    assert lost(found) == [Level.HIGH]
    [workers] = [text for text in found if "the workers" in text]
    assert workers == "deletes the workers slipway-dev-workers-service: jobs wait for others"
    assert not [text for text in found if "calls fail" in text]


def test_other_zones_lose_the_jobs_and_a_third_one_does_not() -> None:
    zones = {**JOBS, "zones": '["eu-west-1a", "eu-west-1b"]'}
    others = {**JOBS, "zones": '["eu-west-1b", "eu-west-1c"]'}
    assert lost(risks(zones, others)) == [Level.HIGH]
    third = {**JOBS, "zones": '["eu-west-1a", "eu-west-1b", "eu-west-1c"]'}
    assert lost(risks(zones, third)) == []


def test_another_region_loses_the_jobs_and_another_size_of_workers_does_not() -> None:
    assert lost(risks(JOBS, {**JOBS, "region": "eu-central-1"})) == [Level.HIGH]
    assert lost(risks(JOBS, {**JOBS, "workerCpu": "2", "workerMemory": "4Gi"})) == []

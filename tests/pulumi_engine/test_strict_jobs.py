"""The simulated project refuses what Google refuses of worker pools and Cloud SQL, each rule by a request."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.pulumi_engine.standin import BROKEN
from tests.pulumi_engine.strict.account import AnswerLost, Refusal, Thing
from tests.pulumi_engine.strict.google import PROJECT, REGION, google_account
from tests.pulumi_engine.strict.job_rules import JOB_RULES

ACCOUNT, API = "gcp:serviceaccount/account:Account", "gcp:projects/service:Service"
INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance"
POOL, METRIC = "gcp:cloudrunv2/workerPool:WorkerPool", "gcp:logging/metric:Metric"
GRANT, BUCKET_GRANT = "gcp:projects/iAMMember:IAMMember", "gcp:storage/bucketIAMMember:BucketIAMMember"
NOBODY = "serviceAccount:nobody@p.iam.gserviceaccount.com"


class World:
    """A project with workers and their database, whose parts a case changes."""

    def __init__(self) -> None:
        self.account = google_account()
        self.runner = self.make(ACCOUNT, accountId="runner", project=PROJECT)
        self.make(API, service="sqladmin.googleapis.com", project=PROJECT, disableOnDestroy=False)
        self.instance = self.make(INSTANCE, **self.of_instance())
        self.grant = self.make(GRANT, **self.of_grant())
        self.pool = self.make(POOL, **self.of_pool())
        self.metric = self.make(METRIC, name="api-jobs", project=PROJECT)

    def make(self, type_: str, **inputs: Any) -> Thing:
        return self.account.create(type_, "a thing", inputs)

    def of_instance(self, **changed: Any) -> dict[str, Any]:
        settings = {"tier": "db-g1-small", "edition": "ENTERPRISE", **changed.pop("settings", {})}
        place = {"name": "jobs", "project": PROJECT, "region": REGION, "databaseVersion": "POSTGRES_17"}
        return {**place, "deletionProtection": False, "settings": settings, **changed}

    def of_grant(self, **changed: Any) -> dict[str, Any]:
        condition = {"title": "one", "expression": f"resource.name == 'projects/{PROJECT}/instances/jobs'"}
        member = self.runner.outputs["member"]
        right = {"project": PROJECT, "role": "roles/cloudsql.client", "member": member}
        return {**right, "condition": condition, **changed}

    def of_pool(self, **changed: Any) -> dict[str, Any]:
        volumes = [{"cloudSqlInstance": {"instances": [f"{PROJECT}:{REGION}:jobs"]}}]
        template = {
            "serviceAccount": self.runner.outputs["email"],
            "containers": [{"image": "a"}],
            "volumes": volumes,
        }
        place = {"name": "api-workers", "project": PROJECT, "location": REGION}
        return {**place, "template": template, "deletionProtection": False, **changed}

    def change(self, thing: Thing, **inputs: Any) -> Thing:
        return self.account.update(thing.id, {**thing.inputs, **inputs})


CASES: Mapping[str, tuple[Callable[[World], object], str]] = {
    "instance_name_unused": (
        lambda w: w.make(INSTANCE, **w.of_instance()),
        "Error 409: The Cloud SQL instance already exists: jobs",
    ),
    "sql_api_enabled": (
        lambda w: w.make(INSTANCE, **w.of_instance(name="b", project="other")),
        "Cloud SQL Admin API has not been used in project other",
    ),
    "tier_fits_the_edition": (
        lambda w: w.make(INSTANCE, **w.of_instance(name="b", settings={"edition": None})),
        r"Invalid Tier \(db-g1-small\) for \(ENTERPRISE_PLUS\) Edition",
    ),
    "instance_unprotected": (
        lambda w: w.account.delete(w.change(w.instance, deletionProtection=True).id),
        "deletion_protection is set to true",
    ),
    "name_once": (lambda w: w.make(METRIC, name="api-jobs", project=PROJECT), "Error 409: Resource"),
    "pool_unprotected": (
        lambda w: w.account.delete(w.change(w.pool, deletionProtection=True).id),
        "cannot destroy workerpool",
    ),
    "revision_gets_ready": (
        lambda w: w.change(w.pool, template={**w.pool.inputs["template"], "containers": [{"image": BROKEN}]}),
        "Error waiting to update WorkerPool.*not found",
    ),
    "member_exists": (lambda w: w.make(GRANT, **w.of_grant(member=NOBODY)), "does not exist"),
}


@pytest.mark.parametrize(("request_", "error"), CASES.values(), ids=CASES)
def test_a_request_that_breaks_a_rule_of_jobs_is_refused(
    request_: Callable[[World], object], error: str
) -> None:
    with pytest.raises(Refusal, match=error):
        request_(World())


def test_every_rule_of_jobs_is_broken_by_a_case() -> None:
    assert {rule.__name__ for each in JOB_RULES.values() for rule in each} == CASES.keys()


def test_the_service_itself_refuses_a_protected_instance_too() -> None:
    world = World()
    settings = {**world.instance.inputs["settings"], "deletionProtectionEnabled": True}
    with pytest.raises(Refusal, match="The instance is protected"):
        world.account.delete(world.change(world.instance, settings=settings).id)


# What is taken from workers, and why they would then not start.
NEEDS: Mapping[str, tuple[Callable[[World], Thing], str]] = {
    "account": (lambda w: w.runner, "does not exist"),
    "right": (lambda w: w.grant, "is not allowed to connect"),
    "instance": (lambda w: w.instance, "Cloud SQL instance .* does not exist"),
}


@pytest.mark.parametrize(("need", "error"), NEEDS.values(), ids=NEEDS)
def test_workers_that_would_not_start_again_are_noticed(need: Callable[[World], Thing], error: str) -> None:
    world = World()
    assert world.account.noticed == []
    world.account.delete(need(world).id)
    assert any(re.search(error, each) for each in world.account.noticed)


def test_a_first_pool_that_does_not_get_ready_is_there_and_its_maker_is_told_that_it_is_not() -> None:
    world = World()
    template = {**world.pool.inputs["template"], "containers": [{"image": BROKEN}]}
    with pytest.raises(AnswerLost, match="Error waiting to create WorkerPool"):
        world.make(POOL, **world.of_pool(name="other-workers", template=template))
    assert any(
        each.inputs["name"] == "other-workers" for each in world.account.of_kind("cloudrunv2.WorkerPool")
    )

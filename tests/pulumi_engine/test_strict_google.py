"""The simulated Google Cloud refuses what Google refuses: for each rule a request that breaks it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from slipway.components.google.limits import TRAFFIC_TO_LATEST, TRAFFIC_TO_REVISION
from tests.pulumi_engine.standin import BROKEN
from tests.pulumi_engine.strict.account import AnswerLost, Refusal, Thing
from tests.pulumi_engine.strict.cloud_run import CLOUD_RUN_RULES, delete_revision, revisions_of
from tests.pulumi_engine.strict.gke_rules import GKE_RULES
from tests.pulumi_engine.strict.google import PROJECT, REGION, google_account
from tests.pulumi_engine.strict.google_rules import GOOGLE_RULES
from tests.pulumi_engine.strict.monitoring_rules import MONITORING_RULES

ACCOUNT = "gcp:serviceaccount/account:Account"
SECRET, VERSION = "gcp:secretmanager/secret:Secret", "gcp:secretmanager/secretVersion:SecretVersion"
ACCESS = "gcp:secretmanager/secretIamMember:SecretIamMember"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
SERVICE, INVOKER = "gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
MAPPING = "gcp:cloudrun/domainMapping:DomainMapping"
CLUSTER, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
NODE_ROLE = "gcp:projects/iAMMember:IAMMember"
ALARM, CHANNEL = (
    "gcp:monitoring/alertPolicy:AlertPolicy",
    "gcp:monitoring/notificationChannel:NotificationChannel",
)
CHECK = "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig"
WATCHED, OBJECTIVE = "gcp:monitoring/customService:CustomService", "gcp:monitoring/slo:Slo"
OF_CHECK = {"project": PROJECT, "period": "300s", "selectedRegions": ["EUROPE", "USA_OREGON", "ASIA_PACIFIC"]}
HERE: Mapping[str, str] = {"project": PROJECT, "location": REGION}


def to_revision(name: str, percent: int) -> dict[str, Any]:
    return {"type": TRAFFIC_TO_REVISION, "revision": name, "percent": percent}


class World:
    """A project with a service that runs in it, whose parts a case changes."""

    def __init__(self) -> None:
        self.account = google_account()
        self.runner = self.make(ACCOUNT, accountId="runner", project=PROJECT)
        self.secret = self.make(SECRET, secretId="key", project=PROJECT)
        self.make(VERSION, secret=self.secret.id, deletionPolicy="ABANDON")
        self.access = self.make(ACCESS, **self.of_access())
        self.service = self.make(SERVICE, **self.of_service())
        self.make(MAPPING, **self.of_mapping())
        self.nodes = self.account.create(ACCOUNT, "api-nodes", {"accountId": "nodes", "project": PROJECT})
        self.node_role = self.make(NODE_ROLE, **self.of_node_role())
        self.cluster = self.make(CLUSTER, **self.of_cluster())
        self.pool = self.make(POOL, **self.of_pool())
        self.channel = self.make(CHANNEL, displayName="on call", project=PROJECT)
        self.check = self.make(CHECK, **OF_CHECK)
        self.make(WATCHED, serviceId="api", project=PROJECT)
        self.alarm()

    def alarm(self, **changed: Any) -> Thing:
        """Make an alarm that calls the channel, for the check."""
        query = {
            "query": f"up{{check_id='{self.check.outputs['uptimeCheckId']}'}}",
            "evaluationInterval": "60s",
        }
        inputs = {
            "displayName": "api",
            "project": PROJECT,
            "conditions": [{"conditionPrometheusQueryLanguage": query}],
            "notificationChannels": [self.channel.outputs["name"]],
        }
        return self.make(ALARM, **{**inputs, **changed})

    def objective(self, **changed: Any) -> Thing:
        goal = {"service": "api", "sloId": "latency", "goal": 0.99, "rollingPeriodDays": 30}
        return self.make(OBJECTIVE, project=PROJECT, **{**goal, **changed})

    def make(self, type_: str, **inputs: Any) -> Thing:
        return self.account.create(type_, "a thing", inputs)

    def of_node_role(self) -> dict[str, Any]:
        role = "roles/container.defaultNodeServiceAccount"
        return {"project": PROJECT, "role": role, "member": self.nodes.outputs["member"]}

    def of_cluster(self, **changed: Any) -> dict[str, Any]:
        return {"name": "api", **HERE, **changed}

    def of_pool(self, **changed: Any) -> dict[str, Any]:
        node = {"serviceAccount": self.nodes.outputs["email"]}
        return {"name": "pool", "cluster": "api", **HERE, "nodeConfig": node, **changed}

    def change(self, thing: Thing, **inputs: Any) -> Thing:
        return self.account.update(thing.id, {**thing.inputs, **inputs})

    def of_access(self, **changed: Any) -> dict[str, Any]:
        grant = {"role": "roles/secretmanager.secretAccessor", "member": self.runner.outputs["member"]}
        return {"secretId": "key", "project": PROJECT, **grant, **changed}

    def template(self, image: str = "a", version: str = "1") -> dict[str, Any]:
        reference = {"secret": "key", "version": version}
        envs = [{"name": "KEY", "valueSource": {"secretKeyRef": reference}}]
        containers = [{"image": image, "envs": envs}]
        return {"serviceAccount": self.runner.outputs["email"], "containers": containers}

    def named(self, revision: str, version: str = "1") -> dict[str, Any]:
        return {**self.template(version=version), "revision": revision}

    def of_service(self, **changed: Any) -> dict[str, Any]:
        return {"name": "api", **HERE, "template": self.template(), **changed}

    def of_mapping(self, **changed: Any) -> dict[str, Any]:
        return {"name": "api.example.com", **HERE, "spec": {"routeName": "api"}, **changed}


# Rule -> a request that breaks it, and the error.
CASES: Mapping[str, tuple[Callable[[World], object], str]] = {
    "name_fits": (lambda w: w.alarm(displayName="a" * 513), "invalid value of 513 characters"),
    "channels_exist": (
        lambda w: w.alarm(notificationChannels=["projects/acme-prod/notificationChannels/7"]),
        "Could not find notification channel",
    ),
    "channel_unused": (lambda w: w.account.delete(w.channel.id), "policies use it"),
    "check_unused": (lambda w: w.account.delete(w.check.id), "alerting policies is using it"),
    "windows_are_valid": (
        lambda w: w.alarm(conditions=[{"conditionPrometheusQueryLanguage": {"evaluationInterval": "45s"}}]),
        "no positive multiple of 30 s",
    ),
    "watched_service_exists": (lambda w: w.objective(service="other"), "Service other was not found"),
    "goal_is_below_all": (lambda w: w.objective(goal=1.0), "goal 1 in 30 days is not allowed"),
    "id_once": (lambda w: w.make(WATCHED, serviceId="api", project=PROJECT), "already exists"),
    "checked_often_enough": (lambda w: w.make(CHECK, **{**OF_CHECK, "period": "5s"}), "is not offered"),
    "name_once": (lambda w: w.make(SERVICE, **w.of_service()), "Error 409: Resource .* already exists"),
    "domain_once": (lambda w: w.make(MAPPING, **w.of_mapping(location="us-central1")), "already mapped"),
    "mapped_service_exists": (
        lambda w: w.make(MAPPING, **w.of_mapping(name="b.example.com", location="us-central1")),
        "Route api not found in us-central1",
    ),
    "called_service_exists": (
        lambda w: w.make(INVOKER, **{**HERE, "name": "b", "role": "r", "member": "allUsers"}),
        "Error 404: Resource 'b'",
    ),
    "secret_exists": (lambda w: w.make(VERSION, secret="projects/p/secrets/b"), r"Secret \[b\] not found"),
    "member_exists": (
        lambda w: w.make(ACCESS, **w.of_access(member="serviceAccount:nobody@p.iam.gserviceaccount.com")),
        "nobody@p.iam.gserviceaccount.com does not exist",
    ),
    "service_unprotected": (
        lambda w: w.account.delete(w.change(w.service, deletionProtection=True).id),
        "without setting deletion_protection=false",
    ),
    "cluster_exists": (
        lambda w: w.make(POOL, **w.of_pool(name="b", location="us-central1")),
        "Error 404: Not found: .*us-central1/clusters/api",
    ),
    "cluster_unprotected": (
        lambda w: w.account.delete(w.change(w.cluster, deletionProtection=True).id),
        "deletion_protection is set to true",
    ),
    "node_account_exists": (
        lambda w: w.make(POOL, **w.of_pool(name="b", nodeConfig={"serviceAccount": "nobody@p"})),
        'Service account "nobody@p" does not exist',
    ),
    "revision_named_once": (
        lambda w: (
            w.change(w.service, template=w.named("api-one")),
            w.change(w.service, template=w.named("api-one", version="2")),
        ),
        "Error 409: Revision named 'api-one' with different configuration already exists",
    ),
    "revision_name_allowed": (
        lambda w: w.change(w.service, template=w.named("one")),
        "Error 400: .*revision: 'one'; it must begin with the service's name",
    ),
    "traffic_is_whole": (
        lambda w: w.change(w.service, traffics=[{"type": TRAFFIC_TO_LATEST, "percent": 90}]),
        "Error 400: .*traffic.percent: 90; the percentages must add up to 100",
    ),
    "traffic_goes_to_revisions": (
        lambda w: w.change(w.service, traffics=[to_revision("api-none", 100)]),
        "Error 404: Revision 'api-none' was not found",
    ),
    "tags_allowed": (
        lambda w: w.change(
            w.service,
            traffics=[
                {"type": TRAFFIC_TO_LATEST, "percent": 100, "tag": "next"},
                {"type": TRAFFIC_TO_LATEST, "tag": "next"},
            ],
        ),
        "Error 400: .*tag: next; a tag belongs to one target",
    ),
    "repository_deletable": (
        lambda w: w.account.delete(
            w.make(REPOSITORY, repositoryId="images", **HERE, deletionPolicy="PREVENT").id
        ),
        "without setting deletion_policy=DELETE",
    ),
    "revision_gets_ready": (
        lambda w: w.change(w.service, template=w.template(image=BROKEN)),
        "Error waiting to update Service.*not found",
    ),
}


@pytest.mark.parametrize(("request_", "error"), CASES.values(), ids=CASES)
def test_a_request_that_breaks_a_rule_is_refused(request_: Callable[[World], object], error: str) -> None:
    with pytest.raises(Refusal, match=error):
        request_(World())


def test_every_rule_is_broken_by_a_case() -> None:
    rules = (*GOOGLE_RULES.values(), *GKE_RULES.values(), *MONITORING_RULES.values(), CLOUD_RUN_RULES)
    assert {rule.__name__ for each in rules for rule in each} == CASES.keys()


# What is taken from a pool's nodes, and what they then lack.
NODE_NEEDS: Mapping[str, tuple[Callable[[World], Thing], str]] = {
    "account": (lambda w: w.nodes, "does not exist"),
    "role": (lambda w: w.node_role, "lacks roles/container.defaultNodeServiceAccount"),
}


@pytest.mark.parametrize(("need", "error"), NODE_NEEDS.values(), ids=NODE_NEEDS)
def test_nodes_that_lack_what_they_need_are_noticed(need: Callable[[World], Thing], error: str) -> None:
    world = World()
    assert world.account.noticed == []
    world.account.delete(need(world).id)
    assert any(error in each for each in world.account.noticed)


def test_a_cluster_goes_with_its_pools_and_no_others() -> None:
    world = World()
    other = world.make(CLUSTER, **world.of_cluster(location="us-central1"))
    kept = world.make(POOL, **world.of_pool(location="us-central1"))
    world.account.delete(world.cluster.id)
    assert world.account.of_kind("container.NodePool") == [kept]
    assert world.account.of_kind("container.Cluster") == [other]


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (ACCOUNT, {"accountId": "one", "project": PROJECT}),
        (SECRET, {"secretId": "one", "project": PROJECT}),
        (REPOSITORY, {"repositoryId": "one", **HERE}),
    ],
)
def test_a_name_is_taken_once_and_free_when_it_is_deleted(type_: str, inputs: dict[str, str]) -> None:
    world = World()
    made = world.make(type_, **inputs)
    with pytest.raises(Refusal, match="Error 409"):
        world.make(type_, **inputs)
    world.account.delete(made.id)
    world.make(type_, **inputs)


def test_a_first_service_that_does_not_get_ready_is_there_and_its_maker_is_told_that_it_is_not() -> None:
    world = World()
    with pytest.raises(AnswerLost, match="Error waiting to create Service"):
        world.make(SERVICE, **world.of_service(name="b", template=world.template(image=BROKEN)))
    assert any(each.inputs["name"] == "b" for each in world.account.of_kind("cloudrunv2.Service"))


# What is taken from a service, and why it would then not start.
NEEDS: Mapping[str, tuple[Callable[[World], Thing], str]] = {
    "grant": (lambda w: w.access, "Permission denied on secret key"),
    "secret": (lambda w: w.secret, "secret key has no version 1"),
    "account": (lambda w: w.runner, "does not exist"),
}


@pytest.mark.parametrize(("need", "error"), NEEDS.values(), ids=NEEDS)
def test_a_service_that_would_not_start_again_is_noticed(need: Callable[[World], Thing], error: str) -> None:
    world = World()
    world.account.delete(need(world).id)
    assert any(error in each for each in world.account.noticed)


def test_a_version_that_is_abandoned_stays_and_the_next_one_has_the_next_number() -> None:
    world = World()
    [first] = world.account.of_kind("secretmanager.SecretVersion")
    world.account.delete(first.id)
    assert world.make(VERSION, secret=world.secret.id).outputs["version"] == "2"
    world.account.delete(world.secret.id)
    assert world.account.of_kind("secretmanager.SecretVersion") == []


def test_a_revision_with_requests_or_of_the_template_is_not_deleted() -> None:
    world = World()
    world.change(world.service, template=world.named("api-one"))
    world.change(world.service, template=world.named("api-two"), traffics=[to_revision("api-one", 100)])
    for name in ("api-one", "api-two"):
        with pytest.raises(Refusal, match=f"Revision '{name}' (gets requests|is the latest)"):
            delete_revision(world.account, world.service.id, name)
    world.change(world.service, traffics=[to_revision("api-two", 100)])
    delete_revision(world.account, world.service.id, "api-one")
    assert "api-one" not in revisions_of(world.account, world.service.id)


def test_the_same_template_keeps_its_revision_and_another_one_makes_another() -> None:
    world = World()
    world.change(world.service, scaling={"minInstanceCount": 1})
    assert len(revisions_of(world.account, world.service.id)) == 1
    world.change(world.service, template=world.template(image="b"))
    assert len(revisions_of(world.account, world.service.id)) == 2
    world.change(world.service, template=world.named("api-one"))
    world.change(world.service, template=world.named("api-two", version="1"))
    world.change(world.service, template=world.named("api-one"))
    assert list(revisions_of(world.account, world.service.id))[2:] == ["api-one", "api-two"]

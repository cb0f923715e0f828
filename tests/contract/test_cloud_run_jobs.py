"""Judges whether Cloud Run and Cloud SQL take the workers and the database of jobs.

Google's own messages judge services and worker pools; cloud_sql_judge.py says what it misses of Cloud SQL.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from slipway.components.cloud_run import CloudRunService, VpcEgress
from slipway.components.google.cloud_sql import fits_a_socket, socket_path
from slipway.components.google.limits import REGIONS
from slipway.infra.resources.reading import Resource
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.cloud_run_api import Judge, api_form
from tests.contract.cloud_run_cases import FRACTION, GPU, LARGE_GPU, PLAIN
from tests.contract.cloud_sql_judge import broken

JOBS: dict[str, Any] = {**PLAIN, "jobs": True}
SECRET = "projects/acme-prod/secrets/jobs/versions/3"
FILES: dict[str, Any] = {
    "job_files": ["gs://acme-in/texts/", "gs://acme-in/"],
    "job_results": "gs://acme-out/r/",
}
RIGHT: dict[str, dict[str, Any]] = {
    "defaults": {},
    "several workers": {"min_workers": 4, "max_workers": 4},
    "floats, as other languages send them": {"min_workers": 2.0, "worker_cpu": 2.0, "worker_memory_gib": 8.0},
    "no worker": {"min_workers": 0},
    "workers of their own size": {"worker_cpu": 8, "worker_memory_gib": 32},
    "the least of a service": FRACTION,
    "a GPU": GPU,
    "a large GPU": LARGE_GPU,
    "files": FILES,
    "a mounted model": {"model": "gs://models/spam", "model_volume": True},
    "a network": {"vpc_network": "inner", "vpc_egress": VpcEgress.ALL_TRAFFIC},
    "labels": {"labels": {"team": "search"}},
    "an existing database": {"jobs_database": SECRET},
    "an existing instance": {
        "jobs_database": SECRET,
        "jobs_database_instance": "acme-data:europe-west4:shared",
    },
    "a canary": {"rollout": "canary"},
    "webhooks": {"webhook_hosts": ["hooks.example.com"], "secret_values": {"JOBS_WEBHOOK_SECRET": "hush"}},
    "without protection": {"deletion_protection": False},
}
# Arguments that are refused, and a part of the error.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"max_workers": 3}, r"max_workers is 3, above `min_workers` 1; a worker pool .* no autoscaler"),
    ({"min_workers": 2, "max_workers": 1}, "max_workers is 1, below `min_workers` 2"),
    ({"min_workers": 1.5}, "min_workers is 1.5; it must be a whole number"),
    ({"worker_cpu": 0.5}, r"worker_cpu is 0.5; a worker on Cloud Run has 1, 2, 4, 6, 8 vCPU"),
    ({"worker_cpu": 3}, "worker_cpu is 3; a worker on Cloud Run has"),
    ({"worker_memory_gib": 5}, "worker_memory_gib is 5 with `worker_cpu` 1; a worker has from 0.5 to 4 GiB"),
    ({"worker_memory_gib": 0.25}, "worker_memory_gib is 0.25 with `worker_cpu` 1"),
    ({"worker_memory_gib": 1.0001}, "worker_memory_gib is 1.0001, which is .* MiB; it must be whole MiB"),
    ({**GPU, "worker_cpu": 2}, "worker_cpu is 2 with `gpu` nvidia-l4, which a worker has too"),
    ({**GPU, "worker_memory_gib": 8}, "worker_memory_gib is 8 with `gpu` nvidia-l4"),
    (
        {"jobs_database": "postgresql://u:hush@h/d"},
        r"jobs_database is no reference \(its value is not shown\)",
    ),
    ({"jobs_database_instance": "acme:europe-west4:x"}, "whose user and password are unknown"),
    (
        {"jobs_database": SECRET, "jobs_database_instance": "shared"},
        "jobs_database_instance is 'shared'; allowed is the connection name",
    ),
    (
        {"jobs_database": SECRET, "jobs_database_instance": f"acme-data:europe-west4:{'a' * 80}"},
        "the path of its socket must have 107 bytes",
    ),
    (
        {"project": f"{'a' * 40}.example.com:acme-prod"},
        "the path of the database's socket is longer than 107",
    ),
    ({"job_files": ["file:/srv/in/"]}, "job_files has 'file:/srv/in/'"),
    ({"webhook_hosts": ["hooks.example.com"]}, "webhook_hosts is given, but nothing signs"),
    ({"jobs": False, "min_workers": 2}, "min_workers is given, but the service takes no jobs"),
    ({"jobs": False, "jobs_database_instance": "a:europe-west4:b"}, "but the service takes no jobs"),
    ({"env": {"JOBS_DATABASE": "sqlite:////x"}}, "env has JOBS_DATABASE, which the service itself sets"),
]
SNAPSHOT = [
    ("gcp:cloudrunv2/workerPool:WorkerPool", "api-workers"),
    ("gcp:logging/metric:Metric", "api-jobs-oldest-seconds-metric"),
    ("gcp:logging/metric:Metric", "api-jobs-running-metric"),
    ("gcp:logging/metric:Metric", "api-jobs-set-aside-metric"),
    ("gcp:logging/metric:Metric", "api-jobs-waiting-metric"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-jobs-oldest-page-alarm"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-jobs-oldest-ticket-alarm"),
    ("gcp:monitoring/alertPolicy:AlertPolicy", "api-jobs-set-aside-ticket-alarm"),
    ("gcp:projects/iAMMember:IAMMember", "api-jobs-client"),
    ("gcp:projects/iAMMember:IAMMember", "api-workers-jobs-client"),
    ("gcp:projects/service:Service", "api-sqladmin-api"),
    ("gcp:secretmanager/secret:Secret", "api-JOBS_DATABASE_PASSWORD-secret"),
    ("gcp:secretmanager/secretIamMember:SecretIamMember", "api-JOBS_DATABASE_PASSWORD-access"),
    ("gcp:secretmanager/secretIamMember:SecretIamMember", "api-JOBS_DATABASE_PASSWORD-workers-access"),
    ("gcp:secretmanager/secretIamMember:SecretIamMember", "api-MODEL_API_KEY-workers-access"),
    ("gcp:secretmanager/secretVersion:SecretVersion", "api-JOBS_DATABASE_PASSWORD-version"),
    ("gcp:serviceaccount/account:Account", "api-workers-account"),
    ("gcp:sql/databaseInstance:DatabaseInstance", "api-jobs-database"),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", "api-workers-acme-in-files"),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", "api-workers-acme-in/texts-files"),
    ("gcp:storage/bucketIAMMember:BucketIAMMember", "api-workers-acme-out/r-files"),
    ("random:index/randomId:RandomId", "api-jobs-database-suffix"),
    ("random:index/randomPassword:RandomPassword", "api-jobs-password"),
]


@pytest.fixture(scope="module")
def worker_judge() -> Iterator[Judge]:
    judge = Judge("tests.contract.worker_pool_judge")
    yield judge
    judge.close()


def service(name: str = "api", **args: Any) -> Emitted:
    return emitted_by(lambda: CloudRunService(name, {**JOBS, **args}) and None)  # pyright: ignore[reportArgumentType]


def pool_form(emitted: Emitted, name: str = "api") -> dict[str, Any]:
    return api_form(emitted.named(f"{name}-workers").inputs, "workerPools")


def instance(emitted: Emitted) -> dict[str, Any]:
    [found] = emitted.of_type(gcp.sql.DatabaseInstance)
    return dict(found.inputs)


def variables(resource: Resource) -> dict[str, Any]:
    container = resource.inputs["template"]["containers"][0]
    return {each["name"]: each.get("value", each.get("valueSource")) for each in container["envs"]}


@pytest.mark.parametrize("args", RIGHT.values(), ids=RIGHT.keys())
def test_google_and_its_limits_take_service_workers_and_database(
    args: dict[str, Any], judge: Judge, worker_judge: Judge
) -> None:
    emitted = service(**args)
    server = judge(api_form(emitted.named("api-service").inputs))
    workers = worker_judge(pool_form(emitted))
    assert (server.refused, server.broken) == (None, [])
    assert (workers.refused, workers.broken) == (None, [])
    for found in emitted.of_type(gcp.sql.DatabaseInstance):
        assert list(broken(found.inputs)) == []


@pytest.mark.parametrize(("args", "said"), WRONG, ids=[said for _, said in WRONG])
def test_wrong_arguments_of_jobs_are_refused_before_anything_is_registered(
    args: dict[str, Any], said: str
) -> None:
    def program() -> None:
        with pytest.raises(ValueError, match=said) as refusal:
            CloudRunService("api", {**JOBS, **args})  # pyright: ignore[reportArgumentType]
        assert "hush" not in str(refusal.value)

    assert [resource.type for resource in emitted_by(program).resources] == ["pulumi:pulumi:Stack"]


def set_at(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(form: Any) -> None:
        for step in path[:-1]:
            form = form[step]
        form[path[-1]] = value

    return change


CONTAINER = ("template", "containers", 0)
BREAKING: dict[str, Callable[[dict[str, Any]], None]] = {
    "the pool's name has at most 49 lowercase letters, digits and hyphens": set_at("name", value="x"),
    "a worker has no port": set_at(*CONTAINER, "ports", value=[{"containerPort": 8080}]),
    "every image has its digest": set_at(*CONTAINER, "image", value="acme/slipway:latest"),
    "the size is offered": set_at(*CONTAINER, "resources", "limits", "cpu", value="500m"),
    "a GPU has what it needs": set_at(*CONTAINER, "resources", "limits", "nvidia.com/gpu", value="1"),
    "all instances run the latest revision": set_at("instanceSplits", 0, "percent", value=50),
    "a probe names its port, and gives up within 240 s": set_at(
        *CONTAINER, "startupProbe", "failureThreshold", value=241
    ),
    "the environment is allowed": set_at(*CONTAINER, "env", 0, "name", value="PORT"),
    "it is told that it is a worker": set_at(*CONTAINER, "env", value=[]),
    "what is mounted is there, and its socket's path is short enough": set_at(
        "template", "volumes", 0, "cloudSqlInstance", "instances", value=["p:r:" + "a" * 100]
    ),
    "the database's address is what is mounted": set_at(
        "template", "volumes", 0, "cloudSqlInstance", "instances", value=["p:r:other"]
    ),
    "it runs as its own account": set_at("template", "serviceAccount", value=""),
    "egress names a network": set_at("template", "vpcAccess", value={"egress": "ALL_TRAFFIC"}),
}


@pytest.mark.parametrize("rule", BREAKING)
def test_the_judge_of_workers_names_the_rule_that_a_form_breaks(rule: str, worker_judge: Judge) -> None:
    form = deepcopy(pool_form(service()))
    BREAKING[rule](form)
    assert rule in worker_judge(form).broken


@pytest.mark.parametrize(
    "change",
    [
        set_at("scaling", value={"scalingMode": "AUTOMATIC", "maxInstanceCount": 3}),
        set_at("template", "timeout", value="60s"),
        set_at("template", "maxInstanceRequestConcurrency", value=8),
        set_at("ingress", value="INGRESS_TRAFFIC_ALL"),
        set_at("traffic", value=[]),
    ],
)
def test_google_has_no_autoscaler_and_no_requests_for_a_worker_pool(
    change: Callable[[dict[str, Any]], None], worker_judge: Judge
) -> None:
    form = deepcopy(pool_form(service()))
    change(form)
    assert worker_judge(form).refused


WRONG_INSTANCES: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "the name has lowercase letters, digits and hyphens, 98 with the project": set_at("name", value="a" * 98),
    "the version is supported": set_at("databaseVersion", value="POSTGRES_11"),
    "the edition has the tier": lambda i: i["settings"].pop("edition"),
    "only connectors reach it": lambda i: i["settings"].pop("connectorEnforcement"),
    "connections are encrypted": lambda i: i["settings"]["ipConfiguration"].pop("sslMode"),
    "it is backed up": lambda i: i["settings"]["backupConfiguration"].update(enabled=False),
    "labels are lowercase": lambda i: i["settings"].update(userLabels={"Team": "x"}),
    "both protections agree": set_at("deletionProtection", value=False),
}


@pytest.mark.parametrize("rule", WRONG_INSTANCES)
def test_the_judge_of_instances_names_the_rule_that_one_breaks(rule: str) -> None:
    made = deepcopy(instance(service()))
    WRONG_INSTANCES[rule](made)
    assert rule in broken(made)


def test_type_and_name_of_every_resource_of_jobs_stay_as_they_are() -> None:
    """A change here replaces what people run, and loses their jobs, unless it carries an alias."""
    plain = emitted_by(lambda: CloudRunService("api", PLAIN) and None)  # pyright: ignore[reportArgumentType]
    before = {(r.type, r.name) for r in plain.resources}
    after = {(r.type, r.name) for r in service(**FILES).resources}
    assert before - after == set()
    assert sorted(after - before) == SNAPSHOT


def test_the_socket_of_the_longest_names_is_short_enough_in_every_region() -> None:
    for region in sorted(REGIONS):
        emitted = service("a" * 40, project="p" * 30, region=region)
        name = instance(emitted)["name"]
        connection = f"{'p' * 30}:{region}:{name}"
        assert fits_a_socket(connection)
        assert len(socket_path(connection).encode()) < 108


def test_server_and_workers_find_the_database_by_its_socket_and_its_password_in_a_secret() -> None:
    emitted = service()
    for name in ("api-service", "api-workers"):
        found = variables(emitted.named(name))
        connection = f"acme-prod:europe-west4:{instance(emitted)['name']}"
        assert found["JOBS_DATABASE"] == f"postgresql://postgres@/postgres?host=/cloudsql/{connection}"
        assert found["JOBS_DATABASE_PASSWORD"]["secretKeyRef"]["secret"] == "api-JOBS_DATABASE_PASSWORD"
    assert "ROLE" not in variables(emitted.named("api-service"))
    assert "r" * 40 not in json.dumps([dict(r.inputs) for r in emitted.resources])


def test_an_existing_database_is_named_by_its_secret_and_nothing_is_created() -> None:
    emitted = service(jobs_database=SECRET, jobs_database_instance="acme-data:europe-west4:shared")
    assert not [r for r in emitted.resources if r.type.startswith("gcp:sql/")]
    for name in ("api-service", "api-workers"):
        reference = variables(emitted.named(name))["JOBS_DATABASE"]["secretKeyRef"]
        assert reference == {"secret": "jobs", "version": "3"}
        [volume] = emitted.named(name).inputs["template"]["volumes"]
        assert volume["cloudSqlInstance"] == {"instances": ["acme-data:europe-west4:shared"]}
    grants = [r.inputs for r in emitted.of_type(gcp.projects.IAMMember)]
    assert {grant["project"] for grant in grants} == {"acme-data"}
    assert all("projects/acme-data/instances/shared'" in g["condition"]["expression"] for g in grants)


def test_an_account_connects_to_the_one_instance_alone() -> None:
    emitted = service()
    grants = [r.inputs for r in emitted.of_type(gcp.projects.IAMMember)]
    assert {grant["role"] for grant in grants} == {"roles/cloudsql.client"}
    name = instance(emitted)["name"]
    expected = (
        f"resource.name == 'projects/acme-prod/instances/{name}' && "
        "resource.type == 'sqladmin.googleapis.com/Instance'"
    )
    assert [grant["condition"]["expression"] for grant in grants] == [expected] * 2
    accounts = {
        r.name: f"serviceAccount:{r.inputs['accountId']}" for r in emitted.of_type(gcp.serviceaccount.Account)
    }
    assert sorted(g["member"].partition("@")[0] for g in grants) == sorted(accounts.values())


def test_workers_alone_are_let_into_the_prefixes_of_files_and_nothing_else() -> None:
    grants = [r.inputs for r in service(**FILES).of_type(gcp.storage.BucketIAMMember)]
    assert {grant["member"].partition("@")[0] for grant in grants} == {"serviceAccount:api-workers"}
    assert {(grant["bucket"], grant["role"], grant["condition"]["expression"]) for grant in grants} == {
        (
            "acme-in",
            "roles/storage.objectUser",
            f'resource.name.startsWith("projects/_/buckets/acme-in/objects/{f}")',
        )
        for f in ("texts/", "")
    } | {
        (
            "acme-out",
            "roles/storage.objectUser",
            'resource.name.startsWith("projects/_/buckets/acme-out/objects/r/")',
        )
    }


def test_workers_run_only_a_revision_that_the_service_has_started_with() -> None:
    pool = service().named("api-workers")
    assert any(urn.endswith("::api-service") for urn in pool.dependencies)


def test_two_services_with_jobs_share_nothing_in_one_project() -> None:
    def program() -> None:
        for name in ("api", "api-2"):
            CloudRunService(name, JOBS)  # pyright: ignore[reportArgumentType]
        pulumi.export("done", value=True)

    emitted = emitted_by(program)
    for kind, key in (
        (gcp.sql.DatabaseInstance, "name"),
        (gcp.cloudrunv2.WorkerPool, "name"),
        (gcp.logging.Metric, "name"),
    ):
        names = [r.inputs[key] for r in emitted.of_type(kind)]
        assert len(names) == len(set(names)) >= 2

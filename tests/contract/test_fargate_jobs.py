"""Does AWS take what a service with jobs emits? Its own models, cfn-lint and our rules judge it."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from moto import mock_aws

from slipway.components.fargate import FargateService
from slipway.components.fargate.jobs.counts import FIELDS
from tests.contract.aws_models import refusals
from tests.contract.cloud import emitted_by
from tests.contract.cloudwatch_evaluation import Recorded, is_raised, watched
from tests.contract.fargate_cases import PLAIN
from tests.contract.fargate_job_rules import JOB_RULES
from tests.contract.fargate_jobs import FILES, JOBS, RIGHT_JOBS, WRONG_JOBS, parts
from tests.contract.fargate_judge import verdict
from tests.contract.fargate_services import services
from tests.contract.fargate_template import linted, properties_of
from tests.contract.simulated_aws import client, simulate

# service/jobs/role.py, of a worker with one vCPU.
JOBS_PER_WORKER = 16
MADE_FOR_JOBS = [
    ("aws:appautoscaling/policy:Policy", "api-workers-in-scaling"),
    ("aws:appautoscaling/policy:Policy", "api-workers-out-scaling"),
    ("aws:appautoscaling/target:Target", "api-workers-scaling"),
    ("aws:cloudwatch/logMetricFilter:LogMetricFilter", "api-jobs-oldest-seconds-filter"),
    ("aws:cloudwatch/logMetricFilter:LogMetricFilter", "api-jobs-running-filter"),
    ("aws:cloudwatch/logMetricFilter:LogMetricFilter", "api-jobs-set-aside-filter"),
    ("aws:cloudwatch/logMetricFilter:LogMetricFilter", "api-jobs-waiting-filter"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-jobs-oldest-ticket-alarm"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-jobs-set-aside-ticket-alarm"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-workers-lacking-alarm"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "api-workers-spare-alarm"),
    ("aws:ec2/securityGroup:SecurityGroup", "api-database-group"),
    ("aws:ecs/service:Service", "api-workers-service"),
    ("aws:ecs/taskDefinition:TaskDefinition", "api-workers-task"),
    ("aws:iam/role:Role", "api-worker-role"),
    ("aws:iam/rolePolicy:RolePolicy", "api-task-policy"),
    ("aws:iam/rolePolicy:RolePolicy", "api-worker-policy"),
    ("aws:rds/instance:Instance", "api-database"),
    ("aws:rds/parameterGroup:ParameterGroup", "api-database-parameters"),
    ("aws:rds/subnetGroup:SubnetGroup", "api-database-subnets"),
    ("aws:secretsmanager/secret:Secret", "api-JOBS_DATABASE_PASSWORD-secret"),
    ("aws:secretsmanager/secretVersion:SecretVersion", "api-JOBS_DATABASE_PASSWORD-version"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "api-task-database-egress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-database-ingress"),
    ("random:index/randomId:RandomId", "api-JOBS_DATABASE_PASSWORD-secret-suffix"),
    ("random:index/randomId:RandomId", "api-database-parameters-suffix"),
    ("random:index/randomId:RandomId", "api-database-subnets-suffix"),
    ("random:index/randomId:RandomId", "api-database-suffix"),
    ("random:index/randomId:RandomId", "api-task-policy-suffix"),
    ("random:index/randomId:RandomId", "api-worker-policy-suffix"),
    ("random:index/randomPassword:RandomPassword", "api-database-password"),
]


@pytest.mark.parametrize("case", RIGHT_JOBS)
def test_aws_and_our_rules_take_the_jobs_of_a_service(case: str) -> None:
    made = parts(case)
    assert [fault for call in made.every.calls for fault in refusals(call)] == []
    assert [name for name, holds in JOB_RULES.items() if not holds(made)] == []


@pytest.mark.parametrize("case", ["jobs", "webhooks", "a canary", "large workers on Spot"])
def test_jobs_break_no_rule_of_the_service_itself(case: str) -> None:
    assert verdict(parts(case).service).broken == []


def test_cloudformation_takes_the_workers() -> None:
    pairs = {case: properties_of(parts(case).workers) for case in RIGHT_JOBS}
    assert linted(pairs) == {case: set() for case in RIGHT_JOBS}


@pytest.mark.parametrize(("args", "said"), WRONG_JOBS)
def test_wrong_arguments_of_jobs_are_refused_before_anything_is_registered(
    args: Mapping[str, Any], said: str
) -> None:
    def program() -> None:
        with pytest.raises(ValueError, match=said) as refusal:
            FargateService("api", {**PLAIN, **JOBS, **args})  # pyright: ignore[reportArgumentType]
        assert "hush" not in str(refusal.value)

    assert [resource.type for resource in emitted_by(program).resources] == ["pulumi:pulumi:Stack"]


def test_names_of_what_jobs_need_stay_as_they_are() -> None:
    """A change here replaces what people run, and their jobs, unless it carries an alias."""
    without, with_jobs = (
        {(r.type, r.name) for r in services("api", args={**FILES_ARGS}).resources}
        for FILES_ARGS in ({}, {**JOBS, **FILES})
    )
    assert sorted(with_jobs - without) == MADE_FOR_JOBS
    assert without <= with_jobs


def test_an_existing_database_is_neither_made_nor_changed() -> None:
    made = parts("an existing database").every
    assert [call.operation for call in made.calls if call.service == "rds"] == []
    [reference] = [
        each["valueFrom"]
        for each in parts("an existing database").workers.server["secrets"]
        if each["name"] == "JOBS_DATABASE"
    ]
    assert reference == RIGHT_JOBS["an existing database"]["jobs_database"]


def test_workers_may_list_and_touch_the_named_prefixes_alone() -> None:
    statements = parts("files").every.statements("-worker")
    rights = {(tuple(one["Action"]), one["Resource"]) for one in statements}
    keep = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")
    assert rights == {
        (("s3:GetObject",), "arn:aws:s3:::acme-input/texts/*"),
        (("s3:GetObject",), "arn:aws:s3:::acme-input/archive/2026/*"),
        (keep, "arn:aws:s3:::acme-results/*"),
        (("s3:ListBucket",), "arn:aws:s3:::acme-input"),
        (("s3:ListBucket",), "arn:aws:s3:::acme-results"),
    }
    [listing] = [one for one in statements if one["Resource"] == "arn:aws:s3:::acme-input"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["archive/2026/*", "texts/*"]}}


def test_a_third_zone_leaves_the_database_where_it_is() -> None:
    two, three = (parts(case).every.one("CreateDBSubnetGroup") for case in ("jobs", "three zones"))
    assert two["SubnetIds"] == three["SubnetIds"]


def recorded(open_jobs: int | None, workers: int, minutes: int = 20) -> Recorded:
    """Return the metrics of some minutes in which jobs wait, and workers run; None: no line came."""
    nothing: list[list[float]] = [[]] * minutes
    jobs = nothing if open_jobs is None else [[float(open_jobs)]] * minutes
    running = nothing if open_jobs is None else [[0.0]] * minutes
    return {
        ("Slipway/api", "jobs_waiting"): jobs,
        ("Slipway/api", "jobs_running"): running,
        ("AWS/ECS", "CPUUtilization"): [[50.0] * workers] * minutes,
    }


def scaled(open_jobs: int | None, workers: int, most: int = 40) -> int:
    """Return the number of workers after one call of the policy whose alarm is raised."""
    case = "none while there is nothing to do" if most == 40 else "jobs"
    made, found, now = parts(case).workers, recorded(open_jobs, workers), workers
    policies = {policy["PolicyName"]: policy for policy in made.all("PutScalingPolicy")}
    for alarm in made.all("PutMetricAlarm"):
        if not is_raised(alarm, found, 20):
            continue
        [action] = alarm["AlarmActions"]
        steps = policies[action.rpartition("/")[2]]["StepScalingPolicyConfiguration"]["StepAdjustments"]
        value = watched(alarm, found, 20, 0)
        assert value is not None
        beyond = value - alarm["Threshold"]
        [change] = [
            step["ScalingAdjustment"]
            for step in steps
            if step["MetricIntervalLowerBound"] <= beyond < step.get("MetricIntervalUpperBound", 1e9)
        ]
        now += change
    [target] = made.all("RegisterScalableTarget")
    return min(max(now, target["MinCapacity"]), target["MaxCapacity"])


@pytest.mark.parametrize(
    ("open_jobs", "workers", "then"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (JOBS_PER_WORKER, 0, 1),
        (3 * JOBS_PER_WORKER + 1, 0, 4),
        (30 * JOBS_PER_WORKER, 4, 30),
        (1000 * JOBS_PER_WORKER, 0, 40),
        (2 * JOBS_PER_WORKER, 2, 2),
        (2 * JOBS_PER_WORKER, 3, 2),
        (0, 1, 0),
        (0, 40, 8),
        (None, 3, 3),
        (None, 0, 0),
    ],
)
def test_as_many_workers_run_as_the_open_jobs_need(open_jobs: int | None, workers: int, then: int) -> None:
    assert scaled(open_jobs, workers) == then


def test_the_minimum_and_the_maximum_of_workers_hold() -> None:
    assert scaled(0, 1, most=3) == 1
    assert scaled(900, 1, most=3) == 3


def test_workers_stay_until_they_were_too_many_for_ten_minutes() -> None:
    made = parts("none while there is nothing to do").workers
    [less] = [alarm for alarm in made.all("PutMetricAlarm") if alarm["AlarmName"].endswith("-spare")]
    busy, idle = recorded(2 * JOBS_PER_WORKER, 2, 12), recorded(0, 2, 9)
    minutes = {key: [*busy[key], *idle[key]] for key in busy}
    assert [is_raised(less, minutes, minute) for minute in (12, 21)] == [False, False]
    later = {key: [*series, *recorded(0, 2, 1)[key]] for key, series in minutes.items()}
    assert is_raised(less, later, 22)


@pytest.mark.parametrize(
    ("alarm", "metric", "quiet", "bad"),
    [
        ("api-jobs-set-aside-ticket", "jobs_set_aside", 0.0, 1.0),
        ("api-jobs-oldest-ticket", "jobs_oldest_seconds", 60.0, 4000.0),
    ],
)
def test_an_alarm_of_jobs_is_raised_and_ends(alarm: str, metric: str, quiet: float, bad: float) -> None:
    [found] = [each for each in parts("jobs").every.all("PutMetricAlarm") if each["AlarmName"] == alarm]
    minutes = [[quiet]] * 20 + [[bad]] * 20 + [[quiet]] * 20
    series: Recorded = {("Slipway/api", metric): minutes}
    assert [is_raised(found, series, minute) for minute in (20, 40, 60)] == [False, True, False]
    without: list[list[float]] = [[]] * 60
    assert not is_raised(found, {("Slipway/api", metric): without}, 60)


def test_the_dashboard_draws_jobs_and_workers() -> None:
    body = parts("jobs").every.one("PutDashboard")["DashboardBody"]
    assert set(re.findall(r"jobs_[a-z_]+", body)) == set(FIELDS)
    assert "api-workers" in body


def test_a_simulated_cloud_makes_the_workers_and_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "simulated")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    with mock_aws():
        simulate(lambda: FargateService("api", {**PLAIN, **JOBS, **FILES}) and None)  # pyright: ignore[reportArgumentType]
        [database] = client("rds").describe_db_instances()["DBInstances"]
        found = client("ecs").describe_services(cluster="api", services=["api", "api-workers"])["services"]
        filters = client("logs").describe_metric_filters(logGroupName="/ecs/api")["metricFilters"]
        scaling = client("application-autoscaling")
        targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (database["Engine"], database["DBName"]) == ("postgres", "jobs")
    assert [service["serviceName"] for service in found] == ["api", "api-workers"]
    assert len(filters) == 4
    assert {target["ResourceId"] for target in targets} == {"service/api/api", "service/api/api-workers"}

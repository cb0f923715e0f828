"""Does Cloud Monitoring take what we emit? Google's own messages and its documented limits judge it."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest

from slipway.components.cloud_run import CloudRunService
from slipway.components.kubernetes import KubernetesService
from slipway.components.kubernetes.args import Monitoring
from slipway.components.observability.args import Observability
from slipway.infra.resources.reading import Resource
from tests.contract.cloud import emitted_by
from tests.contract.cloud_run_api import Judge
from tests.contract.cloud_run_cases import PLAIN
from tests.contract.monitoring_api import Body, api_form, kind_of

NAME = "a" * 40
ON_GKE = {
    "model": "bundled:sms-spam",
    "image_ref": PLAIN["image_ref"],
    "google_project": "acme-prod",
    "google_region": "europe-west4",
    "cluster_name": "shared",
}
SERVED: Mapping[str, dict[str, Any]] = {
    "basic": {},
    "public": {"public": True, "min_replicas": 1},
    "full": {"observability": Observability.FULL, "cpu_always": True},
    "jobs": {"jobs": True},
    "jobs without a worker": {
        "jobs": True,
        "min_workers": 0,
        "thresholds": {"jobs-oldest": {"page": 20_000}},
    },
    "the longest name": {"observability": Observability.FULL, "alert_email": f"{'a' * 64}@example.com"},
    "an objective": {"objective": {"availability": 99.99, "latency": 95, "seconds": 0.25, "days": 28}},
    "a page of runbooks": {
        "runbooks_url": "https://docs.example.com/runbooks",
        "alert_email": "a@example.com",
    },
}


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge("tests.contract.monitoring_judge")
    yield judge
    judge.close()


def monitored(made: Callable[[], object]) -> list[Resource]:
    def program() -> None:
        made()

    found = emitted_by(program)
    return [each for each in found.resources if each.type.startswith("gcp:monitoring/")]


def on_cloud_run(**args: Any) -> list[Resource]:
    return monitored(lambda: CloudRunService(NAME, {**PLAIN, **args}))  # pyright: ignore[reportArgumentType]


def forms() -> dict[str, Body]:
    """Return a form of each kind of a service that has them all."""
    found = on_cloud_run(public=True, min_replicas=1, alert_email="oncall@example.com")
    return {kind_of(each.type): api_form(each.type, each.inputs) for each in found}


@pytest.mark.parametrize("args", SERVED.values(), ids=SERVED.keys())
def test_google_takes_what_watches_a_service_of_cloud_run(args: dict[str, Any], judge: Judge) -> None:
    resources = on_cloud_run(**args)
    assert len(resources) >= 12
    for each in resources:
        verdict = judge(api_form(each.type, each.inputs))
        assert (verdict.refused, verdict.broken) == (None, []), each.name


@pytest.mark.parametrize("monitoring", [Monitoring.NONE, Monitoring.GOOGLE])
def test_google_takes_what_watches_pods(monitoring: Monitoring, judge: Judge) -> None:
    args: Any = {**ON_GKE, "monitoring": monitoring, "alert_email": "oncall@example.com"}
    resources = monitored(lambda: KubernetesService(NAME, args))
    assert len(resources) >= 6
    for each in resources:
        verdict = judge(api_form(each.type, each.inputs))
        assert (verdict.refused, verdict.broken) == (None, []), each.name


def _changed(form: Body, change: Callable[[Body], object]) -> Body:
    changed = deepcopy(form)
    change(changed["body"])
    return changed


WRONG: Mapping[str, tuple[str, Callable[[Body], object]]] = {
    "a field that Google does not know": ("AlertPolicy", lambda b: b.update(threshold=1)),
    "a severity that Google does not know": ("AlertPolicy", lambda b: b.update(severity="PAGE")),
    "a long name": ("AlertPolicy", lambda b: b.update(displayName="a" * 513)),
    "no condition": ("AlertPolicy", lambda b: b.update(conditions=[])),
    "an alert that closes at once": ("AlertPolicy", lambda b: b["alertStrategy"].update(autoClose="60s")),
    "a link that is no address": (
        "AlertPolicy",
        lambda b: b["documentation"].update(links=[{"displayName": "x", "url": "docs/a.md"}]),
    ),
    "a channel by its address": ("AlertPolicy", lambda b: b.update(notificationChannels=["a@example.com"])),
    "a channel without an address": ("NotificationChannel", lambda b: b.update(labels={})),
    "an objective of everything": ("Slo", lambda b: b.update(goal=1.0)),
    "a window of a year": ("Slo", lambda b: b.update(rollingPeriod="31536000s")),
    "an indicator without a maximum": (
        "Slo",
        lambda b: b["serviceLevelIndicator"]["requestBased"]["distributionCut"].update(range={}),
    ),
    "a check every second": ("UptimeCheckConfig", lambda b: b.update(period="1s")),
    "a check from one place": ("UptimeCheckConfig", lambda b: b.update(selectedRegions=["EUROPE"])),
    "a wide tile": ("Dashboard", lambda b: b["mosaicLayout"]["tiles"][0].update(width=13)),
    "a chart of an unknown kind": (
        "Dashboard",
        lambda b: b["mosaicLayout"]["tiles"][1]["widget"].update(pieChart2={}),
    ),
    "a service with capitals": ("CustomService", lambda b: b.update(name="projects/p/services/Api")),
}


@pytest.mark.parametrize(("kind", "change"), WRONG.values(), ids=WRONG.keys())
def test_the_judge_finds_what_google_would_refuse(
    kind: str, change: Callable[[Body], object], judge: Judge
) -> None:
    form = forms()[kind]
    assert judge(form).passes
    assert not judge(_changed(form, change)).passes


WRONG_QUERIES: Mapping[str, Callable[[Body], object]] = {
    "a period that is no multiple of 30 s": lambda b: b["conditions"][0][
        "conditionPrometheusQueryLanguage"
    ].update(evaluationInterval="45s"),
    "a rate limit of a query": lambda b: b["alertStrategy"].update(notificationRateLimit={"period": "3600s"}),
}


@pytest.mark.parametrize("change", WRONG_QUERIES.values(), ids=WRONG_QUERIES.keys())
def test_the_judge_knows_what_a_query_may_have(change: Callable[[Body], object], judge: Judge) -> None:
    queries = [e for e in on_cloud_run() if "conditionPrometheusQueryLanguage" in json.dumps(e.inputs)]
    form = api_form(queries[0].type, queries[0].inputs)
    assert judge(form).passes
    assert not judge(_changed(form, change)).passes


def test_each_policy_calls_the_channel_and_leads_to_its_runbook() -> None:
    page = "https://docs.example.com/runbooks"
    resources = on_cloud_run(alert_email="oncall@example.com", runbooks_url=page)
    [channel] = [each for each in resources if kind_of(each.type) == "NotificationChannel"]
    assert channel.inputs["labels"] == {"email_address": "oncall@example.com"}
    policies = [each for each in resources if kind_of(each.type) == "AlertPolicy"]
    assert len(policies) == 8
    for each in policies:
        [name] = each.inputs["notificationChannels"]
        assert name.startswith("projects/acme-prod/notificationChannels/")
        [link] = each.inputs["documentation"]["links"]
        assert link["url"].startswith(f"{page}#slipway")
        assert link["url"] in each.inputs["documentation"]["content"]


def test_without_an_address_alarms_exist_and_call_nobody() -> None:
    resources = on_cloud_run()
    assert not [each for each in resources if kind_of(each.type) == "NotificationChannel"]
    policies = [each for each in resources if kind_of(each.type) == "AlertPolicy"]
    assert [each.inputs["notificationChannels"] for each in policies] == [[]] * 8


def test_only_a_public_service_that_always_runs_is_called_from_outside() -> None:
    for args, count in (
        ({"public": True, "min_replicas": 1}, 1),
        ({"public": True}, 0),
        ({"min_replicas": 1}, 0),
    ):
        checks = [each for each in on_cloud_run(**args) if kind_of(each.type) == "UptimeCheckConfig"]
        assert len(checks) == count, args


def test_nothing_is_made_where_it_is_off() -> None:
    assert on_cloud_run(observability=Observability.OFF) == []

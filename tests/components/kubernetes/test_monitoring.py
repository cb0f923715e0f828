"""What a cluster's monitoring is given: scrapes, rules and a dashboard, each of one service alone."""

import json
import math
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.components.kubernetes.rules import checked_spec, spec_warnings
from tests.contract.kubernetes_cases import GOOGLE, PLAIN
from tests.contract.kubernetes_objects import objects_of, one

OPERATOR: dict[str, Any] = {"monitoring": "operator", "namespace": "ml"}
BY_GOOGLE: dict[str, Any] = {**GOOGLE, "monitoring": "google", "namespace": "ml"}


def dashboard(objects: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = [each for each in objects if "grafana_dashboard" in each["metadata"]["labels"]]
    return found


def expressions(rules: Mapping[str, Any]) -> list[str]:
    return [rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"]]


def test_without_monitoring_nothing_of_it_is_made_and_no_port_is_open() -> None:
    objects = objects_of({})
    assert not {"PodMonitor", "PrometheusRule", "PodMonitoring", "Rules"} & {o["kind"] for o in objects}
    assert [rule["ports"][0]["port"] for rule in one(objects, "NetworkPolicy")["spec"]["ingress"]] == ["http"]
    [container] = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert [port["name"] for port in container["ports"]] == ["http"]


def test_the_operator_scrapes_the_pods_under_the_name_that_rules_and_dashboard_read() -> None:
    objects = objects_of({**OPERATOR, "public": True})
    spec = one(objects, "PodMonitor")["spec"]
    [endpoint] = spec["podMetricsEndpoints"]
    assert spec["selector"] == {"matchLabels": {"app.kubernetes.io/name": "api"}}
    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "api"}]
    selector = 'namespace="ml",job="api"'
    assert all(selector in expression for expression in expressions(one(objects, "PrometheusRule")))
    panels = json.loads(dashboard(objects)["data"]["slipway-ml_api.json"])["panels"]
    assert all(selector in target["expr"] for panel in panels for target in panel.get("targets", ()))
    # A public Service shows the metrics to nobody.
    assert [port["targetPort"] for port in one(objects, "Service")["spec"]["ports"]] == ["http"]


def test_only_the_operators_namespaces_reach_the_metrics() -> None:
    def scrapers(**args: Any) -> list[str]:
        policy = one(objects_of({**OPERATOR, **args}), "NetworkPolicy")
        [rule] = [rule for rule in policy["spec"]["ingress"] if rule["ports"][0]["port"] == "metrics"]
        [source] = rule["from"]
        return source["namespaceSelector"]["matchExpressions"][0]["values"]

    assert scrapers() == ["monitoring"]
    assert scrapers(monitoring_namespaces=["o11y", "monitoring"]) == ["monitoring", "o11y"]


def test_google_gets_the_same_rules_as_the_operator_and_another_way_to_scrape() -> None:
    operator, google = objects_of(OPERATOR), objects_of(BY_GOOGLE)
    assert one(google, "Rules")["spec"] == one(operator, "PrometheusRule")["spec"]
    assert one(google, "Rules")["apiVersion"] == one(google, "PodMonitoring")["apiVersion"]
    [endpoint] = one(google, "PodMonitoring")["spec"]["endpoints"]
    assert "relabelings" not in endpoint
    # Google's schema requires the interval of a group.
    assert all(group["interval"] for group in one(google, "Rules")["spec"]["groups"])


def test_objects_carry_the_labels_by_which_the_operators_prometheus_selects() -> None:
    labels = {"release": "kube-prometheus-stack"}
    objects = objects_of({**OPERATOR, "monitoring_labels": labels})
    for kind in ("PodMonitor", "PrometheusRule"):
        assert labels.items() <= one(objects, kind)["metadata"]["labels"].items()
    assert "release" not in one(objects, "Deployment")["metadata"]["labels"]
    assert dashboard(objects)["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_two_services_of_a_namespace_share_no_name_group_file_or_dashboard() -> None:
    first, second = objects_of(OPERATOR), objects_of(OPERATOR, name="other")
    for kind in ("PodMonitor", "PrometheusRule"):
        assert one(first, kind)["metadata"]["name"] != one(second, kind)["metadata"]["name"]
    one_dashboard, other = dashboard(first), dashboard(second)
    assert one_dashboard["metadata"]["name"] != other["metadata"]["name"]
    assert not one_dashboard["data"].keys() & other["data"].keys()
    uids = {json.loads(text)["uid"] for each in (one_dashboard, other) for text in each["data"].values()}
    assert len(uids) == 2
    groups = [
        group["name"] for each in (first, second) for group in one(each, "PrometheusRule")["spec"]["groups"]
    ]
    assert len(groups) == len(set(groups))
    ours, theirs = (set(expressions(one(each, "PrometheusRule"))) for each in (first, second))
    assert not ours & theirs


def test_the_dashboards_of_one_name_in_two_namespaces_are_two_files() -> None:
    first, second = objects_of(OPERATOR), objects_of({**OPERATOR, "namespace": "shop"})
    assert not dashboard(first)["data"].keys() & dashboard(second)["data"].keys()
    marks = {
        json.loads(next(iter(dashboard(each)["data"].values())))["annotations"]["list"][0]["expr"]
        for each in (first, second)
    }
    assert len(marks) == 2
    for objects, namespace in ((first, "ml"), (second, "shop")):
        rules = [
            rule for group in one(objects, "PrometheusRule")["spec"]["groups"] for rule in group["rules"]
        ]
        assert {rule["labels"]["namespace"] for rule in rules if "alert" in rule} == {namespace}


def test_names_that_are_alike_when_they_are_joined_are_two_files() -> None:
    first = dashboard(objects_of({**OPERATOR, "namespace": "a-b"}, name="c"))
    second = dashboard(objects_of({**OPERATOR, "namespace": "a"}, name="b-c"))
    assert not first["data"].keys() & second["data"].keys()


@pytest.mark.parametrize("args", [OPERATOR, BY_GOOGLE], ids=["operator", "google"])
def test_promtool_accepts_the_rules(args: Mapping[str, Any], tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    objects = objects_of({**args, "objective": {"availability": 99.9}, "thresholds": {"turn": {"page": 900}}})
    [rules] = [each for each in objects if each["kind"] in ("PrometheusRule", "Rules")]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules["spec"]))
    done = subprocess.run(
        [promtool, "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    texts = expressions(rules)
    assert any(text.endswith("> 900") for text in texts)
    assert any("> 0.0144 " in text for text in texts)


def test_alerts_lead_to_the_runbooks_that_are_given() -> None:
    page = "https://docs.example.com/runbooks"
    rules = one(objects_of({**OPERATOR, "runbooks_url": page}), "PrometheusRule")
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert alerts
    assert all(rule["annotations"]["runbook_url"] == f"{page}#{rule['alert'].lower()}" for rule in alerts)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"monitoring": "google"},
            r"monitoring is 'google', which is for GKE's Managed Prometheus; set it to op",
        ),
        ({"objective": {"availability": 99}}, r"objective is given without `monitoring`"),
        ({"thresholds": {"memory": {"page": 0.9}}}, r"thresholds is given without `monitoring`"),
        ({"monitoring_labels": {"a": "b"}}, r"monitoring_labels is given with `monitoring` none"),
        (
            {**BY_GOOGLE, "monitoring_namespaces": ["m"]},
            r"monitoring_namespaces is given with `monitoring` google",
        ),
        ({**OPERATOR, "monitoring_namespaces": ["M"]}, r"monitoring_namespaces has 'M'; a namespace has"),
        ({**OPERATOR, "monitoring_labels": {"a b": "c"}}, r"monitoring_labels has a b=c; it must be a label"),
        ({**OPERATOR, "runbooks_url": "docs/runbooks.md"}, r"runbooks_url is 'docs/runbooks.md'; it must be"),
        ({**OPERATOR, "runbooks_url": "https://a.example/r#top"}, r"without an anchor"),
        ({**OPERATOR, "runbooks_url": "https://a.example/{{ x }}"}, r"runbooks_url is .*it must be"),
        ({**OPERATOR, "runbooks_url": "https://a.example/{{x}}"}, r"runbooks_url is .*it must be"),
        ({**OPERATOR, "objective": {"availability": 100}}, r"objective.availability is 100, which leaves no"),
        ({**OPERATOR, "objective": {"availability": "high"}}, r"objective.availability is of type str"),
        ({**OPERATOR, "objective": {"avail": 99}}, r"objective.avail is no argument here"),
        (
            {**OPERATOR, "thresholds": {"memory": {"ticket": 0.99}}},
            r"thresholds.memory.ticket is 0.99 with `page`",
        ),
        (
            {**OPERATOR, "thresholds": {"turn": {"page": math.inf}}},
            r"turn.page is inf; it must be 0 to 1,000,000,000",
        ),
        (
            {**OPERATOR, "thresholds": {"turn": {"page": math.nan}}},
            r"turn.page is nan; it must be 0 to 1,000,000,000\.",
        ),
        ({**OPERATOR, "thresholds": {"turn": {"ticket": 1e300}}}, r"turn.ticket is 1e\+300; it must be 0 to"),
        (
            {**OPERATOR, "thresholds": {"memory": {"page": math.nan}}},
            r"memory.page is nan; it must be a share",
        ),
        (
            {**OPERATOR, "thresholds": {"turn": {"ticket": -math.inf}}},
            r"turn.ticket is -inf; .*nearest: 0",
        ),
        (
            {**OPERATOR, "thresholds": {"memory": 0.9}},
            r"thresholds.memory is of type float; it must be a map",
        ),
        ({**OPERATOR, "serving": "kserve"}, r"monitoring is 'operator' with KServe"),
        ({**OPERATOR, "metrics_path": "stats"}, r"metrics_path is 'stats'; allowed is a path"),
    ],
)
def test_what_no_monitoring_could_take_is_refused(args: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_spec("api", {**PLAIN, **args})


def test_a_preview_says_what_the_cluster_must_have() -> None:
    said = [
        w for w in spec_warnings(checked_spec("api", {**PLAIN, **OPERATOR})) if "Prometheus Operator" in w
    ]
    assert len(said) == 1
    assert not [w for w in spec_warnings(checked_spec("api", {**PLAIN, **BY_GOOGLE})) if "Operator" in w]

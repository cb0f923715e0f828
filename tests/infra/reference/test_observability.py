"""What Prometheus and Grafana read on one machine: from the described signals, and with data at once."""

import json
import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from slipway.components.observability import grafana, prometheus
from slipway.components.observability.prometheus import anchor
from slipway.components.observability.signal import Alarm, DashboardRow, Series, SignalRow, Unit
from slipway.components.observability.signals import SIGNALS
from slipway.components.observability.watch import Watch
from slipway.infra.reference import observability
from tests.checkout import ROOT
from tests.components.observability.real_prometheus import Prometheus, running_prometheus, wait_until
from tests.service.collector import collecting
from tests.service.metrics_pages import scraped
from tests.service.running_server import AUTHORIZED, HAM, running_server

RUNBOOKS = (ROOT / prometheus.RUNBOOKS).read_text()
PARTS = ("**What it means.**", "**First look.**", "**Fix.**")


def sections() -> dict[str, str]:
    parts = re.split(r"^## (\S+)\n", RUNBOOKS, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm() -> None:
    assert sections().keys() == {signal.alarm.name for signal in SIGNALS if signal.alarm}
    for name, text in sections().items():
        places = [text.find(part) for part in PARTS]
        assert -1 not in places, (name, places)
        assert places == sorted(places), name


def test_a_runbook_names_only_causes_metrics_and_variables_that_exist() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "service").rglob("*.py"))
    for word in re.findall(r"`([a-z]+(?:-[a-z]+)+)`|`(slipway_[a-z_]+)`|`([A-Z]+(?:_[A-Z]+)+)`", RUNBOOKS):
        [name] = [each for each in word if each]
        assert re.sub(r"_total$", "", name) in sources or name.lower() in sources, name


def test_a_new_row_appears_in_the_rules_the_dashboard_and_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    alarm = Alarm("SlipwayNew", "It is new.", minutes=3, ticket=7)
    row = SignalRow(
        "new",
        "A new signal",
        DashboardRow.ERRORS,
        Unit.COUNT,
        (Series("new{$s}", "new"),),
        "It is new.",
        alarm,
    )
    watch = Watch(signals=(*SIGNALS, row))
    rules = [
        rule for group in prometheus.rule_groups(observability.SUBJECT, watch) for rule in group["rules"]
    ]
    [rule] = [rule for rule in rules if rule.get("alert") == "SlipwayNew"]
    assert (rule["expr"], rule["for"]) == ('(new{job="slipway"}) > 7', "3m")
    panels = grafana.dashboard_of(observability.SUBJECT, watch)["panels"]
    [panel] = [panel for panel in panels if panel["title"] == "A new signal"]
    assert panel["targets"][0]["expr"] == 'new{job="slipway"}'
    monkeypatch.setattr(observability, "SIGNALS", watch.signals)
    assert f"[SlipwayNew](../guides/runbooks.md#{anchor(alarm)}), ticket above 7" in observability.page()
    monkeypatch.setattr("tests.infra.reference.test_observability.SIGNALS", watch.signals)
    with pytest.raises(AssertionError):
        test_every_alarm_has_a_runbook_and_every_runbook_an_alarm()


def test_the_index_lists_every_signal() -> None:
    page = observability.page()
    assert all(f"| {signal.title} | `{signal.key}` |" in page for signal in SIGNALS)
    assert all(signal.alarm.name in page for signal in SIGNALS if signal.alarm)


def test_one_command_has_a_dashboard_with_data_within_a_minute(tmp_path: Path) -> None:
    """The configuration of `make observability`, with the ports of this test."""
    shutil.copytree(ROOT / "observability", tmp_path / "observability")
    config = tmp_path / "observability/prometheus-local.yml"
    with running_server(tmp_path / "log") as server:
        target = server.metrics_url.removeprefix("http://").removesuffix("/metrics")
        config.write_text(config.read_text().replace("127.0.0.1:9464", target))
        started = time.monotonic()
        with (
            running_prometheus(tmp_path, config) as url,
            httpx.Client(base_url=server.url, headers=AUTHORIZED) as client,
        ):
            found = Prometheus(url, 0)

            def has_data() -> bool:
                assert client.post("/predict", json={"text": HAM}).status_code == 200
                return all(found.query(expression, time.time()) for expression in golden())

            wait_until(has_data, tmp_path / "prometheus.log")
            seconds = time.monotonic() - started
            rules = httpx.get(f"{url}/api/v1/rules", timeout=30).json()["data"]["groups"]
    print(f"{seconds:.0f} s until requests, failures, seconds and memory had data")
    assert [
        rule.get("lastError") for group in rules for rule in group["rules"] if rule.get("lastError")
    ] == []
    assert sum(len(group["rules"]) for group in rules) == sum(
        len(group["rules"]) for group in prometheus.rule_groups(observability.SUBJECT, Watch())
    )


def golden() -> list[str]:
    """Return the dashboard's expressions of traffic, errors, latency and saturation, as Grafana sends them.

    Its rate interval is four scrapes.
    """
    dashboard: dict[str, Any] = json.loads(
        (ROOT / "observability/grafana/dashboards/slipway.json").read_text()
    )
    titles = {s.title for s in SIGNALS if s.key in ("requests", "availability", "seconds", "memory")}
    chosen = [panel for panel in dashboard["panels"] if panel["title"] in titles]
    assert len(chosen) == 4
    return [panel["targets"][0]["expr"].replace("$__rate_interval", "20s") for panel in chosen]


def test_promtool_accepts_the_configurations() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    for name in ("prometheus.yml", "prometheus-local.yml"):
        checked = subprocess.run(
            [promtool, "check", "config", str(ROOT / "observability" / name)], capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_compose_mounts_what_is_there_and_opens_this_machine_alone() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    watching = {name: each for name, each in compose["services"].items() if "profiles" in each}
    assert watching.keys() == {"prometheus", "tempo", "grafana"}
    for service in watching.values():
        assert service["profiles"] == ["observability"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (ROOT / source).is_dir(), volume
        assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[a-z/]+:v?\d+\.\d+\.\d+\}", service["image"])
    assert datasource("prometheus")["url"] == "http://prometheus:9090"
    config = yaml.safe_load((ROOT / "observability/prometheus.yml").read_text())
    [target] = config["scrape_configs"][0]["static_configs"][0]["targets"]
    assert target.partition(":")[0] in compose["services"]


def datasource(name: str) -> dict[str, Any]:
    file = ROOT / f"observability/grafana/datasources/{name}.yml"
    [source] = yaml.safe_load(file.read_text())["datasources"]
    return source


def test_tempo_takes_the_spans_of_the_server_and_grafana_finds_them_and_their_metrics() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service, server = compose["services"]["tempo"], compose["services"]["server"]
    [option] = service["command"]
    mounts = dict(each.split(":")[:2][::-1] for each in service["volumes"])
    folder, _, name = option.removeprefix("-config.file=").rpartition("/")
    config: dict[str, Any] = yaml.safe_load((ROOT / mounts[folder] / name).read_text())
    receiver = config["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert receiver.partition(":")[0] == "0.0.0.0"
    address = f"http://tempo:{receiver.partition(':')[2]}"
    assert address in (ROOT / "compose.yaml").read_text()
    assert f"OTLP_ENDPOINT={address} " in (ROOT / "docs/guides/observability.md").read_text()
    stored = config["storage"]["trace"]
    assert all(stored[each]["path"].startswith("/var/tempo/") for each in ("local", "wal"))
    assert "/var/tempo" in mounts
    found = datasource("tempo")
    assert found["url"] == f"http://tempo:{config['server']['http_listen_port']}"
    assert service["ports"][0].endswith(f":{config['server']['http_listen_port']}")
    links = found["jsonData"]["tracesToMetrics"]
    assert links["datasourceUid"] == datasource("prometheus")["uid"]
    # Without the profile the image and the environment are as before: no client, no collector.
    assert server["build"]["args"]["OTLP"] == "${OTLP:-}"
    assert server["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "${OTLP_ENDPOINT:-}"


def test_a_span_has_metrics_where_grafana_looks_for_them(tmp_path: Path) -> None:
    links = datasource("tempo")["jsonData"]["tracesToMetrics"]
    with (
        collecting() as collector,
        running_server(
            tmp_path / "log", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, TRACE_SHARE="1"
        ) as server,
    ):
        httpx.post(f"{server.url}/predict", json={"text": HAM}, headers=AUTHORIZED)
        [span] = [each for each in collector.wait_for(5) if each.name == "POST /predict"]
        page = scraped(server.metrics_url)
    attributes = {each.key: each.value.string_value for each in span.attributes}
    labels = {each["value"]: attributes[each["key"]] for each in links["tags"]}
    for query in links["queries"]:
        metric = re.search(r"(\w+)\{\$\$__tags\}", query["query"])
        assert metric, query
        assert page.value(metric[1], **labels) > 0


def test_docker_compose_accepts_the_profile() -> None:
    command = shutil.which("docker-compose")
    if command is None:
        pytest.skip("docker-compose is not installed")
    done = subprocess.run(
        [command, "--profile", "observability", "config"],
        cwd=ROOT,
        env={"MODEL_API_KEY": "a-test-key-of-24-letters", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert {"server", "prometheus", "tempo", "grafana"} <= services.keys()
    assert services["server"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == ""


def test_a_signal_without_series_has_neither_rule_nor_panel() -> None:
    row = replace(SIGNALS[0], key="balancer", title="Of a balancer alone", series=(), alarm=None)
    watch = Watch(signals=(*SIGNALS, row))
    assert "Of a balancer alone" not in json.dumps(grafana.dashboard_of(observability.SUBJECT, watch))

"""The dashboard holds against Grafana's schema, and each of its panels draws what a server records."""

import copy
import itertools
import json
import math
import sys
import typing
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from slipway.components.observability.grafana import dashboard_json, dashboard_of, dashboard_uid
from slipway.components.observability.prometheus import Subject
from slipway.components.observability.signal import Alarm, BurnAlarm, DashboardRow
from slipway.components.observability.signals import SIGNALS
from slipway.components.observability.watch import Watch
from slipway.service.engine.timing import CallFacts, Timing
from slipway.service.metrics import Instruments
from slipway.service.metrics.page import page_of
from tests.components.observability.real_prometheus import Prometheus, prometheus_over
from tests.components.observability.recording import TARGET, Recording
from tests.service.running_server import running_server
from tests.service.test_quality import REFERENCE, model_with

SUBJECT = Subject(TARGET["job"], TARGET["namespace"])
DASHBOARD = dashboard_of(SUBJECT, Watch())
STEPS = 120
# What neither a server of texts nor its instruments have: refusals and cuts of a full server, and a table.
OF_OTHER_SERVERS = """
slipway_early_refusals_total{error_type="memory-full"} 1
slipway_cut_connections_total{reason="body-not-ended"} 1
slipway_out_of_range_values_total{column="age",model_version="table-1"} 1
"""
# What a worker's page has of jobs, by the labels that Prometheus gives it.
WORKER = 'namespace="ml",job="api-worker",instance="10.0.0.8:9464"'
# Signals of other models than that of a server of texts, which stand for those without data.
MISSING = ("first-token", "columns", "cuts", "gpu", "gpu-memory", "workers")
# Pods of the service with a GPU.
GPU_PODS = ("api-7d9f-x1", "api-7d9f-x2")


def gpus() -> dict[str, list[float]]:
    """Return what the DCGM exporter says, with the labels of both ways to scrape it, and of others' GPUs."""
    exporter = 'namespace="dcgm",pod="dcgm-1"'
    pods = {
        'namespace="ml",pod="api-7d9f-x2",gpu="0"': (60, 20, 60),
        'namespace="ml",pod="api-7d9f-x2",gpu="1"': (40, 8, 72),
        f'{exporter},exported_namespace="ml",exported_pod="api-7d9f-x1",gpu="0"': (30, 40, 40),
        f'{exporter},exported_namespace="ml",exported_pod="other-1",gpu="1"': (99, 79, 1),
        f'{exporter},gpu="2"': (0, 0, 80),
    }
    ours = {
        f'up{{namespace="ml",job="api",instance="{pod}:9464",pod="{pod}"}}': [1.0] * STEPS for pod in GPU_PODS
    }
    metrics = ("DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE")
    return ours | {
        f"{metric}{{{labels}}}": [float(value)] * STEPS
        for labels, numbers in pods.items()
        for metric, value in zip(metrics, numbers, strict=True)
    }


def jobs() -> dict[str, list[float]]:
    """Return what the page of a worker says: two jobs a step, of which one of four fails."""
    steady = {
        'slipway_jobs{state="waiting",': 3,
        'slipway_jobs{state="running",': 1,
        'slipway_jobs{state="set_aside",': 2,
        "slipway_jobs_oldest_seconds{": 40,
        "up{": 1,
    }
    growing = {
        "slipway_jobs_accepted_total{": 2,
        'slipway_jobs_ended_total{outcome="succeeded",': 1.5,
        'slipway_jobs_ended_total{outcome="failed",': 0.5,
        'slipway_job_seconds_bucket{le="1.0",': 1,
        'slipway_job_seconds_bucket{le="+Inf",': 2,
        'slipway_webhooks_total{outcome="delivered",': 1,
    }
    counted = {f"{name}{WORKER}}}": [each * step for step in range(STEPS)] for name, each in growing.items()}
    return {**{f"{name}{WORKER}}}": [float(value)] * STEPS for name, value in steady.items()}, **counted}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def generated() -> str:
    """Return the page of the instruments of a server that generates text and computes batches."""
    timing, instruments = Timing(), Instruments()
    timing.facts = CallFacts(6, 12, first_token_at=timing.submitted + 0.2)
    timing.ends()
    instruments.call_ended("/generate", timing, timing.phases(), timing.submitted)
    instruments.batch_computed(3, tokens=25, padded_tokens=30)
    return page_of(instruments.registry, "")[0].decode()


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Generator[Recording]:
    folder = tmp_path_factory.mktemp("server")
    model = model_with(folder / "model", reference={"signals": REFERENCE})
    with running_server(folder / "log", MODEL_DIR=str(model)) as server:
        yield Recording.of(server)


def values(recording: Recording, **target: str) -> dict[str, list[float]]:
    return recording.values([1.0] * STEPS, {**TARGET, **target})


@pytest.fixture(scope="module")
def prometheus(classifier: Recording, tmp_path_factory: pytest.TempPathFactory) -> Generator[Prometheus]:
    others = Recording.of_text(generated() + OF_OTHER_SERVERS)
    series = {**values(classifier), **values(others, instance="10.0.0.9:9464"), **gpus(), **jobs()}
    with prometheus_over(tmp_path_factory.mktemp("prometheus"), series) as found:
        yield found


def runnable(expression: str) -> str:
    """Return a panel's expression as Grafana sends it."""
    return expression.replace("$__rate_interval", "5m")


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_draws_numbers_of_recorded_data(prometheus: Prometheus, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        found = prometheus.query(runnable(target["expr"]))
        numbers = [float(series["value"][1]) for series in found]
        assert numbers, target["expr"]
        assert all(math.isfinite(number) and number >= 0 for number in numbers), (target["expr"], numbers)
        for label in itertools.chain.from_iterable(_labels(target["legendFormat"])):
            assert all(series["metric"].get(label) for series in found), (label, found)


def _labels(legend: str) -> Iterator[list[str]]:
    yield [part.partition("}}")[0] for part in legend.split("{{")[1:]]


def test_the_numbers_are_those_of_the_load(prometheus: Prometheus, classifier: Recording) -> None:
    def value(key: str) -> float:
        [signal] = [signal for signal in SIGNALS if signal.key == key]
        panel = next(panel for panel in panels() if panel["title"] == signal.title)
        return sum(
            float(each["value"][1]) for each in prometheus.query(runnable(panel["targets"][0]["expr"]))
        )

    # A unit each 15 seconds: 8 predictions, half of them wrong, 8 times feedback, 2 mistakes.
    assert value("requests") == pytest.approx(18 / 15, rel=0.01)
    assert value("version-accuracy") == pytest.approx(0.5)
    assert value("causes") == pytest.approx((2 + 1) / 15, rel=0.01)
    assert value("padding") == pytest.approx(5 / 25)
    assert value("instances") == 2 + len(GPU_PODS)
    assert value("jobs") == 3 + 1 + 2
    assert value("workers") == 1
    assert value("jobs-failed") == pytest.approx(0.25)
    # The fuller one of two GPUs, and the one of the other pod; not another service's.
    assert value("gpu") == pytest.approx(0.6 + 0.3)
    assert value("gpu-memory") == pytest.approx(20 / 80 + 40 / 80)


def test_a_metric_that_never_appears_leaves_a_panel_that_says_why(
    classifier: Recording, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with prometheus_over(tmp_path_factory.mktemp("few"), values(classifier)) as prometheus:
        for signal in (signal for signal in SIGNALS if signal.series):
            panel = next(panel for panel in panels() if panel["title"] == signal.title)
            assert panel["fieldConfig"]["defaults"]["noValue"] == f"No data. {signal.absent}"
            if signal.key in MISSING:
                assert not prometheus.query(runnable(panel["targets"][0]["expr"]))


def test_the_dashboard_holds_against_the_schema_of_grafana() -> None:
    assert lost(DASHBOARD) == []
    for subject in (Subject("slipway"), Subject("a" * 40, "b" * 63)):
        assert lost(dashboard_of(subject, Watch.of("generate", {}, {}))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("panels", 1, "gridPos", "hight"), 7),
        (("panels", 1, "fieldConfig", "defaults", "custom", "drawStyle"), "lines"),
        (("panels", 1, "options", "legend", "placement"), 3),
        (("panels", 1, "targets", 0, "expression"), "up"),
        (("refresh",), 30),
        (("templating", "list", 0, "type"), "data source"),
    ],
    ids=str,
)
def test_what_the_schema_does_not_have_is_found(path: tuple[str | int, ...], value: object) -> None:
    broken: Any = copy.deepcopy(DASHBOARD)
    inner: Any = broken
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    assert lost(broken)


def lost(dashboard: dict[str, Any]) -> list[str]:
    """Return what Grafana's types do not keep of a dashboard, or keep as another type than they declare."""
    register_default_plugins()
    parsed = Dashboard.from_json(copy.deepcopy(dashboard))
    kept = json.loads(JSONEncoder().encode(parsed))
    return [*_differences(dashboard, kept, "dashboard"), *_wrong_types(parsed, "dashboard")]


def _differences(given: Any, kept: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict):
        for name, value in typing.cast("dict[str, Any]", given).items():
            if value is not None and (not isinstance(kept, dict) or name not in kept):
                yield f"{path}.{name} is not known"
            elif value is not None:
                yield from _differences(value, kept[name], f"{path}.{name}")
    elif isinstance(given, list):
        for place, value in enumerate(typing.cast("list[Any]", given)):
            yield from _differences(value, kept[place], f"{path}[{place}]")
    elif given != kept:
        yield f"{path} is {given!r}, kept as {kept!r}"


def _wrong_types(value: Any, path: str) -> Iterator[str]:
    """Yield the fields of Grafana's classes that hold another type than they declare."""
    if isinstance(value, list):
        for place, item in enumerate(typing.cast("list[Any]", value)):
            yield from _wrong_types(item, f"{path}[{place}]")
        return
    kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
    if not kind.__module__.startswith("grafana_foundation_sdk.models") or not hasattr(value, "__dict__"):
        return
    hints = typing.get_type_hints(kind, vars(sys.modules[kind.__module__]))
    fields = typing.cast("dict[str, Any]", vars(value))  # pyright: ignore[reportUnknownArgumentType]
    for name, field in fields.items():
        if name in hints and not _fits(field, hints[name]):
            yield f"{path}.{name} is {field!r}, declared as {hints[name]}"
        yield from _wrong_types(field, f"{path}.{name}")


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        return any(_fits(value, each) for each in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is list:
        return isinstance(value, list) and all(
            _fits(item, inner[0]) for item in typing.cast("list[Any]", value)
        )
    if origin is dict:
        return isinstance(value, dict)
    if not isinstance(hint, type) or hint is object:
        return True
    if (
        issubclass(hint, str) and hint is not str
    ):  # an enumeration, whose members the library leaves as strings
        return value in [member.value for member in typing.cast("Any", hint)]
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int or (issubclass(hint, int) and hint is not bool):
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def test_every_signal_has_a_panel_and_every_alarm_a_line_and_a_link() -> None:
    assert [panel["title"] for panel in panels()] == [
        signal.title for row in DashboardRow for signal in SIGNALS if signal.row is row and signal.series
    ]
    for signal in (signal for signal in SIGNALS if signal.series):
        panel = next(panel for panel in panels() if panel["title"] == signal.title)
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        values = [step["value"] for step in steps]
        assert values[0] is None
        assert values[1:] == sorted(values[1:])
        lines = len(signal.alarm.thresholds) if isinstance(signal.alarm, Alarm) else 1
        assert len(values) == 1 + (lines if signal.alarm else 0)
        if signal.alarm:
            assert f"{SUBJECT.runbooks}#{signal.alarm.name.lower()}" in panel["description"]
            assert isinstance(signal.alarm, Alarm | BurnAlarm)


def test_panels_do_not_overlap_and_fit_into_the_grid() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_dashboards_of_services_that_share_a_name_or_a_namespace_are_two() -> None:
    subjects = [Subject("api", "ml"), Subject("api", "shop"), Subject("other", "ml"), Subject("api")]
    assert len({dashboard_uid(subject) for subject in subjects}) == 4
    assert len({json.loads(dashboard_json(subject, Watch()))["title"] for subject in subjects}) == 4
    assert all(8 <= len(dashboard_uid(subject)) <= 40 for subject in subjects)


def test_a_dashboard_fits_into_a_config_map() -> None:
    # kubernetes.io/docs/concepts/configuration/configmap: 1 MiB; what kubectl notes down, 256 KiB.
    assert len(dashboard_json(Subject("a" * 40, "b" * 63), Watch())) < 200_000

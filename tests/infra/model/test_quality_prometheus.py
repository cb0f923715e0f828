"""`slipway quality --prometheus` adds up instances by model version, and compares two versions."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.infra.model.quality_prometheus import MOST_VERSIONS
from tests.infra.command import refused, slipway
from tests.infra.model.prometheus_stand_in import NOW, TOKEN, StandIn, Vector, standing_in

OLD, NEW = "sms-spam-1", "sms-spam-2"


def by(name: str, *values: tuple[str, str, float]) -> Vector:
    return [({"model_version": version, name: value}, number) for version, value, number in values]


def pairs(version: str, *counts: tuple[str, str, float]) -> Vector:
    labels = ("model_version", "predicted", "label")
    return [(dict(zip(labels, (version, *pair[:2]), strict=True)), pair[2]) for pair in counts]


ANSWERS: dict[str, Vector] = {
    r"^count\(count": [({}, 2)],
    r"^(topk\(20, )?count by \(model_version\)": [({"model_version": OLD}, 3), ({"model_version": NEW}, 1)],
    # What was increased, and the first values of what began.
    r"\(increase\(slipway_model_requests": by(
        "outcome", (OLD, "answered", 8990.4), (OLD, "failed", 10), (NEW, "answered", 900), (NEW, "failed", 90)
    ),
    r"min_over_time\(slipway_model_requests": by("outcome", (NEW, "answered", 10)),
    r"\(increase\(slipway_judged": by("outcome", (OLD, "right", 90), (OLD, "wrong", 10)),
    r"\(increase\(slipway_predictions": by(
        "label", (OLD, "ham", 8100), (OLD, "spam", 900), (NEW, "ham", 500), (NEW, "spam", 500)
    ),
    r"\(increase\(slipway_feedback": pairs(OLD, ("ham", "ham", 80), ("ham", "spam", 8), ("spam", "spam", 10)),
    r"min_over_time\(slipway_feedback": pairs(OLD, ("spam", "ham", 2)),
    r"histogram_quantile.*confidence": [
        ({"model_version": OLD}, 0.97),
        ({"model_version": NEW}, float("nan")),
    ],
    r"histogram_quantile.*tokens": [({"model_version": OLD}, 21)],
    r"^count by \(model_version, signal\)": by("signal", (OLD, "class", 3), (NEW, "class", 1)),
    r"^sum by \(model_version, signal\)": by("signal", (OLD, "class", 0), (NEW, "class", 1)),
    r"^max by \(model_version, signal\)": by("signal", (NEW, "class", 0.31)),
}


def asked(project: Path, stand_in: StandIn, *arguments: str) -> Any:
    line = ("quality", "--prometheus", stand_in.url, *arguments)
    return slipway(project, *line, PROMETHEUS_TOKEN=TOKEN)


def test_people_read_each_version_and_what_differs(project: Path) -> None:
    with standing_in(ANSWERS) as stand_in:
        done = asked(project, stand_in)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"{OLD}: 9000 requests to 3 instances, 0.11 % failed"
    assert "    ham                  90.00 % of 9000 predictions, precision 0.909, recall 0.976" in lines
    assert "  confidence  median 0.970" in lines
    assert "  length      median 21 tokens" in lines
    assert "  drift       class: on 1 of 1 instances, PSI up to 0.310" in lines
    assert "  feedback    100 labels given, accuracy 0.900" in lines
    assert f"{NEW}: 1000 requests to 1 instances, 9.00 % failed" in lines
    assert f"{NEW} compared with {OLD}" in lines
    [failed] = [line for line in lines if line.startswith("  failed")]
    assert failed.endswith(": higher")
    assert "0.11% of 9000 -> 9.00% of 1000  +8.89 points, between +" in failed
    [accuracy] = [line for line in lines if line.startswith("  accuracy")]
    assert "no data" in accuracy
    assert "The window moves" in lines[-1]


def test_programs_read_the_counts_and_the_comparison(project: Path) -> None:
    with standing_in(ANSWERS) as stand_in:
        since = "2027-01-15T07:00:00Z"
        done = asked(project, stand_in, "--versions", f"{NEW},{OLD}", "--since", since, "--format", "json")
        seconds = round(NOW - 1_799_996_400)
        assert all(f"[{seconds}s]" in query for query in stand_in.queries[1:] if "_over_time" in query)
    report = json.loads(done.stdout)
    old = report["versions"][0]
    assert (old["counts"]["model_version"], old["instances"]) == (OLD, 3)
    assert old["counts"]["labels"]["spam"] == {"predictions": 900, "predicted": 12, "true": 18, "right": 10}
    assert report["comparison"]["versions"] == [NEW, OLD]
    assert report["comparison"]["rates"][0]["name"] == "failed"
    assert report["comparison"]["rates"][0]["difference"]["value"] < 0


def test_of_a_million_versions_the_most_used_are_shown_and_the_others_counted(project: Path) -> None:
    names = [({"model_version": f"m-{number}"}, 1.0) for number in range(MOST_VERSIONS)]
    million: dict[str, Vector] = {
        r"^count\(count": [({}, 1e6)],
        r"^(topk\(20, )?count by \(model_version\)": names,
    }
    with standing_in(million) as stand_in:
        done = asked(project, stand_in)
        asked_for_one = [query for query in stand_in.queries if "m-19" in query]
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "999980 more versions with fewer instances."
    assert asked_for_one


def test_a_version_whose_name_is_a_pattern_or_has_a_line_is_only_itself(project: Path) -> None:
    odd = 'a.*|"b\\c\nd'
    named: dict[str, Vector] = {
        r"^count\(count": [({}, 1)],
        r"^(topk\(20, )?count by \(model_version\)": [({"model_version": odd}, 1)],
    }
    with standing_in(named) as stand_in:
        done = asked(project, stand_in)
        [*_, last] = stand_in.queries
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ['a.*|"b\\c\\nd: 0 requests to 1 instances, 0 % failed']
    assert r'model_version=~"a\\.\\*\\|\"b\\\\c\nd"' in last


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--versions", "one"], "--versions is 'one'; give two different model versions, OLD,NEW."),
        (["--versions", "a,a"], "give two different model versions"),
        (["--versions", f"{OLD},other"], "Prometheus knows no model version other since then."),
        (["--since", "yesterday"], "--since is 'yesterday'; allowed are a duration such as 24h, or a time"),
        (["--since", "5s"], "--since is 5 seconds before the time of Prometheus; allowed are 60 to"),
        (["--since", "2999-01-01"], "before the time of Prometheus"),
        (["--where", 'job="a"} or up{'], "allowed are matchers of PromQL"),
        (
            ["--url", "http://127.0.0.1:1"],
            "--url is 'http://127.0.0.1:1'; it has no meaning with --prometheus",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(project: Path, arguments: list[str], message: str) -> None:
    with standing_in(ANSWERS) as stand_in:
        line = ("quality", "--prometheus", stand_in.url, *arguments)
        said = refused(project, *line, PROMETHEUS_TOKEN=TOKEN)
    assert message in " ".join(said.split())


def test_what_is_no_prometheus_or_has_nothing_fails_with_the_reason(project: Path) -> None:
    said = refused(project, "quality", "--prometheus", "localhost:9090")
    assert "--prometheus is 'localhost:9090'; give an address that begins with http://" in said
    with standing_in({}) as stand_in:
        done = slipway(project, "quality", "--prometheus", stand_in.url)
        assert "answered 401. Set PROMETHEUS_TOKEN to a token that may query it." in done.stderr
        done = asked(project, stand_in, "--where", 'namespace="prod"')
        assert done.returncode == 1
        assert 'no slipway_model_info of the last 86400 seconds with namespace="prod"' in done.stderr
        for raw, message in (
            (b"<html>", "did not answer with JSON"),
            (b"[]", "did not answer as Prometheus does"),
            (b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}}', "as Prometheus"),
            (b'{"status": "success", "data": {"resultType": "vector", "result": [{}]}}', "as Prometheus"),
            (b'{"status": "success", "data": {"resultType": "vector", "result": []}}', "slipway_model_info"),
        ):
            stand_in.raw = raw
            done = asked(project, stand_in)
            assert done.returncode == 1
            assert message in done.stderr
        stand_in.raw = json.dumps(
            {
                "status": "success",
                "data": {"resultType": "vector", "result": []},
                "warnings": ["a store is down"],
            }
        ).encode()
        assert "answered in part: a store is down" in asked(project, stand_in).stderr
    done = slipway(project, "quality", "--prometheus", "http://127.0.0.1:1")
    assert "did not answer" in done.stderr

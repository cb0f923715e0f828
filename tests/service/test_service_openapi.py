import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.service.settings import BUNDLED_MODEL
from tests.checkout import ROOT
from tests.service.running_server import KEY, running_server


@pytest.fixture(scope="session")
def document(stranger: httpx.Client) -> dict[str, Any]:
    return stranger.get("/openapi.json").json()


def test_every_field_has_a_description_and_an_example(document: dict[str, Any]):
    bare = [
        f"{name}.{field}"
        for name, described in document["components"]["schemas"].items()
        for field, details in described.get("properties", {}).items()
        if not (details.get("description") and details.get("examples"))
    ]
    assert bare == []


def test_predict_tells_its_key_its_limits_and_every_problem(document: dict[str, Any]):
    operation = document["paths"]["/predict"]["post"]
    assert operation["security"] == [{"key": []}]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    problems = {status for status in operation["responses"] if status != "200"}
    of_the_body = {"400", "401", "405", "408", "413", "415", "417", "422"}
    assert problems == of_the_body | {"429", "500", "501", "503", "504", "505"}
    for status in problems:
        content = operation["responses"][status]["content"]
        assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    one, many = document["components"]["schemas"]["PredictRequest"]["properties"]["text"]["oneOf"]
    assert (one["minLength"], one["maxLength"]) == (1, 20_000)
    assert (many["minItems"], many["maxItems"]) == (1, 1000)


def test_the_reference_lists_every_route_and_only_those_there_are(
    stranger: httpx.Client, document: dict[str, Any]
):
    page = (ROOT / "docs/reference/http-api.md").read_text()
    routes = set(re.findall(r"`(GET|POST) (/[\w/.]*)", page))
    keyed = set(re.findall(r"^\| `GET (/[\w/.]*)` \| yes", page, re.MULTILINE))
    elsewhere = {"/metrics", "/jobs", "/jobs/"}  # on a port of its own; where jobs are on
    assert {path for path in keyed if stranger.get(path).status_code != 401} == set()
    open_to_all = {path for method, path in routes if method == "GET"} - keyed - elsewhere
    assert {path for path in open_to_all if stranger.get(path).status_code != 200} == set()
    there = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert there <= routes


def test_the_examples_of_the_document_are_answered_as_it_says(client: httpx.Client, document: dict[str, Any]):
    operation = document["paths"]["/predict"]["post"]
    answers = operation["responses"]["200"]["content"]["application/json"]["examples"]
    for name, example in operation["requestBody"]["content"]["application/json"]["examples"].items():
        answer = client.post("/predict", json=example["value"])
        assert answer.status_code == 200
        assert answer.json().keys() == answers[name]["value"].keys()


def assert_conforming(tmp_path: Path, max_examples: int, model: Path = BUNDLED_MODEL) -> None:
    """Run every check of schemathesis but one: a text that fits the schema may still have too many tokens."""
    # With the usual limit too many long texts are a 413, which schemathesis does not count as refused.
    with running_server(tmp_path / "log", MAX_BODY_BYTES=str(64 << 20), MODEL_DIR=str(model)) as server:
        ended = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"{server.url}/openapi.json",
                f"--header=Authorization: Bearer {KEY}",
                f"--max-examples={max_examples}",
                "--exclude-checks=positive_data_acceptance",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout[:20_000] + ended.stderr
        assert not [line for line in server.log if line["level"] in ("error", "critical")]


def test_answers_conform_to_the_document(tmp_path: Path):
    assert_conforming(tmp_path, max_examples=20)


@pytest.mark.long
def test_answers_conform_to_the_document_at_length(tmp_path: Path):
    assert_conforming(tmp_path, max_examples=200)

"""What a caller sees of jobs that wait: nothing here needs a worker."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.jobs.conftest import HOST
from tests.service.running_server import AUTHORIZED, HAM, RunningServer, running_server

ONE = {"request": {"text": HAM}}


@pytest.fixture(autouse=True)
def no_open_jobs(caller: httpx.Client, other_caller: httpx.Client) -> Iterator[None]:
    """Cancel what a test leaves, because each caller may have only so many."""
    yield
    for client in (caller, other_caller):
        for job in client.get("/jobs?state=waiting&limit=200").json()["jobs"]:
            client.delete(f"/jobs/{job['id']}")


def accepted(client: httpx.Client, body: Any = ONE, **headers: str) -> str:
    answer = client.post("/jobs", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def refused(client: httpx.Client, body: Any, status: int = 422) -> dict[str, Any]:
    answer = client.post("/jobs", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def test_a_job_is_accepted_with_its_address(caller: httpx.Client):
    answer = caller.post("/jobs", json=ONE)
    assert answer.status_code == 202
    id = answer.json()["id"]
    assert answer.json() == {"id": id, "state": "waiting"}
    assert answer.headers["location"] == f"/jobs/{id}"
    shown = caller.get(answer.headers["location"]).json()
    assert shown["progress"] == {"done": 0, "total": 1}
    assert (shown["state"], shown["path"], shown["attempts"]) == ("waiting", "/predict", 0)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:]{8}\.\d{3}Z", shown["created_at"])
    assert shown["started_at"] is shown["ended_at"] is shown["expires_at"] is None


def test_a_list_is_one_job_with_as_many_requests(caller: httpx.Client):
    id = accepted(caller, {"requests": [{"text": HAM}, {"text": [HAM, HAM]}], "path": "/predict"})
    assert caller.get(f"/jobs/{id}").json()["progress"]["total"] == 2


@pytest.mark.parametrize("key", ["order-17", '"order-17"'])
def test_the_same_key_with_the_same_body_is_the_same_job(caller: httpx.Client, key: str):
    id = accepted(caller, **{"Idempotency-Key": f"{key[:-1]}-same{key[-1]}"})
    again = caller.post("/jobs", json=ONE, headers={"Idempotency-Key": f"{key[:-1]}-same{key[-1]}"})
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, id, "waiting")
    assert again.headers["location"] == f"/jobs/{id}"


def test_the_same_key_with_another_body_is_refused(caller: httpx.Client):
    accepted(caller, **{"Idempotency-Key": "order-18"})
    answer = caller.post("/jobs", json={"request": {"text": "x"}}, headers={"Idempotency-Key": "order-18"})
    assert (answer.status_code, answer.json()["type"]) == (
        422,
        "urn:slipway:problem:idempotency-key-conflict",
    )


def test_the_same_key_of_another_caller_is_another_job(caller: httpx.Client, other_caller: httpx.Client):
    mine, theirs = (accepted(client, **{"Idempotency-Key": "17"}) for client in (caller, other_caller))
    assert mine != theirs


@pytest.mark.parametrize("key", ["x" * 256, "two words", '"open', "ключ".encode().decode("latin-1")])
def test_a_key_that_is_none_is_refused(caller: httpx.Client, key: str):
    answer = caller.post("/jobs", json=ONE, headers=[(b"idempotency-key", key.encode("latin-1"))])
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:slipway:problem:invalid-input")


def test_a_job_of_another_caller_is_answered_as_one_that_never_was(
    caller: httpx.Client, other_caller: httpx.Client
):
    id = accepted(caller)
    for method in ("GET", "DELETE"):
        theirs = other_caller.request(method, f"/jobs/{id}")
        never = other_caller.request(method, f"/jobs/job-{'0' * 32}")
        assert (theirs.status_code, theirs.text) == (404, never.text)
    assert caller.get(f"/jobs/{id}").json()["state"] == "waiting"
    assert id not in other_caller.get("/jobs").text


def test_without_a_key_there_is_nothing_to_see(jobs_server: RunningServer, caller: httpx.Client):
    id = accepted(caller)
    for method, path in (
        ("POST", "/jobs"),
        ("GET", "/jobs"),
        ("GET", f"/jobs/{id}"),
        ("DELETE", f"/jobs/{id}"),
    ):
        assert httpx.request(method, f"{jobs_server.url}{path}").status_code == 401


def test_a_waiting_job_is_cancelled_for_good(caller: httpx.Client):
    id = accepted(caller)
    cancelled = caller.delete(f"/jobs/{id}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["expires_at"] > cancelled.json()["ended_at"]
    assert caller.delete(f"/jobs/{id}").json() == caller.get(f"/jobs/{id}").json() == cancelled.json()


def test_waiting_for_a_job_that_does_not_end_is_over_in_time(caller: httpx.Client):
    id, began = accepted(caller), time.monotonic()
    assert caller.get(f"/jobs/{id}?wait=0.5").json()["state"] == "waiting"
    assert 0.4 < time.monotonic() - began < 10


def test_pages_have_each_job_once_the_newest_first(caller: httpx.Client):
    ids = [accepted(caller) for _ in range(5)]
    found: list[str] = []
    query = "?state=waiting&limit=2"
    while True:
        page = caller.get(f"/jobs{query}").json()
        assert len(page["jobs"]) <= 2
        found += [job["id"] for job in page["jobs"]]
        if page["next_cursor"] is None:
            break
        query = f"?state=waiting&limit=2&cursor={page['next_cursor']}"
    assert [id for id in found if id in ids] == ids[::-1]
    assert len(set(found)) == len(found)


def test_a_caller_has_only_so_many_open_jobs_and_others_theirs(
    caller: httpx.Client, other_caller: httpx.Client
):
    for _ in range(20):
        accepted(caller)
    full = caller.post("/jobs", json=ONE)
    assert (full.status_code, full.json()["type"]) == (429, "urn:slipway:problem:too-many-jobs")
    assert int(full.headers["retry-after"]) > 0
    accepted(other_caller)


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({}, "", "send one of request, requests, file"),
        ({"request": {"text": "x"}, "requests": []}, "#/requests", "is an empty list"),
        ({"request": {"text": "x"}, "requests": [{"text": "x"}]}, "", "got request and requests"),
        ({"request": {"text": ""}}, "#/request/text", "is empty"),
        ({"request": {}}, "#/request/text", "is required"),
        ({"request": {"text": "x", "txt": 1}}, "#/request/txt", "is not a field"),
        ({"requests": [{"text": "x"}, {"text": 7}]}, "#/requests/1/text", "neither a text nor a list"),
        ({"requests": [{"text": "x"}] * 1001}, "#/requests", "at most 1000 are allowed in one list"),
        ({"request": {"text": "x"}, "path": "/embed"}, "#/path", "allowed: /predict"),
        ({"request": {"text": "x"}, "priority": -1}, "#/priority", "is below 0"),
        ({"request": {"text": "x"}, "priority": 101}, "#/priority", "is above 100"),
        ({"request": {"text": "x"}, "priority": "high"}, "#/priority", "is not a whole number"),
        ({"request": {"text": "x"}, "when": "now"}, "#/when", "is not a field"),
        ({"request": {"text": "x"}, "output": "file:/x"}, "#/output", "only for a job with `file`"),
        ({"request": {"text": "x"}, "webhook": "http://hooks.example.com"}, "#/webhook", "no https"),
        ({"request": {"text": "x"}, "webhook": "https://10.0.0.1/"}, "#/webhook", f"allowed: {HOST}"),
        ({"file": "file:/etc/passwd", "output": "file:/x"}, "#/file", "not below a prefix"),
        ({"file": "gs://other/x.jsonl", "output": "file:/x"}, "#/file", "not below a prefix"),
        ({"file": "/etc/passwd", "output": "file:/x"}, "#/file", "is no address of a file"),
        ({"file": "x"}, "#/output", "is required with `file`"),
    ],
)
def test_a_body_that_is_no_job_is_refused_with_its_place(
    caller: httpx.Client, body: Any, pointer: str, words: str
):
    problem = refused(caller, body)
    if pointer:
        assert pointer in [error["pointer"] for error in problem["errors"]]
    assert words in json.dumps(problem)


@pytest.mark.parametrize("path", ["{}../x.jsonl", "{}a/../../x.jsonl", "{}./x.jsonl", "{}a//b.jsonl", "{}a/"])
def test_a_path_with_more_than_one_form_is_refused(caller: httpx.Client, jobs_folder: Path, path: str):
    address = path.format(f"file:{jobs_folder}/")
    refused(caller, {"file": address, "output": f"file:{jobs_folder}/out.jsonl", "format": "jsonl"})
    refused(caller, {"file": f"file:{jobs_folder}/in.jsonl", "output": address})


def test_a_prefix_that_only_begins_alike_is_none(caller: httpx.Client, jobs_folder: Path):
    address = f"file:{jobs_folder}side/x.jsonl"
    assert refused(caller, {"file": address, "output": address})["errors"][0]["pointer"] == "#/file"


def test_all_refused_requests_of_a_list_are_named_together(caller: httpx.Client):
    problem = refused(caller, {"requests": [{"text": ""}, {"text": "x"}, {"text": 7}]})
    assert [error["pointer"] for error in problem["errors"]] == ["#/requests/0/text", "#/requests/2/text"]
    assert "2 requests are refused" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"[" * 5000, "application/json", 400),
        (b'{"request":{"text":"' + b"x" * (3 << 20) + b'"}}', "application/json", 413),
    ],
)
def test_a_broken_body_is_refused_as_on_any_route(
    caller: httpx.Client, content: bytes, type: str, status: int
):
    answer = caller.post("/jobs", content=content, headers={"Content-Type": type})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "query", ["state=gone", "limit=0", "limit=201", "limit=x", "cursor=zz", "cursor=5b5d", "cursor=ff"]
)
def test_a_query_that_means_nothing_is_refused(caller: httpx.Client, query: str):
    answer = caller.get(f"/jobs?{query}")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:slipway:problem:invalid-input")


@pytest.mark.parametrize("wait", ["-1", "x", "1e3", "nan", "3601"])
def test_a_wait_that_is_none_is_refused(caller: httpx.Client, wait: str):
    assert caller.get(f"/jobs/{accepted(caller)}?wait={wait}").status_code == 422


@pytest.mark.parametrize("id", ["x", "job-1", "%00", "..%2fjobs", "x" * 1000, "%D1%8F"])
def test_what_is_no_id_names_no_job(caller: httpx.Client, id: str):
    assert caller.get(f"/jobs/{id}").status_code == 404


def test_other_methods_are_not_allowed(caller: httpx.Client):
    assert caller.put("/jobs").headers["allow"] == "GET, HEAD, POST"
    assert caller.post("/jobs/job-1").headers["allow"] == "DELETE, GET, HEAD"


def test_neither_a_text_nor_a_key_of_a_job_is_in_the_log(jobs_server: RunningServer, caller: httpx.Client):
    id = accepted(
        caller, {"request": {"text": "a sentence nobody else writes"}}, **{"Idempotency-Key": "k-e-y-19"}
    )
    caller.get(f"/jobs/{id}")
    lines = jobs_server.wait_for(
        lambda: [line for line in jobs_server.log if line.get("route") == "/jobs/{id}"], 1
    )
    assert lines[0]["method"] in ("GET", "DELETE")
    assert "nobody else writes" not in jobs_server.log_text
    assert "k-e-y-19" not in jobs_server.log_text
    assert id not in jobs_server.log_text


def test_a_server_without_jobs_has_no_such_route(client: httpx.Client):
    assert client.post("/jobs", json=ONE).status_code == 404
    assert "/jobs" not in client.get("/openapi.json").json()["paths"]


def test_a_database_that_is_away_keeps_only_jobs_from_being_answered(tmp_path: Path):
    away = {"JOBS_DATABASE": "postgresql://slipway@127.0.0.1:1/jobs"}
    with (
        running_server(tmp_path / "log", **away) as server,
        httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client,
    ):
        for answer in (client.post("/jobs", json=ONE), client.get("/jobs"), client.get("/jobs/job-1")):
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:slipway:problem:jobs-unavailable",
            )
            assert int(answer.headers["retry-after"]) > 0
        assert client.post("/predict", json={"text": HAM}).status_code == 200
        assert client.get("/ready").status_code == 200


def test_the_document_describes_the_routes_of_jobs(caller: httpx.Client):
    document = caller.get("/openapi.json").json()
    assert set(document["paths"]["/jobs"]) == {"get", "post"}
    assert set(document["paths"]["/jobs/{id}"]) == {"get", "delete"}
    fields = document["components"]["schemas"]["JobRequest"]["properties"]
    assert fields["request"]["anyOf"][0] == {"$ref": "#/components/schemas/PredictRequest"}
    assert {"200", "202", "401", "422", "429", "503"} <= set(document["paths"]["/jobs"]["post"]["responses"])

"""Each bad input gets its own clear error: 4xx with problem details, never a traceback, never a 500."""

import socket
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.running_server import HAM, KEY, RunningServer

JSON = {"Content-Type": "application/json"}
MIB = 1 << 20


def assert_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert answer.status_code == status == problem["status"], problem
    assert problem["type"] == f"urn:slipway:problem:{slug}"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
    return problem


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ('{"text": ""}', "#/text", "text is empty"),
        ('{"text": " \\n\\t\\u00a0"}', "#/text", "text contains only white space"),
        ('{"text": []}', "#/text", "text is an empty list"),
        ('{"text": ["a", ""]}', "#/text/1", "text[1] is empty"),
        ('{"text": ["a", 3]}', "#/text/1", "text[1] is not a text"),
        ('{"text": ["a", ["b"]]}', "#/text/1", "text[1] is not a text"),
        ('{"text": 3}', "#/text", "text is neither a text nor a list of texts"),
        ('{"text": null}', "#/text", "text is neither a text nor a list of texts"),
        ('{"text": {"a": "b"}}', "#/text", "text is neither a text nor a list of texts"),
        ("{}", "#/text", "text is required"),
        ('{"text": "a", "truncate": "yes"}', "#/truncate", "truncate is not true or false"),
        ('{"text": "a", "truncate": 1}', "#/truncate", "truncate is not true or false"),
        ('{"text": "a", "te/x~t": 1}', "#/te~1x~0t", "te/x~t is not a field of this request"),
        ('["a"]', "#", "the body is not an object"),
        ("3", "#", "the body is not an object"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_naming_the_place(
    client: httpx.Client, body: str, pointer: str, detail: str
):
    problem = assert_problem(client.post("/predict", content=body, headers=JSON), 422, "invalid-input")
    assert problem["detail"] == detail
    assert problem["errors"][0]["pointer"] == pointer


def test_all_faults_are_named_up_to_twenty(client: httpx.Client):
    problem = assert_problem(client.post("/predict", json={"text": ["a", ""] * 20}), 422, "invalid-input")
    assert problem["detail"] == "text[1] is empty; 20 faults in all"
    assert [error["pointer"] for error in problem["errors"]] == [f"#/text/{at}" for at in range(1, 40, 2)]


def test_of_more_faults_the_first_twenty_are_named(client: httpx.Client):
    problem = assert_problem(client.post("/predict", json={"text": [""] * 30}), 422, "invalid-input")
    assert problem["detail"] == "text[0] is empty; more than 20 faults in all"
    assert len(problem["errors"]) == 20


def test_faults_of_different_kinds_keep_their_own_words_and_places(client: httpx.Client):
    problem = assert_problem(client.post("/predict", json={"text": ["a", 3, "b", ""]}), 422, "invalid-input")
    assert problem["detail"] == "text[1] is not a text; 2 faults in all"
    assert problem["errors"] == [
        {"pointer": "#/text/1", "detail": "is not a text"},
        {"pointer": "#/text/3", "detail": "is empty"},
    ]


def test_the_number_of_texts_is_named_before_their_faults(client: httpx.Client):
    problem = assert_problem(client.post("/predict", json={"text": [3] * 1001}), 422, "invalid-input")
    assert problem["detail"] == "text has 1001 texts; at most 1000 are allowed in one call"


def test_ten_thousand_texts_in_one_call_are_refused(client: httpx.Client):
    problem = assert_problem(client.post("/predict", json={"text": [HAM] * 10_000}), 422, "invalid-input")
    assert problem["detail"] == "text has 10000 texts; at most 1000 are allowed in one call"


def test_a_megabyte_of_text_is_refused_by_its_characters(client: httpx.Client):
    content = b'{"text": "' + b"a" * MIB + b'"}'
    problem = assert_problem(client.post("/predict", content=content, headers=JSON), 422, "invalid-input")
    assert problem["detail"] == "text has more than 20000 characters"


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "\xff\xfe"}',
        b'{"text": "\xed\xa0\x80"}',
        b'{"text": "\\ud800"}',
        b'{"text": "a"',
        b'{"text": "a"} b',
        b"",
        b"text=a",
        b"[" * 900,
        b'\xef\xbb\xbf{"text": "a"}',
    ],
    ids=["utf-8", "surrogate bytes", "lone surrogate", "cut", "more", "empty", "form", "deep", "bom"],
)
def test_what_is_not_json_in_utf_8_is_refused(client: httpx.Client, body: bytes):
    problem = assert_problem(client.post("/predict", content=body, headers=JSON), 400, "invalid-json")
    assert problem["detail"].startswith("the body is not JSON in UTF-8: ")


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_body_at_all_makes_the_server_fail(client: httpx.Client, body: bytes):
    answer = client.post("/predict", content=body, headers=JSON)
    assert answer.status_code in (200, 400, 422)


@settings(max_examples=100, deadline=None)
@given(text=st.text(min_size=1, max_size=300).filter(str.strip))
def test_every_text_gets_a_probability(client: httpx.Client, text: str):
    answer = client.post("/predict", json={"text": text, "truncate": True})
    if answer.status_code == 200:
        assert 0.5 <= answer.json()["proba"] <= 1
    else:  # what Unicode counts as white space and Python does not
        assert answer.json()["detail"] == "text contains only white space"


def test_a_body_over_the_limit_is_refused_by_its_announced_size(server: RunningServer):
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {3 * MIB}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode())  # and not a byte of the body
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_over_the_limit_without_an_announced_size_is_refused(client: httpx.Client):
    content = (b"a" * 65536 for _ in range(64))
    answer = client.post("/predict", content=content, headers=JSON)
    problem = assert_problem(answer, 413, "body-too-large")
    assert problem["detail"].startswith(f"the body has more than {2 * MIB} bytes")


def test_a_client_that_never_ends_its_refused_body_is_cut_off(server: RunningServer):
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: {1 << 40}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"a" * (64 * MIB))


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
def test_another_content_type_is_refused(client: httpx.Client, content_type: str):
    answer = client.post("/predict", content=b'{"text": "a"}', headers={"Content-Type": content_type})
    assert "send application/json" in assert_problem(answer, 415, "unsupported-media-type")["detail"]


def test_a_compressed_body_is_refused(client: httpx.Client):
    answer = client.post("/predict", content=b"a", headers=JSON | {"Content-Encoding": "gzip"})
    assert_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_refused_naming_the_allowed_one(client: httpx.Client, method: str):
    answer = client.request(method, "/predict")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_a_wrong_method_on_a_fastapi_route_is_refused_the_same_way(client: httpx.Client):
    answer = client.post("/health")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] in ("GET", "GET, HEAD")


@pytest.mark.parametrize("path", ["/nothing", "/predict/", "/docs/..%2f..%2fserver.py", "/%ff"])
def test_an_unknown_path_is_told(client: httpx.Client, path: str):
    assert_problem(client.get(path), 404, "path-unknown")


def test_a_service_without_jobs_says_how_they_are_turned_on(client: httpx.Client):
    for answer in (client.post("/jobs", json={"request": {"text": "a"}}), client.get("/jobs/job-1")):
        assert_problem(answer, 404, "path-unknown")
        assert "`jobs: true`" in answer.json()["detail"]


def raw(server: RunningServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while b"}" not in answer and (part := connection.recv(65536)):
            answer += part
        return answer


def test_what_is_not_http_is_told(server: RunningServer):
    answer = raw(server, b"hello\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


def test_a_head_without_an_end_is_refused(server: RunningServer):
    answer = raw(server, b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 70_000)
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_client_that_leaves_does_not_disturb_the_others(server: RunningServer, client: httpx.Client):
    body = ('{"text": [' + ", ".join(['"a b c"'] * 1000) + "]}").encode()
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\nX-Request-ID: leaver\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
    assert client.post("/predict", json={"text": HAM}).is_success
    left = server.wait_for(lambda: [line for line in server.log if line.get("request_id") == "leaver"], 1)
    assert left[0]["status"] == 499

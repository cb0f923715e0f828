import http.client
import json
import re

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, HAM, KEY, RunningServer, running_server

BODY = {"text": HAM}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Basic {KEY}",
        KEY,
        f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY.upper()}",
        "Bearer a-wrong-key-of-24-letter",
        "Bearer ключ",
    ],
)
def test_without_the_right_key_nothing_is_predicted(stranger: httpx.Client, authorization: str | None):
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    answer = stranger.post("/predict", json=BODY, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer realm=")
    assert KEY not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_right_key_is_taken_whatever_the_case_of_its_scheme(stranger: httpx.Client, scheme: str):
    answer = stranger.post("/predict", json=BODY, headers={"Authorization": f"{scheme} {KEY}"})
    assert answer.status_code == 200


def test_the_key_is_asked_before_anything_of_the_body_is_judged(stranger: httpx.Client):
    assert (
        stranger.post("/predict", content=b"\xff", headers={"Content-Type": "text/plain"}).status_code == 401
    )


@pytest.mark.parametrize("path", ["/alive", "/ready", "/health", "/", "/openapi.json"])
def test_probes_and_pages_need_no_key(stranger: httpx.Client, path: str):
    assert stranger.get(path).status_code == 200
    assert stranger.head(path).status_code == 200


def test_a_server_without_the_local_page_session_sets_no_cookie(stranger: httpx.Client):
    page = stranger.get("/")
    assert "set-cookie" not in page.headers
    assert 'data-key="needed"' in page.text


def page_link(server: RunningServer) -> str:
    """Return a link as `slipway up` prints it."""
    answer = httpx.post(f"{server.url}/page-link", headers=AUTHORIZED)
    assert answer.status_code == 200
    return server.url + answer.json()["link"]


def page_cookie(server: RunningServer) -> str:
    return httpx.get(page_link(server)).headers["set-cookie"].partition(";")[0]


def predict_with(server: RunningServer, headers: dict[str, str]) -> int:
    """Status of a call whose every header, Host included, is the given one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        body = json.dumps(BODY)
        connection.putrequest("POST", "/predict", skip_host=True, skip_accept_encoding=True)
        length = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
        for name, value in (length | headers).items():
            connection.putheader(name, value)
        connection.endheaders(body.encode())
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_local_page_predicts_with_its_cookie_instead_of_the_key(local_server: RunningServer):
    opened = httpx.get(page_link(local_server))
    assert (opened.status_code, opened.headers["location"], opened.content) == (303, "/", b"")
    attributes = opened.headers["set-cookie"].split("; ")[1:]
    assert attributes == ["HttpOnly", "SameSite=Strict", "Path=/"]
    cookie = {"Cookie": opened.headers["set-cookie"].partition(";")[0]}
    page = httpx.get(local_server.url, headers=cookie)
    assert 'data-key="not-needed"' in page.text
    assert "set-cookie" not in page.headers
    assert httpx.post(f"{local_server.url}/predict", json=BODY, headers=cookie).status_code == 200


def test_another_user_of_the_machine_gets_no_session_by_opening_the_page(local_server: RunningServer):
    page = httpx.get(local_server.url)
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert 'data-key="needed"' in page.text


def test_a_link_works_once_and_its_address_is_clean_in_any_case(local_server: RunningServer):
    link = page_link(local_server)
    answers = [httpx.get(link) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303] * 3
    assert [answer.headers["location"] for answer in answers] == ["/"] * 3
    assert ["set-cookie" in answer.headers for answer in answers] == [True, False, False]


@pytest.mark.parametrize("query", ["?token=", "?token=guess", "?token=%C3%A9", "?token", "?Token={token}"])
def test_a_token_that_was_not_given_out_gives_no_session(local_server: RunningServer, query: str):
    token = page_link(local_server).partition("=")[2]
    answer = httpx.get(f"{local_server.url}/{query.format(token=token)}")
    assert "set-cookie" not in answer.headers


def test_looking_at_a_links_head_does_not_use_it_up(local_server: RunningServer):
    link = page_link(local_server)
    assert "set-cookie" not in httpx.head(link).headers
    assert "set-cookie" in httpx.get(link).headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1:1"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "203.0.113.7"},
    ],
)
def test_a_link_gives_nothing_through_a_name_or_a_proxy_and_stays_good(
    local_server: RunningServer, headers: dict[str, str]
):
    link = page_link(local_server)
    sent = {name: value.format(port=local_server.port) for name, value in headers.items()}
    assert "set-cookie" not in httpx.get(link, headers=sent).headers
    assert "set-cookie" in httpx.get(link).headers


def test_a_proxy_that_rewrites_host_hands_no_session_to_strangers(local_server: RunningServer):
    host = f"127.0.0.1:{local_server.port}"
    strangers = {"Host": host, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "models.example"}
    assert "set-cookie" not in httpx.get(local_server.url, headers=strangers).headers
    assert (
        "set-cookie" not in httpx.get(local_server.url, headers={"Host": host}).headers
    )  # one that adds none
    assert predict_with(local_server, strangers | {"Cookie": page_cookie(local_server)}) == 401


@pytest.mark.parametrize("authorization", [None, "Bearer a-wrong-key-of-24-letter", "Bearer"])
def test_only_the_key_gets_a_link_not_a_session(local_server: RunningServer, authorization: str | None):
    headers = {"Cookie": page_cookie(local_server)}
    headers |= {} if authorization is None else {"Authorization": authorization}
    assert httpx.post(f"{local_server.url}/page-link", headers=headers).status_code == 401


def test_links_that_nobody_opens_are_forgotten_the_oldest_first(local_server: RunningServer):
    links = [page_link(local_server) for _ in range(17)]
    assert "set-cookie" not in httpx.get(links[0]).headers
    assert "set-cookie" in httpx.get(links[1]).headers


def test_the_log_holds_no_token(local_server: RunningServer):
    link = page_link(local_server)
    httpx.get(link)
    assert link.partition("=")[2] not in local_server.log_text


def test_without_the_local_page_session_there_is_no_link_to_ask_for(client: httpx.Client):
    assert client.post("/page-link").status_code == 404
    assert client.get("/?token=a").status_code == 200


def test_the_local_server_still_takes_the_key_and_refuses_a_wrong_one(local_server: RunningServer):
    url, cookie = f"{local_server.url}/predict", {"Cookie": page_cookie(local_server)}
    assert httpx.post(url, json=BODY, headers=AUTHORIZED).status_code == 200
    assert httpx.post(url, json=BODY).status_code == 401
    wrong = cookie | {"Authorization": "Bearer a-wrong-key-of-24-letter"}
    assert httpx.post(url, json=BODY, headers=wrong).status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
@pytest.mark.parametrize("send_origin", [True, False])
def test_the_cookie_is_taken_from_this_machines_own_names(
    local_server: RunningServer, host: str, send_origin: bool
):
    host = host.format(port=local_server.port)
    headers = {"Host": host, "Cookie": page_cookie(local_server)}
    assert predict_with(local_server, headers | ({"Origin": f"http://{host}"} if send_origin else {})) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:{port}"},
        {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Host": "127.0.0.1:{port}", "Origin": "http://evil.example"},
        {"Host": "127.0.0.1:{port}", "Origin": "https://127.0.0.1:{port}"},
        {"Host": "127.0.0.1:{port}", "Origin": "http://localhost:{port}"},
        {"Host": "127.0.0.1:{port}", "Origin": "null"},
        {"Host": "127.0.0.1:{port}", "Cookie": "slipway-page-{port}=guess"},
        {"Host": "127.0.0.1:{port}", "Cookie": "slipway-page-{port}="},
        {"Host": "127.0.0.1:{port}", "Cookie": ";;=;"},
    ],
)
def test_the_cookie_is_refused_from_anywhere_else(local_server: RunningServer, headers: dict[str, str]):
    sent = {name: value.format(port=local_server.port) for name, value in headers.items()}
    assert predict_with(local_server, {"Cookie": page_cookie(local_server)} | sent) == 401


def test_a_name_that_resolves_to_this_machine_gets_no_cookie(local_server: RunningServer):
    page = httpx.get(local_server.url, headers={"Host": f"evil.example:{local_server.port}"})
    assert "set-cookie" not in page.headers
    assert 'data-key="needed"' in page.text


def test_forwarded_headers_do_not_make_a_caller_local(local_server: RunningServer):
    headers = {"Host": "evil.example", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "127.0.0.1"}
    assert predict_with(local_server, headers | {"Cookie": page_cookie(local_server)}) == 401


def test_a_cookie_ends_with_the_process_that_gave_it(
    local_server: RunningServer, tmp_path_factory: pytest.TempPathFactory
):
    log = tmp_path_factory.mktemp("other") / "log"
    with running_server(log, LOCAL_PAGE_SESSION="true") as other:
        value = page_cookie(local_server).partition("=")[2]
        cookie = {"Host": f"127.0.0.1:{other.port}", "Cookie": f"slipway-page-{other.port}={value}"}
        assert predict_with(other, cookie) == 401


def test_no_answer_tells_the_key(server: RunningServer, stranger: httpx.Client):
    told = [stranger.get(path) for path in ("/", "/health", "/openapi.json", "/alive", "/nothing")]
    assert not any(re.search(KEY, answer.text + str(answer.headers)) for answer in told)

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from slipway.service.jobs.job import DueWebhook, Job, JobState
from slipway.service.webhooks.address import WebhookAddress
from slipway.service.webhooks.call import Caller, CallFailed
from slipway.service.webhooks.sender import PAUSES_SECONDS, WebhookSender
from slipway.service.webhooks.signature import signing_key
from tests.service.webhooks.https_server import HOST, HttpsServer, answered, https_server

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
KEY = signing_key(SECRET)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpsServer]:
    with https_server(tmp_path) as running:
        yield running


async def here(host: str, port: int) -> Sequence[str]:
    """Resolve every name to this machine, as a DNS server of the tests' own would."""
    del host, port
    return ["127.0.0.1"]


def caller(server: HttpsServer, seconds: float = 20) -> Caller:
    """Trust the tests' CA, and let this machine count as public."""
    return Caller(server.trust, here, lambda address: address == "127.0.0.1", seconds)


def posted(with_caller: Caller, url: str, body: bytes = b"{}") -> int:
    return asyncio.run(with_caller.post(WebhookAddress.parse(url), {}, body))


def refused(with_caller: Caller, url: str) -> str:
    with pytest.raises(CallFailed) as caught:
        posted(with_caller, url)
    return caught.value.cause


def test_a_call_reaches_the_server_whose_certificate_has_the_name(server: HttpsServer):
    assert posted(caller(server), f"{server.url}/hook?a=b", b'{"x":1}') == 204
    [received] = server.received
    assert (received.path, received.body) == ("/hook?a=b", b'{"x":1}')
    assert received.headers["host"] == f"{HOST}:{server.port}"
    assert received.headers["content-type"] == "application/json"


def test_a_private_address_is_not_connected_to(server: HttpsServer):
    assert refused(Caller(server.trust, here), f"{server.url}/") == "forbidden"
    assert server.received == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(server: HttpsServer):
    async def mixed(host: str, port: int) -> Sequence[str]:
        del host, port
        return ["127.0.0.1", "10.0.0.1"]

    allowing = Caller(server.trust, mixed, lambda address: address == "127.0.0.1")
    assert refused(allowing, f"{server.url}/") == "forbidden"
    assert server.received == []


def test_the_name_is_resolved_once_for_a_call(server: HttpsServer):
    """A second answer, of a name that changes (DNS rebinding), is never asked for."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def changing(host: str, port: int) -> Sequence[str]:
        del host, port
        return answers.pop(0)

    allowing = Caller(server.trust, changing, lambda address: address == "127.0.0.1")
    assert posted(allowing, f"{server.url}/") == 204
    assert answers == [["169.254.169.254"]]


def test_a_redirect_is_not_followed(server: HttpsServer):
    server.answer = lambda handler: answered(handler, 307, Location=f"{server.url}/other")
    assert refused(caller(server), f"{server.url}/hook") == "redirect"
    assert [each.path for each in server.received] == ["/hook"]


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_any_other_status_than_success_is_a_failure(server: HttpsServer, status: int):
    server.answer = lambda handler: answered(handler, status)
    assert refused(caller(server), f"{server.url}/") == "status"


def test_a_certificate_of_another_authority_is_not_trusted(server: HttpsServer):
    others = Caller(ssl.create_default_context(), here, lambda _: True)
    assert refused(others, f"{server.url}/") == "tls"
    assert server.received == []


def test_a_certificate_of_another_name_is_not_trusted(server: HttpsServer):
    assert refused(caller(server), f"https://other.example.com:{server.port}/") == "tls"


def test_a_server_that_answers_nothing_ends_the_call_in_time(server: HttpsServer):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert refused(caller(server, seconds=0.2), f"https://{HOST}:{port}/") == "timeout"


def test_an_answer_without_an_end_is_not_read_on(server: HttpsServer):
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            handler.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    server.answer = endless
    assert refused(caller(server), f"{server.url}/") == "protocol"


def test_the_body_of_an_answer_is_not_waited_for(server: HttpsServer):
    def large(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")

    server.answer = large
    assert posted(caller(server), f"{server.url}/") == 200


def test_what_is_no_http_is_a_failure(server: HttpsServer):
    server.answer = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n") and None
    assert refused(caller(server), f"{server.url}/") == "protocol"


def test_a_name_without_an_address_is_a_failure(server: HttpsServer):
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    assert refused(Caller(server.trust, unknown), f"{server.url}/") == "unresolved"


class Store:
    """The webhooks of a job database: what is due, and how each was settled."""

    def __init__(self, *due: DueWebhook) -> None:
        self.due = list(due)
        self.settled: list[tuple[str, float | None]] = []

    async def due_webhooks(self, limit: int, lease_seconds: float) -> Sequence[DueWebhook]:
        del lease_seconds
        taken, self.due = self.due[:limit], self.due[limit:]
        return taken

    async def webhook_tried(self, id: str, again_after_seconds: float | None) -> None:
        self.settled.append((id, again_after_seconds))


def ended_job(id: str = "job-1") -> Job:
    return Job(
        id=id,
        caller="default",
        route="/predict",
        state=JobState.SUCCEEDED,
        done=1,
        total=1,
        attempts=1,
        created=1000.0,
        started=1001.0,
        ended=1002.0,
        expires=2000.0,
        priority=0,
        result=b'{"label":"a secret result"}',
    )


def sent(store: Store, server: HttpsServer, hosts: list[str] | None = None) -> list[str]:
    """Send what is due once, and return the outcomes."""
    outcomes: list[str] = []
    named = [HOST] if hosts is None else hosts
    sender = WebhookSender(store, caller(server), KEY, named, outcomes.append, now=lambda: 1234.5)  # pyright: ignore[reportArgumentType]
    asyncio.run(sender.send_due())
    return outcomes


def test_a_webhook_is_signed_as_standard_webhooks_are(server: HttpsServer):
    store = Store(DueWebhook(ended_job(), f"{server.url}/hook", 0))
    assert sent(store, server) == ["delivered"]
    [received] = server.received
    assert received.headers["webhook-id"] == "msg_job-1"
    assert received.headers["webhook-timestamp"] == "1234"
    content = b"msg_job-1.1234." + received.body
    digest = base64.b64encode(hmac.new(bytes(range(24)), content, hashlib.sha256).digest()).decode()
    assert received.headers["webhook-signature"] == f"v1,{digest}"


def test_the_signature_is_that_of_the_specifications_own_example():
    """The vector of the libraries of Standard Webhooks, as in their test of `sign`."""
    from slipway.service.webhooks.signature import signed_headers

    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_says_the_id_and_the_state_and_nothing_of_the_work(server: HttpsServer):
    sent(Store(DueWebhook(ended_job(), server.url, 0)), server)
    assert json.loads(server.received[0].body) == {
        "type": "job.succeeded",
        "timestamp": "1970-01-01T00:16:42Z",
        "data": {"id": "job-1", "state": "succeeded"},
    }


def test_a_delivered_webhook_is_settled(server: HttpsServer):
    store = Store(DueWebhook(ended_job(), server.url, 3))
    sent(store, server)
    assert store.settled == [("job-1", None)]


def test_a_webhook_that_fails_comes_again_later_each_time(server: HttpsServer):
    server.answer = lambda handler: answered(handler, 500)
    for tries, pause in enumerate(PAUSES_SECONDS):
        store = Store(DueWebhook(ended_job(), server.url, tries))
        assert sent(store, server) == ["failed"]
        [(_, again)] = store.settled
        assert again is not None
        assert pause <= again <= 1.2 * pause


def test_a_webhook_is_given_up_after_the_last_try(server: HttpsServer):
    server.answer = lambda handler: answered(handler, 500)
    store = Store(DueWebhook(ended_job(), server.url, len(PAUSES_SECONDS)))
    assert sent(store, server) == ["given_up"]
    assert store.settled == [("job-1", None)]


def test_a_host_that_is_no_longer_named_is_not_called(server: HttpsServer):
    store = Store(DueWebhook(ended_job(), server.url, 0))
    assert sent(store, server, hosts=["elsewhere.example.com"]) == ["failed"]
    assert server.received == []


@pytest.mark.parametrize("secret", ["short", "whsec_not base64!", "whsec_" + base64.b64encode(b"x").decode()])
def test_a_secret_that_signs_nothing_worth_it_is_refused(secret: str):
    with pytest.raises(ValueError, match=r"bytes|base64"):
        signing_key(secret)

"""Which addresses an environment tells the server to call."""

from typing import Any

import pytest

from slipway.components.endpoints import Endpoint, endpoints_of, later_address_warnings


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("AWS_ENDPOINT_URL", "http://minio:9000", [Endpoint(9000, name="minio")]),
        ("AWS_ENDPOINT_URL_S3", "https://s3.example.com/base", [Endpoint(443, name="s3.example.com")]),
        (
            "HTTPS_PROXY",
            "http://user:word@proxy.example.com:3128/",
            [Endpoint(3128, name="proxy.example.com")],
        ),
        ("https_proxy", "proxy:3128", [Endpoint(3128, name="proxy")]),
        ("ALL_PROXY", "socks5h://10.1.2.3", [Endpoint(1080, "10.1.2.3")]),
        ("HTTP_PROXY", "proxy", [Endpoint(1080, name="proxy")]),  # curl.se/docs/manpage.html#-x
        ("QUEUE", "http://[fd00::7]:81", [Endpoint(81, "fd00::7")]),
    ],
)
def test_an_address_is_called_on_its_port(name: str, value: str, found: list[Endpoint]) -> None:
    assert list(endpoints_of({name: value})) == found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NO_PROXY", "10.0.0.0/8,.internal"),
        ("AWS_ENDPOINT_URL", "http://localhost:9000"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"),
        ("AWS_ENDPOINT_URL", "http://minio:port"),
        ("LOG_LEVEL", "debug"),
        ("HTTPS_PROXY", ""),
        ("PATTERN", "//x/y"),
    ],
)
def test_what_is_no_address_outside_the_machine_opens_nothing(name: str, value: str) -> None:
    assert endpoints_of({name: value}) == ()


def test_the_same_endpoint_is_found_once_and_an_address_keeps_its_network() -> None:
    env = {"A_URL": "http://a:9000", "B_URL": "http://a:9000/b", "C_URL": "http://10.0.0.7:9000"}
    assert [(e.port, e.network) for e in endpoints_of(env)] == [(9000, ""), (9000, "10.0.0.7/32")]


def test_an_address_that_is_known_later_is_warned_of() -> None:
    later: Any = object()  # stands for an Output, which needs a running program
    env = {"AWS_ENDPOINT_URL": later, "TEAM": later, "A_URL": "x"}
    [warning] = later_address_warnings(env, "the policy")
    assert "AWS_ENDPOINT_URL, whose value is known only later: the policy has no rule" in warning

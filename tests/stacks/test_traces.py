"""A stack that traces or samples payloads builds an image with what the server needs for it."""

import pytest

from tests.stacks.targets import planned


def build_argument(name: str, target: str, **values: str) -> str | None:
    plan = planned(target, **values)
    [image] = [r for r in plan.resources if r.type == "docker-build:index:Image"]
    return dict(image.inputs["buildArgs"]).get(name)


def otlp(target: str, **values: str) -> str | None:
    return build_argument("OTLP", target, **values)


@pytest.mark.parametrize("target", ["cloud-run", "gke", "fargate", "kubernetes"])
def test_the_client_is_in_the_image_only_where_traces_are_sent(target: str) -> None:
    assert otlp(target) is None
    assert otlp(target, traces="off") is None
    assert otlp(target, traces="http://tempo:4318") == "1"
    assert otlp(target, env='{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://tempo:4318"}') == "1"


@pytest.mark.parametrize("target", ["cloud-run", "gke", "fargate", "kubernetes"])
def test_the_recognisers_are_in_the_image_only_where_payloads_are_sampled(target: str) -> None:
    assert build_argument("PAYLOAD", target) is None
    assert build_argument("PAYLOAD", target, env='{"PAYLOAD_SHARE": "0"}') is None
    assert build_argument("PAYLOAD", target, env='{"PAYLOAD_SHARE": "0.001"}') == "1"
    own = build_argument("PAYLOAD", target, env='{"PAYLOAD_SHARE": "1"}', buildArgs='{"PAYLOAD": ""}')
    assert own == ""


@pytest.mark.parametrize(("target", "client"), [("cloud-run", "google"), ("gke", "google"), ("fargate", "1")])
def test_only_googles_store_needs_googles_login(target: str, client: str) -> None:
    assert otlp(target, traces="cloud") == client

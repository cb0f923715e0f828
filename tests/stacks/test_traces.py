"""A stack that traces builds an image with the client that its store needs."""

import pytest

from tests.stacks.targets import planned


def otlp(target: str, **values: str) -> str | None:
    plan = planned(target, **values)
    [image] = [r for r in plan.resources if r.type == "docker-build:index:Image"]
    return dict(image.inputs["buildArgs"]).get("OTLP")


@pytest.mark.parametrize("target", ["cloud-run", "gke", "fargate", "kubernetes"])
def test_the_client_is_in_the_image_only_where_traces_are_sent(target: str) -> None:
    assert otlp(target) is None
    assert otlp(target, traces="off") is None
    assert otlp(target, traces="http://tempo:4318") == "1"


@pytest.mark.parametrize(("target", "client"), [("cloud-run", "google"), ("gke", "google"), ("fargate", "1")])
def test_only_googles_store_needs_googles_login(target: str, client: str) -> None:
    assert otlp(target, traces="cloud") == client

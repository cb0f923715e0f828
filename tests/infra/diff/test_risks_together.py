"""Risks of a whole stack, of several resources together, and of what follows a change."""

from dataclasses import replace

import pytest

from slipway.infra.diff.model import Action
from slipway.infra.diff.risks import risks_of
from tests.infra.diff.plans import (
    CLUSTER,
    DEPLOYMENT,
    GPU,
    IMAGE,
    POOL,
    RUN,
    SECRET,
    SERVICE,
    VPC,
    changed,
    difference,
    resource,
    risks,
    service,
    side,
    urn_of,
)


def test_the_worst_stands_first() -> None:
    before = side(resource(RUN, "svc", {"location": "a"}), resource(SERVICE, "api", service(public=False)))
    after = side(
        resource(RUN, "svc", {"location": "b"}),
        resource(SERVICE, "api", service(public=True, max_replicas=9)),
    )
    levels = [level for level, _ in risks(difference(before, after))]
    assert levels == sorted(levels, key=["high", "medium", "low"].index)
    assert risks(difference(before, after))[0] == ("high", "opens the service to the internet")


def test_a_removed_stack_is_said_to_stay_in_the_cloud() -> None:
    diff = difference(side(resource(RUN, "svc", {}), resource(CLUSTER, "c", {})), None)
    [risk] = risks_of(diff)
    assert risk.text == "removes the stack dev, of 2 resources"
    assert "pulumi destroy --stack dev" in risk.detail


def test_a_new_stack_is_said_to_be_new_and_open_where_it_is() -> None:
    diff = difference(None, side(resource(RUN, "svc", {}), resource(SERVICE, "api", service(public=True))))
    assert risks(diff) == [
        ("medium", "makes a service that is open to the internet"),
        ("low", "adds the stack dev, of 1 resource"),
    ]


def test_a_service_of_another_project_is_new_and_opens_nothing_that_was_closed() -> None:
    before = side(resource(RUN, "svc", {}), resource(SERVICE, "api", service(public=False)))
    after = side(resource(RUN, "svc", {}), resource(SERVICE, "api", service(public=True)))
    diff = difference(before, replace(after, plan=replace(after.plan, project="other")))
    assert {change.action for change in diff.changed} == {Action.CREATE}
    assert risks(diff) == [
        ("high", "makes everything anew: to Pulumi the project other is another than demo"),
        ("medium", "makes a service that is open to the internet"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"secrets.A": "1"}, ("medium", "adds the secret A")),
        ({"secrets.A": "1"}, {}, ("medium", "removes the secret A from the service")),
        (
            {"secrets.A": "1"},
            {"secrets.A": "2"},
            ("medium", "changes the secret A: the service restarts with it"),
        ),
        (
            {"apiKey": "1"},
            {"apiKey": "2"},
            ("high", "rotates the API key: callers that have the old one are refused"),
        ),
    ],
)
def test_a_changed_secret_of_the_stack_file_is_said(
    before: dict[str, str], after: dict[str, str], said: tuple[str, str]
) -> None:
    one = resource(RUN, "svc", {})
    assert said in risks(difference(side(one, ciphers=before), side(one, ciphers=after)))


def test_renamed_resources_are_said_once_with_what_an_alias_would_keep() -> None:
    before = side(
        resource(VPC, "old-a", {"tags": {"t": "1"}}),
        resource(SECRET, "old-b", {"secretId": "s1", "p": 1, "q": 2}),
    )
    after = side(
        resource(VPC, "new-a", {"tags": {"t": "1"}}),
        resource(SECRET, "new-b", {"secretId": "s2", "p": 1, "q": 2}),
    )
    [risk] = [risk for risk in risks_of(difference(before, after)) if "without an alias" in risk.text]
    assert "replaces 2 resources" in risk.text
    assert "keeps 1 of them" in risk.detail


def test_a_service_that_is_deleted_before_its_successor_is_said_to_stay_away_where_that_fails() -> None:
    inputs = ({"metadata": {"namespace": namespace}} for namespace in ("a", "b"))
    sides = [side(resource(DEPLOYMENT, "x", each, delete_before_replace=True)) for each in inputs]
    [risk] = risks_of(difference(*sides))
    assert risk.detail == (
        "Forced by metadata.namespace. The old one is deleted first: "
        "if the new one does not get ready, there is none until the change is taken back."
    )


def test_another_cluster_replaces_all_that_is_in_it() -> None:
    provider, objects = "pulumi:providers:kubernetes", {"metadata": {"name": "x"}}
    sides = [
        side(
            resource(provider, "p", {"clusterIdentifier": cluster}),
            resource(DEPLOYMENT, "x", objects, provider=urn_of(provider, "p")),
        )
        for cluster in ("a", "b")
    ]
    diff = difference(*sides)
    assert [(change.name, change.action, change.forced_by) for change in diff.resources[:2]] == [
        ("x", Action.REPLACE, ("another provider",)),
        ("p", Action.REPLACE, ("clusterIdentifier",)),
    ]


def test_an_identifier_that_a_cluster_gets_for_the_first_time_replaces_nothing() -> None:
    diff = changed("pulumi:providers:kubernetes", {}, {"clusterIdentifier": "a"})
    assert "replace" not in diff.counts()


def test_a_node_pool_that_only_grows_stops_nothing() -> None:
    before, after = {**GPU, "autoscaling": {"maxNodeCount": 3}}, {**GPU, "autoscaling": {"maxNodeCount": 5}}
    assert risks(changed(POOL, before, after)) == []


def test_what_follows_a_new_image_is_a_rollout() -> None:
    image = urn_of(IMAGE, "image")
    sides = [
        side(
            resource(IMAGE, "image", {"buildArgs": {"A": value}}),
            resource(DEPLOYMENT, "pods", {"spec": "[unknown]"}, uses={"spec": (image,)}),
        )
        for value in ("1", "2")
    ]
    assert risks(difference(*sides)) == [
        ("medium", "rebuilds the image"),
        ("low", "rolls out a new revision of pods"),
    ]

"""The record of a rollout in the cluster, which two commands write at once."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from slipway.components.rollouts.states import BACK
from slipway.infra.errors import Refused
from slipway.infra.targets.kubectl import KubernetesPlace
from slipway.infra.targets.kubernetes_objects import Changed, ServiceObjects
from slipway.infra.targets.kubernetes_record import PROMOTE, ClusterRecord, KubernetesRollout, WentBack

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "uid": "1"}}
ROLLOUT = KubernetesRollout("canary", 3, 4, 0.0, "ann@laptop", 25, 300)


class Cluster(ServiceObjects):
    """Keeps ConfigMaps as an API server does: a replacement of another version is refused."""

    kept: dict[str, dict[str, Any]]
    versions: int

    def __init__(self) -> None:
        super().__init__(KubernetesPlace("kubernetes", "api", "api"))
        object.__setattr__(self, "kept", {})
        object.__setattr__(self, "versions", 0)

    def one(self, kind: str, name: str, *options: str) -> dict[str, Any] | None:
        return self.kept.get(name)

    def create(self, body: Mapping[str, Any]) -> None:
        if body["metadata"]["name"] in self.kept:
            raise Changed
        self._keep(body)

    def replace(self, body: Mapping[str, Any]) -> None:
        known = self.kept[body["metadata"]["name"]]["metadata"]["resourceVersion"]
        if body["metadata"]["resourceVersion"] != known:
            raise Changed
        self._keep(body)

    def _keep(self, body: Mapping[str, Any]) -> None:
        object.__setattr__(self, "versions", self.versions + 1)
        metadata = {**body["metadata"], "resourceVersion": str(self.versions)}
        self.kept[metadata["name"]] = {**body, "metadata": metadata}


def test_a_second_rollout_is_refused_until_the_first_ends_or_is_silent() -> None:
    cluster = Cluster()
    first, second = ClusterRecord(cluster), ClusterRecord(cluster)
    begun = first.begin(ROLLOUT, DEPLOYMENT)
    with pytest.raises(Refused, match="A rollout of api runs already, by ann@laptop"):
        second.begin(ROLLOUT, DEPLOYMENT)
    first.end(begun, BACK, "it was bad")
    assert second.begin(ROLLOUT, DEPLOYMENT).is_driven
    [body] = cluster.kept.values()
    assert body["metadata"]["ownerReferences"][0]["uid"] == "1"


def test_of_two_commands_that_begin_at_once_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    ClusterRecord(cluster).begin(ROLLOUT, DEPLOYMENT)
    late = ClusterRecord(cluster)
    late.end(late.read().rollout or ROLLOUT, BACK)
    early = ClusterRecord(cluster)
    read = late.read

    def read_then_lose() -> ClusterRecord:
        found = read()
        if early.rollout is None:
            early.begin(ROLLOUT, DEPLOYMENT)
        return found

    monkeypatch.setattr(late, "read", read_then_lose)
    with pytest.raises(Refused, match="runs already"):
        late.begin(ROLLOUT, DEPLOYMENT)


def test_a_request_and_a_look_at_once_are_both_kept() -> None:
    cluster = Cluster()
    driver, person = ClusterRecord(cluster), ClusterRecord(cluster)
    begun = driver.begin(ROLLOUT, DEPLOYMENT)
    person.read().ask(PROMOTE)
    driver.note(begun)
    assert driver.read().asked == PROMOTE
    driver.ask("")
    assert person.read().asked == ""


def test_what_went_back_stays_refused_whatever_came_between() -> None:
    record = ClusterRecord(Cluster())
    record.hold_against(WentBack("bad", "40 of 440 requests failed", time.time()), DEPLOYMENT)
    record.hold_against(WentBack("worse", "it leaks", time.time()))
    assert [record.read().held_against(each) is None for each in ("bad", "worse", "good")] == [
        False,
        False,
        True,
    ]
    record.forgive("bad")
    assert (record.read().held_against("bad"), record.has_any) == (None, True)
    record.forgive("worse")
    assert not record.read().has_any

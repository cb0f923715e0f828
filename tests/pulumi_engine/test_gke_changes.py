"""Changes of a live `GkeCluster` on the real engine, in a project that enforces what Google enforces."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from slipway.components.gke import GkeCluster, GkeClusterArgs, GpuSharing
from tests.pulumi_engine.live import FULL, Args, Changes, Live, each_of, lives
from tests.pulumi_engine.strict.account import Account, Invariant
from tests.pulumi_engine.strict.google import PROJECT, REGION, Existing, google_account

pytestmark = pytest.mark.pulumi_engine

PLAIN: dict[str, Any] = {"project": PROJECT, "location": REGION, "deletion_protection": False}
L4: dict[str, Any] = {"gpu": "nvidia-l4", "gpu_max_nodes": 4}
IMAGE = f"{REGION}-docker.pkg.dev/{PROJECT}/shared/api@sha256:{'a' * 64}"


def program(args: Mapping[str, Any]) -> Callable[[], None]:
    return lambda: GkeCluster("api", cast("GkeClusterArgs", {**PLAIN, **args})) and None


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run an engine on a project with only what exists before; destroy what a test created."""
    account = google_account()
    Existing.into(account)
    with lives(tmp_path, account, program, "gcp") as live:
        yield live
    assert account.left() == set()


# Changes that only add nodes, or move the pods to new nodes before the old ones go.
ROLLING: Changes = {
    "a GPU": ({}, L4),
    "a larger machine": (L4, {**L4, "machine_type": "g2-standard-8"}),
    "a larger disk": (L4, {**L4, "disk_gib": 200}),
    "Spot": (L4, {**L4, "spot": True}),
    "a GPU in turn": (L4, {**L4, "gpu_sharing": GpuSharing.TIME_SHARING, "gpu_clients": 4}),
    "public nodes": ({}, {"private_nodes": False}),
    "an account of one's own": (L4, {**L4, "node_service_account": Existing.email}),
    "an image of one repository": ({}, {"image_ref": IMAGE}),
    "more nodes": (L4, {**L4, "gpu_max_nodes": 8, "cpu_max_nodes": 6}),
}
# Changes that delete the cluster first, because its name is taken while it is there.
MOVES: Changes = {
    "another region": (L4, {**L4, "location": "us-central1"}),
    "a zone": (L4, {**L4, "location": f"{REGION}-a"}),
    "another project": (L4, {**L4, "project": "acme-dev"}),
    "another network": (L4, {**L4, "network": "inner", "subnetwork": "nodes"}),
    "an existing cluster": (L4, {**L4, "cluster": Existing.cluster}),
}
OF_EACH_KIND = ("a larger machine", "an account of one's own", "another region", "an existing cluster")
ALL: Changes = {**ROLLING, **MOVES}


@each_of(ALL if FULL else {name: ALL[name] for name in OF_EACH_KIND})
def test_a_change_that_failed_goes_on_or_is_taken_back(live: Live, one: Args, other: Args) -> None:
    live.fail_go_on_and_go_back(one, other)
    assert live.is_as_wanted(**one)


@each_of(ALL)
def test_a_cluster_is_changed_and_changed_back(live: Live, one: Args, other: Args) -> None:
    live.up(**one)
    live.up(**other)
    assert live.is_as_wanted(**other)
    live.up(**one)
    assert live.is_as_wanted(**one)


@each_of(ROLLING)
def test_nodes_run_all_the_while_they_are_changed_and_changed_back(
    live: Live, one: Args, other: Args
) -> None:
    live.up(**one)
    kept = {"api-cluster", "api-cpu-pool", *(["api-gpu-pool"] if "gpu" in one else [])}
    live.account.invariants += (always_there(kept),)
    live.up(**other)
    live.up(**one)
    assert live.account.noticed == []


def always_there(names: set[str]) -> Invariant:
    """Return the invariant that something of each name is there."""

    def missing(account: Account) -> Iterator[str]:
        yield from names - {thing.name for thing in account.things.values()}

    return missing


def test_a_protected_cluster_is_moved_in_two_steps(live: Live) -> None:
    protected = {"deletion_protection": True}
    live.up(**protected)
    moved = {"location": "us-central1"}
    assert "marked for protection" in live.preview(**protected, **moved, ok=False)
    live.up()
    live.up(**moved)
    assert live.is_as_wanted(**moved)


def test_both_steps_in_one_are_taken_back_and_made_one_after_the_other(live: Live) -> None:
    """The engine looks at the protection that is wanted, and the provider at the one before."""
    moved = {"location": "us-central1"}
    live.up(deletion_protection=True)
    assert "deletion_protection is set to true" in live.fails(**moved)
    live.up()
    live.up(**moved)
    assert live.is_as_wanted(**moved)

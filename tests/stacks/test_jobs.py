"""A stack that takes jobs builds an image for them, and its cluster has room for the workers."""

import pytest

from slipway.infra.plan.run import Plan
from tests.stacks.targets import IMAGES, planned

POOL = "gcp:container/nodePool:NodePool"
WORKER = "api-worker"


def build_arguments(plan: Plan) -> dict[str, str]:
    [image] = [r for r in plan.resources if r.type == "docker-build:index:Image"]
    return dict(image.inputs["buildArgs"])


@pytest.mark.parametrize("target", ["gke", "kubernetes"])
def test_the_image_has_what_jobs_need_only_where_jobs_are_taken(target: str) -> None:
    assert "JOBS" not in build_arguments(planned(target))
    found = build_arguments(planned(target, jobs="true"))
    assert found["JOBS"] == "1"
    assert "BUCKETS" not in found
    files = planned(target, jobs="true", jobFiles='["gs://acme-jobs/input/"]')
    assert build_arguments(files)["BUCKETS"] == "1"


@pytest.mark.parametrize("more", [{"jobs": "true"}, {"traces": "http://tempo:4318"}], ids=["jobs", "traces"])
@pytest.mark.parametrize("target", ["gke", "kubernetes"])
def test_an_image_that_is_given_is_taken_as_it_is(target: str, more: dict[str, str]) -> None:
    plan = planned(target, image=IMAGES[target], **more)
    assert not [r for r in plan.resources if r.type == "docker-build:index:Image"]


def test_a_database_elsewhere_is_named_as_other_secrets_are() -> None:
    plan = planned("kubernetes", name="api", jobs="true", jobsDatabase="kubernetes:jobs/url")
    [workers] = [r for r in plan.resources if r.name == WORKER]
    [container] = workers.inputs["spec"]["template"]["spec"]["containers"]
    [address] = [each for each in container["env"] if each["name"] == "JOBS_DATABASE"]
    assert address["valueFrom"]["secretKeyRef"] == {"name": "jobs", "key": "url"}


def pool_sizes(**values: str) -> tuple[int, int]:
    [pool] = [r for r in planned("gke", **values).resources if r.type == POOL]
    scaling = pool.inputs["autoscaling"]
    return scaling["totalMinNodeCount"], scaling["totalMaxNodeCount"]


def test_the_nodes_of_gke_hold_instances_workers_and_the_database() -> None:
    # Of e2-standard-4 pods get 3 vCPU and more: three pods of one vCPU on a node, and one node is GKE's own.
    size = {"cpu": "1", "memory": "2Gi", "minInstances": "1", "maxInstances": "3"}
    assert pool_sizes(**size) == (1, 2)
    least, most = pool_sizes(**size, jobs="true", minWorkers="4", maxWorkers="9")
    assert (least, most) == (2, 6)  # 1 + 4 workers + 1 for the database; 3 + 9 + 1, and GKE's own

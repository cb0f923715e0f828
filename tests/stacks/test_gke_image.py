"""Whether the nodes of a `gke` stack may pull its image, wherever it is."""

import pytest

from slipway.infra.plan.run import Plan
from tests.stacks.gke_plans import DIGEST, GPU, planned, refusal, told


def readers(plan: Plan) -> list[tuple[str, str, str, str]]:
    """List the readable repositories: name of the resource, project, location, repository."""
    return [
        (r.name, r.inputs["project"], r.inputs["location"], r.inputs["repository"])
        for r in plan.resources
        if r.type == "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember"
    ]


def test_the_nodes_may_read_the_repository_that_is_built_into() -> None:
    name = "slipway-prod-nodes-acme-ml-europe-west4-slipway-prod-image-reader"
    assert readers(planned(**GPU)) == [(name, "acme-ml", "europe-west4", "slipway-prod-image")]


@pytest.mark.parametrize(
    ("image", "location", "repository"),
    [
        ("europe-west4-docker.pkg.dev/acme-ml/slipway/server", "europe-west4", "slipway"),
        ("us-docker.pkg.dev/acme-ml/shared/team/server", "us", "shared"),
        ("gcr.io/acme-ml/server", "us", "gcr.io"),
        ("eu.gcr.io/acme-ml/server", "europe", "eu.gcr.io"),
    ],
)
@pytest.mark.parametrize("values", [GPU, {}, {**GPU, "cluster": "shared"}], ids=["gpu", "cpu", "shared"])
def test_the_nodes_may_read_the_repository_of_the_image_that_runs(
    image: str, location: str, repository: str, values: dict[str, str]
) -> None:
    plan = planned(**values, image=f"{image}@sha256:{'0' * 64}")
    name = f"slipway-prod-nodes-acme-ml-{location}-{repository}-reader"
    assert readers(plan) == [(name, "acme-ml", location, repository)]
    [reader] = [resource for resource in plan.resources if resource.name == name]
    for pool in (r for r in plan.resources if r.type == "gcp:container/nodePool:NodePool"):
        assert reader.urn in pool.dependencies


def test_the_image_that_was_built_here_before_is_read_by_the_same_grant() -> None:
    built = f"europe-west4-docker.pkg.dev/acme-ml/slipway-prod-image/server@sha256:{'0' * 64}"
    assert readers(planned(**GPU, image=built)) == readers(planned(**GPU))


def test_the_repository_of_another_project_is_left_to_its_owner_with_the_command() -> None:
    image = f"europe-west4-docker.pkg.dev/acme-images/shared/server@sha256:{'0' * 64}"
    assert readers(planned(**GPU, image=image)) == []
    text = told(**GPU, image=image)
    assert "the image is in the project acme-images" in text
    assert (
        "`gcloud artifacts repositories add-iam-policy-binding shared --project=acme-images "
        "--location=europe-west4 --role=roles/artifactregistry.reader "
        '--member="serviceAccount:slipway-prod-nodes@acme-ml.iam.gserviceaccount.com"`'
    ) in text


@pytest.mark.parametrize("host", ["docker.io", "ghcr.io", "quay.io", "registry.acme.io:443"])
def test_an_image_outside_google_is_told_to_need_a_nat_and_to_be_public(host: str) -> None:
    image = f"{host}/acme/server@sha256:{'0' * 64}"
    assert readers(planned(**GPU, image=image)) == []
    text = told(**GPU, image=image)
    assert f"the image is in {host}, outside Google: private nodes reach it only where" in text
    assert f"the image is in {host}: if it requires a login" in text
    assert "reach it only where" not in told(**GPU, image=image, privateNodes="false")
    assert host not in told(**GPU)


def test_an_image_in_ecr_is_refused_where_the_cluster_is_made() -> None:
    image = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@sha256:{'0' * 64}"
    said = refusal(**GPU, image=image)
    assert "nodes of this cluster have no login to ECR" in said
    assert "docker buildx imagetools create" in said
    assert "EKS" in told(**GPU, image=image, cluster="shared")


def test_an_image_without_a_repository_is_refused_with_the_form_that_google_has() -> None:
    said = refusal(**GPU, image=f"europe-west4-docker.pkg.dev/acme-ml/server@sha256:{'0' * 64}")
    assert "<location>-docker.pkg.dev/<project>/<repository>/<image>" in said


@pytest.mark.parametrize("values", [{**GPU, "nodePool": "gpus"}, {}], ids=["pool", "any node"])
def test_nodes_of_another_owner_are_told_to_need_the_repository(values: dict[str, str]) -> None:
    existing = {**values, "cluster": "shared"}
    for image, repository in (("", "slipway-prod-image"), (DIGEST, "slipway")):
        given = {**existing, "image": image} if image else existing
        assert readers(planned(**given)) == []
        text = told(**given)
        assert f"gcloud artifacts repositories add-iam-policy-binding {repository} " in text
        assert "are their owner's" in text

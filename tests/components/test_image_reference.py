"""What a reference says of an image: its registry, its repository there and its digest."""

import pytest

from slipway.components.aws.ecr import EcrRepository
from slipway.components.google.artifact_registry import ImageRepository
from slipway.components.image_reference import ImageReference

DIGEST = f"sha256:{'0' * 64}"


def read(name: str) -> ImageReference:
    found = ImageReference.parse(f"{name}@{DIGEST}")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "host", "path"),
    [
        ("ghcr.io/acme/server", "ghcr.io", "acme/server"),
        ("ghcr.io/acme/server:v1", "ghcr.io", "acme/server"),
        ("localhost/server", "localhost", "server"),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b"),
        ("registry:5000/a", "registry:5000", "a"),
        ("acme/server", "docker.io", "acme/server"),
        ("docker.io/acme/server", "docker.io", "acme/server"),
    ],
)
def test_a_reference_without_a_host_is_of_docker_hub(name: str, host: str, path: str) -> None:
    found = read(name)
    assert (found.host, found.path, found.digest) == (host, path, DIGEST)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghcr.io/acme/server",
        "ghcr.io/acme/server:v1",
        f"server@{DIGEST}",
        f"ghcr.io/Acme/server@{DIGEST}",
        f"my_host.io/acme/server@{DIGEST}",
        f"ghcr.io//server@{DIGEST}",
        f"ghcr.io/acme/server@{DIGEST}0",
        f"ghcr.io/acme/server@{DIGEST}\n",
        f"https://ghcr.io/acme/server@{DIGEST}",
        "ghcr.io/acme/server@sha256:abc",
    ],
)
def test_what_no_registry_has_is_no_reference(text: str) -> None:
    assert ImageReference.parse(text) is None


@pytest.mark.parametrize(
    ("name", "project", "location", "repository"),
    [
        ("europe-west4-docker.pkg.dev/acme-ml/images/server", "acme-ml", "europe-west4", "images"),
        ("us-docker.pkg.dev/acme-ml/images/team/server:v1", "acme-ml", "us", "images"),
        ("us-docker.pkg.dev/example.com/acme-ml/images/server", "example.com:acme-ml", "us", "images"),
        ("gcr.io/acme-ml/server", "acme-ml", "us", "gcr.io"),
        ("us.gcr.io/acme-ml/team/server", "acme-ml", "us", "us.gcr.io"),
        ("eu.gcr.io/acme-ml/server", "acme-ml", "europe", "eu.gcr.io"),
        ("asia.gcr.io/example.com/acme-ml/server", "example.com:acme-ml", "asia", "asia.gcr.io"),
    ],
)
def test_an_image_of_google_is_in_a_repository_of_artifact_registry(
    name: str, project: str, location: str, repository: str
) -> None:
    assert read(name).google_repository == ImageRepository(project, location, repository)
    assert read(name).is_google


@pytest.mark.parametrize(
    "name", ["europe-west4-docker.pkg.dev/acme-ml/server", "gcr.io/server", "gcr.io/example.com/server"]
)
def test_a_path_that_google_would_not_take_is_of_no_repository(name: str) -> None:
    assert read(name).google_repository is None


def test_the_mirror_of_docker_hub_is_googles_and_nobodys_repository() -> None:
    assert read("mirror.gcr.io/library/python").is_google
    assert read("mirror.gcr.io/library/python").google_repository is None
    assert not read("gcr.io.example.com/acme/server").is_google
    assert not read("docker.pkg.dev.example.com/a/b/c").is_google


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1"),
    ],
)
def test_an_image_of_ecr_names_its_account_and_region(host: str, region: str) -> None:
    found = read(f"{host}/team/server").ecr_repository
    assert found == EcrRepository("123456789012", region, "team/server")


def test_other_registries_are_neither_googles_nor_of_ecr() -> None:
    for name in ("ghcr.io/acme/server", "public.ecr.aws/acme/server", "acme/server"):
        found = read(name)
        assert (found.google_repository, found.ecr_repository, found.is_google) == (None, None, False)


def test_a_repository_by_its_full_name_is_the_one_of_its_images() -> None:
    full = "projects/example.com:acme-ml/locations/us/repositories/images"
    assert ImageRepository.named(full) == ImageRepository("example.com:acme-ml", "us", "images")
    assert ImageRepository.named("projects/acme-ml/locations/eu/repositories/eu.gcr.io") is not None
    for text in ("", "images", "projects/acme-ml/locations/us/repositories/Images"):
        assert ImageRepository.named(text) is None

import pytest

from slipway.components.google.secrets import SecretReference


def test_a_reference_names_project_secret_and_version() -> None:
    found = SecretReference.parse("projects/acme-prod/secrets/hf-token/versions/12")
    assert found == SecretReference("acme-prod", "hf-token", "12")


@pytest.mark.parametrize("text", ["projects/p/secrets/key", "projects/p/secrets/key/versions/latest"])
def test_a_reference_without_a_number_follows_the_newest_value(text: str) -> None:
    found = SecretReference.parse(text)
    assert (found.version, found.is_pinned) == ("latest", False)


@pytest.mark.parametrize("version", ["newest", "0", "01", "-1", "v2"])
def test_a_version_that_is_no_number_is_refused_with_the_way_to_find_it(version: str) -> None:
    with pytest.raises(
        ValueError, match=r"it must be a number.*gcloud secrets versions list key --project p"
    ):
        SecretReference.parse(f"projects/p/secrets/key/versions/{version}")


@pytest.mark.parametrize(
    "text",
    ["", "hf_abcdef", "projects/p/secrets/", "projects/p/secrets/a b/versions/1", "secrets/k/versions/1"],
)
def test_a_value_instead_of_a_reference_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it must be projects/<project>/secrets/<name>/versions/<number>$"):
        SecretReference.parse(text)

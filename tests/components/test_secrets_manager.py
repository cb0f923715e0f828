import pytest

from slipway.components.secrets_manager import SecretReference
from tests.contract.fargate_cases import REFERENCE, SECRET, VERSION


def test_a_reference_names_the_secret_its_key_and_version() -> None:
    assert SecretReference.parse(REFERENCE) == SecretReference(SECRET, "", VERSION)
    assert SecretReference.parse(f"{SECRET}:user::{VERSION}") == SecretReference(SECRET, "user", VERSION)


@pytest.mark.parametrize("text", [REFERENCE, f"{SECRET}:user::{VERSION}"])
def test_what_ecs_gets_is_what_was_given(text: str) -> None:
    assert SecretReference.parse(text).value_from == text


@pytest.mark.parametrize("end", ["", ":::", ":user::", ":::latest"])
def test_a_reference_without_a_version_is_refused_with_the_way_to_find_it(end: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"names no version.*list-secret-version-ids --region eu-west-1 --secret-id team/database",
    ):
        SecretReference.parse(f"{SECRET}{end}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hf_abcdef",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/token",
        f"{SECRET}::AWSCURRENT:",
        f"{SECRET}::AWSCURRENT:{VERSION}",
        f"{SECRET[:-7]}:::{VERSION}",
    ],
)
def test_a_value_instead_of_a_reference_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it must be arn:aws:secretsmanager:<region>:<account>:secret:"):
        SecretReference.parse(text)

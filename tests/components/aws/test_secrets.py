import pytest

from slipway.components.aws.secrets import SecretReference, read_action
from tests.contract.fargate_cases import REFERENCE, SECRET, VERSION


def test_a_reference_names_the_secret_its_key_and_version() -> None:
    assert SecretReference.parse(REFERENCE) == SecretReference(SECRET, "", VERSION)
    assert SecretReference.parse(f"{SECRET}:user::{VERSION}") == SecretReference(SECRET, "user", VERSION)


@pytest.mark.parametrize(
    "text",
    [
        *(REFERENCE, f"{SECRET}:user::{VERSION}", SECRET, f"{SECRET}:user::", f"{SECRET}::AWSCURRENT:"),
        "arn:aws:ssm:eu-west-1:123456789012:parameter/team/token",
    ],
)
def test_what_ecs_gets_is_what_was_given(text: str) -> None:
    assert SecretReference.parse(text).value_from == text


def test_only_a_reference_with_a_version_is_pinned() -> None:
    assert SecretReference.parse(REFERENCE).is_pinned
    assert not SecretReference.parse(SECRET).is_pinned
    assert not SecretReference.parse(f"{SECRET}::AWSPREVIOUS:").is_pinned


def test_what_is_no_version_is_refused_with_the_way_to_find_one() -> None:
    with pytest.raises(
        ValueError,
        match=r"its version is none.*list-secret-version-ids --region eu-west-1 --secret-id team/database",
    ):
        SecretReference.parse(f"{SECRET}:::latest")


def test_a_parameter_is_read_by_another_right_than_a_secret() -> None:
    assert read_action(SECRET) == "secretsmanager:GetSecretValue"
    assert read_action("arn:aws:ssm:eu-west-1:123456789012:parameter/token") == "ssm:GetParameters"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hf_abcdef",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/",
        "arn:aws:ssm:eu-west-1:123456789012:document/token",
        f"{SECRET}::AWSCURRENT:{VERSION}",
        f"{SECRET[:-7]}:::{VERSION}",
    ],
)
def test_a_value_instead_of_a_reference_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it must be arn:aws:secretsmanager:<region>:<account>:secret:"):
        SecretReference.parse(text)

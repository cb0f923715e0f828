"""Which variables of the plain environment a change is warned of."""

import pytest

from tests.infra.diff.plans import SERVICE, changed, risks, service


@pytest.mark.parametrize("name", ["MAX_BATCH_TOKENS", "TOKENIZERS_PARALLELISM", "CACHE_KEY_PREFIX"])
def test_a_variable_that_holds_no_secret_is_no_risk_by_a_word_in_its_name(name: str) -> None:
    found = risks(changed(SERVICE, service(env={}), service(env={name: "512"})))
    assert not [text for _, text in found if "plain environment" in text]


def test_a_name_that_is_said_to_be_no_secret_is_no_risk() -> None:
    after = service(env={"CACHE_KEY": "abc"}, plain_env=["CACHE_KEY"])
    found = risks(changed(SERVICE, service(env={}), after))
    assert [each for each in found if "plain environment" in each[1]] == [
        ("medium", "says that CACHE_KEY in the plain environment is no secret")
    ]


@pytest.mark.parametrize(
    "value",
    [
        f"sk_live_{'a' * 24}",
        f"https://hooks.slack.com/services/T00000000/B00000000/{'X' * 24}",
        f"https://account.blob.core.windows.net/models?sv=2024&sig={'a' * 43}%3D",
        f"eyJ{'a' * 20}.eyJ{'b' * 20}.{'c' * 43}",
        f"xoxb-{'1' * 12}",
    ],
)
def test_a_name_is_not_believed_that_holds_a_credential(value: str) -> None:
    after = service(env={"CACHE_KEY": value}, plain_env=["CACHE_KEY"])
    found = risks(changed(SERVICE, service(env={}), after))
    assert ("high", "says that CACHE_KEY in the plain environment is no secret") in found
    assert not any(value in text for _, text in found)

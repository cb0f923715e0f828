"""Which variables of the plain environment a change is warned of."""

import pytest

from tests.infra.diff.test_risks import SERVICE, changed, risks, service


@pytest.mark.parametrize("name", ["MAX_BATCH_TOKENS", "TOKENIZERS_PARALLELISM", "CACHE_KEY_PREFIX"])
def test_a_variable_that_holds_no_secret_is_no_risk_by_a_word_in_its_name(name: str) -> None:
    found = risks(changed(SERVICE, service(env={}), service(env={name: "512"})))
    assert not [text for _, text in found if "plain environment" in text]


def test_a_name_that_is_said_to_be_no_secret_is_no_risk() -> None:
    after = service(env={"CACHE_KEY": "abc"}, plain_env=["CACHE_KEY"])
    found = risks(changed(SERVICE, service(env={}), after))
    assert not [text for _, text in found if "plain environment" in text]

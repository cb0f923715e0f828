import re

import pytest

from slipway.components.google.accounts import account_email, account_id


@pytest.mark.parametrize("name", ["a", "api", "slipway-dev", "a" * 30, "a" * 40, "a" * 20 + "-" * 15 + "b"])
def test_an_account_id_is_one_that_google_takes(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", account_id(name))


def test_a_name_that_fits_is_the_account_id_and_another_gets_a_hash_of_its_own() -> None:
    assert account_id("slipway-prod") == "slipway-prod"
    assert account_id("a" * 40) == account_id("a" * 40) != account_id("a" * 39)
    assert account_id("api") != account_id("apj")


def test_the_names_of_accounts_stay_as_they_are() -> None:
    """Another name replaces the account with all its grants."""
    assert account_id("api") == "api-14c2529e"
    assert account_id("slipway-a-name-of-about-forty-characters") == "slipway-a-name-of-abo-c01c74af"


@pytest.mark.parametrize(
    ("project", "host"), [("acme-prod", "acme-prod"), ("example.com:acme", "acme.example.com")]
)
def test_the_email_of_an_account_names_its_project(project: str, host: str) -> None:
    assert account_email("api-nodes", project) == f"api-nodes@{host}.iam.gserviceaccount.com"

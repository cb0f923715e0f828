import re

import pytest

from slipway.components.cloud_run.names import account_id, console_url, curl, logs_command


@pytest.mark.parametrize("name", ["a", "api", "slipway-dev", "a" * 30, "a" * 40, "a" * 20 + "-" * 15 + "b"])
def test_an_account_id_is_one_that_google_takes(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", account_id(name))


def test_a_name_that_fits_is_the_account_id_and_another_gets_a_hash_of_its_own() -> None:
    assert account_id("slipway-dev") == "slipway-dev"
    assert account_id("a" * 40) == account_id("a" * 40) != account_id("a" * 39)
    assert account_id("api") != account_id("apj")


def test_a_private_call_carries_both_tokens_and_a_public_one_only_the_key() -> None:
    private, public = curl("https://x.run.app", public=False), curl("https://x.run.app", public=True)
    assert '-H "Authorization: Bearer $API_KEY"' in private
    assert '-H "X-Serverless-Authorization: Bearer $(gcloud auth print-identity-token)"' in private
    assert '-H "Authorization: Bearer $API_KEY"' in public
    assert "Serverless" not in public
    assert "https://x.run.app/predict" in public


def test_commands_and_pages_name_project_region_and_service() -> None:
    assert logs_command("acme", "europe-west4", "api") == (
        "gcloud beta run services logs tail api --project acme --region europe-west4"
    )
    assert console_url("acme", "europe-west4", "api") == (
        "https://console.cloud.google.com/run/detail/europe-west4/api/metrics?project=acme"
    )

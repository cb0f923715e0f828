from slipway.components.cloud_run.names import console_url, curl, logs_command


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

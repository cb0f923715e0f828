import re

import pytest

from slipway.service.faults import BadSettings
from slipway.service.settings import Settings, settings_from_environment
from slipway.service.sources.address import Address


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("s3://models/spam@3sL4kqtJlcp.Xro_D-1", ("s3", "models", "spam", "3sL4kqtJlcp.Xro_D-1")),
        ("gs://my.models/team/spam-1.0@17637216", ("gs", "my.models", "team/spam-1.0", "17637216")),
        ("gs://models/a/b/@1", ("gs", "models", "a/b", "1")),
    ],
)
def test_an_address_names_cloud_bucket_folder_and_pin(text: str, parts: tuple[str, str, str, str]):
    address = Address.parse(text)
    assert (address.scheme, address.bucket, address.folder, address.pin) == parts
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("s3://models/spam", "without it the next start could serve another model"),
        ("s3://models/spam", "aws s3api head-object --bucket models --key spam/manifest.json"),
        ("s3://models/spam@", "the versionId of its manifest.json"),
        ("s3://models/spam@null", "not `null`: that one can be overwritten"),
        ("gs://models/spam", "gcloud storage objects describe gs://models/spam/manifest.json"),
        ("gs://models/spam@latest", "the generation of its manifest.json, a whole number"),
        ("gs://models/spam@0", "such as gs://models/spam@1763721600000000"),
        ("s3://models@abc", "a folder in a bucket and the version of its manifest.json"),
        ("s3://models/@abc", "such as s3://models/spam@"),
        ("s3://models/../other@abc", "a folder in a bucket"),
        ("s3://models//spam@abc", "a folder in a bucket"),
        ("s3://MODELS/spam@abc", "a folder in a bucket"),
        ("s3://models/a b@abc", "a folder in a bucket"),
        ("https://models/spam@abc", "a folder in a bucket"),
        ("models/spam@abc", "a folder in a bucket"),
    ],
)
def test_an_address_that_is_not_pinned_or_not_one_is_refused_with_what_is_allowed(text: str, told: str):
    with pytest.raises(ValueError, match=re.escape(told)):
        Address.parse(text)


def test_the_setting_tells_what_it_got_and_what_is_allowed(monkeypatch: pytest.MonkeyPatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MODEL_SOURCE", "s3://models/spam")
    with pytest.raises(BadSettings) as refused:
        settings_from_environment()
    assert "MODEL_SOURCE: got 's3://models/spam'; allowed: s3://models/spam@ and the versionId" in str(
        refused.value
    )
    assert "MODEL_API_KEY: not set" in str(refused.value)

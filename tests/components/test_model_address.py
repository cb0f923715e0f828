import pytest

from slipway.components.model_address import ModelAddress, Source
from slipway.service.sources.address import Address

COMMIT = "a" * 40
WRONG = (
    "",
    "sms-spam",
    "http://a/b",
    "bundled:",
    "bundled:../a",
    "file:",
    "hf:acme/spam",
    "hf:acme/spam@main",
)
FOLDERS = (
    "spam",
    "spam/v2",
    "a+b/c=d!",
    "spam/",
    "a//b",
    "../a",
    "a/./b",
    "a/..",
    "a..b",
    ".hidden",
    "modèle",
    "a,b",
)
PINS = ("", "@", "@0", "@1", "@1763721600000000", f"@{10**19}", "@null", "@nullable", "@3sL4kq_J.x-Y", "@a@1")


@pytest.mark.parametrize(
    ("text", "source", "place"),
    [
        ("bundled:sms-spam", Source.BUNDLED, "sms-spam"),
        ("file:models/my model", Source.FILE, "models/my model"),
        (f"hf:acme/spam@{COMMIT}", Source.HUB, f"acme/spam@{COMMIT}"),
        ("gs://models/spam@7", Source.GOOGLE, "models/spam@7"),
        ("s3://models/spam@v1", Source.AMAZON, "models/spam@v1"),
    ],
)
def test_an_address_is_read_into_its_source_and_its_place(text: str, source: Source, place: str) -> None:
    address = ModelAddress.parse(text)
    assert (address.source, address.place, address.is_valid) == (source, place, True)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_address_is_read_too_and_is_not_valid(text: str) -> None:
    assert ModelAddress.parse(text).text == text
    assert not ModelAddress.parse(text).is_valid


def test_a_bucket_is_read_into_its_folder_and_its_pin() -> None:
    address = ModelAddress.parse("gs://models/spam/v2/@1763721600000000")
    assert (address.bucket, address.folder, address.pin) == ("models", "spam/v2", "1763721600000000")
    unpinned = ModelAddress.parse("s3://models/spam")
    assert (unpinned.bucket, unpinned.folder, unpinned.pin) == ("models", "spam", "")


@pytest.mark.parametrize("scheme", ["gs", "s3"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_the_bucket_addresses_that_can_be_fetched_are_those_that_the_server_takes(
    scheme: str, folder: str
) -> None:
    for pin in PINS:
        text = f"{scheme}://models/{folder}{pin}"
        try:
            server = Address.parse(text)
        except ValueError:
            server = None
        address = ModelAddress.parse(text)
        assert address.is_fetchable is (server is not None), text
        if server:
            assert (address.bucket, address.folder, address.pin) == (server.bucket, server.folder, server.pin)

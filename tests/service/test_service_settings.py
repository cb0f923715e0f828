import pytest

from slipway.service.faults import BadSettings
from slipway.service.settings import Settings, is_loopback, settings_from_environment

KEY = "a-test-key-of-24-letters"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MODEL_API_KEY", KEY)


def test_only_the_key_is_required_and_the_defaults_are_the_documented_ones():
    settings = settings_from_environment()
    assert settings.model_dir.name == "sms-spam"
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 8080, "info")
    assert (settings.max_body_bytes, settings.max_texts) == (2 << 20, 1000)
    assert (settings.request_timeout_seconds, settings.drain_seconds) == (60, 25)
    assert settings.inference_threads >= 1
    assert settings.local_page_session is False


def test_the_key_is_in_no_representation_of_the_settings():
    settings = settings_from_environment()
    assert settings.model_api_key.get_secret_value() == KEY
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORT", "")
    assert settings_from_environment().port == 8080


def test_a_device_is_cuda_or_cpu_or_left_to_the_server(monkeypatch: pytest.MonkeyPatch):
    assert settings_from_environment().device is None
    monkeypatch.setenv("DEVICE", "cuda")
    assert settings_from_environment().device == "cuda"
    monkeypatch.setenv("DEVICE", "tpu")
    with pytest.raises(BadSettings, match=r"DEVICE: got 'tpu'; allowed: cuda, cpu\."):
        settings_from_environment()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_has_a_description(name: str):
    assert Settings.model_fields[name].description


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"])
def test_this_machines_addresses_are_loopback(host: str):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "localhost.evil.example", ""]
)
def test_other_addresses_are_not_loopback(host: str):
    assert not is_loopback(host)

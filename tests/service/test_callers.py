"""Several callers of one service: each has a key, and a fault in them is named without one."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from slipway.service.callers import Callers, callers_from
from slipway.service.faults import BadSettings
from slipway.service.settings import Settings, settings_from_environment
from tests.service.running_server import AUTHORIZED, HAM, KEY, failed_start, running_server

SECOND, THIRD = "second-key-of-24-letters", "third-key-with-24-letter"


@pytest.fixture
def caller_server(tmp_path: Path) -> Iterator[str]:
    with running_server(tmp_path / "log", MODEL_API_KEYS=f"a={SECOND}") as server:
        yield server.url
        assert SECOND not in server.log_text


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MODEL_API_KEY", KEY)


@pytest.mark.parametrize(
    "text", [f"a={SECOND},b={THIRD}", f"a={SECOND}\nb={THIRD}\n", f" a = {SECOND} , b={THIRD},"]
)
def test_callers_are_separated_by_commas_or_lines(text: str) -> None:
    assert callers_from(text) == {"a": SECOND, "b": THIRD}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing", "entry 1 is not name=key"),
        (f"A={SECOND}", "entry 1 has a faulty name"),
        (f"={SECOND}", "entry 1 has a faulty name"),
        ("a=short", "the key of a has 5 characters"),
        (f"default={SECOND}", "entry 1 is called default"),
        (f"a={SECOND},a={THIRD}", "entry 2 has the name a again"),
        (f"a={SECOND},b={SECOND}", "entry 2, b, has the key of another caller"),
        (f"a={KEY}", "keys that differ from MODEL_API_KEY"),
        (",".join(f"a{place}={SECOND}{place:03}" for place in range(101)), "has 101 callers; at most 100"),
    ],
)
def test_a_fault_in_them_is_named_and_no_key_is_shown(
    monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("MODEL_API_KEYS", text)
    with pytest.raises(BadSettings, match=r"MODEL_API_KEYS") as caught:
        settings_from_environment()
    assert words in str(caught.value)
    assert SECOND not in str(caught.value)
    assert KEY not in str(caught.value)


def test_no_key_is_in_a_representation_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_API_KEYS", f"a={SECOND}")
    settings = settings_from_environment()
    assert settings.keys_by_caller() == {"default": KEY, "a": SECOND}
    assert SECOND not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize("key", ["", "x", SECOND[:-1], SECOND.upper(), f"{SECOND} ", "ключ"])
def test_nobody_holds_another_key(key: str) -> None:
    assert Callers({"default": KEY, "a": SECOND}).holder_of(key.encode()) is None


def test_each_key_is_its_callers() -> None:
    callers = Callers({"default": KEY, "a": SECOND, "b": THIRD})
    assert [callers.holder_of(key.encode()) for key in (KEY, SECOND, THIRD)] == ["default", "a", "b"]


def test_webhooks_without_a_key_are_refused_at_the_start() -> None:
    code, lines, _ = failed_start(
        JOBS_DATABASE="sqlite:////tmp/never/jobs.sqlite", JOBS_WEBHOOK_HOSTS="hooks.example.com"
    )
    assert code == 2
    assert "JOBS_WEBHOOK_SECRET: it has 0 bytes" in lines[-1]["message"]


def test_a_caller_may_use_every_route(caller_server: str) -> None:
    for key in (AUTHORIZED["Authorization"], f"Bearer {SECOND}"):
        answer = httpx.post(f"{caller_server}/predict", json={"text": HAM}, headers={"Authorization": key})
        assert answer.status_code == 200
    assert (
        httpx.get(f"{caller_server}/quality", headers={"Authorization": f"Bearer {SECOND}"}).status_code
        == 200
    )
    wrong = httpx.post(
        f"{caller_server}/predict", json={"text": HAM}, headers={"Authorization": "Bearer wrong"}
    )
    assert (wrong.status_code, wrong.json()["type"]) == (401, "urn:slipway:problem:key-wrong")

"""The process that anonymises: it hangs, ends, or cannot start, and requests never wait for it."""

import os
import signal
from pathlib import Path

import pytest

from slipway.service.payload.process import AnonymiserFailed, AnonymiserProcess

# Patterns try every place of such a text anew.
SLOW = "a@" * 8000


def test_json_is_cleaned_in_its_strings_and_its_keys() -> None:
    process = AnonymiserProcess()
    try:
        found = process.clean({"text": ["call 09061701461", "\u202eno"], "09061701461": [1, None, True]})
        assert found == {"text": ["call <PHONE_NUMBER>", "\\u202eno"], "<PHONE_NUMBER>": [1, None, True]}
    finally:
        process.stop()


def test_one_that_ended_is_started_again(capfd: pytest.CaptureFixture[str]) -> None:
    process = AnonymiserProcess()
    try:
        process.clean("x")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(AnonymiserFailed):
            process.clean("x")
        assert process.clean("at jane@example.com") == "at <EMAIL_ADDRESS>"
    finally:
        process.stop()
    assert capfd.readouterr() == ("", "")


def test_one_that_does_not_answer_in_time_is_ended() -> None:
    process = AnonymiserProcess(answer_seconds=0.05)
    try:
        with pytest.raises(AnonymiserFailed, match=r"did not answer within 0\.05 seconds"):
            process.clean(SLOW)
        assert process.pid is None
    finally:
        process.stop()


def test_it_has_no_key_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_API_KEY", "a-test-key-of-24-letters")
    process = AnonymiserProcess()
    try:
        process.clean("x")
        assert b"a-test-key" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    finally:
        process.stop()


def test_without_its_model_it_does_not_start() -> None:
    with pytest.raises(AnonymiserFailed, match="cannot start: PAYLOAD_SPACY_MODEL: got 'none_such'"):
        AnonymiserProcess("none_such").clean("x")

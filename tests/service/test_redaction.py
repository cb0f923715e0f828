"""What is removed from text on its way to the log, and what stays."""

import json
import logging
import sys

import pytest

from slipway.service.logs import JsonFormatter, fields
from slipway.service.redaction import REMOVED, Redaction, is_card_number

KEY = "a-key-that-opens-a-door"


@pytest.fixture
def redaction() -> Redaction:
    redaction = Redaction()
    redaction.keep_secret([KEY, ""])
    return redaction


@pytest.mark.parametrize(
    "personal",
    [
        KEY,
        "jane.doe@example.com",
        "jane+tag@mail.example.co.uk",
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "340000000000009",
        "Bearer abcdefgh.ijkl",
        "basic dXNlcjpwYXNz",
    ],
)
def test_what_identifies_a_person_or_opens_a_door_is_removed(redaction: Redaction, personal: str) -> None:
    for text in (personal, f"failed for {personal}: no", f"({personal}),", f"{personal} {personal}"):
        cleaned = redaction.clean(text)
        assert personal.split()[-1] not in cleaned
        assert REMOVED in cleaned
        assert not redaction.is_harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # its check digit is wrong
        "1795998612",
        "31239f92ad32",
        "other-1+000000000000",  # a model whose hash has no letters
        "spam-1.0.0+180000000008",
        "Model ready (loaded in 0.2 s), computing on cpu",
        "sms-spam-1.0.0+4a905cfdaf22",
        "2026-11-30T00:48:58.849Z",
        "user@host",
        "the bearer of news",
    ],
)
def test_other_text_stays(redaction: Redaction, text: str) -> None:
    assert redaction.clean(text) == text
    assert redaction.is_harmless(text)


def test_card_numbers_are_told_from_other_numbers_by_their_check_digit() -> None:
    """Of the numbers that differ in the last digit alone, exactly one is right."""
    assert [digit for digit in range(10) if is_card_number(f"453201511283036{digit}")] == [6]
    assert not is_card_number("000000000000")  # too few digits


def formatted(redaction: Redaction, message: str, **values: object) -> str:
    record = logging.LogRecord("service", logging.ERROR, "", 0, message, (), sys.exc_info())
    record.__dict__.update(fields(**values))
    line = JsonFormatter(redaction=redaction).format(record)
    json.loads(line)
    return line


def failure(redaction: Redaction) -> str:
    try:
        try:
            raise KeyError("what the user wrote")
        except KeyError as error:
            raise ValueError("not a number: what the user wrote") from error
    except ValueError:
        return formatted(redaction, "Unexpected error")


def test_an_exception_shows_its_classes_and_frames_but_no_message_once_requests_are_answered(
    redaction: Redaction,
) -> None:
    assert "what the user wrote" in failure(redaction)
    redaction.serves = True
    line = json.loads(failure(redaction))["exception"]
    assert "what the user wrote" not in line.replace('"not a number: what the user wrote"', "").replace(
        '"what the user wrote"', ""
    )  # the two lines of source that are ours
    assert line.index("KeyError: ") < line.index("ValueError: ")
    assert "in failure" in line
    assert f"ValueError: {REMOVED}" in line


def test_an_exception_that_is_its_own_cause_is_shown_once(redaction: Redaction) -> None:
    redaction.serves = True
    error = ValueError("a")
    error.__cause__ = error
    try:
        raise error
    except ValueError:
        assert formatted(redaction, "Unexpected error").count("ValueError: ") == 1


def test_a_librarys_line_loses_what_it_quotes_once_requests_are_answered(redaction: Redaction) -> None:
    said = "byte index 3 is out of bounds of `what the user wrote`"
    assert "what the user" in formatted(redaction, said, source="stderr")
    redaction.serves = True
    assert "what the user" not in formatted(redaction, said, source="stderr")
    assert "what the user" not in formatted(redaction, 'failed at "what the user wrote', source="stderr")
    assert "out of bounds" in formatted(redaction, said, source="stderr")


def test_the_fields_of_a_line_are_cleaned_too(redaction: Redaction) -> None:
    line = json.loads(formatted(redaction, f"with {KEY}", thread="jane.doe@example.com", status=500))
    assert (line["message"], line["thread"], line["status"]) == (f"with {REMOVED}", REMOVED, 500)

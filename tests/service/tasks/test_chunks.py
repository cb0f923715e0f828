"""Long texts in parts, with a tokenizer of words that counts a part's own beginning as one more."""

import re

from hypothesis import given
from hypothesis import strategies as st

from slipway.service.tasks.chunks import chunks

SENTENCE = "The harbour was closed on Monday. "
WORDS = st.lists(st.sampled_from(["storm", "ship.", "no!", "\n\n", "x" * 30, "é😀"]), max_size=120)


def tokens(text: str) -> list[tuple[int, int]]:
    """Words, the long ones in pieces of four letters."""
    return [found.span() for found in re.finditer(r"\S{1,4}", text)]


def parts_of(text: str, most: int) -> list[str]:
    return list(chunks(text, tokens(text), most, lambda part: len(tokens(part)) + 1 - most))


@given(WORDS, st.integers(min_value=3, max_value=40))
def test_the_parts_hold_the_whole_text_in_order_and_fit(words: list[str], most: int):
    text = " ".join(words)
    parts = parts_of(text, most)
    assert re.sub(r"\s", "", "".join(parts)) == re.sub(r"\s", "", text)
    assert all(len(tokens(part)) < most for part in parts)


def test_a_part_ends_where_a_sentence_does():
    parts = parts_of(SENTENCE * 20, 25)
    assert len(parts) > 3
    assert all(part.startswith("The harbour") and part.rstrip().endswith("Monday.") for part in parts)


def test_a_sentence_that_is_too_long_is_cut_between_words():
    parts = parts_of("harbour " * 60, 25)
    assert len(parts) > 3
    assert {word for part in parts for word in part.split()} == {"harbour"}


def test_a_word_that_is_too_long_is_cut_inside():
    parts = parts_of("x" * 400, 25)
    assert "".join(parts) == "x" * 400
    assert len(parts) <= 6


def test_a_text_that_fits_stays_whole_and_an_empty_one_has_no_parts():
    assert parts_of(SENTENCE, 25) == [SENTENCE]
    assert parts_of(" ", 25) == []

"""Stop strings, however the text is cut into pieces."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slipway.service.tasks.stop import StopStrings

# Two letters, so that stops overlap with the text and with each other all the time.
TEXT = st.text(alphabet="ab", max_size=30)
STOPS = st.lists(st.text(alphabet="ab", min_size=1, max_size=5), max_size=4)


def fed(stops: list[str], pieces: list[str]) -> tuple[list[str], bool]:
    """Return what is passed on after each piece and at the end, and whether a stop was found."""
    matcher, handed_on = StopStrings(stops), list[str]()
    for piece in pieces:
        handed_on.append(matcher.feed(piece))
        if matcher.found:
            return handed_on, True
    return [*handed_on, matcher.rest()], False


def before_the_first(text: str, stops: list[str]) -> tuple[str, bool]:
    """Cut a text by the plain rule: the first end of a stop string counts, and the longest ending there."""
    for end in range(len(text) + 1):
        ending = [stop for stop in stops if text[:end].endswith(stop)]
        if ending:
            return text[: end - max(map(len, ending))], True
    return text, False


@given(st.lists(TEXT, max_size=8), STOPS)
@example(["a", "b"], ["ab"])
@example(["aab"], ["ab", "aab"])
@example(["abc"], ["abc", "b"])
def test_the_text_ends_before_the_first_stop_wherever_the_pieces_are_cut(pieces: list[str], stops: list[str]):
    handed_on, found = fed(stops, pieces)
    assert ("".join(handed_on), found) == before_the_first("".join(pieces), stops)


@given(TEXT, STOPS)
def test_nothing_that_may_begin_a_stop_is_handed_on_before_it_is_known(text: str, stops: list[str]):
    matcher, so_far = StopStrings(stops), ""
    for place, letter in enumerate(text):
        so_far += matcher.feed(letter)
        if matcher.found:
            break
        held = text[len(so_far) : place + 1]
        assert not held or any(stop.startswith(held) for stop in stops)


def test_without_stops_each_piece_is_handed_on_at_once():
    assert fed([], ["one ", "two"]) == (["one ", "two", ""], False)


@pytest.mark.parametrize("pieces", [["Hi. User: you"], ["Hi.", " Us", "er", ": you"], list("Hi. User: you")])
def test_a_stop_that_spans_pieces_is_never_sent(pieces: list[str]):
    handed_on, found = fed(["\n", "User:"], pieces)
    assert ("".join(handed_on), found) == ("Hi. ", True)

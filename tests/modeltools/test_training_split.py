import random
from itertools import combinations

import pytest

from slipway.modeltools.training.dataset import LabelledMessage
from slipway.modeltools.training.split import (
    SIMILARITY,
    Split,
    near_duplicate_groups,
    near_duplicate_pairs,
    shingles,
    split_by_group,
)

SHARES = Split(train=0.6, validation=0.2, test=0.2)


def made_up_messages() -> list[LabelledMessage]:
    """40 spam campaigns of 3 messages that differ in number and prize, and 200 unlike ham messages."""
    words = random.Random(7)

    def sentence(count: int) -> str:
        return " ".join("".join(words.choices("abcdefghijklmnop", k=6)) for _ in range(count))

    campaigns = [sentence(9) for _ in range(40)]
    spam = [
        f"{text}! WIN {words.randrange(10**6)} pounds {sentence(1)}" for text in campaigns for _ in range(3)
    ]
    ham = [sentence(9) for _ in range(200)]
    messages = [LabelledMessage(1, text) for text in spam] + [LabelledMessage(0, text) for text in ham]
    words.shuffle(messages)
    return messages


@pytest.fixture(scope="module")
def messages() -> list[LabelledMessage]:
    return made_up_messages()


def test_case_punctuation_and_the_value_of_numbers_do_not_tell_texts_apart() -> None:
    assert shingles("WIN £1000 now!!") == shingles("win 250 now")


def test_texts_below_the_similarity_stay_apart() -> None:
    texts = ["see you at the station", "see you at the cinema later tonight", "call 0800 to claim your prize"]

    assert near_duplicate_groups(texts) == [0, 1, 2]


def test_pairs_are_those_that_comparing_every_text_with_every_other_finds(
    messages: list[LabelledMessage],
) -> None:
    texts = [message.text for message in messages]
    sets = [shingles(text) for text in texts]

    expected = {
        (first, second)
        for first, second in combinations(range(len(texts)), 2)
        if len(sets[first] & sets[second]) / len(sets[first] | sets[second]) >= SIMILARITY
    }

    assert len(expected) >= 40
    assert set(near_duplicate_pairs(texts)) == expected


def test_a_chain_of_near_duplicates_is_one_group() -> None:
    chain = ["aaaa bbbb cccc dddd eeee", "bbbb cccc dddd eeee ffff", "cccc dddd eeee ffff gggg"]
    assert near_duplicate_pairs(chain) == [(0, 1), (1, 2)]

    assert near_duplicate_groups([*chain, "nothing like them"]) == [0, 0, 0, 3]


def test_no_near_duplicate_pair_crosses_the_split(messages: list[LabelledMessage]) -> None:
    texts = [message.text for message in messages]
    parts = split_by_group(messages, near_duplicate_groups(texts), SHARES, seed=1)
    part_of = {row: name for name in ("train", "validation", "test") for row in getattr(parts, name)}

    pairs = near_duplicate_pairs(texts)

    assert sorted(part_of) == list(range(len(messages)))
    assert [pair for pair in pairs if part_of[pair[0]] != part_of[pair[1]]] == []
    assert {part_of[first] for first, _ in pairs} == {"train", "validation", "test"}


def test_each_part_gets_its_share_of_spam_and_of_ham(messages: list[LabelledMessage]) -> None:
    parts = split_by_group(messages, near_duplicate_groups([m.text for m in messages]), SHARES, seed=1)

    for rows, share in ((parts.train, 0.6), (parts.validation, 0.2), (parts.test, 0.2)):
        spam = sum(messages[row].label for row in rows)
        assert spam == pytest.approx(120 * share, abs=3)
        assert len(rows) - spam == pytest.approx(200 * share, abs=3)


def test_the_seed_decides_the_split(messages: list[LabelledMessage]) -> None:
    groups = near_duplicate_groups([message.text for message in messages])

    assert split_by_group(messages, groups, SHARES, 1) == split_by_group(messages, groups, SHARES, 1)
    assert split_by_group(messages, groups, SHARES, 1) != split_by_group(messages, groups, SHARES, 2)

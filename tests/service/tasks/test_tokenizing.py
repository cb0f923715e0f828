"""The first tokens of a text, known from its beginning, are those of the whole text."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import tokenizing
from slipway.service.tasks.tokenizing import BoundedTokenizer, Tokens, TooManyTokens

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'&;<#>ßäéα한漢"
WORDS = ["the", "th", "he", "ing", "and", "to", "er", "on", "an", "in", "&", "lt", "aa", "aaaa", "é", "漢"]


def bundled() -> Tokenizer:
    return Tokenizer.from_file(str(BUNDLED_MODEL / "tokenizer.json"))


def like_bert() -> Tokenizer:
    """WordPiece; a word over 100 letters is one unknown token."""
    pieces = ["[UNK]", *LETTERS, *(f"##{letter}" for letter in LETTERS), *(f"##{word}" for word in WORDS)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys([*pieces, *WORDS]))}
    tokenizer: Any = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def like_t5() -> Tokenizer:
    """Unigram over words with a mark in place of the space; unknown letters are fused into one token."""
    scores = {"<unk>": -9.0, "▁": -3.0} | dict.fromkeys(LETTERS, -6.0)
    scores |= {mark + word: -5.0 / len(word) for mark in ("", "▁") for word in WORDS if len(word) > 1}
    tokenizer: Any = Tokenizer(models.Unigram(list(scores.items()), 0, False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def like_llama() -> Tokenizer:
    """BPE over the whole text: there are no words in it, and spaces are marks of three bytes."""
    merges = [("t", "h"), ("th", "e"), ("a", "n"), ("a", "a"), ("aa", "aa"), ("▁", "the"), ("i", "n")]
    pieces = ["<unk>", "▁", *LETTERS, *("".join(merge) for merge in merges)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer: Any = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return tokenizer


TOKENIZERS = {"bundled": bundled(), "bert": like_bert(), "t5": like_t5(), "llama": like_llama()}
for each in TOKENIZERS.values():
    each.encode_special_tokens = True

ODD = [" ", "  ", "\n", ".", "ﷺ", "㌖", "&lt;DECIMAL&gt;", "&amp;", "<s>", "[CLS]", "\u0301"]
parts = (
    st.sampled_from([*WORDS, *ODD])
    | st.text(max_size=6)
    | st.sampled_from("aAé漢😀 ").map(lambda character: character * 150)
)
texts = st.lists(parts, min_size=1, max_size=12).flatmap(
    lambda some: st.integers(1, 40).map(lambda times: " ".join(some) * times)
)


def beginning(name: str, max_characters: int, text: str, most: int, counted: bool = True) -> Tokens:
    return BoundedTokenizer(TOKENIZERS[name], max_characters).read(text, most, lambda tokens: tokens, counted)


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that short texts are long ones. What is unsure at a window's end stays as it is."""
    small = {"COUNTED_BYTES": 400, "FIRST_BYTES": 200, "SLICE_CHARACTERS": 40, "LONG_CHARACTERS": 100}
    for name, size in small.items():
        monkeypatch.setattr(tokenizing, name, size)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=150, deadline=None)
@given(text=texts, most=st.integers(1, 60), counted=st.booleans())
def test_the_first_tokens_are_those_of_the_whole_text(name: str, text: str, most: int, counted: bool):
    whole = TOKENIZERS[name].encode(text, add_special_tokens=False)
    first = beginning(name, 1_000_000, text, most, counted)
    assert first.encoding.ids[:most] == whole.ids[:most]
    assert first.encoding.offsets[:most] == whole.offsets[:most]
    assert not first.is_whole or first.encoding.ids == whole.ids
    assert first.is_whole or len(whole) > most


@pytest.mark.parametrize("name", ["bundled", "bert", "t5"])
def test_of_a_long_text_the_beginning_alone_is_tokenised(name: str):
    tokens = beginning(name, 1_000_000, "the thing in the end. " * 5000, 20)
    assert len(tokens) < 500


@pytest.mark.parametrize("name", ["bundled", "t5"])
def test_characters_that_grow_are_measured_by_what_they_become(name: str):
    tokens = beginning(name, 1_000_000, "ﷺ" * 20_000, 5)
    assert not tokens.is_whole
    assert tokens.encoding.offsets[-1][1] <= 200  # characters


@pytest.mark.parametrize("name", ["bundled", "t5"])
def test_a_word_that_grows_without_an_end_is_refused(name: str):
    tokenizer = BoundedTokenizer(TOKENIZERS[name], 2000)
    with pytest.raises(TooManyTokens, match="grows to more than 10000 bytes when it is normalised"):
        tokenizer.refuse_beyond("㌖" * 2000, 5)


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("character", ["a", "é", "漢", "😀"])
def test_a_word_of_any_length_that_is_allowed_is_taken(name: str, character: str):
    whole = TOKENIZERS[name].encode(character * 2000, add_special_tokens=False)
    tokens = beginning(name, 2000, character * 2000, 5)
    assert tokens.encoding.ids[:5] == whole.ids[:5]


def test_a_text_beyond_the_wanted_tokens_is_refused_and_an_ordinary_one_is_not():
    tokenizer = BoundedTokenizer(TOKENIZERS["bundled"], 20_000)
    tokenizer.refuse_beyond("the thing", 1)  # it is for the model to count these
    tokenizer.refuse_beyond("the thing in " * 1000, 3000)
    with pytest.raises(TooManyTokens, match="has more than 2999 tokens"):
        tokenizer.refuse_beyond("the thing in " * 5000, 2999)

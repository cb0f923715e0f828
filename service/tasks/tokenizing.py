"""Tokenises a text with memory that is bounded before the work begins.

A tokenizer needs about 250 bytes for each byte of a text's normalised form, which may have eleven times the
text's bytes. Here it sees only as much of the text as is needed for the wanted tokens, a window at a time.
"""

import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

# The engine brings its own threads, so the library needs no pool of its own.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Tokenizer

# The first window, of the normalised form: all of an ordinary text, so that its tokens are counted; less
# where only the first tokens are wanted. English has 4 to 5 bytes per token.
COUNTED_BYTES, FIRST_BYTES, BYTES_PER_TOKEN = 1 << 15, 1 << 14, 8
# Each next window, where the tokens of one are too few or not sure. Few windows cost little more than one.
WINDOW_FACTOR = 4
# Normalised, a text may grow to the bytes that the longest text allowed can have in UTF-8, 4 per character,
# and a quarter more for the marks that normalizers put between words.
BYTES_PER_CHARACTER = 5
# U+FDFA, 3 bytes, is 33 bytes in NFKC: unicode.org/faq/normalization, maximum expansion factors. Normalizers
# of some models then write each of its three spaces in 3 bytes.
MAX_BYTES_PER_CHARACTER = 40
# A window's end may cut apart what belongs together: the tokens of its last two words, and of its last
# characters, may be others in the whole text. The rules of normalizers look at a few characters.
UNSURE_WORDS, UNSURE_CHARACTERS = 2, 64
# Normalised at once when a text is measured.
SLICE_CHARACTERS = 256
# From here on other threads get the interpreter meanwhile; a shorter text is done before they would have it.
LONG_CHARACTERS = 1000
# The C library keeps what a thread has freed for that thread: many would each keep the memory of a long text.
ONE_LONG_TEXT = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenizing")

T = TypeVar("T")


class TooManyTokens(Exception):
    """The text has more tokens than are allowed; the message says so: `has 513 tokens`."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text, without special ones."""

    encoding: Any
    """tokenizers' own: ids, offsets."""
    is_whole: bool
    """Whether these are all; if not, the first ones up to the number that was wanted are the whole text's."""

    def __len__(self) -> int:
        return len(self.encoding)


class BoundedTokenizer:
    """A tokenizer with bounded memory, called from several threads at once."""

    def __init__(self, tokenizer: Tokenizer, max_characters: int) -> None:
        """Bound the memory that a tokenizer takes.

        tokenizer: with padding and truncation off. max_characters: the length of the longest text.
        """
        self._tokenizer: Any = tokenizer
        self._normalizer: Any = tokenizer.normalizer
        self._max_bytes = max(COUNTED_BYTES, BYTES_PER_CHARACTER * max_characters)
        self._growth = self._measured_growth()

    def for_texts_of(self, characters: int) -> "BoundedTokenizer":
        """Return this tokenizer bounded for texts of up to so many characters."""
        return BoundedTokenizer(self._tokenizer, characters)

    def is_short(self, text: str) -> bool:
        """Return whether the text is small enough to be tokenised whole, on any thread."""
        return self._surely_fits(text, FIRST_BYTES)

    def read(self, text: str, most: int, use: Callable[[Tokens], T], counted: bool = True) -> T:
        """Return what `use` makes of the text's tokens, perhaps not all if there are more than `most`.

        Long texts are tokenised one at a time, on a thread of their own; `use` runs there too and keeps no
        tokens. counted: whether to take all of a text of up to COUNTED_BYTES even so. Raises TooManyTokens
        if so much of a text belongs together that its first tokens cannot be known within the bounds.
        """
        if self.is_short(text):
            return use(Tokens(self._encoded(text), is_whole=True))
        return ONE_LONG_TEXT.submit(lambda: use(self._of_long(text, most, counted))).result()

    def refuse_beyond(self, text: str, most: int) -> None:
        """Raise TooManyTokens for a long text that has more than `most` tokens, or grows too long."""
        fits = self._surely_fits(text, self._windows(most, counted=True)[0])
        if not fits and not self.read(text, most, lambda tokens: tokens.is_whole):
            raise TooManyTokens(f"has more than {most} tokens")

    def _of_long(self, text: str, most: int, counted: bool) -> Tokens:
        for window in self._windows(most, counted):
            end = self._end(text, window)
            encoding = self._encoded(text[:end])
            if end == len(text) or _are_sure(encoding, most, end):
                return Tokens(encoding, end == len(text))
            del encoding  # before the next one is made
        if self._end(text, self._max_bytes) < len(text):
            raise TooManyTokens(f"grows to more than {self._max_bytes} bytes when it is normalised")
        return Tokens(self._encoded(text), is_whole=True)

    def _windows(self, most: int, counted: bool) -> list[int]:
        """Return the sizes of the windows in bytes, each larger than the one before."""
        least = COUNTED_BYTES if counted else FIRST_BYTES
        windows = [min(max(least, BYTES_PER_TOKEN * most), self._max_bytes)]
        while (larger := windows[-1] * WINDOW_FACTOR) < self._max_bytes:
            windows.append(larger)
        return windows

    def _encoded(self, text: str) -> Any:
        return encoded(self._tokenizer, text, add_special_tokens=False)

    def _surely_fits(self, text: str, most_bytes: int) -> bool:
        """Return whether the normalised form has no more bytes, by a cheap estimate."""
        if len(text) * MAX_BYTES_PER_CHARACTER <= most_bytes:
            return True
        if len(text) > most_bytes:
            return False
        # Compatibility decomposition is the longest of Unicode's four forms.
        longest = len(text) if text.isascii() else len(unicodedata.normalize("NFKD", text).encode())
        return longest * self._growth <= most_bytes

    def _end(self, text: str, most_bytes: int) -> int:
        """Return how many characters normalise to no more than so many bytes; at least a slice."""
        if text.isascii() and self._growth == 1:
            return min(len(text), most_bytes)
        total = 0
        for start in range(0, len(text), SLICE_CHARACTERS):
            total += len(self._normalized(text[start : start + SLICE_CHARACTERS]).encode())
            if total > most_bytes and start:
                return start
        return len(text)

    def _normalized(self, text: str) -> str:
        return text if self._normalizer is None else self._normalizer.normalize_str(text)

    def _measured_growth(self) -> float:
        """Return the factor by which the normalizer lengthens text, such as spaces turned into marks."""
        samples = [character * 16 for character in (*map(chr, range(32, 127)), "漢")]
        return max(1.0, *(len(self._normalized(each).encode()) / len(each.encode()) for each in samples))


def encoded(tokenizer: Any, text: str, add_special_tokens: bool = True) -> Any:
    """Return the text's encoding. Other threads have the interpreter while a long one is made."""
    if len(text) < LONG_CHARACTERS:
        return tokenizer.encode(text, add_special_tokens=add_special_tokens)
    return tokenizer.encode_batch([text], add_special_tokens=add_special_tokens)[0]  # `encode` keeps it


def _are_sure(encoding: Any, most: int, end: int) -> bool:
    """Return whether the first `most` tokens of a text's start, `end` characters, are also the text's."""
    if len(encoding) <= most:
        return False
    last, word = encoding.token_to_word(len(encoding) - 1), encoding.token_to_word(most - 1)
    place = encoding.token_to_chars(most - 1)
    if last is None or word is None or place is None:
        return False
    return last - word >= UNSURE_WORDS and place[1] <= end - UNSURE_CHARACTERS

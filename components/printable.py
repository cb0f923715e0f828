"""Makes foreign text, from a model, a request or another program, safe to show in a terminal or a log."""

import unicodedata

# UAX #9, section 2: marks that change the order in which a line is shown, so that it reads as another.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Controls (escape sequences begin with one), halves of surrogate pairs, line and paragraph separators.
_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_KEPT = frozenset("\n\t")


def printable(text: str) -> str:
    r"""Escape controls and bidi marks in a text, such as `\x1b` and `\u202e`; new lines and tabs stay."""
    if text.isprintable():  # nearly always
        return text
    return "".join(character if _is_harmless(character) else _spelled(character) for character in text)


def _is_harmless(character: str) -> bool:
    if character in _KEPT or character.isprintable():
        return True
    return character not in _BIDI and unicodedata.category(character) not in _CATEGORIES


def _spelled(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"

"""The labelled list: sentences whose personal parts are marked, and how many of them are removed."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

LIST = Path(__file__).parent / "labelled.txt"
_MARKED = re.compile(r"\[([A-Z]+):([^\]]+)\]")


def labelled() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each sentence without its marks, with the kind and the text of each marked part."""
    for line in LIST.read_text(encoding="utf-8").splitlines():
        yield _MARKED.sub(r"\2", line), _MARKED.findall(line)


def is_removed(part: str, clean: str) -> bool:
    """Return whether no word of a part, and no number, is left."""
    left = set(re.findall(r"\w+", clean))
    return not left & {word for word in re.findall(r"\w+", part) if len(word) > 1}


def recall(clean: Callable[[str], str]) -> Mapping[str, tuple[int, int]]:
    """Return for each kind how many parts are removed, of how many."""
    removed, counted = Counter[str](), Counter[str]()
    for text, parts in labelled():
        cleaned = clean(text)
        for kind, part in parts:
            counted[kind] += 1
            removed[kind] += is_removed(part, cleaned)
    return {kind: (removed[kind], count) for kind, count in counted.items()}

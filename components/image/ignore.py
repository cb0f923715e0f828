"""Docker's ignore file: decides which paths of a folder are part of a build. Pure.

Source: docs.docker.com/build/concepts/context, .dockerignore. A test compares it with a real build.
"""

import re
from collections.abc import Callable

_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
_REGEX = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class IgnoreFile:
    """The rules of one file.

    Raises ValueError for character classes and escapes, which only Docker supports.
    """

    def __init__(self, text: str) -> None:
        self._rules = [_rule(line) for line in map(str.strip, text.splitlines()) if line and line[0] != "#"]
        kept = [line.strip()[1:] for line in text.splitlines() if line.strip().startswith("!")]
        self._kept_below = [_without_wildcards(pattern) for pattern in kept]

    def ignores(self, path: str) -> bool:
        """Return whether the last rule that matches the path, or a folder above it, excludes it.

        path: relative, with /.
        """
        verdicts = [ignored for matches, ignored in self._rules if matches(path)]
        return bool(verdicts) and verdicts[-1]

    def skips(self, folder: str) -> bool:
        """Return whether nothing below the folder can be kept."""
        return self.ignores(folder) and not any(
            f"{folder}/".startswith(kept) or kept.startswith(f"{folder}/") for kept in self._kept_below
        )


def _rule(line: str) -> tuple[Callable[[str], object], bool]:
    pattern = line.removeprefix("!").strip("/ ")
    if re.search(r"[\[\]\\]", pattern):
        raise ValueError(f".dockerignore has {line!r}; of Docker's wildcards only *, ** and ? are read here.")
    position, regex = 0, ""
    for wildcard in _WILDCARD.finditer(pattern):
        regex += re.escape(pattern[position : wildcard.start()]) + _REGEX[wildcard[0]]
        position = wildcard.end()
    regex += re.escape(pattern[position:])
    return re.compile(f"{regex}(?:/.*)?").fullmatch, not line.startswith("!")


def _without_wildcards(pattern: str) -> str:
    """Return the folders that a pattern names before its first wildcard."""
    folders = pattern.strip("/ ").split("/")
    named = next((n for n, folder in enumerate(folders) if re.search(r"[*?]", folder)), len(folders))
    return "".join(f"{folder}/" for folder in folders[:named])

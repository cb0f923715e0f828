"""Reads the schema of a component for other languages: Pulumi's own analyzer, plus inherited documentation.

Pulumi reads the docstring under each field from the source of that class alone, so the fields that every
target shares would have none.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any

from pulumi.provider.experimental.analyzer import Analyzer as PulumiAnalyzer


class Analyzer(PulumiAnalyzer):
    """Finds the docstring of an inherited field in the class that declares it."""

    def get_docstring(self, typ: type, name: str) -> str | None:
        texts = (super(Analyzer, self).get_docstring(declared, name) for declared in _with_bases(typ))
        return next((text for text in texts if text), None)


def _with_bases(typ: type) -> Iterator[type]:
    """Yield the class, then its bases.

    A TypedDict keeps none before Python 3.12, so they are read from its source.
    """
    yield typ
    if sys.modules[typ.__module__].__dict__.get(typ.__name__) is not typ:
        return
    declaration = ast.parse(inspect.getsource(typ)).body[0]
    names = declaration.bases if isinstance(declaration, ast.ClassDef) else []
    for base in names:
        found: Any = sys.modules[typ.__module__].__dict__.get(ast.unparse(base))
        if isinstance(found, type) and found.__module__.startswith(f"{__package__}."):
            yield from _with_bases(found)

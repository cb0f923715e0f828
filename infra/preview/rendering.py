"""Renders blocks in a format: by one function for each type of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from slipway.infra.preview.blocks import Block

Rendered = TypeVar("Rendered")


@dataclass(frozen=True)
class Renderers(Generic[Rendered]):
    """Holds the renderer of each type of block. left_out: type -> why this format does without it."""

    by_type: Mapping[type[Block], Callable[[Any], Iterable[Rendered]]]
    left_out: Mapping[type[Block], str] = field(default_factory=dict[type[Block], str])

    def rendered(self, blocks: Iterable[Block]) -> Iterator[Rendered]:
        """Render the blocks in their order."""
        for block in blocks:
            if type(block) not in self.left_out:
                yield from self.by_type[type(block)](block)

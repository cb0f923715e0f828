"""What an input holds, found by reading all of it once: its files, rows, and where each part begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .faults import BatchRefused
from .reading import ParquetFile, RowFile
from .rows import Mark, Row
from .sources import Source


@dataclass(frozen=True, slots=True)
class PartBegin:
    """Where a part begins. file: its number among the input's."""

    file: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Inventory:
    """The rows of an input, in parts of `part_rows` each but the last."""

    files: Sequence[RowFile]
    facts: tuple[dict[str, Any], ...]
    """Of each file: name, rows, and what tells whether it is another."""
    rows: int
    part_rows: int
    begins: tuple[PartBegin, ...]
    first: dict[str, Any] | None
    """The values of the first row that can be read."""

    @property
    def parts(self) -> int:
        return len(self.begins)

    def rows_of(self, part: int) -> int:
        return min(self.part_rows, self.rows - part * self.part_rows)

    def read(self, part: int, skip: int = 0) -> Iterator[Row]:
        """Yield the rows of a part, without its first `skip`."""
        left = self.rows_of(part)
        begin = self.begins[part]
        number, mark = part * self.part_rows + 1, begin.mark
        for file in self.files[begin.file :]:
            for row in file.rows(mark, number):
                number += 1
                left -= 1
                if skip:
                    skip -= 1
                else:
                    yield row
                if not left:
                    return
            mark = Mark()


def take_inventory(sources: Sequence[Source], files: Sequence[RowFile], part_rows: int) -> Inventory:
    """Read the input. Raises BatchRefused for what no row of it could be computed with, such as no rows."""
    begins: list[PartBegin] = []
    facts: list[dict[str, Any]] = []
    total, first = 0, None
    for place, (source, file) in enumerate(zip(sources, files, strict=True)):
        before = total
        if isinstance(file, ParquetFile):
            total += file.count()
            begins += [
                PartBegin(place, Mark(row - before, row - before + 1))
                for row in range(-(-before // part_rows) * part_rows, total, part_rows)
            ]
            if first is None and total > before:
                first = next(file.rows(Mark(), 1)).values
        else:
            for row in file.rows(Mark(), total + 1):
                if total % part_rows == 0:
                    begins.append(PartBegin(place, row.mark))
                if first is None:
                    first = row.values
                total += 1
        facts.append({"name": source.name, "rows": total - before, **source.identity()})
    if not total:
        raise BatchRefused(
            f"{sources[0].name} has no rows." if len(sources) == 1 else "The input has no rows."
        )
    return Inventory(files, tuple(facts), total, part_rows, tuple(begins), first)

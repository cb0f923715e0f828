"""Drops from shared libraries what only a debugger reads; a step of the image: `drop_symbols.py FOLDER`.

Does what `strip -s` does, which a slim image lacks: keeps what the program headers name, which is all that
the loader reads (man 5 elf), and neither symbols nor section headers. 64-bit, little-endian libraries alone.
"""

import os
import struct
import sys
from pathlib import Path

_MAGIC = b"\x7fELF\x02\x01"
_HEADER_BYTES, _PROGRAM_HEADER_BYTES = 64, 56
_LOAD = 1
# In the file's header: e_phoff, e_shoff, e_phnum, then e_shentsize, e_shnum and e_shstrndx.
_PHOFF, _SHOFF, _PHNUM, _SECTIONS = 32, 40, 56, 58


def without_symbols(content: bytes) -> bytes:
    """Return the library without them, or as it is if that would not make it smaller."""
    (table,) = struct.unpack_from("<Q", content, _PHOFF)
    (count,) = struct.unpack_from("<H", content, _PHNUM)
    size = _PROGRAM_HEADER_BYTES
    headers = [bytearray(content[table + size * place :][:size]) for place in range(count)]
    moved = _moved(headers)
    kept = bytearray(max(new + length for _, new, length in moved))
    for old, new, length in moved:
        kept[new : new + length] = content[old : old + length]
    for header in headers:
        offset, _, _, length = struct.unpack_from("<4Q", header, 8)
        holder = next(
            ((old, new) for old, new, held in moved if old <= offset <= offset + length <= old + held), None
        )
        if holder:
            struct.pack_into("<Q", header, 8, offset - holder[0] + holder[1])
    kept[table : table + size * count] = b"".join(headers)
    struct.pack_into("<Q", kept, _SHOFF, 0)
    struct.pack_into("<3H", kept, _SECTIONS, 0, 0, 0)
    return bytes(kept) if len(kept) < len(content) else content


def _moved(headers: list[bytearray]) -> list[tuple[int, int, int]]:
    """Return the old place, the new one and the bytes of each loaded segment, in the order of the file.

    A segment's place and its address are equal modulo its alignment.
    """
    loaded = [struct.unpack_from("<6Q", header, 8) for header in headers if header[0] == _LOAD]
    moved: list[tuple[int, int, int]] = []
    end = 0
    for offset, address, _, length, _, alignment in sorted(loaded):
        place = end + (address - end) % max(alignment, 1)
        moved.append((offset, place, length))
        end = place + length
    return moved


def main(folder: Path) -> None:
    for path in folder.rglob("*.so*"):
        content = path.read_bytes()
        if path.is_file() and not path.is_symlink() and content.startswith(_MAGIC):
            temporary = path.with_name(f".{path.name}")
            temporary.write_bytes(without_symbols(content))
            temporary.chmod(path.stat().st_mode)
            os.replace(temporary, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

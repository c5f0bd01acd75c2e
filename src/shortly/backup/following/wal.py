"""SQLite's write-ahead log, read beside SQLite: which pages each of its frames holds, and where.

The log is one file that is written from its start again and again. Each time it gets new salts; frames that have the
salts of its header are of the present generation, those behind them are left from the one before. Nobody locks this
file, so reading it hinders nobody; which of its frames are committed only SQLite can tell (``pages``).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HEADER = struct.Struct(">IIII8sII")
"""Magic number, version, bytes of a page, how often a writer began anew, salts, checksums."""
FRAME = struct.Struct(">II8sII")
"""Page, the database's pages after a commit or 0, salts, checksums; the page follows."""
MAGIC = frozenset({0x377F0682, 0x377F0683})
SALT = struct.Struct(">I")
NO_SALTS = bytes(8)


class Frames(NamedTuple):
    """Pages of consecutive frames of one generation."""

    pages: list[int]
    may_miss: bool
    """There may have been more: the file ended behind them, or what follows was written later. Where frames of an older
    generation follow, all are there."""


class Wal:
    """The log of one database; ``path`` must be there, as it is while a connection is open."""

    def __init__(self, path: Path, page_bytes: int) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._page_bytes = page_bytes

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def generation(self) -> bytes | None:
        """Return the salts of the header; None where nothing was ever written."""
        header = os.pread(self._file, HEADER.size, 0)
        if len(header) < HEADER.size:
            return None
        magic, _, _, _, salts, _, _ = HEADER.unpack(header)
        return bytes(salts) if magic in MAGIC else None

    def frames(self, generation: bytes, first: int, last: int | None = None) -> Frames:
        """Return the pages of a generation's frames, committed or not, from one number (from 1 on) to another."""
        pages: list[int] = []
        for header in self._headers(first, last):
            if len(header) < FRAME.size:
                return Frames(pages, may_miss=True)
            page, _, salts, _, _ = FRAME.unpack(header)
            if salts != generation:
                return Frames(pages, may_miss=not is_older(salts, generation))
            pages.append(page)
        return Frames(pages, may_miss=False)

    def page(self, frame: int) -> bytes:
        """Return what a frame holds."""
        return os.pread(self._file, self._page_bytes, self._offset(frame) + FRAME.size)

    def _headers(self, first: int, last: int | None) -> Iterator[bytes]:
        number = first
        while last is None or number <= last:
            yield os.pread(self._file, FRAME.size, self._offset(number))
            number += 1

    def _offset(self, frame: int) -> int:
        return HEADER.size + (frame - 1) * (FRAME.size + self._page_bytes)


def is_older(salts: bytes, generation: bytes) -> bool:
    """Return whether a frame is left from before a generation; the first salt counts.

    Those of a transaction that wrote a page twice have no salts until it ends, of whatever generation they are.
    """
    (found,), (present,) = SALT.unpack_from(salts), SALT.unpack_from(generation)
    return salts != NO_SALTS and 0 < (present - found) & 0xFFFFFFFF < 1 << 31


def follows(later: bytes, earlier: bytes) -> bool:
    """Return whether a generation is the next one after another: the first salt counts."""
    (before,), (after,) = SALT.unpack_from(earlier), SALT.unpack_from(later)
    return bool(after == (before + 1) & 0xFFFFFFFF)

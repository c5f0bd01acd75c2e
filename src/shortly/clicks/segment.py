"""The form of a journal segment, and its reader.

A segment is a file of fixed size: eight bytes that say how its records are laid out (``MAGIC``), then records one after
the other, each a frame (length and CRC-32 of the payload, 32 bits little-endian each) and the payload. A length of zero
is where the next record will be; ``END`` in its place closes the segment. A record that is being written, or whose
writer died over it, is told by its checksum.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from struct import Struct
from typing import NamedTuple, Self
from zlib import crc32

LAYOUT = 2
"""How records are laid out that this version writes; it reads those of the ones before, too, see ``click``."""
NAME = b"SHORTLY"
MAGIC = NAME + b"%d" % LAYOUT
HEADER = 16
"""Bytes before the first record: ``MAGIC`` and eight that are kept free."""
FRAME = Struct("<II")
END = FRAME.pack(0xFFFF_FFFF, 0)
SUFFIX = ".seg"


class Chunk(NamedTuple):
    """What a read found: payloads with the position after each, and how the segment goes on."""

    records: list[tuple[int, bytes]]
    closed: bool
    """The writer closed the segment here: no record will follow."""
    torn: bool
    """What stands here is no whole record: one being written just now, or for ever when its writer is dead."""


class SegmentReader:
    """Reads a segment while it is being written, by another process or a dead one."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._fd).st_size
        self.layout = LAYOUT
        """How the records are laid out that were read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the reader cannot be used afterwards."""
        os.close(self._fd)

    def read(self, position: int, max_bytes: int = 1 << 20) -> Chunk:
        """Return the whole records from ``position`` on (0: the first), at most about ``max_bytes`` of them.

        An empty list that is neither closed nor torn means that the next record has not been written yet.

        Raises:
            OSError: The file cannot be read, or a newer version wrote it.
        """
        position = max(position, HEADER)
        if os.pread(self._fd, 4, position) == b"\0\0\0\0":
            return Chunk([], closed=False, torn=False)
        self._read_layout()
        records: list[tuple[int, bytes]] = []
        data = os.pread(self._fd, max_bytes, position)
        here, size = 0, len(data)
        while here + FRAME.size <= size:
            length, checksum = FRAME.unpack_from(data, here)
            if length == 0:
                return Chunk(records, closed=False, torn=False)
            if length == 0xFFFF_FFFF:
                return Chunk(records, closed=True, torn=False)
            after = here + FRAME.size + length
            if after > size:
                beyond = position + after > self.size
                return Chunk(records, closed=False, torn=beyond or (not records and length > max_bytes - FRAME.size))
            payload = data[here + FRAME.size : after]
            if crc32(payload) != checksum:
                return Chunk(records, closed=False, torn=True)
            records.append((position + after, payload))
            here = after
        return Chunk(records, closed=False, torn=False)

    def _read_layout(self) -> None:
        """Note the layout, which is written down before the first record; a damaged one is taken for today's."""
        magic = os.pread(self._fd, len(MAGIC), 0)
        if magic[:-1] == NAME and magic[-1:].isdigit():
            self.layout = int(magic[-1:])
        if self.layout > LAYOUT:
            raise OSError(errno.EPROTO, "it was written by a newer version of Shortly")

"""Raw visits as they lie in Redis: an id that is also their time, and the rest.

The id is 8 bytes, highest first: unix milliseconds << 20 | 20 bits that tell visits of one millisecond apart. These are
taken from the place in the journal, so folding a visit again after a crash gives it the same id, in its link's
partition and in that of all links. Two visits have the same id if they came in the same millisecond to different
workers, and then once in a million times; one of them is missed by a reader whose page ends between them.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from zlib import crc32

import msgspec

from shortly.clicks.fold import DAY_MS
from shortly.clicks.visit import Visit
from shortly.errors import InvalidCursor

NUMBER_BITS = 20
MAX_AT_MS = (1 << (63 - NUMBER_BITS)) - 1
"""In the year 2248."""
MAX_ID = (1 << 63) - 1
COLUMNS = tuple(name for name in Visit.__struct_fields__ if name not in ("at_ms", "link_id", "private"))
"""What is packed of a visit, in this order; a new one goes to the end."""

_row_of: Callable[[Visit], tuple[str | bytes | int, ...]] = attrgetter(*COLUMNS)
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list).decode


def first_id(at_ms: int) -> int:
    """Return the lowest id of a time; times beyond what an id can hold count as the first or last that it can."""
    return min(max(at_ms, 0), MAX_AT_MS) << NUMBER_BITS


def ids_in(segment: str) -> Callable[[int, int], bytes]:
    """Return the function from time and position in this segment to the id."""
    start = crc32(segment.encode())

    def id_of(at_ms: int, position: int) -> bytes:
        at_ms = at_ms if 0 <= at_ms <= MAX_AT_MS else min(max(at_ms, 0), MAX_AT_MS)
        return (at_ms << NUMBER_BITS | (start + position) & 0xF_FFFF).to_bytes(8, "big")

    return id_of


def entry_of(visit_id: bytes, visit: Visit) -> bytes:
    """Return what a link's list keeps of a visit."""
    return visit_id + _pack(_row_of(visit))


def visit_in(entry: bytes, link_id: int) -> Visit:
    """Return the visit in an entry of the link's list."""
    values = dict(zip(COLUMNS, _unpack(entry[8:]), strict=False))
    return Visit(at_ms=id_in(entry) >> NUMBER_BITS, link_id=link_id, **values)


def pointer_of(visit_id: bytes, link_id: int) -> bytes:
    """Return what the list of all links keeps of a visit: its id, and where to find the rest."""
    return visit_id + link_id.to_bytes((link_id.bit_length() + 7) // 8, "big")


def link_in(pointer: bytes) -> int:
    """Return the link that a pointer points to."""
    return int.from_bytes(pointer[8:], "big")


def id_in(entry: bytes) -> int:
    """Return the id that an entry or pointer begins with."""
    return int.from_bytes(entry[:8], "big")


def day_of(visit_id: bytes) -> int:
    """Return the day that an id says."""
    return (int.from_bytes(visit_id, "big") >> NUMBER_BITS) // DAY_MS


def write_cursor(link_id: int, entry: bytes) -> str:
    """Return the cursor for what lies behind this entry or pointer."""
    return f"{link_id:x}.{id_in(entry):x}"


def read_cursor(cursor: str, link_id: int) -> int:
    """Return the id that the next page ends before.

    Raises:
        InvalidCursor: The cursor is not one that a list of this link gave.
    """
    try:
        before = int(cursor.rpartition(".")[2], 16)
    except ValueError:
        raise InvalidCursor from None
    if cursor != f"{link_id:x}.{before:x}" or not 0 <= before <= MAX_ID:
        raise InvalidCursor
    return before

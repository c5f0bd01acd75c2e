"""Searching by grams of two or three characters: which rows may hold a text, looked up chunk by chunk, newest first."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from struct import iter_unpack
from sys import byteorder
from typing import NamedTuple

from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.grams import CHUNK_ROWS, grams_in
from shortly.store.redis.records import Doc, id_of, stored_doc
from shortly.store.redis.scripts import Script

BITMAP_BYTES = CHUNK_ROWS // 8
MOST_GRAMS = 16
"""Grams of a long text that are looked up; the whole text is compared anyway."""
WALKED_GRAMS = 4
"""The same for a walk."""
CHUNKS = 16
"""Chunks that one script call looks into."""
ROWS = 500
"""Rows that one script call reads, of whatever chunks."""

BIT = tuple(128 >> bit for bit in range(8))
BITS = tuple(tuple(bit for bit in range(8) if byte & (128 >> bit)) for byte in range(256))
"""Which bits of a byte are set, the highest is 0."""

FIND_ROWS = Script("find_rows")
ROW_DOCS = Script("row_ids", "row_docs")
ROW_SCORES = Script("row_ids", "row_scores")


class Rows(NamedTuple):
    """Rows of one chunk."""

    chunk: int
    rows: Sequence[int]


def is_searchable(needle: str) -> bool:
    """Return whether grams can help to find a casefolded text."""
    return len(needle) >= 2


class Grams(NamedTuple):
    """What all rows with a text have, for a walk that skips the others."""

    postings: Sequence[str]
    """Keys, chunk by chunk."""
    grams: int
    chunks: int


NO_GRAMS = Grams((), 0, 0)


async def grams_to_walk_by(client: Client, needle: str) -> Grams:
    """Return some grams of a text."""
    grams = list(dict.fromkeys(grams_in(needle)))
    grams = grams[:: -(-len(grams) // WALKED_GRAMS)]
    chunks = -(-int(await client.read("GET", keys.ROWS) or 0) // CHUNK_ROWS)
    return Grams([keys.postings(chunk, gram) for chunk in range(chunks) for gram in grams], len(grams), chunks)


async def find_rows(client: Client, needle: str, most: int) -> list[Rows] | None:
    """Return all rows that may hold the text, or None when these are more than ``most``."""
    grams = list(dict.fromkeys(grams_in(needle)))
    grams = grams[:: -(-len(grams) // MOST_GRAMS)]
    newest = (int(await client.read("GET", keys.ROWS) or 0) - 1) // CHUNK_ROWS
    found: list[Rows] = []
    count = 0
    chunks = range(newest, -1, -1)
    size = 1  # the newest chunk alone often shows that there are too many
    while chunks:
        some, chunks, size = chunks[:size], chunks[size:], CHUNKS
        names = [keys.postings(chunk, gram) for chunk in some for gram in grams]
        reply = await client.run(FIND_ROWS, names, [len(grams)])
        for chunk, postings in zip(some, reply, strict=True):
            if postings and (rows := common_rows(postings, most - count)):
                if (count := count + len(rows)) > most:
                    return None
                found.append(Rows(chunk, rows))
    return found


async def read_docs(client: Client, found: Sequence[Rows]) -> Iterator[tuple[int, Doc]]:
    """Return the links, and what the index knows of them, that are in these rows."""
    replies = [await client.run(ROW_DOCS, [keys.DOCS, *names], rows) for names, rows in _steps(found)]
    return (
        (id_of(member), stored_doc(doc)[1])
        for reply in replies
        for member, doc in zip(reply[::2], reply[1::2], strict=True)
        if doc is not None
    )


async def read_scores(client: Client, key: str, found: Sequence[Rows]) -> Iterator[tuple[int, int | None]]:
    """Return the links that are in these rows, and their scores in a sorted set; None: it has them not."""
    replies = [await client.run(ROW_SCORES, [key, *names], rows) for names, rows in _steps(found)]
    return (
        (link_id, None if score is None else int(float(score)))
        for ids, *scores in replies
        for (link_id,), score in zip(iter_unpack(">Q", ids), scores, strict=True)
    )


def _steps(found: Sequence[Rows]) -> Iterator[tuple[list[str], list[int]]]:
    """Yield script calls for ``ROWS`` rows each: keys of the chunks, and for each how many rows, and these."""
    names: list[str] = []
    args: list[int] = []
    room = ROWS
    for chunk, rows in found:
        start = 0
        while start < len(rows):
            some = rows[start : start + room]
            names.append(keys.rows(chunk))
            args += (len(some), *some)
            start += len(some)
            room -= len(some)
            if not room:
                yield names, args
                names, args, room = [], [], ROWS
    if names:
        yield names, args


def common_rows(postings: Sequence[bytes], most: int) -> Sequence[int]:
    """Return the rows that all postings, the shortest first, have; when these are more than ``most``, any so many."""
    shortest, *others = postings
    if len(shortest) < BITMAP_BYTES:
        rows = list(rows_in(shortest))
        for other in others:
            if len(other) < BITMAP_BYTES:
                also = set(rows_in(other))
                rows = [row for row in rows if row in also]
            else:
                rows = [row for row in rows if other[row >> 3] & BIT[row & 7]]
        return rows
    bits = int.from_bytes(shortest, "big")
    for other in others:
        bits &= int.from_bytes(other, "big")
    if bits.bit_count() > most:
        return range(most + 1)
    return rows_in(bits.to_bytes(BITMAP_BYTES, "big"))


def rows_in(posting: bytes) -> Sequence[int]:
    """Return the rows of a posting, whichever form it has; those of a bitmap rising."""
    if len(posting) < BITMAP_BYTES:
        rows = array("H", posting)
        if byteorder == "big":
            rows.byteswap()
        return rows
    return [place * 8 + bit for place, byte in enumerate(posting) if byte for bit in BITS[byte]]

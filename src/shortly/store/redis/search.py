"""Searching by grams of two or three characters: which rows may hold a text, looked up chunk by chunk, newest first."""

from __future__ import annotations

import asyncio
from array import array
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from struct import iter_unpack
from sys import byteorder
from typing import Any, NamedTuple

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
AT_ONCE = 2
"""Such calls, and those for rows, that are under way."""
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
    chunks = range(newest, -1, -1)
    found: list[Rows] = []
    count = 0
    for part in (chunks[:1], chunks[1:]):  # the newest chunk alone often shows that there are too many
        steps = [part[start : start + CHUNKS] for start in range(0, len(part), CHUNKS)]
        calls = (([keys.postings(chunk, gram) for chunk in some for gram in grams], [len(grams)]) for some in steps)
        async with aclosing(_replies(client, FIND_ROWS, calls)) as replies:
            for some in steps:
                for chunk, postings in zip(some, await anext(replies), strict=True):
                    if postings and (rows := common_rows(postings, most - count)):
                        if (count := count + len(rows)) > most:
                            return None
                        found.append(Rows(chunk, rows))
    return found


async def read_docs(client: Client, found: Sequence[Rows]) -> Iterator[tuple[int, Doc]]:
    """Return the links, and what the index knows of them, that are in these rows."""
    replies = [reply async for reply in _replies(client, ROW_DOCS, _steps(keys.DOCS, found))]
    return (
        (id_of(member), stored_doc(doc)[1])
        for reply in replies
        for member, doc in zip(reply[::2], reply[1::2], strict=True)
        if doc is not None
    )


async def read_scores(client: Client, key: str, found: Sequence[Rows]) -> Iterator[tuple[int, int | None]]:
    """Return the links that are in these rows, and their scores in a sorted set; None: it has them not."""
    replies = [reply async for reply in _replies(client, ROW_SCORES, _steps(key, found))]
    return (
        (link_id, None if score is None else int(float(score)))
        for ids, *scores in replies
        for (link_id,), score in zip(iter_unpack(">Q", ids), scores, strict=True)
    )


async def _replies(
    client: Client, script: Script, calls: Iterable[tuple[Sequence[str], Sequence[int]]]
) -> AsyncGenerator[Any, None]:
    """Yield what the script returns for keys and arguments, in their order; while one is read, the server works on the
    next one."""
    under_way: deque[asyncio.Task[Any]] = deque()
    try:
        for names, args in calls:
            under_way.append(asyncio.create_task(client.run(script, names, args)))
            if len(under_way) == AT_ONCE:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        await asyncio.gather(*under_way, return_exceptions=True)


def _steps(key: str, found: Sequence[Rows]) -> Iterator[tuple[list[str], list[int]]]:
    """Yield script calls for ``ROWS`` rows each: the key, and keys of chunks; for each how many rows, and these."""
    names: list[str] = [key]
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
                names, args, room = [key], [], ROWS
    if args:
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

"""Searching by trigrams: which rows may hold a text, looked up chunk by chunk, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.index import CHUNK_ROWS, trigrams_in
from shortly.store.redis.records import Doc, id_of, stored_doc
from shortly.store.redis.scripts import Script

BITMAP_BYTES = CHUNK_ROWS // 8
MOST_TRIGRAMS = 16
"""Trigrams of a long text that are looked up; the whole text is compared anyway."""
CHUNKS = 16
"""Chunks that one script call looks into."""
DOCS = 500
"""Documents that one script call reads."""

FIND_ROWS = Script("find_rows")
ROW_DOCS = Script("row_docs")


class Rows(NamedTuple):
    """Rows of one chunk."""

    chunk: int
    rows: Sequence[int]


def is_searchable(needle: str) -> bool:
    """Return whether trigrams can help to find a casefolded text."""
    return len(needle) >= 3


async def find_rows(client: Client, needle: str, most: int) -> list[Rows] | None:
    """Return all rows that may hold the text, or None when these are more than ``most``."""
    trigrams = list(dict.fromkeys(trigrams_in(needle)))
    trigrams = trigrams[:: -(-len(trigrams) // MOST_TRIGRAMS)]
    newest = (int(await client.read("GET", keys.ROWS) or 0) - 1) // CHUNK_ROWS
    found: list[Rows] = []
    count = 0
    chunks = range(newest, -1, -1)
    size = 1  # the newest chunk alone often shows that there are too many
    while chunks:
        some, chunks, size = chunks[:size], chunks[size:], CHUNKS
        names = [keys.postings(chunk, trigram) for chunk in some for trigram in trigrams]
        reply = await client.run(FIND_ROWS, names, [len(trigrams)])
        for chunk, postings in zip(some, reply, strict=True):
            if postings and (rows := common_rows(postings, most - count)):
                if (count := count + len(rows)) > most:
                    return None
                found.append(Rows(chunk, rows))
    return found


async def read_docs(client: Client, found: Sequence[Rows]) -> Iterator[tuple[int, Doc]]:
    """Return the links, and what the index knows of them, that are in these rows."""
    calls = [
        (ROW_DOCS, [keys.DOCS, keys.rows(chunk)], rows[start : start + DOCS])
        for chunk, rows in found
        for start in range(0, len(rows), DOCS)
    ]
    replies = [await client.run(*call) for call in calls]
    return (
        (id_of(member), stored_doc(doc)[1])
        for reply in replies
        for member, doc in zip(reply[::2], reply[1::2], strict=True)
        if doc is not None
    )


def common_rows(postings: Sequence[bytes], most: int) -> list[int]:
    """Return the rows that all postings have, shortest postings first; may stop when there are more than ``most``."""
    shortest, *others = postings
    if len(shortest) < BITMAP_BYTES:
        rows = {shortest[at] << 8 | shortest[at + 1] for at in range(0, len(shortest), 2)}
        for other in others:
            if len(other) < BITMAP_BYTES:
                rows &= {other[at] << 8 | other[at + 1] for at in range(0, len(other), 2)}
            else:
                rows = {row for row in rows if other[row >> 3] & (128 >> (row & 7))}
        return sorted(rows)
    bits = int.from_bytes(shortest, "big")
    for other in others:
        bits &= int.from_bytes(other, "big")
    rows_of_bits = rows_in(bits.to_bytes(BITMAP_BYTES, "big"))
    return [row for row, _ in zip(rows_of_bits, range(most + 1), strict=False)]


def rows_in(posting: bytes) -> Iterator[int]:
    """Yield the rows of a posting, whichever form it has."""
    if len(posting) < BITMAP_BYTES:
        yield from (posting[at] << 8 | posting[at + 1] for at in range(0, len(posting), 2))
        return
    for place, byte in enumerate(posting):
        if byte:
            yield from (place * 8 + bit for bit in range(8) if byte & (128 >> bit))

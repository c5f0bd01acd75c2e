"""What postings know links by: every two and every three characters of their texts, and their labels.

Texts of many new links are spelled together. A number says which links a text, and then a gram, is of: bit 0 is the
first one. So a tag or a host that many have is spelled once, and the pairs are put together from what begins with them.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import add
from struct import Struct
from sys import byteorder

from shortly.links.labels import LabelKind
from shortly.store.redis.records import Doc

CHUNK_ROWS = 65_536
"""Rows whose postings are kept together."""
COMMON = 16
"""A gram that one in so many links has, so that a bitmap takes no more room than the numbers of its rows."""
MANY = 200
"""New links that are enough to tell so."""
PIECE = 190
"""Characters of a text that are spelled at once."""
AT_ONCE = 200
"""Pieces that are spelled between two turns of others."""
WIDTH = 4
"""Bytes of a character, in UTF-32."""
END = "\0"
"""Behind each piece; no text has it."""

_triples = tuple(Struct(f"{3 * WIDTH}s" * count).unpack_from for count in range(PIECE // 3 + 2))
"""By their count: what reads triples of characters that lie side by side."""
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Spelling:
    """Finds the grams of texts."""

    def __init__(self) -> None:
        self._pieces: defaultdict[str, int] = defaultdict(int)
        self._triples: defaultdict[bytes, int] = defaultdict(int)

    def add(self, text: str, links: int) -> None:
        """Take a text of some links up; casefolded, as searches are."""
        if len(text) < 2:
            return
        pieces = self._pieces
        if 0 < (cut := text.find("/", 8) + 1) <= PIECE:  # behind the host of a target
            pieces[text[:cut]] |= links
            text = text[cut - 2 :]
        while len(text) > PIECE:
            pieces[text[:PIECE]] |= links
            text = text[PIECE - 2 :]
        pieces[text] |= links

    def work(self) -> Iterator[None]:
        """Spell what has been added; yields every few milliseconds, for others to have their turn."""
        pieces, triples = self._pieces, self._triples
        while pieces:
            for _ in range(min(AT_ONCE, len(pieces))):
                piece, links = pieces.popitem()
                for triple in _triples_of(piece):
                    triples[triple] |= links
            yield

    def grams(self) -> dict[str, int]:
        """Return the grams of all texts, and the links that have each."""
        for _ in self.work():
            pass
        pairs: defaultdict[str, int] = defaultdict(int)
        grams: dict[str, int] = {}
        characters = b"".join(self._triples).decode("utf-32-le")
        for place, links in zip(range(0, len(characters), 3), self._triples.values(), strict=True):
            triple = characters[place : place + 3]
            pairs[triple[:2]] |= links
            if triple[2] != END:
                grams[triple] = links
        grams.update(pairs)
        return grams


def _triples_of(piece: str) -> list[bytes]:
    """Return every three characters of a piece and of the end behind it; the last of them has two of the piece."""
    characters = (piece + END).encode("utf-32-le")
    count = len(piece) + 1
    triples: list[bytes] = []
    for first in range(min(3, count)):
        triples += _triples[(count - first) // 3](characters, first * WIDTH)
    return triples


def grams_of(doc: Doc) -> set[str]:
    """Return what postings know one link by."""
    found = {label_gram(kind, doc.workspace, name) for kind, name in labels_of(doc)}
    for text in doc.texts():
        pairs = list(map(add, text, text[1:]))
        found.update(pairs)
        found.update(map(add, pairs, text[2:]))
    return found


def labels_of(doc: Doc) -> Iterator[tuple[LabelKind, str]]:
    """Yield the tags and the folder of a link; none of a deleted one."""
    if doc.deleted_at is not None:
        return
    for tag in doc.tags:
        yield "tag", tag
    if doc.folder:
        yield "folder", doc.folder


def label_gram(kind: LabelKind, workspace: int, name: str) -> str:
    """Return what postings have a label by; longer than any gram of a text."""
    return f"{kind}:{workspace}:{name}"


def grams_in(text: str) -> Iterator[str]:
    """Yield every three characters of a casefolded text, or all of it when it has two."""
    return (text[start : start + 3] for start in range(max(1, len(text) - 2)))


# --- rows ------------------------------------------------------------------------------------------------------------


def least_common(count: int) -> int:
    """Return how many of ``count`` new links must have a gram for their rows to be sent as a bitmap."""
    return -(-count // COMMON) if count >= MANY else count + 1


def numbers_from(first: int, count: int) -> list[bytes]:
    """Return so many rows one after the other, each packed."""
    return [row.to_bytes(2, "little") for row in range(first, first + count)]


def bitmap_of(links: int, first: int) -> bytes:
    """Return a bitmap of links whose first one has a certain row; it begins at the byte that this row is in."""
    bits = links << first % 8
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little").translate(_REVERSED)


def rows_of(links: int, numbers: Sequence[bytes]) -> bytes:
    """Return the rows of links, rising, see ``packed_rows``; ``numbers`` has that of each."""
    bits = bin(links)[:1:-1]
    rows = []
    place = bits.find("1")
    while place >= 0:
        rows.append(numbers[place])
        place = bits.find("1", place + 1)
    return b"".join(rows)


def packed_rows(rows: Iterable[int]) -> bytes:
    """Return rows of one chunk, 2 bytes each, little-endian."""
    numbers = array("H", rows)
    if byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()

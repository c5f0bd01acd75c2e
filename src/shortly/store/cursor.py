"""Where a page of links ended, as an opaque text."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

import msgspec

from shortly.errors import InvalidCursor
from shortly.links.link import LinkQuery, SortField

Key = int | str
TEXT_SORTS = frozenset[SortField]({"slug", "title"})
BIGGEST = 2**63 - 1


class Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last link of a page: its sort key, and its id to tell equal keys apart."""

    sort: SortField
    descending: bool
    key: Key
    id: int


def cursor_after(query: LinkQuery, key: Key, link_id: int) -> str:
    """Return the cursor of the page that begins behind this link."""
    position = Position(query.sort, query.descending, key, link_id)
    return urlsafe_b64encode(msgspec.msgpack.encode(position)).rstrip(b"=").decode()


def position_of(query: LinkQuery) -> Position | None:
    """Read the query's cursor, if it has one.

    Raises:
        InvalidCursor: It was not made by ``cursor_after``, or for another sort or direction.
    """
    if query.cursor is None:
        return None
    try:
        raw = b64decode(query.cursor + "=" * (-len(query.cursor) % 4), altchars=b"-_", validate=True)
        position = msgspec.msgpack.decode(raw, type=Position)
    except (NotBase64, ValueError, msgspec.MsgspecError):
        raise InvalidCursor from None
    right_type = isinstance(position.key, str) if position.sort in TEXT_SORTS else isinstance(position.key, int)
    if (
        (position.sort, position.descending) != (query.sort, query.descending)
        or not right_type
        or not 0 < position.id <= BIGGEST
        or (isinstance(position.key, int) and not -BIGGEST <= position.key <= BIGGEST)
        or (position.sort == "clicks" and isinstance(position.key, int) and position.key < 0)
    ):
        raise InvalidCursor
    return position

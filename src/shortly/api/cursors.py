"""Cursors of lists whose pages go by id."""

from __future__ import annotations

from shortly.accounts.records import MAX_ID
from shortly.errors import InvalidCursor


def cursor_of(record_id: int) -> str:
    """Return the cursor of the page that follows a record."""
    return str(record_id)


def id_in(cursor: str | None) -> int | None:
    """Return the record that a page follows; None: it is the first one.

    Raises:
        InvalidCursor: It is no cursor.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and 0 < int(cursor) <= MAX_ID):
        raise InvalidCursor
    return int(cursor)

"""What accounts need of a store: small records, found by id, name or group, and changed several at once or not at all.

People, workspaces, sessions, keys, one-time tickets and the audit log are all kept as records, so that an engine has
four steps to get right and not four for each noun. Everything here is small and rarely written; what grows with links
or clicks is not kept as records.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from shortly.errors import InvalidInput


class Record(Struct, frozen=True, kw_only=True):
    """One record. ``kind`` and ``id`` together say which."""

    kind: str
    """The noun, such as ``user``."""
    id: int
    """Positive and below 2**53, so that JavaScript can hold it; rises with time, see ``draw_id``."""
    version: int = 1
    """Goes up by one with every replacement."""
    body: bytes
    """The noun itself; the store does not look into it. At most ``MAX_BODY`` bytes."""
    names: tuple[str, ...] = ()
    """Each belongs to at most one living record of the kind, which ``find_record`` finds by it."""
    groups: tuple[str, ...] = ()
    """The lists that it is in, see ``list_records``; every record of a kind is also in the group ""."""
    expires_at: datetime | None = None
    """From this moment on it is as if it had been removed, and its names are free."""


MAX_ID = 2**53 - 1
MAX_BODY = 65_536
MAX_TEXTS = 16
"""Names, and groups, of one record."""
MAX_TEXT = 1_024
"""Bytes of a name or a group, in UTF-8."""
MAX_CHANGES = 256
"""Changes that one ``write_records`` takes."""


class Add(Struct, frozen=True):
    """Put a new record in; its kind and id must be new."""

    record: Record


class Replace(Struct, frozen=True):
    """Put ``new`` in the place of ``old``, as long as its version is still there; ``new`` gets the next one."""

    old: Record
    new: Record


class Remove(Struct, frozen=True):
    """Take a record out, as long as its version is still there."""

    record: Record


Change = Add | Replace | Remove


class RecordStore(Protocol):
    """Records of all kinds. Reads are never answered from memory: what any process wrote is seen by the next read."""

    async def get_record(self, kind: str, record_id: int, now: datetime) -> Record | None:
        """Return the record, or None when there is none or it has expired; one point read."""

    async def find_record(self, kind: str, name: str, now: datetime) -> Record | None:
        """Return the living record of this kind that has the name, or None; one point read."""

    async def list_records(
        self,
        kind: str,
        group: str,
        now: datetime,
        *,
        after: int | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> list[Record]:
        """Return up to ``limit`` living records of a group by id, beyond the id ``after`` in the direction asked for.

        Fewer than ``limit`` are the end of the list. Its cost grows with ``limit`` and not with the group.
        """

    async def write_records(self, changes: Sequence[Change], now: datetime, *, durable: bool = True) -> list[Record]:
        """Make all changes in one atomic step, in their order, or none; return the records as they are stored now.

        The answer has one record for each change, a removed one as it was. Each call also removes some records that
        have expired. Without ``durable`` a crash may take the changes back, all of them together.

        Raises:
            RecordChanged: A version is not the one that was read, the record is gone, or an added id is not new.
            NameTaken: Another living record of the kind has one of the names.
            InvalidInput: A record is larger than it may be, or a name or group is no text that can be stored.
            StorageFull: Nothing was written.
            StoreUnavailable: All was written, or nothing; with SQLite nothing.
        """


def check_changes(changes: Sequence[Change]) -> None:
    """Hold the bounds of ``RecordStore.write_records`` for an engine.

    Raises:
        InvalidInput: As there.
        ValueError: Nobody's input, but a mistake in the program.
    """
    if not 1 <= len(changes) <= MAX_CHANGES:
        raise ValueError(f"{len(changes)} changes at once")
    for change in changes:
        match change:
            case Replace(old, new):
                if (old.kind, old.id) != (new.kind, new.id):
                    raise ValueError(f"a {old.kind} cannot become another record")
                _check_record(new)
            case Add(record):
                _check_record(record)
            case Remove():
                pass


def is_text(text: str) -> bool:
    """Say whether a name or group can be stored; nothing is found by one that cannot."""
    try:
        return len(text.encode()) <= MAX_TEXT
    except UnicodeEncodeError:
        return False


def _check_record(record: Record) -> None:
    if not (0 < record.id <= MAX_ID and record.version > 0 and record.kind.isascii() and record.kind.isidentifier()):
        raise ValueError(f"a {record.kind} with id {record.id} and version {record.version}")
    if len(record.names) > MAX_TEXTS or len(record.groups) > MAX_TEXTS or "" in record.groups:
        raise ValueError(f"a {record.kind} in {len(record.groups)} groups")
    if len(record.body) > MAX_BODY:
        raise InvalidInput(f"The {record.kind} is too large.")
    if not all(map(is_text, record.names)):
        raise InvalidInput(f"The name of the {record.kind} is too long, or no valid text.", field="name")
    if not all(map(is_text, record.groups)):
        raise InvalidInput(f"A value of the {record.kind} is too long, or no valid text.")

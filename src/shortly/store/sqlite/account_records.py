"""Records in SQLite, in the same file as the links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import apsw
import msgspec
from msgspec.structs import replace

from shortly.accounts.records import MAX_ID, Add, Change, Record, Remove, Replace, check_changes, is_text
from shortly.errors import NameTaken, RecordChanged
from shortly.store.moments import from_ms, from_ms_or_none, to_ms, to_ms_or_none
from shortly.store.sqlite.connection import store_errors
from shortly.store.sqlite.link_file import LinkFile
from shortly.store.sqlite.rows import Row

SWEEP = 16
"""Expired records that a write removes, beyond as many as it has changes."""

GET = """
SELECT kind, id, version, expires_at, names, groups, body FROM records
WHERE kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)
"""
FIND = """
SELECT r.kind, r.id, r.version, r.expires_at, r.names, r.groups, r.body
FROM record_names AS n CROSS JOIN records AS r ON r.kind = n.kind AND r.id = n.id
WHERE n.kind = ? AND n.name = ? AND (r.expires_at IS NULL OR r.expires_at > ?)
"""
ALL_UP = """
SELECT kind, id, version, expires_at, names, groups, body FROM records
WHERE kind = ? AND id > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY id LIMIT ?
"""
GROUP_UP = """
SELECT r.kind, r.id, r.version, r.expires_at, r.names, r.groups, r.body
FROM record_groups AS g CROSS JOIN records AS r ON r.kind = g.kind AND r.id = g.id
WHERE g.kind = ? AND g.name = ? AND g.id > ? AND (r.expires_at IS NULL OR r.expires_at > ?) ORDER BY g.id LIMIT ?
"""
ALL_DOWN = ALL_UP.replace("id > ?", "id < ?").replace("ORDER BY id", "ORDER BY id DESC")
GROUP_DOWN = GROUP_UP.replace("g.id > ?", "g.id < ?").replace("ORDER BY g.id", "ORDER BY g.id DESC")

_texts = msgspec.json.Decoder(tuple[str, ...])


class RecordTables:
    """The ``RecordStore`` of SQLite."""

    def __init__(self, file: LinkFile) -> None:
        self._record_file = file

    async def get_record(self, kind: str, record_id: int, now: datetime) -> Record | None:
        """See ``RecordStore``; never waits."""
        return self._read_one(GET, kind, record_id, to_ms(now)) if 0 < record_id <= MAX_ID else None

    async def find_record(self, kind: str, name: str, now: datetime) -> Record | None:
        """See ``RecordStore``; never waits."""
        return self._read_one(FIND, kind, name, to_ms(now)) if is_text(name) else None

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
        """See ``RecordStore``."""
        if not is_text(group):
            return []
        edge = (MAX_ID + 1 if descending else 0) if after is None else min(max(after, 0), MAX_ID + 1)
        rest = (edge, to_ms(now), limit)
        reader = self._record_file.reader
        with store_errors(reader):
            if group:
                rows = reader.execute(GROUP_DOWN if descending else GROUP_UP, (kind, group, *rest)).fetchall()
            else:
                rows = reader.execute(ALL_DOWN if descending else ALL_UP, (kind, *rest)).fetchall()
        return list(map(record_of, rows))

    async def write_records(self, changes: Sequence[Change], now: datetime, *, durable: bool = True) -> list[Record]:
        """See ``RecordStore``; always durable."""
        check_changes(changes)
        return await self._record_file.writer.write(
            partial(_write, changes=tuple(changes), now=to_ms(now)), rows=4 * len(changes)
        )

    def _read_one(self, statement: str, *values: str | int) -> Record | None:
        reader = self._record_file.reader
        with store_errors(reader):
            row = reader.execute(statement, values).get
        return None if row is None else record_of(row)


def record_of(row: Row) -> Record:
    """Return the record in a row of ``records``."""
    kind, record_id, version, expires_at, names, groups, body = row
    return Record(
        kind=kind,
        id=record_id,
        version=version,
        body=body,
        names=_texts.decode(names) if names else (),
        groups=_texts.decode(groups) if groups else (),
        expires_at=from_ms_or_none(expires_at),
    )


def _write(connection: apsw.Connection, *, changes: Sequence[Change], now: int) -> list[Record]:
    written = [_change(connection, change, now) for change in changes]
    _sweep(connection, now, SWEEP + len(changes))
    return written


def _change(connection: apsw.Connection, change: Change, now: int) -> Record:
    match change:
        case Add(record):
            there = _stored(connection, record)
            if there is not None:
                if not _is_over(there, now):
                    raise RecordChanged(record.kind)
                _take_out(connection, there)
            return _put_in(connection, record, now)
        case Replace(old, new):
            _take_out(connection, _expected(connection, old, now))
            return _put_in(connection, replace(new, version=old.version + 1), now)
        case Remove(record):
            there = _expected(connection, record, now)
            _take_out(connection, there)
            return there


def _expected(connection: apsw.Connection, record: Record, now: int) -> Record:
    there = _stored(connection, record)
    if there is None or there.version != record.version or _is_over(there, now):
        raise RecordChanged(record.kind)
    return there


def _stored(connection: apsw.Connection, record: Record) -> Record | None:
    row = connection.execute(
        "SELECT kind, id, version, expires_at, names, groups, body FROM records WHERE kind = ? AND id = ?",
        (record.kind, record.id),
    ).get
    return None if row is None else record_of(row)


def _is_over(record: Record, now: int) -> bool:
    return record.expires_at is not None and to_ms(record.expires_at) <= now


def _put_in(connection: apsw.Connection, record: Record, now: int) -> Record:
    for name in record.names:
        if connection.execute(FIND, (record.kind, name, now)).get is not None:
            raise NameTaken(record.kind, name)
    expires_at = to_ms_or_none(record.expires_at)
    connection.execute(
        "INSERT INTO records (kind, id, version, expires_at, names, groups, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            record.kind,
            record.id,
            record.version,
            expires_at,
            msgspec.json.encode(record.names).decode() if record.names else None,
            msgspec.json.encode(record.groups).decode() if record.groups else None,
            record.body,
        ),
    )
    for name in record.names:
        connection.execute("INSERT OR REPLACE INTO record_names VALUES (?, ?, ?)", (record.kind, name, record.id))
    for group in set(record.groups):
        connection.execute("INSERT INTO record_groups VALUES (?, ?, ?)", (record.kind, group, record.id))
    return record if expires_at is None else replace(record, expires_at=from_ms(expires_at))


def _take_out(connection: apsw.Connection, record: Record) -> None:
    connection.execute("DELETE FROM records WHERE kind = ? AND id = ?", (record.kind, record.id))
    for name in record.names:
        connection.execute(
            "DELETE FROM record_names WHERE kind = ? AND name = ? AND id = ?", (record.kind, name, record.id)
        )
    for group in record.groups:
        connection.execute(
            "DELETE FROM record_groups WHERE kind = ? AND name = ? AND id = ?", (record.kind, group, record.id)
        )


def _sweep(connection: apsw.Connection, now: int, most: int) -> None:
    """Remove records that have expired, the oldest first."""
    rows = connection.execute(
        """
        SELECT kind, id, version, expires_at, names, groups, body FROM records
        WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
        """,
        (now, most),
    ).fetchall()
    for row in rows:
        _take_out(connection, record_of(row))

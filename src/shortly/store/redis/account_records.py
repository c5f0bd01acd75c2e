"""Records in Redis, all in one slot: a write of several is one script.

Four keys hold all kinds, so that every script names the keys it touches, and the groups are ranges of one sorted set.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortly.accounts.records import MAX_ID, Add, Change, Record, Remove, Replace, check_changes, is_text
from shortly.errors import NameTaken, RecordChanged
from shortly.store.moments import from_ms, to_ms
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.scripts import Argument, Script

SWEEP = 16
"""Expired records that a write removes, beyond as many as it has changes."""
ID_BYTES = 8

WRITE_RECORDS = Script("write_records")
FIND_RECORD = Script("find_record")
LIST_RECORDS = Script("list_records")


class RecordHead(Struct, frozen=True, array_like=True):
    """A record without place and body; the scripts know these fields by number."""

    version: int
    expires_at: int
    """Unix milliseconds; 0: never."""
    names: tuple[str, ...]
    groups: tuple[str, ...]


_decode = msgspec.msgpack.Decoder(RecordHead).decode


class RedisRecords:
    """The ``RecordStore`` of Redis."""

    def __init__(self, client: Client) -> None:
        """Take a client that somebody else opens and closes."""
        self._client = client

    async def get_record(self, kind: str, record_id: int, now: datetime) -> Record | None:
        """See ``RecordStore``."""
        if not 0 < record_id <= MAX_ID:
            return None
        text = await self._client.read("HGET", keys.RECORDS, place_of(kind, record_id))
        return None if text is None else _living(record_in(kind, record_id, text), now)

    async def find_record(self, kind: str, name: str, now: datetime) -> Record | None:
        """See ``RecordStore``."""
        if not is_text(name):
            return None
        found = await self._client.ask(FIND_RECORD, [keys.RECORDS, keys.RECORD_NAMES], [f"{kind}\0", name])
        return _living(record_in(kind, int.from_bytes(found[0], "big"), found[1]), now) if found else None

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
        members = members_of(kind, group)
        edges = (0, MAX_ID + 1) if after is None else (min(max(after, 0), MAX_ID + 1),) * 2
        way, edge, end = ("down", edges[1], 0) if descending else ("up", edges[0], MAX_ID + 1)
        args: list[Argument] = [
            f"{kind}\0",
            members,
            b"(" + members + id_bytes(edge),
            b"[" + members + id_bytes(end),
            to_ms(now),
            limit,
            way,
        ]
        found = await self._client.ask(LIST_RECORDS, [keys.RECORDS, keys.RECORD_GROUPS], args)
        return [
            record_in(kind, int.from_bytes(record_id, "big"), text)
            for record_id, text in zip(found[::2], found[1::2], strict=True)
        ]

    async def write_records(self, changes: Sequence[Change], now: datetime, *, durable: bool = True) -> list[Record]:
        """See ``RecordStore``."""
        check_changes(changes)
        args: list[Argument] = [to_ms(now), SWEEP + len(changes)]
        for change in changes:
            args += _arguments(change)
        run = self._client.run_durably if durable else self._client.run
        script_keys = [keys.RECORDS, keys.RECORD_NAMES, keys.RECORD_GROUPS, keys.RECORD_EXPIRIES]
        outcome, *rest = await run(WRITE_RECORDS, script_keys, args)
        if outcome == b"done":
            return _written(changes, rest)
        raise _refusal(changes[rest[0]], outcome, rest[1:])


def place_of(kind: str, record_id: int) -> bytes:
    """Return the name of a record among all records."""
    return b"%b\0%b" % (kind.encode(), id_bytes(record_id))


def members_of(kind: str, group: str) -> bytes:
    """Return what the members of a group begin with; their ids follow, so that they are in the order of ids."""
    name = group.encode()
    return b"%b\0%04x%b" % (kind.encode(), len(name), name)


def id_bytes(record_id: int) -> bytes:
    """Return an id such that bytes have the order of numbers."""
    return record_id.to_bytes(ID_BYTES, "big")


def record_in(kind: str, record_id: int, text: bytes) -> Record:
    """Return the record that a text holds."""
    colon = text.index(b":")
    start = colon + 1 + int(text[:colon])
    head = _decode(text[colon + 1 : start])
    return Record(
        kind=kind,
        id=record_id,
        version=head.version,
        body=text[start:],
        names=head.names,
        groups=head.groups,
        expires_at=from_ms(head.expires_at) if head.expires_at else None,
    )


def _living(record: Record, now: datetime) -> Record | None:
    return None if record.expires_at is not None and to_ms(record.expires_at) <= to_ms(now) else record


def _text_of(record: Record) -> bytes:
    expires_at = 0 if record.expires_at is None else to_ms(record.expires_at)
    head = msgspec.msgpack.encode(
        RecordHead(record.version, expires_at, record.names, tuple(dict.fromkeys(record.groups)))
    )
    return b"%d:%b%b" % (len(head), head, record.body)


def _arguments(change: Change) -> list[Argument]:
    match change:
        case Add(record):
            return ["add", place_of(record.kind, record.id), "", _text_of(record)]
        case Replace(old, new):
            text = _text_of(replace(new, version=old.version + 1))
            return ["replace", place_of(old.kind, old.id), old.version, text]
        case Remove(record):
            return ["remove", place_of(record.kind, record.id), record.version, ""]


def _written(changes: Sequence[Change], removed: Sequence[bytes]) -> list[Record]:
    texts = iter(removed)
    written = []
    for change in changes:
        match change:
            case Add(record):
                written.append(record_in(record.kind, record.id, _text_of(record)))
            case Replace(old, new):
                written.append(record_in(old.kind, old.id, _text_of(replace(new, version=old.version + 1))))
            case Remove(record):
                written.append(record_in(record.kind, record.id, next(texts)))
    return written


def _refusal(change: Change, outcome: bytes, details: Sequence[Any]) -> RecordChanged | NameTaken:
    record = change.new if isinstance(change, Replace) else change.record
    return NameTaken(record.kind, record.names[details[0]]) if outcome == b"taken" else RecordChanged(record.kind)

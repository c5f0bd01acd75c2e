"""How counts and visits lie in the tables, and reads that take no other rows than those they want."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import apsw
import msgspec

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.clicks.fold import HOUR_MS, HUMAN, Dimensions, HourTallies, described, tally_of
from shortly.clicks.store import Total, VisitPage, is_sum, sum_of, workspace_of
from shortly.clicks.visit import Tally, Visit
from shortly.errors import InvalidCursor

VISIT_NUMBER_BITS = 20
MAX_AT_MS = (1 << (63 - VISIT_NUMBER_BITS)) - 1
"""In the year 2248."""
IN_COLUMNS = frozenset({"at_ms", "link_id", "private", "workspace"})
VISIT_FIELDS = tuple(name for name in Visit.__struct_fields__ if name not in IN_COLUMNS)
"""What is packed of a visit, in this order; a new one goes to the end."""
REMEMBERED = 32
"""Packed dimensions whose unpacked form is remembered, some 100 to 500 KiB each: those that pages of a link with many
clicks add up. Most are of times that are over, so whoever looks again finds them."""
WORTH_REMEMBERING = 2_000
"""Bytes; smaller ones are unpacked as quickly as they are found."""
ONES = 4_096
"""Values of each dimension whose packed form is remembered."""

pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder().decode
unpack_dimensions = msgspec.msgpack.Decoder(Dimensions).decode
unpack_hours = msgspec.msgpack.Decoder(HourTallies).decode
remembered_dimensions = lru_cache(REMEMBERED)(unpack_dimensions)
unpack_totals = msgspec.msgpack.Decoder(dict[int, Total]).decode
"""Reads packed tallies by the hour as mere totals."""


def query(connection: apsw.Connection, sql: str, *values: apsw.Binding) -> list[tuple[Any, ...]]:
    """Return all rows."""
    return connection.execute(sql, values).fetchall()


def numbers(values: Iterable[int]) -> apsw.CArrayBinding:
    """Return a parameter for ``carray(?)``, a table of at least one number."""
    return apsw.carray(array("q", values))


def tally_in(clicks: int, bots: int, dimensions: bytes) -> Tally:
    """Return the tally in the columns of a row."""
    return Tally(clicks=clicks, bots=bots, dimensions=unpack_dimensions(dimensions))


def shared_tally_in(clicks: int, bots: int, dimensions: bytes) -> Tally:
    """Return the same for somebody who only reads: the dimensions may be another one's, too."""
    unpacked = remembered_dimensions if len(dimensions) >= WORTH_REMEMBERING else unpack_dimensions
    return Tally(clicks=clicks, bots=bots, dimensions=unpacked(dimensions))


def link_prefix(link_id: int) -> bytes:
    """Return what the keys of the visitors of a link, or of a sum, begin with."""
    return link_id.to_bytes(8, "big", signed=True)


def link_in(who: bytes) -> int:
    """Return the link or sum that the key of a visitor begins with."""
    return int.from_bytes(who[:8], "big", signed=True)


class _Ones(dict[str, bytes]):
    """A value -> what is packed of a dimension that has it once, and no other; those that were asked for last."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __missing__(self, value: str) -> bytes:
        if len(self) >= ONES:
            self.clear()
        packed = self[value] = pack(self._name) + pack({value: 1})
        return packed


_ones = [_Ones(name) for name in HUMAN]
_heads = [
    [b"\x81" + pack(hour) + pack([1, 0, dict.fromkeys(range(n))])[:4] for n in range(len(HUMAN) + 1)]
    for hour in range(24)
]
"""By the hour of the day and the number of dimensions: what a day with one human's visit begins with."""


def pack_hours_of(visit: Visit) -> bytes:
    """Return ``hours`` of a day with one visit, as packing its tally would, in a quarter of the time."""
    hour = visit.at_ms // HOUR_MS % 24
    if visit.refused or visit.bot:
        return pack({hour: tally_of((visit,))})
    parts = [ones[value] for ones, value in zip(_ones, described(visit), strict=True) if value]
    return _heads[hour][len(parts)] + b"".join(parts)


def visit_id(at_ms: int, number: int = 0) -> int:
    """Return the key of a visit; times beyond what a key can hold count as the first or last that it can."""
    number &= (1 << VISIT_NUMBER_BITS) - 1
    return min(max(at_ms, 0), MAX_AT_MS) << VISIT_NUMBER_BITS | number


def read_totals(reader: apsw.Connection, link_ids: Sequence[int]) -> dict[int, Total]:
    """Return the totals of those links that have one."""
    if not link_ids:
        return {}
    sql = "SELECT link_id, clicks, bots FROM totals WHERE link_id IN (SELECT value FROM carray(?))"
    return {link_id: Total(clicks, bots) for link_id, clicks, bots in query(reader, sql, numbers(link_ids))}


def read_hours(reader: apsw.Connection, link_id: int, since_hour: int, until_hour: int) -> dict[int, Total]:
    """Return the clicks of the hours that had any, out of the rows of their days."""
    found: dict[int, Total] = {}
    for day, packed in read_days(reader, link_id, since_hour // 24, -(-until_hour // 24), "hours"):
        first = day * 24
        known = unpack_totals(packed)
        if first < since_hour or first + 24 > until_hour:
            known = {hour: total for hour, total in known.items() if since_hour <= first + hour < until_hour}
        for hour, total in known.items():
            if total.clicks:
                found[first + hour] = total
    return found


def read_sum(reader: apsw.Connection, link_id: int, since_hour: int, until_hour: int) -> Total:
    """Return the clicks of all hours together: of whole days from their sums, else from their hours."""
    since_day, until_day = -(-since_hour // 24), until_hour // 24
    if since_day >= until_day:
        return sum_of(read_hours(reader, link_id, since_hour, until_hour).values())
    days = read_days(reader, link_id, since_day, until_day, "clicks, bots")
    parts = [Total(clicks, bots) for _, clicks, bots in days]
    parts += read_hours(reader, link_id, since_hour, since_day * 24).values()
    parts += read_hours(reader, link_id, until_day * 24, until_hour).values()
    return sum_of(parts)


def read_moments(reader: apsw.Connection, sum_id: int, since_moment: int, until_moment: int) -> dict[int, Total]:
    """Return the clicks of the moments that had any."""
    sql = "SELECT moment, clicks, bots FROM moments WHERE moment >= ? AND moment < ? AND link_id = ?"
    rows = query(reader, sql, since_moment, until_moment, sum_id)
    return {moment: Total(clicks, bots) for moment, clicks, bots in rows}


def day_tallies(reader: apsw.Connection, link_id: int, days: Sequence[int]) -> Iterator[Tally]:
    """Yield what is known of each day, not to be changed."""
    for _, *row, hours in _rows(reader, "link_days", "day", link_id, days, "clicks, bots, dimensions, hours"):
        if row[2] is None:
            yield from unpack_hours(hours).values()
        else:
            yield shared_tally_in(*row)


def hour_tallies(reader: apsw.Connection, link_id: int, hours: Sequence[int]) -> Iterator[Tally]:
    """Yield what is known of each hour, not to be changed; the hours rise."""
    days = sorted({hour // 24 for hour in hours})
    for day, packed in _rows(reader, "link_days", "day", link_id, days, "iif(dimensions IS NULL, hours, NULL)"):
        if packed is not None:
            known = unpack_hours(packed)
            yield from (known[hour % 24] for hour in hours if hour // 24 == day and hour % 24 in known)
    for _, *row in _rows(reader, "link_hours", "hour", link_id, hours, "clicks, bots, dimensions"):
        yield shared_tally_in(*row)


def has_hours(reader: apsw.Connection, link_id: int, hours: Sequence[int]) -> bool:
    """Return whether anything is known of any of these hours, which rise; of a day with few clicks, which keeps its
    hours to itself, whether that day is known."""
    days = sorted({hour // 24 for hour in hours})
    if any(is_few for _, is_few in _rows(reader, "link_days", "day", link_id, days, "dimensions IS NULL")):
        return True
    return any(_rows(reader, "link_hours", "hour", link_id, hours, "1"))


def read_days(
    reader: apsw.Connection, link_id: int, since_day: int, until_day: int, columns: str
) -> Iterator[tuple[Any, ...]]:
    """Yield (day, columns...) of a link's days, oldest first."""
    return _rows(reader, "link_days", "day", link_id, range(since_day, until_day), columns)


def read_visits(
    reader: apsw.Connection, link_id: int, since_ms: int, until_ms: int, limit: int, cursor: str | None
) -> VisitPage:
    """Return a page of visits, newest first."""
    before = visit_id(until_ms)
    if cursor is not None:
        before = min(before, _read_cursor(cursor, link_id))
    wanted, value = "link_id = ?", link_id
    if is_sum(link_id):
        value = workspace_of(link_id)
        wanted = f"workspace = ? AND workspace {'=' if value == FIRST_WORKSPACE else '<>'} {FIRST_WORKSPACE}"
    sql = f"""
        SELECT id, link_id, visit, workspace FROM visits
        WHERE {wanted} AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?
    """  # noqa: S608  # names and a number from this file alone
    rows = query(reader, sql, value, visit_id(since_ms), before, limit + 1)
    items = [
        Visit(
            at_ms=key >> VISIT_NUMBER_BITS,
            link_id=link,
            workspace=workspace,
            **dict(zip(VISIT_FIELDS, unpack(packed), strict=False)),
        )
        for key, link, packed, workspace in rows[:limit]
    ]
    return VisitPage(items, f"{link_id:x}.{rows[limit - 1][0]:x}" if len(rows) > limit else None)


def first_and_last(reader: apsw.Connection, table: str, time: str) -> tuple[int, int]:
    """Return the first and the last hour or day that a table knows; (0, -1): it is empty."""
    ends = f"SELECT (SELECT min({time}) FROM {table}), (SELECT max({time}) FROM {table})"  # noqa: S608
    first, last = query(reader, ends)[0]
    return (0, -1) if first is None else (first, last)


def _rows(
    reader: apsw.Connection, table: str, time: str, link_id: int, wanted: Sequence[int], columns: str
) -> Iterator[tuple[Any, ...]]:
    """Yield a link's rows by one look-up for each hour or day wanted (rising), as far as the table reaches."""
    if not wanted:
        return
    first, last = first_and_last(reader, table, time)
    times = wanted[bisect_left(wanted, first) : bisect_right(wanted, last)]
    if not times:
        return
    sql = (
        f"SELECT {time}, {columns} FROM carray(?) AS wanted "  # noqa: S608  # names from this file alone
        f"CROSS JOIN {table} ON {time} = wanted.value AND link_id = ?"
    )
    yield from reader.execute(sql, (numbers(times), link_id))


def _read_cursor(cursor: str, link_id: int) -> int:
    """Return the key that the next page ends before."""
    try:
        before = int(cursor.rpartition(".")[2], 16)
    except ValueError:
        raise InvalidCursor from None
    if cursor != f"{link_id:x}.{before:x}" or not 0 <= before < 1 << 63:
        raise InvalidCursor
    return before

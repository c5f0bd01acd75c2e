"""Sums over several days, and over quarters of a day, for links with so many clicks that adding their days and hours up
anew for every page takes long.

They are made from the rows of the days and hours when these are over, and say nothing that those do not: one that is
missing is added up from its days or hours, and one whose days get a late click is deleted and made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import apsw

from shortly.clicks.fold import add
from shortly.clicks.store import EVERY_LINK
from shortly.clicks.visit import MAX_VALUES, Tally
from shortly.store.sqlite.click_rows import (
    day_tallies,
    first_and_last,
    has_hours,
    hour_tallies,
    numbers,
    pack,
    query,
    shared_tally_in,
    tally_in,
)

SPANS = (64 * 24, 32 * 24, 16 * 24, 8 * 24, 4 * 24, 2 * 24)
"""Hours in a span of days; a span begins where its length divides the hour. Any 64 days are at most eleven spans and
days."""
QUARTER = 6
"""Hours in a span that is a part of a day: a period of local days begins and ends within a day of UTC in most zones."""
MANY_CLICKS = 10_000
"""All-time clicks of the links that spans are made for."""

REMEMBERED = 8
"""Sums of spans that are remembered, some MiB each at most: who looks at a link looks again soon, and what is over has
not changed by then. Found by the very bytes of the rows, so that another sum can never be taken for one."""
WORTH_REMEMBERING = 20_000
"""Bytes of rows; fewer are added up as quickly as they are found."""

Span = tuple[int, int]
"""Number of hours, first hour."""
Row = tuple[int, int, bytes]
"""Clicks, bots among them, packed dimensions."""


def spans_of(day: int) -> list[Span]:
    """Return the spans that a day lies in, and those that lie in it."""
    hour = day * 24
    return [(length, hour - hour % length) for length in SPANS] + [
        (QUARTER, hour + start) for start in range(0, 24, QUARTER)
    ]


def read_tally(reader: apsw.Connection, link_id: int, since_hour: int, until_hour: int) -> Tally:
    """Return the sum of the whole days between the hours, and of the parts of days before and after these."""
    since_day, until_day = -(-since_hour // 24), until_hour // 24
    spans, days = _parts_of(reader, link_id, since_day, until_day)
    total = _sum_of_spans(spans)
    for tally in day_tallies(reader, link_id, days):
        add(total, tally)
    edges = [(since_hour, until_hour)]
    if since_day <= until_day:
        edges = [(since_hour, since_day * 24), (until_day * 24, until_hour)]
    for since, until in edges:
        if since < until:
            for tally in _part_of_day(reader, link_id, since, until):
                add(total, tally)
    return total


def _parts_of(reader: apsw.Connection, link_id: int, since_day: int, until_day: int) -> tuple[list[Row], list[int]]:
    """Return the few large spans that are made of the days from ``since_day`` up to, not including, ``until_day``, and
    the days that are in none."""
    first, last = first_and_last(reader, "link_days", "day")
    left = set(range(max(since_day, first), min(until_day, last + 1)))
    spans = []
    for length in SPANS:
        days = length // 24
        if starts := [day * 24 for day in left if day % days == 0 and day + days <= until_day]:
            for hour, *row in _spans(reader, length, starts, link_id):
                left.difference_update(range(hour // 24, hour // 24 + days))
                spans.append((row[0], row[1], row[2]))
    return spans, sorted(left)


def _sum_of_spans(spans: list[Row]) -> Tally:
    """Return the sum, which the caller may change."""
    if sum(len(dimensions) for _, _, dimensions in spans) < WORTH_REMEMBERING:
        return _add_up(tuple(spans))
    known = _remembered_sum(tuple(spans))
    return Tally(known.clicks, known.bots, {name: counts.copy() for name, counts in known.dimensions.items()})


def _add_up(spans: tuple[Row, ...]) -> Tally:
    total = Tally()
    for row in spans:
        add(total, tally_in(*row))
    return total


_remembered_sum = lru_cache(REMEMBERED)(_add_up)


def _part_of_day(reader: apsw.Connection, link_id: int, since: int, until: int) -> Iterator[Tally]:
    """Yield tallies that make up the hours from ``since`` up to, not including, ``until``, which lie in one day."""
    day = since // 24
    others = [*range(day * 24, since), *range(until, day * 24 + 24)]
    if not has_hours(reader, link_id, others):  # such as today, which has no more than the hours that are wanted
        yield from day_tallies(reader, link_id, [day])
        return
    left = set(range(since, until))
    if starts := [hour for hour in left if hour % QUARTER == 0 and hour + QUARTER <= until]:
        for hour, *row in _spans(reader, QUARTER, starts, link_id):
            left.difference_update(range(hour, hour + QUARTER))
            yield shared_tally_in(*row)
    yield from hour_tallies(reader, link_id, sorted(left))


def _spans(reader: apsw.Connection, length: int, starts: Iterable[int], link_id: int) -> Iterator[tuple[Any, ...]]:
    """Yield those spans of a link that there are: first hour, clicks, bots, packed dimensions."""
    sql = """
        SELECT first_hour, clicks, bots, dimensions FROM carray(?) AS wanted
        CROSS JOIN link_spans ON hours = ? AND first_hour = wanted.value AND link_id = ?
    """
    yield from reader.execute(sql, (numbers(starts), length, link_id))


def forget_spans(writer: apsw.Connection, days: Iterable[int], link_ids: Iterable[int]) -> None:
    """Delete the spans of links around days whose rows change."""
    links = list(link_ids)
    for span in {span for day in days for span in spans_of(day)}:
        if query(writer, "SELECT 1 FROM link_spans WHERE hours = ? AND first_hour = ? LIMIT 1", *span):
            sql = (
                "DELETE FROM link_spans WHERE hours = ? AND first_hour = ? AND link_id IN (SELECT value FROM carray(?))"
            )
            writer.execute(sql, (*span, numbers(links)))


def missing_spans(reader: apsw.Connection, before_day: int) -> list[Span]:
    """Return the spans that end before this day and are not yet made for all links that should have them, short ones
    first: longer ones are made of them."""
    first, last = first_and_last(reader, "link_days", "day")
    sql = """
        SELECT value FROM carray(?) AS wanted
        WHERE EXISTS (SELECT 1 FROM link_days WHERE day = wanted.value AND link_id <= ?)
    """
    wanted = range(max(0, first), min(last + 1, before_day))
    days = query(reader, sql, numbers(wanted), EVERY_LINK) if wanted else []
    spans = {span for (day,) in days for span in spans_of(day) if sum(span) <= before_day * 24}
    made = query(reader, "SELECT hours, first_hour FROM link_spans WHERE link_id = ?", EVERY_LINK)
    return sorted(spans.difference(made))


def links_without(reader: apsw.Connection, span: Span) -> list[int]:
    """Return the links that lack this span and have ``MANY_CLICKS``; last ``EVERY_LINK``, with which it is complete.

    Quarters are of no use for days that keep their hours to themselves.
    """
    length, first_hour = span
    sql = """
        SELECT link_id FROM totals WHERE clicks >= ? AND NOT EXISTS (
            SELECT 1 FROM link_spans WHERE hours = ? AND first_hour = ? AND link_spans.link_id = totals.link_id
        )
    """
    if length == QUARTER:
        sql += """
            AND EXISTS (
                SELECT 1 FROM link_days
                WHERE day = ? AND link_days.link_id = totals.link_id AND dimensions IS NOT NULL
            )
        """
    day = [first_hour // 24] if length == QUARTER else []
    links = {link_id for (link_id,) in query(reader, sql, MANY_CLICKS, *span, *day)}
    return [*links - {EVERY_LINK}, EVERY_LINK]


def make_span(writer: apsw.Connection, span: Span, link_id: int) -> None:
    """Add the span's days or hours up and keep the sum."""
    length, first_hour = span
    total = Tally()
    if length == QUARTER:
        parts = hour_tallies(writer, link_id, range(first_hour, first_hour + length))
    else:
        spans, days = _parts_of(writer, link_id, first_hour // 24, (first_hour + length) // 24)
        total = _add_up(tuple(spans))
        parts = day_tallies(writer, link_id, days)
    for tally in parts:
        add(total, tally)
    if length == QUARTER:
        total, whole = Tally(), total
        add(total, whole, max_values=MAX_VALUES)  # as many as the hours and days beside it keep apart
    writer.execute(
        "INSERT OR REPLACE INTO link_spans VALUES (?, ?, ?, ?, ?, ?)",
        (length, first_hour, link_id, total.clicks, total.bots, pack(total.dimensions)),
    )

"""Sums over several days, for links with so many clicks that adding their days up anew for every page takes long.

They are made from the rows of the days when these are over, and say nothing that those do not: one that is missing is
added up from its days, and one whose days get a late click is deleted and made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apsw

from shortly.clicks.fold import add
from shortly.clicks.store import EVERY_LINK
from shortly.clicks.visit import Tally
from shortly.store.sqlite.click_rows import (
    day_tallies,
    first_and_last,
    hour_tallies,
    numbers,
    pack,
    query,
    tally_in,
)

SPANS = (64, 32, 16, 8, 4, 2)
"""Days in a span; a span begins where its length divides the day. Any 64 days are at most eleven spans and days."""
MANY_CLICKS = 10_000
"""All-time clicks of the links that spans are made for."""

Span = tuple[int, int]
"""Number of days, first day."""


def spans_of(day: int) -> list[Span]:
    """Return the spans that a day lies in."""
    return [(length, day - day % length) for length in SPANS]


def read_tally(reader: apsw.Connection, link_id: int, since_hour: int, until_hour: int) -> Tally:
    """Return the sum of the whole days between the hours, and of the hours before and after these days."""
    since_day, until_day = -(-since_hour // 24), until_hour // 24
    edges = [(since_hour, until_hour)]
    if since_day < until_day:
        edges = [(since_hour, since_day * 24), (until_day * 24, until_hour)]
    total = Tally()
    for tally in _days_between(reader, link_id, since_day, until_day):
        add(total, tally)
    for since, until in edges:
        for tally in hour_tallies(reader, link_id, since, until):
            add(total, tally)
    return total


def _days_between(reader: apsw.Connection, link_id: int, since_day: int, until_day: int) -> Iterator[Tally]:
    """Yield tallies that make up the days from ``since_day`` up to, not including, ``until_day``; few large ones."""
    first, last = first_and_last(reader, "link_days", "day")
    left = set(range(max(since_day, first), min(until_day, last + 1)))
    sql = """
        SELECT first_day, clicks, bots, dimensions FROM carray(?) AS wanted
        CROSS JOIN link_spans ON days = ? AND first_day = wanted.value AND link_id = ?
    """
    for length in SPANS:
        if starts := [day for day in left if day % length == 0 and day + length <= until_day]:
            for day, *row in reader.execute(sql, (numbers(starts), length, link_id)):
                left.difference_update(range(day, day + length))
                yield tally_in(*row)
    yield from day_tallies(reader, link_id, sorted(left))


def forget_spans(writer: apsw.Connection, days: Iterable[int], link_ids: Iterable[int]) -> None:
    """Delete the spans of links around days whose rows change."""
    links = list(link_ids)
    for length, first_day in {span for day in days for span in spans_of(day)}:
        if query(writer, "SELECT 1 FROM link_spans WHERE days = ? AND first_day = ? LIMIT 1", length, first_day):
            sql = "DELETE FROM link_spans WHERE days = ? AND first_day = ? AND link_id IN (SELECT value FROM carray(?))"
            writer.execute(sql, (length, first_day, numbers(links)))


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
    spans = {span for (day,) in days for span in spans_of(day) if sum(span) <= before_day}
    made = query(reader, "SELECT days, first_day FROM link_spans WHERE link_id = ?", EVERY_LINK)
    return sorted(spans.difference(made))


def links_without(reader: apsw.Connection, span: Span) -> list[int]:
    """Return the links that lack this span and have ``MANY_CLICKS``; last ``EVERY_LINK``, with which it is complete."""
    sql = """
        SELECT link_id FROM totals WHERE clicks >= ? AND NOT EXISTS (
            SELECT 1 FROM link_spans WHERE days = ? AND first_day = ? AND link_spans.link_id = totals.link_id
        )
    """
    links = {link_id for (link_id,) in query(reader, sql, MANY_CLICKS, *span)}
    return [*links - {EVERY_LINK}, EVERY_LINK]


def make_span(writer: apsw.Connection, span: Span, link_id: int) -> None:
    """Add the span's days up and keep the sum."""
    length, first_day = span
    total = Tally()
    for tally in _days_between(writer, link_id, first_day, first_day + length):
        add(total, tally)
    writer.execute(
        "INSERT OR REPLACE INTO link_spans VALUES (?, ?, ?, ?, ?, ?)",
        (length, first_day, link_id, total.clicks, total.bots, pack(total.dimensions)),
    )

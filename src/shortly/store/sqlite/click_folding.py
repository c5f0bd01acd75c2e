"""Adding visits to the counts, inside the transaction that also moves the journal positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import TypeVar

import apsw

from shortly.clicks.fold import LinkTime, add, fold_visits
from shortly.clicks.store import EVERY_LINK, Batch
from shortly.clicks.visit import MAX_VALUES, Tally, Visit
from shortly.store.sqlite.click_rows import (
    VISIT_COLUMNS,
    PackedHours,
    link_prefix,
    numbers,
    pack,
    query,
    tally_in,
    unpack_hours,
    visit_id,
)

Sum = TypeVar("Sum")
_row_of = attrgetter(*VISIT_COLUMNS)


def fold_batches(writer: apsw.Connection, batches: Sequence[Batch]) -> None:
    """Add what lies behind the stored positions of the batches' segments to all tables."""
    visits = _move_positions(writer, batches)
    if visits:
        folded = fold_visits(visits)
        _add_hours(writer, folded.hours)
        new_visitors = _add_visitors(writer, folded.visitors)
        _add_days(writer, folded.days, _hours_of_days(folded.hours), new_visitors)
        _add_totals(writer, folded.days)
        _add_visits(writer, visits)


def _move_positions(writer: apsw.Connection, batches: Sequence[Batch]) -> list[Visit]:
    """Move the positions to the batches' ends, and return the visits that lie behind the old ones."""
    visits: list[Visit] = []
    for batch in batches:
        row = query(writer, "SELECT position FROM positions WHERE segment = ?", batch.segment)
        position = row[0][0] if row else 0
        if batch.end <= position:
            continue
        visits += (visit for after, visit in batch.visits if after > position)
        writer.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (batch.segment, batch.end))
    return visits


def _add_hours(writer: apsw.Connection, hours: Mapping[LinkTime, Tally]) -> None:
    sql = """
        SELECT link_id, clicks, bots, dimensions FROM link_hours
        WHERE hour = ? AND link_id IN (SELECT value FROM carray(?))
    """
    rows = []
    for hour, tallies in _by_time(hours):
        known = {link_id: tally_in(*row) for link_id, *row in query(writer, sql, hour, numbers(tallies))}
        for link_id, tally in tallies.items():
            total = _sum(known.get(link_id), tally)
            rows.append((hour, link_id, total.clicks, total.bots, pack(total.dimensions)))
    writer.executemany("INSERT OR REPLACE INTO link_hours VALUES (?, ?, ?, ?, ?)", rows)


def _add_days(
    writer: apsw.Connection,
    days: Mapping[LinkTime, Tally],
    hours: Mapping[LinkTime, PackedHours],
    new_visitors: Mapping[LinkTime, int],
) -> None:
    sql = """
        SELECT link_id, visitors, hours, clicks, bots, dimensions FROM link_days
        WHERE day = ? AND link_id IN (SELECT value FROM carray(?))
    """
    rows = []
    for day, tallies in _by_time(days):
        known = {row[0]: row for row in query(writer, sql, day, numbers(tallies))}
        for link_id, tally in tallies.items():
            visitors = new_visitors.get((link_id, day), 0)
            clicked = hours.get((link_id, day), {})
            total = None
            if link_id in known:
                _, known_visitors, known_hours, *row = known[link_id]
                visitors += known_visitors
                clicked = _sum_hours(unpack_hours(known_hours), clicked)
                total = tally_in(*row)
            total = _sum(total, tally)
            rows.append((day, link_id, total.clicks, total.bots, visitors, pack(clicked), pack(total.dimensions)))
    writer.executemany("INSERT OR REPLACE INTO link_days VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _add_visitors(writer: apsw.Connection, visitors: Mapping[LinkTime, set[bytes]]) -> dict[LinkTime, int]:
    """Note who was seen, and return how many of them were new to each link and day."""
    new: dict[LinkTime, int] = {}
    sql = "INSERT INTO visitors SELECT ?, value FROM carray(?) WHERE true ON CONFLICT DO NOTHING"
    for day, seen_by in _by_time(visitors):
        everybody = seen_by.pop(EVERY_LINK)
        writer.execute(sql, (day, apsw.carray(tuple(map(link_prefix(EVERY_LINK).__add__, sorted(everybody))))))
        new[EVERY_LINK, day] = writer.changes()
        prefixes = {link_id: link_prefix(link_id) for link_id in seen_by}
        who = tuple(prefixes[link_id] + visitor for link_id, seen in seen_by.items() for visitor in seen)
        added = Counter([who[:8] for (who,) in writer.execute(f"{sql} RETURNING who", (day, apsw.carray(who)))])
        new.update(((link_id, day), added[prefix]) for link_id, prefix in prefixes.items())
    return new


def _add_totals(writer: apsw.Connection, days: dict[LinkTime, Tally]) -> None:
    totals: dict[int, tuple[int, int]] = {}
    for (link_id, _), tally in days.items():
        if tally.clicks:
            clicks, bots = totals.get(link_id, (0, 0))
            totals[link_id] = (clicks + tally.clicks, bots + tally.bots)
    writer.executemany(
        "INSERT INTO totals VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks, bots = bots + excluded.bots",
        ((link_id, *total) for link_id, total in sorted(totals.items())),
    )


def _add_visits(writer: apsw.Connection, visits: Iterable[Visit]) -> None:
    """Keep the visits that are not private. Of a million in one millisecond the first stay."""
    kept = [visit for visit in visits if not visit.private]
    number = query(writer, "SELECT number FROM next_visit")[0][0]
    writer.execute("UPDATE next_visit SET number = ?", (number + len(kept),))
    places = ", ".join("?" * (len(VISIT_COLUMNS) + 1))
    writer.executemany(
        f"INSERT OR IGNORE INTO visits (id, {', '.join(VISIT_COLUMNS)}) VALUES ({places})",  # noqa: S608
        ((visit_id(visit.at_ms, number + nth), *_row_of(visit)) for nth, visit in enumerate(kept)),
    )


def _sum(known: Tally | None, tally: Tally) -> Tally:
    """Return the sum with at most ``MAX_VALUES`` values apart in each dimension; ``known`` may be changed for it."""
    if known is None:
        if all(len(counts) <= MAX_VALUES for counts in tally.dimensions.values()):
            return tally
        known = Tally()
    add(known, tally, max_values=MAX_VALUES)
    return known


def _hours_of_days(hours: Mapping[LinkTime, Tally]) -> dict[LinkTime, PackedHours]:
    """Return the hours of each link's days that had clicks."""
    of_days: dict[LinkTime, PackedHours] = {}
    for (link_id, hour), tally in hours.items():
        if tally.clicks:
            of_days.setdefault((link_id, hour // 24), {})[hour % 24] = (tally.clicks, tally.bots)
    return of_days


def _sum_hours(known: PackedHours, more: PackedHours) -> PackedHours:
    """Return the sum; ``known`` is changed for it."""
    for hour, (clicks, bots) in more.items():
        known_clicks, known_bots = known.get(hour, (0, 0))
        known[hour] = (known_clicks + clicks, known_bots + bots)
    return known


def _by_time(sums: Mapping[LinkTime, Sum]) -> Iterator[tuple[int, dict[int, Sum]]]:
    """Yield each hour or day with its links, in the order of the tables, so that neighbours are written together."""
    times: dict[int, dict[int, Sum]] = {}
    for (link_id, time), value in sorted(sums.items(), key=itemgetter(0)):
        times.setdefault(time, {})[link_id] = value
    yield from sorted(times.items(), key=itemgetter(0))

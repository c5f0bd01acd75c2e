"""Adding visits to the counts, inside the transaction that also moves the journal positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import apsw

from shortly.clicks.fold import HOUR_MS, Folded, HourTallies, add, add_visit, fold_visits, hours_of, moments_of, sum_of
from shortly.clicks.store import EVERY_LINK, Batch
from shortly.clicks.visit import MAX_VALUES, Tally, Visit
from shortly.store.sqlite.click_rows import (
    VISIT_FIELDS,
    link_in,
    link_prefix,
    numbers,
    pack,
    pack_hours_of,
    query,
    tally_in,
    unpack_hours,
    visit_id,
)
from shortly.store.sqlite.click_spans import forget_spans
from shortly.store.sqlite.click_tops import add_tops

FEW_CLICKS = 24
"""A link's day with no more clicks than this is one row, which describes each of its hours; most days of most links
are. A day with more has the sum in its row, and a row for each hour."""

NewVisitors = Mapping[int, Mapping[int, int]]
"""Day -> link or sum -> number."""
DayRow = tuple[int, int, int, int, int, bytes, bytes | None]
"""The columns of ``link_days``."""
DayTotal = tuple[int, int, int]
"""A link or sum, and what it was clicked on a day: in all, and by bots; never by nobody."""
_fields_of = attrgetter(*VISIT_FIELDS)


def fold_batches(writer: apsw.Connection, batches: Sequence[Batch]) -> None:
    """Add what lies behind the stored positions of the batches' segments to all tables."""
    visits = _move_positions(writer, batches)
    if visits:
        folded = fold_visits(visits)
        new_visitors = _add_visitors(writer, folded.visitors)
        hours, counted, totals = _add_days(writer, folded, new_visitors)
        _add_hours(writer, hours)
        add_tops(writer, counted, visits)
        _add_totals(writer, totals)
        _add_moments(writer, visits)
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


def _add_visitors(writer: apsw.Connection, visitors: Mapping[int, set[tuple[int, bytes]]]) -> NewVisitors:
    """Note who was seen, and return how many of them were new to each link and sum."""
    new: dict[int, Mapping[int, int]] = {}
    sql = "INSERT INTO visitors SELECT ?, value FROM carray(?) WHERE true ON CONFLICT DO NOTHING"
    for day, seen in visitors.items():
        who: list[bytes] = []
        of_sums: dict[int, list[bytes]] = {}
        for id_, visitor in seen:
            if id_ > EVERY_LINK:
                who.append(link_prefix(id_) + visitor)
            else:
                of_sums.setdefault(id_, []).append(visitor)
        counts: Counter[int] = Counter()
        for sum_id, of_sum in of_sums.items():
            prefix = link_prefix(sum_id)
            of_sum.sort()  # in the order of the table, which is quicker
            writer.execute(sql, (day, apsw.carray(tuple([prefix + visitor for visitor in of_sum]))))
            counts[sum_id] = writer.changes()
        if who:
            who.sort()
            added = writer.execute(f"{sql} RETURNING who", (day, apsw.carray(tuple(who))))
            counts.update([link_in(who) for (who,) in added])
        new[day] = counts
    return new


def _add_days(
    writer: apsw.Connection, folded: Folded, new_visitors: NewVisitors
) -> tuple[dict[int, dict[int, Tally]], dict[int, dict[int, int]], list[DayTotal]]:
    """Add to the rows of days; return what is to be added to the rows of hours, hour -> link -> tally, how often people
    have clicked in all: day -> link -> number, and what is to be added to the totals."""
    sql = """
        SELECT link_id, clicks, bots, visitors, hours, dimensions FROM link_days
        WHERE day = ? AND link_id IN (SELECT value FROM carray(?))
    """
    of_hours: dict[int, dict[int, Tally]] = {}
    counted: dict[int, dict[int, int]] = {}
    totals: list[DayTotal] = []
    for day, links in sorted(folded.days.items()):
        alone, new = folded.alone[day], new_visitors.get(day, {})
        link_ids = sorted([*links, *alone])
        known_rows = {row[0]: row for row in query(writer, sql, day, numbers(link_ids))}
        humans = counted[day] = {}
        rows: list[DayRow] = []
        for link_id in link_ids:
            visitors, row = new.get(link_id, 0), known_rows.get(link_id)
            visit = alone.get(link_id)
            if visit is not None and (row is None or (row[5] is None and row[1] < FEW_CLICKS)):
                rows.append(_row_with(day, visit, row, visitors))
                humans[link_id] = rows[-1][2] - rows[-1][3]
                if not visit.refused:
                    totals.append((link_id, 1, 1 if visit.bot else 0))
                continue
            added = links[link_id] if visit is None else hours_of([visit])
            clicks = bots = 0
            for tally in added.values():
                clicks += tally.clicks
                bots += tally.bots
            if clicks:
                totals.append((link_id, clicks, bots))
            hours, dimensions = added, None
            if row is not None:
                _, known_clicks, known_bots, known_visitors, known_hours, dimensions = row
                clicks, bots, visitors = clicks + known_clicks, bots + known_bots, visitors + known_visitors
                hours = _sum_hours(unpack_hours(known_hours), added)
            if dimensions is not None or clicks > FEW_CLICKS:
                apart = hours if dimensions is None else added
                known = None if dimensions is None else tally_in(0, 0, dimensions)
                total = _sum(known, sum_of(apart.values()))
                dimensions = pack(total.dimensions)
                hours = {hour: Tally(tally.clicks, tally.bots) for hour, tally in hours.items() if tally.clicks}
                for hour, tally in apart.items():
                    of_hours.setdefault(day * 24 + hour, {})[link_id] = tally
            rows.append((day, link_id, clicks, bots, visitors, pack(hours), dimensions))
            humans[link_id] = clicks - bots
        writer.executemany(
            "INSERT INTO link_days VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET clicks = excluded.clicks, bots = excluded.bots, visitors = excluded.visitors, "
            "hours = excluded.hours, dimensions = excluded.dimensions",
            rows,
        )
        forget_spans(writer, [day], {*link_ids, EVERY_LINK})  # which says that a span is complete
    return of_hours, counted, totals


def _add_hours(writer: apsw.Connection, hours: Mapping[int, Mapping[int, Tally]]) -> None:
    sql = """
        SELECT link_id, clicks, bots, dimensions FROM link_hours
        WHERE hour = ? AND link_id IN (SELECT value FROM carray(?))
    """
    for hour, tallies in sorted(hours.items()):
        known = {link_id: tally_in(*row) for link_id, *row in query(writer, sql, hour, numbers(tallies))}
        rows = []
        for link_id, tally in tallies.items():
            total = _sum(known.get(link_id), tally)
            rows.append((hour, link_id, total.clicks, total.bots, pack(total.dimensions)))
        writer.executemany(
            "INSERT INTO link_hours VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET clicks = excluded.clicks, bots = excluded.bots, dimensions = excluded.dimensions",
            rows,
        )


def _add_totals(writer: apsw.Connection, totals: Sequence[DayTotal]) -> None:
    writer.executemany(
        "INSERT INTO totals VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks, bots = bots + excluded.bots",
        totals,
    )


def _add_moments(writer: apsw.Connection, visits: Sequence[Visit]) -> None:
    writer.executemany(
        "INSERT INTO moments VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks, bots = bots + excluded.bots",
        [(*place, total.clicks, total.bots) for place, total in sorted(moments_of(visits).items())],
    )


def _add_visits(writer: apsw.Connection, visits: Iterable[Visit]) -> None:
    """Keep the visits that are not private. Of a million in one millisecond the first stay."""
    kept = [visit for visit in visits if not visit.private]
    number: int = query(writer, "SELECT number FROM next_visit")[0][0]
    writer.execute("UPDATE next_visit SET number = ?", (number + len(kept),))
    writer.executemany(
        "INSERT OR IGNORE INTO visits (id, link_id, visit, workspace) VALUES (?, ?, ?, ?)",
        [
            (visit_id(visit.at_ms, nth), visit.link_id, pack(_fields_of(visit)), visit.workspace)
            for nth, visit in enumerate(kept, start=number)
        ],
    )


def _sum(known: Tally | None, tally: Tally) -> Tally:
    """Return the sum with at most ``MAX_VALUES`` values apart in each dimension; ``known`` may be changed for it."""
    if known is None:
        if all(len(counts) <= MAX_VALUES for counts in tally.dimensions.values()):
            return tally
        known = Tally()
    add(known, tally, max_values=MAX_VALUES)
    return known


def _row_with(day: int, visit: Visit, row: Sequence[Any] | None, new_visitors: int) -> DayRow:
    """Return the row of a day that has few clicks with a visit more; ``row`` is the known one, led by the link."""
    clicks = 0 if visit.refused else 1
    bots = 1 if clicks and visit.bot else 0
    if row is None:
        return day, visit.link_id, clicks, bots, new_visitors, pack_hours_of(visit), None
    link_id, known_clicks, known_bots, visitors, packed, _ = row
    hours, hour = unpack_hours(packed), visit.at_ms // HOUR_MS % 24
    tally = hours.get(hour)
    if tally is None:
        tally = hours[hour] = Tally()
    add_visit(tally, visit)
    return day, link_id, known_clicks + clicks, known_bots + bots, visitors + new_visitors, pack(hours), None


def _sum_hours(known: HourTallies, more: HourTallies) -> HourTallies:
    """Return the sum; ``known`` is changed for it."""
    for hour, tally in more.items():
        known[hour] = sum_of((known[hour], tally)) if hour in known else tally
    return known

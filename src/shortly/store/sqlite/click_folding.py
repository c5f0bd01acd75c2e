"""Adding visits to the counts, inside the transaction that also moves the journal positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

import apsw

from shortly.clicks.fold import HourTallies, add, fold_visits, moments_of, sum_of
from shortly.clicks.store import EVERY_LINK, Batch
from shortly.clicks.visit import MAX_VALUES, Tally, Visit
from shortly.store.sqlite.click_rows import (
    VISIT_FIELDS,
    link_prefix,
    numbers,
    pack,
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

NewVisitors = Mapping[int, Mapping[bytes, int]]
"""Day -> ``link_prefix`` -> number."""
_fields_of = attrgetter(*VISIT_FIELDS)


def fold_batches(writer: apsw.Connection, batches: Sequence[Batch]) -> None:
    """Add what lies behind the stored positions of the batches' segments to all tables."""
    visits = _move_positions(writer, batches)
    if visits:
        folded = fold_visits(visits)
        new_visitors = _add_visitors(writer, folded.visitors)
        hours, counted = _add_days(writer, folded.days, new_visitors)
        _add_hours(writer, hours)
        add_tops(writer, counted, visits)
        _add_totals(writer, folded.days)
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
    new: dict[int, Mapping[bytes, int]] = {}
    sql = "INSERT INTO visitors SELECT ?, value FROM carray(?) WHERE true ON CONFLICT DO NOTHING"
    for day, seen in visitors.items():
        who: list[bytes] = []
        of_sums: dict[bytes, list[bytes]] = {}
        for id_, visitor in seen:
            prefix = id_.to_bytes(8, "big", signed=True)  # as ``link_prefix``
            (who if id_ > EVERY_LINK else of_sums.setdefault(prefix, [])).append(prefix + visitor)
        counts: Counter[bytes] = Counter()
        for prefix, of_sum in of_sums.items():
            of_sum.sort()  # in the order of the table, which is quicker
            writer.execute(sql, (day, apsw.carray(tuple(of_sum))))
            counts[prefix] = writer.changes()
        if who:
            who.sort()
            added = writer.execute(f"{sql} RETURNING who", (day, apsw.carray(tuple(who))))
            counts.update([who[:8] for (who,) in added])
        new[day] = counts
    return new


def _add_days(
    writer: apsw.Connection, days: Mapping[int, Mapping[int, HourTallies]], new_visitors: NewVisitors
) -> tuple[dict[int, dict[int, Tally]], dict[int, dict[int, int]]]:
    """Add to the rows of days; return what is to be added to the rows of hours, hour -> link -> tally, and how often
    people have clicked in all: day -> link -> number."""
    sql = """
        SELECT link_id, clicks, bots, visitors, hours, dimensions FROM link_days
        WHERE day = ? AND link_id IN (SELECT value FROM carray(?))
    """
    of_hours: dict[int, dict[int, Tally]] = {}
    counted: dict[int, dict[int, int]] = {}
    for day, links in sorted(days.items()):
        new = new_visitors.get(day, {})
        known_rows = {link_id: row for link_id, *row in query(writer, sql, day, numbers(links))}
        rows = []
        for link_id, added in sorted(links.items()):
            clicks, bots, visitors, hours, dimensions = 0, 0, new.get(link_prefix(link_id), 0), added, None
            for tally in added.values():
                clicks += tally.clicks
                bots += tally.bots
            if row := known_rows.get(link_id):
                known_clicks, known_bots, known_visitors, known_hours, dimensions = row
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
            counted.setdefault(day, {})[link_id] = clicks - bots
        writer.executemany(
            "INSERT INTO link_days VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET clicks = excluded.clicks, bots = excluded.bots, visitors = excluded.visitors, "
            "hours = excluded.hours, dimensions = excluded.dimensions",
            rows,
        )
        forget_spans(writer, [day], links.keys() | {EVERY_LINK})  # which says that a span is complete
    return of_hours, counted


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


def _add_totals(writer: apsw.Connection, days: Mapping[int, Mapping[int, HourTallies]]) -> None:
    totals: dict[int, list[int]] = {}
    for links in days.values():
        for link_id, hours in links.items():
            total = totals.setdefault(link_id, [0, 0])
            for tally in hours.values():
                total[0] += tally.clicks
                total[1] += tally.bots
    writer.executemany(
        "INSERT INTO totals VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks, bots = bots + excluded.bots",
        [(link_id, clicks, bots) for link_id, (clicks, bots) in sorted(totals.items()) if clicks],
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


def _sum_hours(known: HourTallies, more: HourTallies) -> HourTallies:
    """Return the sum; ``known`` is changed for it."""
    for hour, tally in more.items():
        known[hour] = sum_of((known[hour], tally)) if hour in known else tally
    return known

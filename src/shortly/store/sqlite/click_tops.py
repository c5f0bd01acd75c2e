"""The most clicked links of each workspace and day.

Counts only grow, so a link that is not among the first ones cannot get there without being counted, and then it is
compared with them: what is kept are always the links with the most clicks, whatever the number of all others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import nlargest

import apsw
import msgspec

from shortly.clicks.store import TopDay, Total, every_link
from shortly.clicks.visit import Visit
from shortly.store.sqlite.click_rows import numbers, pack, query

KEPT = 100
"""More than ``TOP_KEPT``, as some of them may be gone."""

unpack_clicks = msgspec.msgpack.Decoder(dict[int, int]).decode


def add_tops(writer: apsw.Connection, days: Mapping[int, Mapping[int, int]], visits: Sequence[Visit]) -> None:
    """Compare links that were just counted with the first ones.

    Args:
        writer: Inside the transaction that counts them.
        days: Day -> link -> its human clicks on that day, all that there were.
        visits: What was counted; they know whose the links are.
    """
    workspaces = {visit.link_id: visit.workspace for visit in visits}
    for day, links in days.items():
        shares: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for link_id, humans in links.items():
            if humans and link_id in workspaces:
                shares[every_link(workspaces[link_id])][link_id] = humans
        for sum_id, share in shares.items():
            put_top(writer, day, sum_id, share)


def put_top(writer: apsw.Connection, day: int, sum_id: int, counted: Mapping[int, int]) -> None:
    """Keep those with the most of the ones that are known and the ones that were counted."""
    row = query(writer, "SELECT clicks FROM day_tops WHERE day = ? AND link_id = ?", day, sum_id)
    known = {**(unpack_clicks(row[0][0]) if row else {}), **counted}
    kept = dict(nlargest(KEPT, known.items(), key=lambda item: (item[1], -item[0])))
    writer.execute("INSERT OR REPLACE INTO day_tops VALUES (?, ?, ?)", (day, sum_id, pack(kept)))


def read_top_days(reader: apsw.Connection, sum_id: int, since_day: int, until_day: int) -> dict[int, TopDay]:
    """Return the first ones of each day, see ``ClickStore.top_days``."""
    sql = "SELECT day, clicks FROM day_tops WHERE day >= ? AND day < ? AND link_id = ?"
    tops = {}
    for day, packed in query(reader, sql, since_day, until_day, sum_id):
        clicks = unpack_clicks(packed)
        tops[day] = TopDay(clicks, min(clicks.values()) if len(clicks) >= KEPT else 0)
    return tops


def read_days_of(reader: apsw.Connection, link_ids: Sequence[int], since_day: int, until_day: int) -> dict[int, Total]:
    """Return the clicks of links in some days, see ``ClickStore.days_of``; a look-up for each link and day."""
    if not link_ids or until_day <= since_day:
        return {}
    sql = """
        SELECT link_id, sum(clicks), sum(bots) FROM carray(?) AS days
        CROSS JOIN carray(?) AS links CROSS JOIN link_days ON day = days.value AND link_id = links.value
        GROUP BY link_id
    """
    rows = query(reader, sql, numbers(range(since_day, until_day)), numbers(link_ids))
    return {link_id: Total(clicks, bots) for link_id, clicks, bots in rows if clicks}

"""The links that people click most, out of the first ones of each day.

The days' first ones are known exactly. In several days together a link may come far that is among the first ones of
none of them: whether one can is known, too, because the last that are kept of each day say how much it can have had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import nlargest

from msgspec import Struct

from shortly.clicks.store import TOP_DAYS, TOP_KEPT, ClickStore, TopDay, Total
from shortly.errors import InvalidInput

MAX_TOP_DAYS = TOP_DAYS - 1
MAX_TOP_LINKS = TOP_KEPT // 2
"""Some of those that are kept may be gone."""


class TopLink(Struct, frozen=True):
    """A link and its clicks in the days asked for."""

    link_id: int
    total: Total


class TopLinks(Struct, frozen=True):
    """Those with the most human clicks, the first one first."""

    links: list[TopLink]
    below: int
    """What no link that is not among them can have had more of."""


def check_top_query(days: int, limit: int) -> None:
    """Raise ``InvalidInput`` unless so many links of so many days can be told."""
    if not 1 <= days <= MAX_TOP_DAYS:
        raise InvalidInput(f"The number of days must be between 1 and {MAX_TOP_DAYS}.", field="days")
    if not 1 <= limit <= MAX_TOP_LINKS:
        raise InvalidInput(f"The limit must be between 1 and {MAX_TOP_LINKS}.", field="limit")


async def top_links(store: ClickStore, sum_id: int, since_day: int, until_day: int) -> TopLinks:
    """Return up to ``TOP_KEPT`` links, and what the others can have had at most.

    Args:
        store: Has the counts.
        sum_id: Whose links, see ``every_link``.
        since_day: First UTC day.
        until_day: Exclusive.
    """
    tops = list((await store.top_days(sum_id, since_day, until_day)).values())
    chosen = candidates(tops)
    totals = await store.days_of(chosen, since_day, until_day)
    found = [TopLink(link_id, totals[link_id]) for link_id in chosen if link_id in totals]
    found.sort(key=lambda top: (humans(top), -top.link_id), reverse=True)
    others = sum(top.below for top in tops)
    if len(found) > TOP_KEPT:
        others = max(others, humans(found[TOP_KEPT]))
    return TopLinks(found[:TOP_KEPT], others)


def candidates(tops: Sequence[TopDay]) -> list[int]:
    """Return the links that may be among the first ``TOP_KEPT`` of all days together, of those that are known.

    A link has at least what is known of it, and at most that and the least of each day that it is not known of.
    """
    least: Counter[int] = Counter()
    most: Counter[int] = Counter()
    others = sum(top.below for top in tops)
    for top in tops:
        least.update(top.clicks)
        most.update({link_id: clicks - top.below for link_id, clicks in top.clicks.items()})
    place = nlargest(TOP_KEPT, least.values())[-1] if len(least) > TOP_KEPT else 0
    return [link_id for link_id in least if most[link_id] + others >= place]


def humans(top: TopLink) -> int:
    """Return the clicks that people made."""
    return top.total.clicks - top.total.bots

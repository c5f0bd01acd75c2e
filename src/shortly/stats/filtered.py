"""Statistics of the visits that have certain values, added up anew from raw visits.

Counts know each dimension by itself: how many clicks came from a country and how many by a browser, but not how many by
that browser from that country. Raw visits do, as far as they are kept, and reading them costs as much as there are; so
no more than ``MAX_READ`` of the newest are read, and the answer says how far back they reach.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from shortly.clicks.fold import DAY_MS, HOUR_MS, seen_among
from shortly.clicks.store import ClickStore, Total
from shortly.clicks.visit import DIMENSIONS, Visit
from shortly.errors import InvalidInput

FILTERS = tuple(name for name in DIMENSIONS if name not in ("bot", "refused"))
"""Dimensions that can be filtered by."""
MAX_READ = 20_000
"""Raw visits that are read for one answer."""
PAGE = 1_000
MAX_VALUE = 512
"""Characters of a value."""

Filters = Mapping[str, str]
"""Dimension -> the value that visits must have; empty: those without one, such as direct ones in ``referrer``."""


class Sample(Struct, frozen=True, kw_only=True):
    """What filtered statistics were added up from."""

    read: int
    """Raw visits that were looked at."""
    since_ms: int
    """Before this moment nothing is known."""
    complete: bool
    """The whole period is known, but for visits that are not kept because the visitor asked so."""
    comparable: bool
    """So is the period before."""


class Found(Struct, frozen=True):
    """Visits that have the values."""

    visits: list[Visit]
    read: int
    since_ms: int
    """All of them from this moment on."""


def check_filters(filters: Filters) -> None:
    """Raise ``InvalidInput`` unless these are values of dimensions that can be filtered by."""
    for name, value in filters.items():
        if name not in FILTERS:
            raise InvalidInput(f"A filter must be one of {', '.join(FILTERS)}.", field=name[:64])
        if len(value) > MAX_VALUE:
            raise InvalidInput(f"The value of {name} is longer than {MAX_VALUE} characters.", field=name)


def matching(visits: Iterable[Visit], filters: Filters, *, bots: bool = True) -> list[Visit]:
    """Return the visits that have all of the values, those of bots only where they are wanted."""
    wanted = list(filters.items())
    return [
        visit
        for visit in visits
        if (bots or not visit.bot) and all(getattr(visit, name) == value for name, value in wanted)
    ]


async def read_matching(store: ClickStore, link_id: int, since_ms: int, until_ms: int, filters: Filters) -> Found:
    """Return the visits between two moments that have the values, newest first, out of ``MAX_READ``."""
    found: list[Visit] = []
    read, cursor = 0, None
    while True:
        page = await store.visits(
            link_id, since_ms=since_ms, until_ms=until_ms, limit=min(PAGE, MAX_READ - read), cursor=cursor
        )
        read += len(page.items)
        found += matching(page.items, filters)
        cursor = page.next_cursor
        if cursor is None:
            return Found(found, read, since_ms)
        if read >= MAX_READ:
            reached = page.items[-1].at_ms + 1  # there may be more of that millisecond
            return Found([visit for visit in found if visit.at_ms >= reached], read, reached)


def hours_of(visits: Sequence[Visit]) -> dict[int, Total]:
    """Return the clicks of each hour that had any, as ``ClickStore.hours`` does."""
    clicks: defaultdict[int, int] = defaultdict(int)
    bots: defaultdict[int, int] = defaultdict(int)
    for visit in visits:
        if not visit.refused:
            clicks[visit.at_ms // HOUR_MS] += 1
            bots[visit.at_ms // HOUR_MS] += bool(visit.bot)
    return {hour: Total(number, bots[hour]) for hour, number in clicks.items()}


def visitors_of(visits: Sequence[Visit]) -> dict[int, int]:
    """Return the unique human visitors of each UTC day, as ``ClickStore.visitors`` does."""
    days: defaultdict[int, set[bytes]] = defaultdict(set)
    for visit in seen_among(visits):
        days[visit.at_ms // DAY_MS].add(visit.visitor)
    return {day: len(visitors) for day, visitors in days.items()}

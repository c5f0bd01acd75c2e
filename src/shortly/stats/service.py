"""The questions that people ask of the counts, each answered with the fewest reads of the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from msgspec import Struct

from shortly.clicks.fold import DAY_MS, tally_of
from shortly.clicks.store import ClickStore, Total, VisitPage, sum_of
from shortly.clicks.visit import Tally, Visit
from shortly.errors import InvalidInput
from shortly.stats.breakdowns import DEFAULT_TOP, MAX_TOP, Breakdown, break_down, check_dimensions, check_top, share
from shortly.stats.exports import Cell, Export, Rows, check_export, write_export
from shortly.stats.filtered import (
    Filters,
    Sample,
    check_filters,
    hours_of,
    matching,
    read_matching,
    visitors_of,
)
from shortly.stats.heat_map import draw_heat_map
from shortly.stats.periods import FIRST_YEAR, Period, PeriodQuery, Step, resolve
from shortly.stats.series import Bucket, Change, HourlyTotals, Summary, compare, fill_series, summarise
from shortly.stats.top import TopLinks, top_links
from shortly.stats.zones import HOUR_S, utc_hour

FIRST_HOUR = utc_hour(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))
DAY_S = 86_400
FILTERED_READS, FILTERED_READ = 40, 500
"""Reads of raw visits for one page of those that are wanted, and the most that one of them asks for."""
MAX_VISITS = 1_000
"""Raw visits in one page."""

NO_FILTERS: Filters = MappingProxyType({})
SERIES_COLUMNS = ("start", "clicks", "bots", "visitors")
BREAKDOWN_COLUMNS = ("dimension", "value", "count", "share")
UNKNOWN = "(unknown)"
"""The value of the clicks without one, in the last row that an export has of each dimension."""
NOT_EXPORTED = frozenset({"at_ms", "visitor", "private", "workspace"})
VISIT_COLUMNS = ("at", *(name for name in Visit.__struct_fields__ if name not in NOT_EXPORTED))


class Page(Struct, frozen=True, kw_only=True):
    """Everything that a page of statistics shows of one period."""

    tz: str
    step: Step
    running: bool
    """The period reaches past the present moment: its last bucket is still filling, and its sums are so far."""
    summary: Summary
    previous: Summary
    """Of the period of the same length before, in whole months, days or hours; whole even when this one is running."""
    change: Change
    series: list[Bucket]
    breakdowns: list[Breakdown]
    """In the order asked for."""
    heat_map: list[list[int]]
    """Human clicks: 7 weekdays from Monday on, each of 24 local hours from midnight on."""
    sample: Sample | None = None
    """What everything was added up from, where only visits with certain values are meant."""


class StatsService:
    """Reads of one link's counts, or with ``EVERY_LINK`` as its id of all links'.

    Its methods share some arguments. ``created_at`` is when the link was made, aware, which is where the period
    ``all`` starts; None: at the first click. ``query`` is the period asked for. All of them raise:

        InvalidInput: A field is unknown, malformed or out of bounds, or the period is empty or in the future.
        RangeTooLarge: The period has more than ``MAX_BUCKETS`` buckets.
        StoreUnavailable: The store does not answer.

    Args:
        store: Where counts are kept.
        clock: Returns the present moment, aware.
        visit_days: How many days raw visits are kept; None: for ever.
    """

    def __init__(
        self,
        store: ClickStore,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        visit_days: int | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._visit_days = visit_days

    async def page(
        self,
        link_id: int,
        created_at: datetime | None,
        query: PeriodQuery,
        *,
        dimensions: Sequence[str] | None = None,
        top: int = DEFAULT_TOP,
        filters: Filters = NO_FILTERS,
        before: bool = True,
    ) -> Page:
        """Return everything about a period in at most four reads, which do not wait for one another; with filters
        about the visits that have certain values, see ``filtered``.

        Args:
            link_id: See the class; so ``created_at`` and ``query``.
            created_at: See the class.
            query: See the class.
            dimensions: What to break down by, of ``DIMENSIONS``; None: all, none: no breakdowns.
            top: Values of each dimension, 1 to ``MAX_TOP``.
            filters: The values.
            before: Whether the period before is wanted, so that its raw visits are worth reading.
        """
        dimensions = check_dimensions(dimensions)
        check_top(top)
        check_filters(filters)
        period = await self._resolve(link_id, created_at, query)
        previous = period.previous()
        sample = None
        if filters:
            counts, sample = await self._filtered(link_id, period, previous if before else period, filters)
            hours, visitors, tally = counts
            earlier = sum_of(hours[hour] for hour in hours if previous.since_hour <= hour < previous.until_hour)
        else:
            hours, earlier, visitors, tally = await asyncio.gather(
                self._store.hours(link_id, period.since_hour, period.until_hour),
                self._store.clicks_between(link_id, previous.since_hour, previous.until_hour),
                self._visitors(link_id, previous, period),
                self._tally(link_id, period, dimensions),
            )
        totals = HourlyTotals(hours, period.since_hour, period.until_hour)
        summary = summarise(period, totals.sum(period.since_hour, period.until_hour), visitors)
        summary_before = summarise(previous, earlier, visitors)
        return Page(
            tz=period.zone.key,
            step=period.step,
            running=period.running,
            summary=summary,
            previous=summary_before,
            change=compare(summary, summary_before),
            series=fill_series(period, totals, visitors),
            breakdowns=[break_down(tally, dimension, top) for dimension in dimensions],
            heat_map=draw_heat_map(period, totals),
            sample=sample,
        )

    async def series(self, link_id: int, created_at: datetime | None, query: PeriodQuery) -> list[Bucket]:
        """Return one bucket for each step of a period, oldest first; gaps are zeros."""
        period = await self._resolve(link_id, created_at, query)
        hours, visitors = await asyncio.gather(
            self._store.hours(link_id, period.since_hour, period.until_hour),
            self._visitors(link_id, period),
        )
        return fill_series(period, HourlyTotals(hours, period.since_hour, period.until_hour), visitors)

    async def breakdowns(
        self,
        link_id: int,
        created_at: datetime | None,
        query: PeriodQuery,
        *,
        dimensions: Sequence[str] | None = None,
        top: int = DEFAULT_TOP,
    ) -> list[Breakdown]:
        """Return the most frequent values of each dimension, in the order asked for; the arguments are ``page``'s."""
        dimensions = check_dimensions(dimensions)
        check_top(top)
        period = await self._resolve(link_id, created_at, query)
        tally = await self._tally(link_id, period, dimensions)
        return [break_down(tally, dimension, top) for dimension in dimensions]

    async def visits(
        self,
        link_id: int,
        created_at: datetime | None,
        query: PeriodQuery,
        *,
        limit: int = 50,
        cursor: str | None = None,
        filters: Filters = NO_FILTERS,
        bots: bool = True,
    ) -> VisitPage:
        """Return raw visits of a period that are still kept, newest first, refused ones among them.

        With filters or without bots a page may be short, or empty, though there is a next one: where the next
        ``FILTERED_READS * FILTERED_READ`` visits hardly have any that is wanted.

        Args:
            link_id: See the class; so ``created_at`` and ``query``.
            created_at: See the class.
            query: See the class.
            limit: 1 to ``MAX_VISITS``.
            cursor: ``next_cursor`` of the page before.
            filters: Values that visits must have.
            bots: Whether visits of bots are wanted, too.

        Raises:
            InvalidCursor: The cursor is not one that this list gave.
        """
        if not 1 <= limit <= MAX_VISITS:
            raise InvalidInput(f"The limit must be between 1 and {MAX_VISITS}.", field="limit")
        check_filters(filters)
        period = await self._resolve(link_id, created_at, query)
        if not filters and bots:
            return await self._visits(link_id, period, limit, cursor)
        found: list[Visit] = []
        size = FILTERED_READ
        for _ in range(FILTERED_READS):
            page = await self._visits(link_id, period, size, cursor)
            wanted = matching(page.items, filters, bots=bots)
            room = limit - len(found)
            if len(wanted) > room:  # a cursor is behind a whole page only: read again, up to the last that has room
                size = next(place for place, visit in enumerate(page.items) if visit is wanted[room])
                continue
            found += wanted
            cursor, size = page.next_cursor, FILTERED_READ
            if cursor is None or len(found) == limit:
                break
        return VisitPage(found, cursor)

    async def totals(self, link_ids: Sequence[int]) -> Mapping[int, Total]:
        """Return the all-time clicks of links; one without clicks is missing."""
        return await self._store.totals(link_ids)

    async def top(self, sum_id: int, days: int) -> TopLinks:
        """Return the links that people clicked most in so many UTC days, the present one being the last."""
        until = int(self._clock().timestamp()) // DAY_S + 1
        return await top_links(self._store, sum_id, until - days, until)

    async def export(
        self,
        link_id: int,
        created_at: datetime | None,
        query: PeriodQuery,
        *,
        table: str,
        form: str = "csv",
        dimensions: Sequence[str] | None = None,
        filters: Filters = NO_FILTERS,
    ) -> Export:
        """Return a period's series, breakdowns or raw visits as text.

        Args:
            link_id: See the class; so ``created_at`` and ``query``.
            created_at: See the class.
            query: See the class.
            table: One of ``EXPORT_TABLES``.
            form: One of ``MEDIA_TYPES``.
            dimensions: What breakdowns are made by; None: all. Each has up to ``MAX_TOP`` values.
            filters: Values that visits must have; of visits only, as other tables could not say what they lack.
        """
        check_filters(filters)
        if filters and table != "visits":
            raise InvalidInput("Only visits can be exported by filters.", field="table")
        match check_export(table, form):
            case "series":
                series = await self.series(link_id, created_at, query)
                rows = [(bucket.start, bucket.clicks, bucket.bots, bucket.visitors) for bucket in series]
                return write_export(form, SERIES_COLUMNS, at_once(rows))
            case "breakdowns":
                breakdowns = await self.breakdowns(link_id, created_at, query, dimensions=dimensions, top=MAX_TOP)
                return write_export(form, BREAKDOWN_COLUMNS, at_once(breakdown_rows(breakdowns)))
            case "visits":
                period = await self._resolve(link_id, created_at, query)
                first = await self._visits(link_id, period, MAX_VISITS, None)
                return write_export(form, VISIT_COLUMNS, self._visit_rows(link_id, period, first, filters))

    # --- reads -----------------------------------------------------------------------------------------------

    async def _resolve(self, link_id: int, created_at: datetime | None, query: PeriodQuery) -> Period:
        now = self._clock()
        if created_at is None:
            created_at = now
            if query.period == "all":
                created_at = await self._first_click(link_id, now)
        return resolve(query, now=now, created_at=created_at)

    async def _first_click(self, link_id: int, now: datetime) -> datetime:
        hours = await self._store.hours(link_id, FIRST_HOUR, utc_hour(now) + 1)
        return datetime.fromtimestamp(min(hours) * HOUR_S, UTC) if hours else now

    async def _visitors(self, link_id: int, *periods: Period) -> Mapping[int, int]:
        days = [period.days() for period in periods if period.step != "hour" or period.whole_days() is not None]
        if not days:
            return {}
        return await self._store.visitors(link_id, min(span.start for span in days), max(span.stop for span in days))

    async def _tally(self, link_id: int, period: Period, dimensions: Sequence[str]) -> Tally:
        if not dimensions:
            return Tally()
        return await self._store.tally(link_id, period.since_hour, period.until_hour)

    async def _visits(self, link_id: int, period: Period, limit: int, cursor: str | None) -> VisitPage:
        return await self._store.visits(
            link_id,
            since_ms=period.since_hour * HOUR_S * 1000,
            until_ms=period.until_hour * HOUR_S * 1000,
            limit=limit,
            cursor=cursor,
        )

    async def _filtered(
        self, link_id: int, period: Period, first: Period, filters: Filters
    ) -> tuple[tuple[Mapping[int, Total], Mapping[int, int], Tally], Sample]:
        """Return hours, visitors and tally of the visits that have the values, from the period ``first`` on."""
        since_ms, first_ms = period.since_hour * HOUR_S * 1000, first.since_hour * HOUR_S * 1000
        found = await read_matching(self._store, link_id, first_ms, period.until_hour * HOUR_S * 1000, filters)
        known_ms = found.since_ms
        if self._visit_days is not None:
            known_ms = max(known_ms, int(self._clock().timestamp() * 1000) - self._visit_days * DAY_MS)
        sample = Sample(
            read=found.read, since_ms=known_ms, complete=known_ms <= since_ms, comparable=known_ms <= first_ms
        )
        tally = tally_of([visit for visit in found.visits if visit.at_ms >= since_ms])
        return (hours_of(found.visits), visitors_of(found.visits), tally), sample

    async def _visit_rows(self, link_id: int, period: Period, page: VisitPage, filters: Filters) -> Rows:
        while True:
            yield [visit_row(visit, period) for visit in matching(page.items, filters)]
            if page.next_cursor is None:
                return
            page = await self._visits(link_id, period, MAX_VISITS, page.next_cursor)


def breakdown_rows(breakdowns: Iterable[Breakdown]) -> list[Sequence[Cell]]:
    """Return the values of breakdowns as rows of ``BREAKDOWN_COLUMNS``."""
    rows: list[Sequence[Cell]] = []
    for breakdown in breakdowns:
        rows += [(breakdown.dimension, value.value, value.count, value.share) for value in breakdown.values]
        if breakdown.unknown:
            rows.append((breakdown.dimension, UNKNOWN, breakdown.unknown, share(breakdown.unknown, breakdown.total)))
    return rows


def visit_row(visit: Visit, period: Period) -> Sequence[Cell]:
    """Return a visit as a row of ``VISIT_COLUMNS``; its time is local."""
    at = datetime.fromtimestamp(visit.at_ms / 1000, period.zone)
    return (at, *(getattr(visit, name) for name in VISIT_COLUMNS[1:]))


async def at_once(rows: Sequence[Sequence[Cell]]) -> AsyncIterator[Iterable[Sequence[Cell]]]:
    """Yield all rows together."""
    yield rows

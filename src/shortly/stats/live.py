"""The last hour as it happens: one look at the store for all who watch the same clicks, and no queue for any of them.

Who watches is told absolute numbers, so hearing one twice does no harm, and who reads slowly hears later and less
often, never more: a message holds at most the last hour.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from zlib import crc32

import structlog
from msgspec import Struct

from shortly.clicks.fold import MOMENT_MS
from shortly.clicks.store import ClickStore, Total, is_sum
from shortly.errors import ShortlyError, TooManyStreams

log = structlog.get_logger(__name__)

HOUR = 360
"""Moments that are shown."""
KEPT = 2 * HOUR
"""Moments that are looked at, so that who comes back after a while can be told what is new alone."""
LATE = 30
"""Moments that who comes back is told again in any case."""
LOOK_S = 2.0
MAX_VISITS = 1_000
"""Raw visits that one look at a link reads."""
MAX_STREAMS = 8
"""Open at once for one person or key, in one process."""
MAX_STREAMS_OF_ALL = 2_000
"""Open at once in one process."""


class Live(Struct, frozen=True, kw_only=True):
    """What changed, or with ``whole`` all there is of the last hour."""

    id: str
    """Given back, it goes on from here; see ``LiveService.watch``."""
    whole: bool
    until: int
    """The moment that it is: unix seconds / 10."""
    complete: bool
    """False: a link had more than ``MAX_VISITS`` visits, and the older ones of them are missing."""
    moments: list[tuple[int, int, int]]
    """Moment, clicks and how many of these were of bots; absolute numbers. Of a whole hour those that had any."""


class Feed:
    """What is known of one link, or of all of a workspace, as long as somebody watches."""

    def __init__(self) -> None:
        self.watchers = 0
        self.looks = 0
        """How often the store has been asked; 0: nothing is known yet."""
        self.until = 0
        self.complete = True
        self.moments: dict[int, Total] = {}
        self.looked = asyncio.Condition()
        self.looking: asyncio.Task[None] | None = None

    def check(self, moment: int) -> int:
        """Return a number that tells whether the same is known of the hour before a moment's last few."""
        since, until = moment - HOUR, moment - LATE
        known = sorted((at, *total) for at, total in self._items() if since <= at < until)
        return crc32(repr(known).encode())

    def id(self) -> str:
        """Return what who has heard everything up to now comes back with."""
        return f"{self.until}.{self.check(self.until)}"

    def knows(self, last_id: str) -> int | None:
        """Return the moment from which on who comes back has to be told; None: everything."""
        moment, _, check = last_id.partition(".")
        if not (moment.isascii() and moment.isdigit() and len(moment) < 12):
            return None
        at = int(moment)
        if not self.until - HOUR < at <= self.until or str(self.check(at)) != check:
            return None
        return at - LATE

    def _items(self) -> Iterator[tuple[int, tuple[int, int]]]:
        return ((at, (total.clicks, total.bots)) for at, total in self.moments.items())

    def shown(self) -> dict[int, tuple[int, int]]:
        """Return the last hour, without moments that had nothing."""
        return {at: total for at, total in self._items() if at > self.until - HOUR}


class LiveService:
    """Watches clicks for those who look at them.

    Args:
        store: Where clicks are counted.
        clock: Returns the present moment, aware.
        every_s: Seconds between two looks at what somebody watches.
    """

    def __init__(
        self,
        store: ClickStore,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        every_s: float = LOOK_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._every_s = every_s
        self._feeds: dict[int, Feed] = {}
        self._open: Counter[str] = Counter()
        self._closed = False

    @contextmanager
    def place(self, actor: str) -> Iterator[None]:
        """Take one of the caller's streams, and give it back at the end.

        Raises:
            TooManyStreams: The caller has as many open as one may, or all have.
        """
        if self._open[actor] >= MAX_STREAMS or self._open.total() >= MAX_STREAMS_OF_ALL:
            raise TooManyStreams(MAX_STREAMS)
        self._open[actor] += 1
        try:
            yield
        finally:
            self._open[actor] -= 1
            if not self._open[actor]:
                del self._open[actor]

    async def watch(self, link_id: int, last_id: str = "") -> AsyncGenerator[Live | None]:
        """Yield the last hour of a link, or of a sum (see ``every_link``), or what changed since ``last_id``; and then
        what changes, until ``close``.

        None is yielded every few seconds in which nothing changed. While the store does not answer, nothing changes.

        Args:
            link_id: The link, or the sum.
            last_id: Of the last ``Live`` that was heard, from any process; with one that is too old or of something
                else, everything is told.
        """
        feed = self._enter(link_id)
        try:
            while not feed.looks and not self._closed:
                yield None
                await self._wait(feed, 0)
            since = feed.knows(last_id)
            told: dict[int, tuple[int, int]] = {}
            if since is not None:
                told = {at: total for at, total in feed.shown().items() if at < since}
            whole, first = since is None, True
            while not self._closed:
                shown, looks, until = feed.shown(), feed.looks, feed.until
                news = [(at, *total) for at, total in sorted(shown.items()) if told.get(at) != total]
                if news or first:
                    yield Live(id=feed.id(), whole=whole, until=until, complete=feed.complete, moments=news)
                else:
                    yield None
                told, whole, first = shown, False, False
                if feed.looks == looks:
                    await self._wait(feed, looks)
        finally:
            self._leave(link_id, feed)

    async def close(self) -> None:
        """End all streams, so that nobody who watches keeps the process from ending."""
        self._closed = True
        for feed in list(self._feeds.values()):
            if feed.looking is not None:
                feed.looking.cancel()
            async with feed.looked:
                feed.looked.notify_all()

    # --- inside --------------------------------------------------------------------------------------------------

    async def _wait(self, feed: Feed, looks: int) -> None:
        """Wait for another look than the one that was seen, or a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * self._every_s), feed.looked:
                await feed.looked.wait_for(lambda: feed.looks != looks or self._closed)

    def _enter(self, link_id: int) -> Feed:
        feed = self._feeds.get(link_id)
        if feed is None:
            feed = self._feeds[link_id] = Feed()
            feed.looking = asyncio.create_task(self._look_on(link_id, feed))
        feed.watchers += 1
        return feed

    def _leave(self, link_id: int, feed: Feed) -> None:
        feed.watchers -= 1
        if not feed.watchers:
            if feed.looking is not None:
                feed.looking.cancel()
            if self._feeds.get(link_id) is feed:
                del self._feeds[link_id]

    async def _look_on(self, link_id: int, feed: Feed) -> None:
        while True:
            try:
                await self._look(link_id, feed)
            except ShortlyError as error:
                log.debug("what is shown live stands still", reason=error.code)
            else:
                async with feed.looked:
                    feed.looked.notify_all()
            await asyncio.sleep(self._every_s)

    async def _look(self, link_id: int, feed: Feed) -> None:
        until = int(self._clock().timestamp() * 1000) // MOMENT_MS
        if is_sum(link_id):
            moments = await self._store.moments(link_id, until - KEPT + 1, until + 1)
            complete = True
        else:
            moments, complete = await self._moments_of_link(link_id, until)
        feed.moments, feed.complete, feed.until = moments, complete, until
        feed.looks += 1

    async def _moments_of_link(self, link_id: int, until: int) -> tuple[dict[int, Total], bool]:
        """Return what the newest raw visits add up to, and whether these are all."""
        page = await self._store.visits(
            link_id, since_ms=(until - KEPT + 1) * MOMENT_MS, until_ms=(until + 1) * MOMENT_MS, limit=MAX_VISITS
        )
        given = [visit for visit in page.items if not visit.refused]
        clicks = Counter([visit.at_ms // MOMENT_MS for visit in given])
        bots = Counter([visit.at_ms // MOMENT_MS for visit in given if visit.bot])
        oldest = page.items[-1].at_ms // MOMENT_MS if page.items else until
        complete = page.next_cursor is None or oldest <= until - HOUR
        return {at: Total(number, bots[at]) for at, number in clicks.items()}, complete

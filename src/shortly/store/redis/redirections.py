"""What redirects read: remembered links first, then the store, and remembered ones again while the store is away.

Memory is believed as long as the servers say what changes (``Tracking``). A reading that began before a change of what
it reads is handed to those who asked before the change, and never remembered nor handed to those who ask later.

When something may have changed unsaid, memory is in doubt: each link is read, and what is remembered of it is good only
while that cannot be done. Doubts end when every partition was read and holds the installation's data.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress

from shortly.errors import StoreUnavailable
from shortly.links.cache import LinkCache
from shortly.links.link import Redirection
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.installation import Installation
from shortly.store.redis.records import Key, pointer_of, redirection_of

UNKNOWN_S = 1.0
"""How long it is remembered that a slug has no link, unless one comes."""
MOST_UNKNOWN = 20_000
"""Slugs without a link that are remembered; then all of them are forgotten."""
LOOK_EVERY_S = 0.2
"""How often to look whether doubts can end; while data are lost, ``LOST_EVERY_S``."""
LOST_EVERY_S = 1.0


class _Reading:
    """One reading on its way."""

    __slots__ = ("valid", "waiters")

    def __init__(self) -> None:
        self.valid = True
        """Nothing that it reads has changed since it began."""
        self.waiters: list[asyncio.Future[Redirection | StoreUnavailable | None]] = []


class Redirections:
    """Used from one event loop."""

    def __init__(
        self, client: Client, installation: Installation, key: Key | None, *, cache_links: int, stale_s: float
    ) -> None:
        """``key`` turns slugs into what keys have them by; None: they are the same."""
        self._client = client
        self._installation = installation
        self._key = key
        self._cache = LinkCache(cache_links)
        self._cache_links = cache_links
        self._stale_s = stale_s
        self._unknown: dict[str, float] = {}
        self._aliases: dict[str, set[tuple[str, str]]] = {}
        """Key of a home redirection -> what is remembered of pointers to it."""
        self._readings: dict[str, _Reading] = {}
        """Those that who asks now may join, by their first key; others of it are not valid any more."""
        self._watched: dict[str, set[_Reading]] = {}
        """Those that follow a pointer, by the home redirection that they read."""
        self._doubts = 0
        """How often something may have changed unsaid."""
        self._doubted_at: float | None = None
        """Until when what is in doubt was known to be true; None: nothing is in doubt."""
        self._looking: asyncio.Task[None] | None = None
        self._now: Callable[[], float] = lambda: math.inf
        self._started = False

    def start(self) -> None:
        """Begin with an empty memory on the running event loop; the client is open, and so is the installation."""
        self._now = asyncio.get_running_loop().time
        self._forget_all()
        self._started = True

    async def stop(self) -> None:
        """End what looks at the servers."""
        self._started = False
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def remembered(self, domain: str, slug: str) -> Redirection | None:
        """See ``RedirectionStore``."""
        if not self._client.tracking_ok(self._now()):
            return None
        return self._cache.get(domain, slug if self._key is None else self._key(slug))

    async def get(self, domain: str, slug: str) -> Redirection | None:
        """See ``RedirectionStore.get_redirection``."""
        name = slug if self._key is None else self._key(slug)
        try:
            entry = keys.redirection(domain, name)
        except UnicodeEncodeError:
            return None
        while True:
            if entry in self._unknown and self._is_unknown(entry):
                return None
            reading = self._readings.get(entry)
            if reading is None:
                outcome = await self._lead(entry, domain, name)
            else:
                waiter: asyncio.Future[Redirection | StoreUnavailable | None] = (
                    asyncio.get_running_loop().create_future()
                )
                reading.waiters.append(waiter)
                try:
                    outcome = await waiter
                except asyncio.CancelledError:
                    if waiter.cancelled() and not _is_cancelled():  # who led was cancelled, not we
                        continue
                    raise
            if not isinstance(outcome, StoreUnavailable):
                return outcome
            stale = self._stale(domain, name)
            if stale is None:
                raise type(outcome)  # anew: many may wait for the same outcome
            return stale

    def forget(self, entry: str) -> None:
        """Drop what is remembered of an entry, because it has changed, or is about to."""
        self._unknown.pop(entry, None)
        self._end(entry)
        if self._cache.is_empty:
            return
        domain, name = keys.slug_in(entry)
        if name[:1] == "#" and not domain:
            for alias in self._aliases.pop(entry, ()):
                self._cache.drop(*alias)
        self._cache.drop(domain, name)

    def elsewhere(self, entry: str) -> None:
        """Take that an entry is on its way between servers: what is read of it is not remembered."""
        self._end(entry)

    def changed(self, entry: str | None) -> None:
        """Take what a server says: an entry has changed, or None: everything may have."""
        if entry is not None:
            if entry.startswith("r:"):
                self.forget(entry)
            return
        self._forget_readings()
        if not self._started:
            self._cache.clear()
            return
        self._doubts += 1
        if self._doubted_at is None or self._is_too_old():
            self._cache.forget_doubted()
            self._doubted_at = self._now() - self._client.tracking_down_s(self._now())
        self._cache.doubt()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    # --- inside --------------------------------------------------------------------------------------------------

    def _forget_all(self) -> None:
        self._forget_readings()
        self._cache.clear()
        self._aliases.clear()

    def _forget_readings(self) -> None:
        """Let nobody join a reading that is on its way, nor remember it."""
        self._unknown.clear()
        for entry in [*self._readings, *self._watched]:
            self._end(entry)

    def _end(self, entry: str) -> None:
        """Let nobody join a reading of an entry that is on its way, nor remember it."""
        reading = self._readings.pop(entry, None)
        if reading is not None:
            reading.valid = False
        if self._watched:
            for following in self._watched.pop(entry, ()):
                following.valid = False

    async def _look(self) -> None:
        """Look at every partition until all can be read, hold the installation's data, and what changes is told."""
        while self._doubted_at is not None:
            doubts = self._doubts
            with suppress(StoreUnavailable):
                await self._installation.look()
                if doubts == self._doubts and self._client.tracking_ok(self._now()):
                    self._doubted_at = None
                    self._cache.forget_doubted()
                    return
            await asyncio.sleep(LOST_EVERY_S if self._client.lost else LOOK_EVERY_S)

    async def _lead(self, entry: str, domain: str, name: str) -> Redirection | StoreUnavailable | None:
        """Read, and hand the outcome to those who joined."""
        reading = self._readings[entry] = _Reading()
        try:
            outcome = await self._read(entry, domain, name, reading)
        except BaseException:
            for waiter in reading.waiters:
                waiter.cancel()
            raise
        finally:
            if self._readings.get(entry) is reading:
                del self._readings[entry]
        for waiter in reading.waiters:
            if not waiter.done():
                waiter.set_result(outcome)
        return outcome

    async def _read(
        self, entry: str, domain: str, name: str, reading: _Reading
    ) -> Redirection | StoreUnavailable | None:
        value = await self._text(entry)
        if isinstance(value, StoreUnavailable):
            return value
        if value is None:
            self._drop(domain, name, reading)
            self._remember_unknown(entry, reading)
            return None
        pointer = pointer_of(value)
        if pointer is not None:
            return await self._follow(keys.home_redirection(pointer.link_id), domain, name, reading)
        redirection, _ = redirection_of(value, domain)
        if reading.valid:
            self._cache.put(domain, name, redirection)
        else:
            self._cache.drop_doubted(domain, name)
        return redirection

    def _text(self, entry: str) -> Awaitable[bytes | StoreUnavailable | None]:
        """Return what is at a key, or why it cannot be read; while there are doubts, only if the data beside it are the
        installation's."""
        return self._client.get_soon(entry) if self._doubted_at is None else self._text_in_doubt(entry)

    async def _text_in_doubt(self, entry: str) -> bytes | StoreUnavailable | None:
        value, mark = [await text for text in (self._client.get_soon(entry), self._client.get_soon(keys.mark(entry)))]
        if isinstance(mark, StoreUnavailable):
            return mark
        return value if self._installation.owns(mark) else StoreUnavailable()

    def _drop(self, domain: str, name: str, reading: _Reading) -> None:
        """Forget a slug that has no link, unless something newer is remembered than what was read."""
        if reading.valid:
            self._cache.drop(domain, name)
        else:
            self._cache.drop_doubted(domain, name)

    async def _follow(
        self, home: str, domain: str, name: str, reading: _Reading
    ) -> Redirection | StoreUnavailable | None:
        """Ask the link that a pointer leads to; unless it names the slug, the pointer means nothing."""
        self._watch(home, reading)
        try:
            value = await self._text(home)
        finally:
            self._unwatch(home, reading)
        if isinstance(value, StoreUnavailable):
            return value
        redirection, names = redirection_of(value, domain) if value is not None else (None, ())
        if redirection is None or name not in names:
            self._drop(domain, name, reading)
            return None
        if reading.valid:
            if len(self._aliases) > self._cache_links:
                self._cache.clear()
                self._aliases.clear()
            self._aliases.setdefault(home, set()).add((domain, name))
            self._cache.put(domain, name, redirection)
        else:
            self._cache.drop_doubted(domain, name)
        return redirection

    def _watch(self, entry: str, reading: _Reading) -> None:
        self._watched.setdefault(entry, set()).add(reading)

    def _unwatch(self, entry: str, reading: _Reading) -> None:
        watching = self._watched.get(entry)
        if watching is not None:
            watching.discard(reading)
            if not watching:
                del self._watched[entry]

    def _remember_unknown(self, entry: str, reading: _Reading) -> None:
        if reading.valid and self._cache_links:
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[entry] = self._now() + UNKNOWN_S

    def _is_unknown(self, entry: str) -> bool:
        """Return whether memory may be believed that no link has this slug."""
        now = self._now()
        if now < self._unknown[entry] and self._client.tracking_ok(now):
            return True
        del self._unknown[entry]
        return False

    def _stale(self, domain: str, name: str) -> Redirection | None:
        """Return what was remembered when the store was last heard of, unless that is too long ago."""
        if self._client.tracking_down_s(self._now()) > self._stale_s:
            return None
        if self._doubted_at is not None and self._is_too_old():
            self._cache.forget_doubted()
        return self._cache.get_doubted(domain, name)

    def _is_too_old(self) -> bool:
        """Return whether what is in doubt must not be used any more."""
        return self._doubted_at is not None and self._now() - self._doubted_at > self._stale_s


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

"""What redirects read: remembered links first, then the store, and remembered ones again while the store is away.

Memory is believed as long as the servers say what changes (``Tracking``). A reading that began before a change of what
it reads is handed to those who asked before the change, and never remembered nor handed to those who ask later.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from shortly.errors import StoreUnavailable
from shortly.links.cache import LinkCache
from shortly.links.link import Redirection
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.records import Key, pointer_of, redirection_of

UNKNOWN_S = 1.0
"""How long it is remembered that a slug has no link, unless one comes."""
MOST_UNKNOWN = 20_000
"""Slugs without a link that are remembered; then all of them are forgotten."""


class _Reading:
    """One reading on its way."""

    __slots__ = ("valid", "waiters")

    def __init__(self) -> None:
        self.valid = True
        """Nothing that it reads has changed since it began."""
        self.waiters: list[asyncio.Future[Redirection | StoreUnavailable | None]] = []


class Redirections:
    """Used from one event loop."""

    def __init__(self, client: Client, key: Key | None, *, cache_links: int, stale_s: float) -> None:
        """``key`` turns slugs into what keys have them by; None: they are the same."""
        self._client = client
        self._key = key
        self._cache = LinkCache(cache_links)
        self._cache_links = cache_links
        self._stale_s = stale_s
        self._unknown: dict[str, float] = {}
        self._aliases: dict[str, set[tuple[str, str]]] = {}
        """Key of a home redirection -> what is remembered of pointers to it."""
        self._readings: dict[str, _Reading] = {}
        """Those that who asks now may join, by their first key."""
        self._watched: dict[str, set[_Reading]] = {}
        """All of them, by every key that they read."""
        self._now: Callable[[], float] = lambda: math.inf

    def start(self) -> None:
        """Begin with an empty memory on the running event loop; the client is open."""
        self._now = asyncio.get_running_loop().time
        self.changed(None)

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
                raise StoreUnavailable
            return stale

    def forget(self, entry: str) -> None:
        """Drop what is remembered of an entry, because it has changed, or is about to."""
        self._unknown.pop(entry, None)
        self._readings.pop(entry, None)
        for reading in self._watched.pop(entry, ()):
            reading.valid = False
        domain, name = keys.slug_in(entry)
        if name[:1] == "#" and not domain:
            for alias in self._aliases.pop(entry, ()):
                self._cache.drop(*alias)
        self._cache.drop(domain, name)

    def changed(self, entry: str | None) -> None:
        """Take what a server says: an entry has changed, or None: everything may have."""
        if entry is not None:
            if entry.startswith("r:"):
                self.forget(entry)
            return
        self._cache.clear()
        self._unknown.clear()
        self._aliases.clear()
        self._readings.clear()
        for readings in self._watched.values():
            for reading in readings:
                reading.valid = False
        self._watched.clear()

    # --- inside --------------------------------------------------------------------------------------------------

    async def _lead(self, entry: str, domain: str, name: str) -> Redirection | StoreUnavailable | None:
        """Read, and hand the outcome to those who joined."""
        reading = self._readings[entry] = _Reading()
        self._watch(entry, reading)
        try:
            outcome = await self._read(entry, domain, name, reading)
        except BaseException:
            for waiter in reading.waiters:
                waiter.cancel()
            raise
        finally:
            self._unwatch(entry, reading)
            if self._readings.get(entry) is reading:
                del self._readings[entry]
        for waiter in reading.waiters:
            if not waiter.done():
                waiter.set_result(outcome)
        return outcome

    async def _read(
        self, entry: str, domain: str, name: str, reading: _Reading
    ) -> Redirection | StoreUnavailable | None:
        try:
            (value,) = await self._client.get_many([entry])
            pointer = None if value is None else pointer_of(value)
            if value is not None and pointer is not None:
                return await self._follow(keys.home_redirection(pointer.link_id), domain, name, reading)
        except StoreUnavailable as unavailable:
            return unavailable
        if value is None:
            self._remember_unknown(entry, reading)
            return None
        redirection, _ = redirection_of(value, domain)
        if reading.valid:
            self._cache.put(domain, name, redirection)
        return redirection

    async def _follow(self, home: str, domain: str, name: str, reading: _Reading) -> Redirection | None:
        """Ask the link that a pointer leads to; unless it names the slug, the pointer means nothing."""
        self._watch(home, reading)
        try:
            (value,) = await self._client.get_many([home])
        finally:
            self._unwatch(home, reading)
        if value is None:
            return None
        redirection, names = redirection_of(value, domain)
        if name not in names:
            return None
        if reading.valid:
            if len(self._aliases) > self._cache_links:
                self._cache.clear()
                self._aliases.clear()
            self._aliases.setdefault(home, set()).add((domain, name))
            self._cache.put(domain, name, redirection)
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
        return self._cache.get(domain, name)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

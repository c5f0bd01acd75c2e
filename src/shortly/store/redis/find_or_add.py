"""Links that are found or added: of all who want one for a target, one at a time holds its claim, looks and adds.

A claim is given up when the index shows the link. One that was not, as its holder died or the index is behind, lapses;
whoever takes it then brings the index up to date before they look.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from shortly.errors import ShortlyError, SlugTaken, StoreUnavailable
from shortly.links.link import Link
from shortly.links.store import Got, Wanted
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.index import plain_prefix
from shortly.store.redis.link_writes import LinkWrites
from shortly.store.redis.outbox import Outbox
from shortly.store.redis.records import doc_of
from shortly.store.redis.scripts import Script

LAPSE_MS = 15_000
"""After this time others may take a claim."""
USE_MS = 5_000
"""Within this time the link must have been written; the servers' clocks may differ by the rest."""
KEEP_MS = 600_000
"""So long it is remembered that a claim was not given up."""
WAIT_S = 20.0
"""How long to wait for others; longer than any claim lasts."""
FIRST_PAUSE_S = 0.002
LONGEST_PAUSE_S = 0.1

CLAIM_TARGET = Script("entries", "claim_target")
RELEASE_TARGET = Script("release_target")

Find = Callable[[str, str, str, int], Awaitable[Link | None]]
"""See ``LinkStore.find_link``."""


class _Claim(NamedTuple):
    key: str
    holder: str
    at_ms: int
    was_lapsed: bool


class FindOrAdd:
    """See ``LinkStore.find_or_add_links``; used from one event loop."""

    def __init__(self, client: Client, writes: LinkWrites, outbox: Outbox, find: Find) -> None:
        self._client = client
        self._writes = writes
        self._outbox = outbox
        self._find = find

    async def __call__(self, wanted: Sequence[Wanted]) -> list[Got | SlugTaken]:
        """Take the claims that can be had at once, until all links are there: nobody waits with a claim in hand.

        Raises:
            StoreUnavailable: Somebody else is at it for longer than ``WAIT_S``, or as elsewhere.
        """
        outcomes: dict[int, Got | SlugTaken] = {}
        pause_s, give_up_at = FIRST_PAUSE_S, time.monotonic() + WAIT_S
        while waiting := {place: one for place, one in enumerate(wanted) if place not in outcomes}:
            if claims := await self._claim(waiting):
                outcomes |= await self._serve({place: waiting[place] for place in claims}, claims)
                pause_s = FIRST_PAUSE_S
            elif time.monotonic() > give_up_at:
                raise StoreUnavailable
            else:
                await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return [outcomes[place] for place in range(len(wanted))]

    async def _claim(self, waiting: Mapping[int, Wanted]) -> dict[int, _Claim]:
        """Take the claims that nobody holds, each for the first place that wants its target."""
        places: dict[str, int] = {}
        for place, one in waiting.items():
            link = one.link
            prefix = plain_prefix(link.domain, link.target, link.owner, link.workspace)
            places.setdefault(keys.target_claim(prefix.hex()), place)
        holder = secrets.token_hex(8)
        replies = await self._client.run_many(
            [(CLAIM_TARGET, [key], [holder, LAPSE_MS, KEEP_MS]) for key in places], durable=True
        )
        claims: dict[int, _Claim] = {}
        for (key, place), reply in zip(places.items(), replies, strict=True):
            if isinstance(reply, ShortlyError):
                raise reply
            at_ms, was_lapsed = reply
            if at_ms:
                claims[place] = _Claim(key, holder, at_ms, bool(was_lapsed))
        return claims

    async def _serve(self, wanted: Mapping[int, Wanted], claims: Mapping[int, _Claim]) -> dict[int, Got | SlugTaken]:
        """Find or add the links whose targets are claimed. After a failure the claims lapse: what was written is not
        known."""
        if any(claim.was_lapsed for claim in claims.values()):
            await self._outbox.catch_up()
        found = await self._find_all([one.link for one in wanted.values()])
        outcomes: dict[int, Got | SlugTaken] = {}
        for (place, one), link in zip(wanted.items(), found, strict=True):
            if link is not None and one.does(link):
                outcomes[place] = Got(link, is_new=False)
        new = [place for place in wanted if place not in outcomes]
        until_ms = min(claim.at_ms for claim in claims.values()) + USE_MS
        added = await self._writes.add([wanted[place].link for place in new], until_ms=until_ms) if new else []
        for place, outcome in zip(new, added, strict=True):
            outcomes[place] = Got(outcome, is_new=True) if isinstance(outcome, Link) else outcome
        hidden = await self._hidden(
            {place: one for place, one in zip(new, added, strict=True) if isinstance(one, Link)}
        )
        await self._release(claim for place, claim in claims.items() if place not in hidden)
        return outcomes

    async def _hidden(self, added: Mapping[int, Link]) -> set[int]:
        """Return the places of new links that the index should show and does not yet."""
        plain = {place: link for place, link in added.items() if doc_of(link).plain}
        shown = await self._find_all(list(plain.values()))
        return {place for place, link in zip(plain, shown, strict=True) if link is None}

    async def _find_all(self, links: Sequence[Link]) -> list[Link | None]:
        return await asyncio.gather(*(self._find(one.domain, one.target, one.owner, one.workspace) for one in links))

    async def _release(self, claims: Iterable[_Claim]) -> None:
        """Give claims up; one whose message does not arrive lapses."""
        await self._client.run_many([(RELEASE_TARGET, [one.key], [one.holder, one.at_ms]) for one in claims])

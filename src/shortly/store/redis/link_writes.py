"""Adding, editing and deleting links: one script each in the link's home partition, and claims in others.

A slug of another partition than the link's home is claimed first: its entry becomes a pending pointer, which means
nothing until the link names the slug. Then the link is written, then the claim confirmed. A crash in between leaves a
pointer that redirects right if the link names it, and that others may replace after ``LAPSE_MS`` if it does not.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from msgspec.structs import replace as changed

from shortly.errors import LinkChanged, LinkNotFound, ShortlyError, SlugTaken, StoreUnavailable
from shortly.links.link import Link, successor_of
from shortly.store.redis import keys
from shortly.store.redis.client import Client
from shortly.store.redis.outbox import SETTLE_SLUG, Added, Outbox, encode_names
from shortly.store.redis.records import (
    Key,
    holder_of,
    link_of,
    link_value,
    names_of,
    pointer_of,
    pointer_value,
    redirection_value,
)
from shortly.store.redis.scripts import Argument, Script

CHUNK = 1_000
"""Links that are written together; while the index takes some up, the next ones are written."""
MANY = 100
"""Links in a chunk that it pays to write after those before: then the index takes up both without looking anew. For so
many, a server is waited for that has no time."""
CHUNK_TEXT = 400_000
"""Characters of their texts, about."""
LAPSE_MS = 60_000
"""After this time a claim whose link does not name the slug is void."""
USE_MS = 40_000
"""Within this time the link must have been written; the servers' clocks may differ by the rest."""
TRIES = 5
"""Of a step that others keep getting in the way of."""

RESERVE_IDS = Script("reserve_ids")
ADD_LINKS = Script("entries", "add_links")
WRITE_LINK = Script("entries", "write_link")
DELETE_LINK = Script("entries", "delete_link")
CLAIM_SLUG = Script("entries", "claim_slug")


class _Claim(NamedTuple):
    """A pending pointer that this process has put somewhere."""

    key: str
    value: bytes
    at_ms: int


class LinkWrites:
    """Called by ``RedisLinks``; see ``LinkStore`` for what the plural writes promise."""

    def __init__(self, client: Client, outbox: Outbox, key: Key, forget: Callable[[str], None]) -> None:
        """``forget`` drops what memory holds of an entry of a slug."""
        self._client = client
        self._outbox = outbox
        self._key = key
        self._forget = forget
        self._turns = asyncio.Lock()

    # --- adding --------------------------------------------------------------------------------------------------

    async def add(self, links: Sequence[Link], *, until_ms: int | None = None) -> list[Link | SlugTaken]:
        """See ``LinkStore.add_links``; stops at the first chunk that fails.

        ``until_ms``: unix milliseconds by the servers' clocks, after which none that has no aliases may be added.
        """
        outcomes: list[Link | SlugTaken] = []
        tellings: deque[Coroutine[Any, Any, None]] = deque()
        try:
            for chunk in _chunks(links):
                told: list[Added] = []
                if chunk[0].aliases:
                    outcomes.append(await self._add_with_aliases(chunk[0]))
                    continue
                async with self._turns if len(chunk) >= MANY else nullcontext():
                    try:
                        outcomes += await self._add_plain(chunk, told, until_ms)
                    finally:
                        tellings.append(self._outbox.tell(told))
                if len(tellings) > 1:
                    await tellings.popleft()
        finally:
            await asyncio.gather(*tellings)
        return outcomes

    async def _add_plain(
        self, links: Sequence[Link], told: list[Added], until_ms: int | None
    ) -> list[Link | SlugTaken]:
        """Add links without aliases, and put into ``told`` what the index has to be told."""
        outcomes: list[Link | None] = [None] * len(links)
        due: dict[int, bytes] = dict.fromkeys(range(len(links)), b"")
        for _ in range(TRIES):
            due, failure = await self._try_to_add(links, due, outcomes, told, until_ms)
            if failure:
                raise failure
            if not due:
                break
        return [outcome or SlugTaken(link.slug) for link, outcome in zip(links, outcomes, strict=True)]

    async def _try_to_add(
        self,
        links: Sequence[Link],
        due: dict[int, bytes],
        outcomes: list[Link | None],
        told: list[Added],
        until_ms: int | None,
    ) -> tuple[dict[int, bytes], ShortlyError | None]:
        """Add the links at the places ``due``, which may replace an entry each; return what is to be tried again."""
        patient = len(links) >= MANY
        number = await self._reserve(len(due), patient=patient)
        partitions: defaultdict[int, list[tuple[int, Link, str]]] = defaultdict(list)
        for place in due:
            entry = keys.redirection(links[place].domain, self._key(links[place].slug))
            partition = keys.partition_in(entry)
            link = changed(links[place], id=number * keys.PARTITIONS + partition)
            partitions[partition].append((place, link, entry))
            number += 1
        calls = []
        for partition, group in partitions.items():
            names = [keys.outbox(partition), keys.deleted(partition)]
            args: list[Argument] = [LAPSE_MS, "" if until_ms is None else until_ms]
            for place, link, entry in group:
                names += (entry, keys.link(link.id))
                args += (link.id, redirection_value(link), link_value(link), due[place])
            calls.append((ADD_LINKS, names, args))
        replies = await self._client.run_many(calls, durable=True, patient=patient)
        again: dict[int, bytes] = {}
        failure: ShortlyError | None = None
        for (partition, group), reply in zip(partitions.items(), replies, strict=True):
            if isinstance(reply, ShortlyError):
                failure = failure or reply
                continue
            if reply == [b"late"]:
                failure = failure or StoreUnavailable()
                continue
            before, after, *results = reply
            added = []
            for (place, link, entry), result in zip(group, results, strict=True):
                if not result:
                    outcomes[place] = link
                    added.append(link)
                    self._forget(entry)
                elif result == b"!":
                    again[place] = b""
                elif result != due[place] and await self._is_void(result, self._key(link.slug)):
                    again[place] = result
            if added:
                told.append(Added(partition, before, after, added))
        return again, failure

    async def _add_with_aliases(self, link: Link) -> Link | SlugTaken:
        for _ in range(TRIES):
            home = keys.partition_of(link.domain, self._key(link.slug))
            stored = changed(link, id=await self._reserve(1) * keys.PARTITIONS + home)
            outcome = await self._write(stored, None)
            if outcome != "exists":
                return outcome if isinstance(outcome, Link) else SlugTaken(link.slug)
        raise StoreUnavailable

    async def _reserve(self, count: int, *, patient: bool = False) -> int:
        """Return the first of that many numbers that no link has had; rising over all processes."""
        return int(await self._client.run(RESERVE_IDS, [keys.IDS], [count], patient=patient)) - count + 1

    # --- editing -------------------------------------------------------------------------------------------------

    async def replace(self, edits: Sequence[tuple[Link, Link]]) -> list[Link | LinkChanged | LinkNotFound | SlugTaken]:
        """See ``LinkStore.replace_links``."""
        outcomes: list[Any] = [None] * len(edits)
        for places in _rounds([old.id for old, _ in edits]):
            await self._replace_round(edits, places, outcomes)
        return outcomes

    async def _replace_round(
        self, edits: Sequence[tuple[Link, Link]], places: Sequence[int], outcomes: list[Any]
    ) -> None:
        """Edit links of which none comes twice."""
        values = await self._client.read_many([("GET", keys.link(edits[place][0].id)) for place in places])
        plain: list[tuple[int, Link, Link]] = []
        renames: list[tuple[int, Link, Link]] = []
        for place, value in zip(places, values, strict=True):
            old, new = edits[place]
            if value is None:
                outcomes[place] = LinkNotFound(old.slug)
                continue
            stored = link_of(value)
            if stored.version != old.version:
                outcomes[place] = LinkChanged(old.slug)
                continue
            link = successor_of(stored, new, self._key)
            (plain if self._key(link.slug) == self._key(stored.slug) else renames).append((place, stored, link))
        touched: set[int] = set()
        failure = await self._replace_plain(plain, outcomes, touched) if plain else None
        for place, stored, link in renames:
            if failure is not None:
                break
            outcome = await self._write(link, stored)
            touched.add(keys.home_of(link.id))
            outcomes[place] = _edited(outcome, stored, link)
        await self._outbox.settle(touched)
        if failure is not None:
            raise failure

    async def _replace_plain(
        self, edits: Sequence[tuple[int, Link, Link]], outcomes: list[Any], touched: set[int]
    ) -> ShortlyError | None:
        """Write new versions that keep their slugs."""
        written = [self._call(link, stored, {}, "") for _, stored, link in edits]
        failure: ShortlyError | None = None
        replies = await self._client.run_many([call for call, _ in written], durable=True)
        for (place, stored, link), (_, entries), reply in zip(edits, written, replies, strict=True):
            if isinstance(reply, ShortlyError):
                failure = failure or reply
                continue
            touched.add(keys.home_of(link.id))
            self._forget_all(entries)
            outcomes[place] = _edited(link if _is_done(reply) else reply[0].decode(), stored, link)
        return failure

    # --- one link with slugs in several partitions ---------------------------------------------------------------

    async def _write(self, link: Link, stored: Link | None) -> Link | str:
        """Write a new link, or a version that has another slug; return it, or one word about why not.

        Raises:
            StoreUnavailable, StorageFull: What has happened is not known; claims that are left lapse.
        """
        home = keys.home_of(link.id)
        before = () if stored is None else names_of(stored, self._key)
        foreign = [
            name
            for name in names_of(link, self._key)
            if name not in before and keys.partition_of(link.domain, name) != home
        ]
        claims: list[_Claim] = []
        for name in foreign:
            claim = await self._claim(link.id, link.domain, name)
            if claim is None:
                await self._end(link.id, claims, "withdraw")
                return "taken"
            claims.append(claim)
        deadline = str(min(claim.at_ms for claim in claims) + USE_MS) if claims else ""
        outcome = await self._write_claimed(link, stored, foreign, deadline)
        if isinstance(outcome, Link):
            await self._end(link.id, claims, "confirm")
        else:
            await self._end(link.id, claims, "withdraw")
        return outcome

    async def _write_claimed(
        self, link: Link, stored: Link | None, foreign: Sequence[str], deadline: str
    ) -> Link | str:
        replaceable: dict[str, bytes] = {}
        names = encode_names([(link.domain, name) for name in foreign])
        for _ in range(TRIES):
            call, entries = self._call(link, stored, replaceable, deadline, names)
            (reply,) = await self._client.run_many([call], durable=True)
            if isinstance(reply, ShortlyError):
                raise reply
            if _is_done(reply):
                self._forget_all(entries)
                if stored is None:
                    await self._outbox.tell([Added(keys.home_of(link.id), reply[0], reply[1], [link])])
                return link
            word = reply[0].decode()
            if word == "late":
                raise StoreUnavailable
            if word != "taken":
                return str(word)
            entry, holder = reply[1].decode(), reply[2]
            if replaceable.get(entry) == holder or not await self._is_void(holder, keys.slug_in(entry)[1]):
                return "taken"
            replaceable[entry] = holder
        return "taken"

    def _call(
        self,
        link: Link,
        stored: Link | None,
        replaceable: dict[str, bytes],
        deadline: str,
        names: bytes = b"",
        *,
        anew: bool = False,
    ) -> tuple[tuple[Script, list[str], list[Argument]], list[str]]:
        """Return the script call that writes a link, and the keys of entries that change with it, or all."""
        home = keys.home_of(link.id)
        before = {} if stored is None or anew else self._entries(stored)
        after = self._entries(link)
        own = keys.home_redirection(link.id)
        script_keys = [keys.outbox(home), keys.deleted(home), keys.link(link.id), own]
        args: list[Argument] = [
            link.id,
            "" if stored is None else stored.version,
            link_value(link),
            after.pop(own, b""),
            deadline,
            LAPSE_MS,
            names,
        ]
        changes = {entry: value for entry, value in after.items() if before.get(entry) != value}
        for entry, value in changes.items():
            script_keys.append(entry)
            args += (value, replaceable.get(entry, b""))
        return (WRITE_LINK, script_keys, args), [own, *changes]

    def _entries(self, link: Link) -> dict[str, bytes]:
        """Return what the home partition holds for redirects to the link: key -> text."""
        home = keys.home_of(link.id)
        names = names_of(link, self._key)
        entries: dict[str, bytes] = {}
        asked_by_pointers = len(names) > 1
        for name in names:
            if keys.partition_of(link.domain, name) == home:
                value = redirection_value(link) if name == names[0] else pointer_value(link.id)
                entries[keys.redirection(link.domain, name)] = value
            else:
                asked_by_pointers = True
        if asked_by_pointers:
            entries[keys.home_redirection(link.id)] = redirection_value(link, names)
        return entries

    def all_entries(self, link: Link) -> dict[str, bytes]:
        """Return what all partitions hold for redirects to the link: key -> text, of pointers the settled one."""
        pointers = {keys.redirection(link.domain, name): pointer_value(link.id) for name in self._foreign(link)}
        return {**self._entries(link), **pointers}

    async def restore(self, link_id: int) -> int:
        """Write the entries of a link's slugs anew; return 1, or 0 when it is gone or another link has a slug.

        Raises:
            StoreUnavailable, StorageFull: Not all of them were written.
        """
        for _ in range(TRIES):
            value = await self._client.read("GET", keys.link(link_id))
            if value is None:
                return 0
            link = link_of(value)
            claims = []
            for name in self._foreign(link):
                entry = await self._client.read("GET", keys.redirection(link.domain, name))
                if entry is None or holder_of(entry) != link_id:
                    claims.append(await self._claim(link_id, link.domain, name))
            taken = None in claims
            (reply,) = await self._client.run_many([self._call(link, link, {}, "", anew=True)[0]], durable=True)
            if isinstance(reply, ShortlyError):
                raise reply
            await self._end(link_id, [claim for claim in claims if claim], "confirm")
            if reply[0] != b"changed":
                return int(_is_done(reply) and not taken)
        return 0

    async def _claim(self, link_id: int, domain: str, name: str) -> _Claim | None:
        """Put a pending pointer at a slug's entry; None: another link has the slug."""
        key = keys.redirection(domain, name)
        replaceable = b""
        for _ in range(TRIES):
            (reply,) = await self._client.run_many(
                [(CLAIM_SLUG, [key], [link_id, LAPSE_MS, replaceable])], durable=True
            )
            if isinstance(reply, ShortlyError):
                raise reply
            value, more = reply
            if value:
                self._forget(key)
                return _Claim(key, value, int(more))
            if more == replaceable or not await self._is_void(more, name):
                return None
            replaceable = more
        return None

    async def _end(self, link_id: int, claims: Sequence[_Claim], how: str) -> None:
        """Confirm or withdraw claims; what fails here is mended by whoever meets it."""
        if claims:
            await self._client.run_many([(SETTLE_SLUG, [claim.key], [link_id, how, claim.value]) for claim in claims])
            for claim in claims:
                self._forget(claim.key)

    async def _is_void(self, holder: bytes, name: str) -> bool:
        """Return whether what has a slug is a pointer to a link that is gone or does not name it."""
        pointer = None if holder == b"=" else pointer_of(holder)
        if pointer is None:
            return False
        value = await self._client.read("GET", keys.link(pointer.link_id))
        return value is None or name not in names_of(link_of(value), self._key)

    # --- deleting ------------------------------------------------------------------------------------------------

    async def delete(self, links: Sequence[Link]) -> list[LinkChanged | LinkNotFound | None]:
        """See ``LinkStore.delete_links``."""
        outcomes: list[LinkChanged | LinkNotFound | None] = [None] * len(links)
        for places in _rounds([link.id for link in links]):
            due = places
            for _ in range(TRIES):
                due = await self._delete_round(links, due, outcomes)
                if not due:
                    break
        return outcomes

    async def _delete_round(self, links: Sequence[Link], places: Sequence[int], outcomes: list[Any]) -> list[int]:
        """Delete links of which none comes twice; return the places of those that somebody changed meanwhile."""
        values = await self._client.read_many([("GET", keys.link(links[place].id)) for place in places])
        calls: list[tuple[Script, list[str], list[Argument]]] = []
        stored: list[tuple[int, Link, list[str]]] = []
        now_ms = time.time_ns() // 1_000_000
        for place, value in zip(places, values, strict=True):
            outcomes[place] = None
            if value is None:
                outcomes[place] = LinkNotFound(links[place].slug)
                continue
            link = link_of(value)
            if links[place].version not in (0, link.version):
                outcomes[place] = LinkChanged(links[place].slug)
                continue
            home = keys.home_of(link.id)
            own = list(self._entries(link))
            fixed = [keys.outbox(home), keys.deleted(home), keys.link(link.id), keys.home_redirection(link.id)]
            foreign = self._foreign(link)
            names = encode_names([(link.domain, name) for name in foreign])
            calls.append(
                (
                    DELETE_LINK,
                    [*fixed, *(entry for entry in own if entry != fixed[3])],
                    [link.id, link.version, now_ms, names],
                )
            )
            stored.append((place, link, foreign))
        if not calls:
            return []
        replies = await self._client.run_many(calls, durable=True)
        return await self._after_deletion(links, stored, replies, outcomes)

    async def _after_deletion(
        self,
        links: Sequence[Link],
        stored: Sequence[tuple[int, Link, list[str]]],
        replies: Sequence[Any],
        outcomes: list[Any],
    ) -> list[int]:
        """Remove the pointers to links that are gone, then their entries in the index."""
        releases: list[tuple[Script, list[str], list[Argument]]] = []
        touched: set[int] = set()
        again: list[int] = []
        failure: ShortlyError | None = None
        for (place, link, foreign), reply in zip(stored, replies, strict=True):
            if isinstance(reply, ShortlyError):
                failure = failure or reply
            elif _is_done(reply):
                touched.add(keys.home_of(link.id))
                self._forget_all([keys.home_redirection(link.id), *self._entries(link)])
                for name in foreign:
                    entry = keys.redirection(link.domain, name)
                    releases.append((SETTLE_SLUG, [entry], [link.id, "release", ""]))
                    self._forget(entry)
            elif reply[0] == b"missing":
                outcomes[place] = LinkNotFound(link.slug)
            elif links[place].version:
                outcomes[place] = LinkChanged(link.slug)
            else:
                outcomes[place] = LinkChanged(link.slug)
                again.append(place)
        if releases:
            await self._client.run_many(releases)  # what fails is done with the outbox
        await self._outbox.settle(touched)
        if failure is not None:
            raise failure
        return again

    def _foreign(self, link: Link) -> list[str]:
        """Return the keys of a link's slugs that lie in other partitions than the link."""
        home = keys.home_of(link.id)
        return [name for name in names_of(link, self._key) if keys.partition_of(link.domain, name) != home]

    def _forget_all(self, entries: Sequence[str]) -> None:
        for entry in entries:
            self._forget(entry)


def _is_done(reply: Sequence[bytes]) -> bool:
    """Return whether a script's reply is the outbox's entries before and after, rather than a word."""
    return reply[0][:1].isdigit()


def _edited(outcome: Link | str, stored: Link, link: Link) -> Link | LinkChanged | LinkNotFound | SlugTaken:
    """Return what the caller of an edit is told."""
    if isinstance(outcome, Link):
        return outcome
    if outcome == "missing":
        return LinkNotFound(stored.slug)
    return SlugTaken(link.slug) if outcome == "taken" else LinkChanged(stored.slug)


def _chunks(links: Sequence[Link]) -> Iterator[list[Link]]:
    """Yield the links in their order, a few hundred together, one with aliases by itself."""
    chunk: list[Link] = []
    text = 0
    for link in links:
        if chunk and (link.aliases or chunk[-1].aliases or len(chunk) >= CHUNK or text >= CHUNK_TEXT):
            yield chunk
            chunk, text = [], 0
        chunk.append(link)
        text += len(link.notes) + len(link.target) + len(link.title)
    if chunk:
        yield chunk


def _rounds(ids: Sequence[int]) -> list[list[int]]:
    """Return the places of ids, those of one id in different rounds, in their order; ``CHUNK`` in each at most."""
    rounds: list[list[int]] = []
    count: defaultdict[int, int] = defaultdict(int)
    for place, link_id in enumerate(ids):
        if count[link_id] == len(rounds):
            rounds.append([])
        rounds[count[link_id]].append(place)
        count[link_id] += 1
    return [places[start : start + CHUNK] for places in rounds for start in range(0, len(places), CHUNK)]

"""Reading raw visits, newest first, by the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from shortly.clicks.fold import DAY_MS
from shortly.clicks.store import VisitPage, workspace_of
from shortly.clicks.visit import Visit
from shortly.store.redis import click_keys
from shortly.store.redis.click_calls import Call, run_all
from shortly.store.redis.click_visits import MAX_AT_MS, first_id, id_in, link_in, visit_in, write_cursor
from shortly.store.redis.client import Client
from shortly.store.redis.scripts import Script

PAGE = 1_000
"""Entries that one read asks for."""
LAST_DAY = MAX_AT_MS // DAY_MS

ENTRIES = Script("click_entries", "click_page")


async def read_visits(client: Client, link_id: int, *, since: int, before: int, limit: int) -> VisitPage:
    """Return a page of a link's visits between two ids, the second one exclusive."""
    entries: list[bytes] = []
    wanted = 0
    while len(entries) == wanted and wanted <= limit:
        wanted = min(wanted + PAGE, limit + 1)
        entries += await _read(client, click_keys.visits(link_id), since, before, wanted - len(entries))
        before = id_in(entries[-1]) if entries else 0
    items = [visit_in(entry, link_id) for entry in entries[:limit]]
    return VisitPage(items, write_cursor(link_id, entries[limit - 1]) if len(entries) > limit else None)


async def read_visits_of_all(client: Client, sum_id: int, *, since: int, before: int, limit: int) -> VisitPage:
    """Return a page of all visits of a workspace, by the pointers of the days; those to nothing are passed over."""
    found: list[bytes] = []
    items: list[Visit] = []
    for name in await _days(client, sum_id, since, before):
        more = True
        while more and len(items) <= limit:
            wanted = min(PAGE, limit + 1 - len(items))
            pointers = await _read(client, click_keys.visits_of_day(name), since, before, wanted)
            for pointer, visit in await _follow(client, pointers):
                found.append(pointer)
                items.append(visit)
            if more := len(pointers) == wanted:
                before = id_in(pointers[-1])
        if len(items) > limit:
            return VisitPage(items[:limit], write_cursor(sum_id, found[limit - 1]))
    return VisitPage(items, None)


async def _days(client: Client, sum_id: int, since: int, before: int) -> list[str]:
    """Return the names of a workspace's days that have pointers between two ids, newest first."""
    counted = sorted(map(int, await client.read("SMEMBERS", click_keys.days(sum_id))), reverse=True)
    names = [
        click_keys.visit_day(workspace_of(sum_id), min(max(day, 0), LAST_DAY))
        for day in counted
        if since < first_id((day + 1) * DAY_MS) and first_id(day * DAY_MS) < before
    ]
    names = list(dict.fromkeys(names))
    kept = await client.read("SMISMEMBER", click_keys.VISIT_DAYS, *names) if names else []
    return [name for name, is_kept in zip(names, kept, strict=True) if is_kept]


async def _follow(client: Client, pointers: Sequence[bytes]) -> list[tuple[bytes, Visit]]:
    """Return the visits that pointers point to, as far as they are there, in the same order."""
    of_links: defaultdict[int, list[bytes]] = defaultdict(list)
    for pointer in pointers:
        of_links[link_in(pointer)].append(pointer)
    calls = [
        _call(click_keys.visits(link_id), id_in(some[-1]), id_in(some[0]) + 1, len(some))
        for link_id, some in of_links.items()
    ]
    pages = await run_all(client, calls)
    kept = {(link_id, entry[:8]): entry for link_id, page in zip(of_links, pages, strict=True) for entry in page}
    return [
        (pointer, visit_in(entry, link_in(pointer)))
        for pointer in pointers
        if (entry := kept.get((link_in(pointer), pointer[:8]))) is not None
    ]


async def _read(client: Client, keys: Sequence[str], since: int, before: int, limit: int) -> list[bytes]:
    """Return entries or pointers, newest first, and not the surplus of the late ones."""
    entries: list[bytes] = await client.run(*_call(keys, since, before, limit))
    return sorted(entries, reverse=True)[:limit]


def _call(keys: Sequence[str], since: int, before: int, limit: int) -> Call:
    """Return the call for the newest entries of a list, and of its late ones, between two ids."""
    return ENTRIES, keys, [since.to_bytes(8, "big"), before.to_bytes(8, "big"), limit]

"""A page of links costs the server no more the more links there are, whatever is asked for."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.examples import NOW
from tests.store.redis_servers import RedisServer
from tests.store.test_contract_list_bound import MANY, RARE, SORTS, bound, some_links

from shortly.links.link import LinkQuery
from shortly.redis_address import parse_address
from shortly.store.redis import RedisStore

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
async def store(redis_server: RedisServer, patience: None) -> AsyncIterator[RedisStore]:
    async with RedisStore(parse_address(redis_server.url)) as opened:
        yield opened


async def sent(server: RedisServer, store: RedisStore, **query: Any) -> int:
    """Return how many members, scores and documents the server looks up for one page, in commands of a thousand, and
    how many bytes it sends, in tens."""
    server.command("CONFIG", "RESETSTAT")
    page = await store.list_links(replace(LinkQuery(now=NOW, limit=10), **query))
    assert len(page.items) <= 10
    calls = sum(one["calls"] for name, one in server.command("INFO", "commandstats").items() if name != "cmdstat_ping")
    return int(calls) + int(server.command("INFO", "stats")["total_net_output_bytes"]) // 10


@pytest.mark.parametrize("query", RARE.values(), ids=RARE)
async def test_a_page_asks_the_server_for_no_more_with_three_times_as_many_links(
    store: RedisStore, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, query: dict[str, Any]
) -> None:
    bound(monkeypatch, 100)
    await store.add_links(some_links(0, MANY))
    ways = list(itertools.product(SORTS, (True, False)))
    before = {way: await sent(redis_server, store, sort=way[0], descending=way[1], **query) for way in ways}
    await store.add_links(some_links(MANY, 2 * MANY))
    for way in ways:
        after = await sent(redis_server, store, sort=way[0], descending=way[1], **query)
        assert after <= 1.3 * before[way] + 600, (way, before[way], after)

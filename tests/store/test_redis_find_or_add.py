"""What becomes of links that are found or added when who adds them dies, or is too slow, on Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.store.examples import slugs
from tests.store.redis_servers import RedisServer
from tests.store.test_contract_find_or_add import TARGET, get, wanted

from shortly.errors import StoreUnavailable
from shortly.redis_address import parse_address
from shortly.store.redis import RedisStore, find_or_add
from shortly.store.redis.outbox import Outbox

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Dies(BaseException):
    """Stands for the end of a process: nothing is tidied up."""


async def dies(*_: object, **__: object) -> None:
    raise Dies


@pytest.fixture
def quick_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let claims lapse sooner than the index is brought up to date by itself."""
    monkeypatch.setattr(find_or_add, "LAPSE_MS", 300)
    monkeypatch.setattr("shortly.store.redis.outbox.CATCH_UP_S", 1000.0)


@pytest.fixture
async def stores(redis_server: RedisServer) -> AsyncIterator[tuple[RedisStore, RedisStore]]:
    address = parse_address(redis_server.url)
    async with RedisStore(address) as one, RedisStore(address) as other:
        yield one, other


async def test_who_dies_with_a_claim_holds_others_up_until_it_lapses(
    quick_claims: None, stores: tuple[RedisStore, RedisStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr("shortly.store.redis.link_writes.LinkWrites.add", dies)
        with pytest.raises(Dies):
            await stores[0].find_or_add_links([wanted("ab")])
    waiting = asyncio.create_task(get(stores[1], wanted("cd")))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    assert (await waiting).is_new
    assert await slugs(stores[0]) == ["cd"]


async def test_a_link_that_the_index_was_not_told_of_is_found(
    quick_claims: None, stores: tuple[RedisStore, RedisStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(Outbox, "tell", dies)
        with pytest.raises(Dies):
            await stores[0].find_or_add_links([wanted("ab")])
    assert await stores[1].find_link("", TARGET, "key:1") is None, "the index knows it already"
    got = await get(stores[1], wanted("cd"))
    assert (got.is_new, got.link.slug) == (False, "ab")


async def test_a_claim_is_kept_until_the_index_shows_the_link(
    quick_claims: None, stores: tuple[RedisStore, RedisStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_late(*_: object) -> None:
        pass

    with monkeypatch.context() as late:
        late.setattr(Outbox, "tell", is_late)
        assert (await get(stores[0], wanted("ab"))).is_new
    got = await get(stores[1], wanted("cd"))
    assert (got.is_new, got.link.slug) == (False, "ab")


async def test_who_is_too_slow_writes_nothing(
    stores: tuple[RedisStore, RedisStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_or_add, "USE_MS", -1)
    with pytest.raises(StoreUnavailable):
        await stores[0].find_or_add_links([wanted("ab")])
    assert await stores[0].get_link("", "ab") is None
    assert await slugs(stores[1]) == []

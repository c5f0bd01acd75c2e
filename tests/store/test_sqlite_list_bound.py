"""A page of links costs no more the more links there are, whatever is asked for."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.examples import NOW
from tests.store.test_contract_list_bound import MANY, RARE, SORTS, some_links

from shortly.links.link import LinkQuery
from shortly.store.sqlite import SqliteStore, link_list

pytestmark = pytest.mark.anyio

FEW = 20


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make bounds as small, compared with ``MANY``, as the real ones are with the links of a big installation."""
    for name in ("FEW", "FEW_BEHIND_INDEX"):
        monkeypatch.setattr(link_list, name, FEW)
    monkeypatch.setattr(link_list, "MOST_FAR", 5 * FEW)
    monkeypatch.setattr(link_list, "MOST_NEAR", 5 * FEW)


async def steps(store: SqliteStore, **query: Any) -> int:
    """Return how many steps of SQLite's machine one page takes, in tens."""
    with store._link_file.listing() as connection:
        pass
    count = 0

    def tick() -> bool:
        nonlocal count
        count += 1
        return False

    connection.set_progress_handler(tick, 10)
    page = await store.list_links(replace(LinkQuery(now=NOW, limit=10), **query))
    connection.set_progress_handler(None)
    assert count > 0
    assert len(page.items) <= 10
    return count


@pytest.mark.parametrize("query", RARE.values(), ids=RARE)
async def test_a_page_takes_no_more_steps_with_three_times_as_many_links(
    store: SqliteStore, small_bounds: None, query: dict[str, Any]
) -> None:
    await store.add_links(some_links(0, MANY))
    ways = list(itertools.product(SORTS, (True, False)))
    before = {way: await steps(store, sort=way[0], descending=way[1], **query) for way in ways}
    await store.add_links(some_links(MANY, 2 * MANY))
    for way in ways:
        after = await steps(store, sort=way[0], descending=way[1], **query)
        assert after <= 1.3 * before[way] + 20, (way, before[way], after)
        assert after <= 4_000, "and few they are: about ten rows of tests cost as many tens"

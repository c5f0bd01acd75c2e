"""A page of links costs no more the more links there are, whatever is asked for."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.examples import NOW, link
from tests.store.test_contract_list_bound import MANY, RARE, SORTS, some_links

from shortly.links.link import Link, LinkQuery
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
    for name in ("MOST_FAR", "MOST_NEAR", "WALK", "STRETCH"):
        monkeypatch.setattr(link_list, name, 5 * FEW)


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


def clumped(count: int, *, since: int = 0, imported: bool = False) -> list[Link]:
    """Return links of which the oldest sixth alone have a word, more than are few; imported ones were made in any
    order."""
    return [
        link(
            f"c{since + nth:05d}",
            title="lighthouse" if nth < count // 6 else "harbour",
            archived=nth % 7 == 0,
            created_at=NOW + timedelta(seconds=(nth * 389 % count if imported else nth) // 3),
        )
        for nth in range(count)
    ]


@pytest.mark.parametrize("imported", [False, True])
@pytest.mark.parametrize("search", ["lighthouse", "LIGHT", "house", "harbour", "c0012", "lighthouses"])
async def test_a_search_by_stretches_finds_what_a_walk_finds(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, search: str, imported: bool
) -> None:
    await store.add_links(clumped(MANY, imported=imported))
    for descending in (True, False):
        query = LinkQuery(now=NOW, limit=7, sort="created_at", descending=descending, search=search)
        with monkeypatch.context() as patch:
            patch.setattr(link_list, "FEW", 2 * MANY)
            whole = [found.slug for found in (await store.list_links(replace(query, limit=MANY))).items]
        with monkeypatch.context() as patch:
            for name, most in (("FEW", FEW), ("MOST_NEAR", 50), ("WALK", 10), ("STRETCH", 30)):
                patch.setattr(link_list, name, most)
            pages = [await store.list_links(query)]
            while pages[-1].next_cursor is not None:
                pages.append(await store.list_links(replace(query, cursor=pages[-1].next_cursor)))
        assert [found.slug for page in pages for found in page.items] == whole


async def test_what_only_old_links_have_is_found_by_few_looks(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("FEW", FEW), ("MOST_NEAR", 60), ("WALK", 10), ("STRETCH", 100)):
        monkeypatch.setattr(link_list, name, most)
    await store.add_links(clumped(MANY))
    query = LinkQuery(now=NOW, limit=5, sort="created_at", search="lighthouse")
    first = await store.list_links(query)
    assert first.items == []  # a walk and six stretches: not yet there
    second = await store.list_links(replace(query, cursor=first.next_cursor))
    assert len(second.items) == 5
    assert {found.title for found in second.items} == {"lighthouse"}

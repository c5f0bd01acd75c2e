"""A page of links costs no more the more links there are, whatever is asked for; the next pages have the rest."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.examples import NOW, link

from shortly.links.link import Link, LinkQuery
from shortly.store.sqlite import SqliteStore, link_list
from shortly.store.sqlite.connection import connect

pytestmark = pytest.mark.anyio

MANY = 1_000
SORTS = ("created_at", "updated_at", "clicks", "slug", "title")
RARE: dict[str, dict[str, Any]] = {
    "two letters that one link has": {"search": "qq"},
    "two letters that no link has": {"search": "zx"},
    "a tag and two letters": {"search": "qq", "tags": ("half",)},
    "a tag and a folder that exclude one another": {"folder": "other", "tags": ("half",)},
    "a tag, a folder and a state": {"folder": "half", "tags": ("half",), "state": "active", "search": "qq"},
    "a workspace without links": {"workspace": 1, "folder": "other"},
}
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


def some_links(start: int, count: int) -> list[Link]:
    return [
        link(
            f"s{nth * 7919 % 100_000:05d}",
            title="Qq" if nth == 500 else f"Title {nth % 97}",
            tags=("half",) if nth % 2 else (),
            folder="half" if nth % 2 else "other",
            workspace=2 if nth % 3 else 1,
            archived=nth % 5 == 0,
            created_at=NOW + timedelta(seconds=nth // 3),
        )
        for nth in range(start, start + count)
    ]


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


@pytest.mark.parametrize("query", RARE.values(), ids=RARE)
@pytest.mark.parametrize("sort", SORTS)
async def test_all_pages_together_are_the_list(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: dict[str, Any], sort: str
) -> None:
    stored = [one for one in await store.add_links(some_links(0, MANY)) if isinstance(one, Link)]
    set_clicks(tmp_path, {one.id: one.id % 7 for one in stored if one.id % 3})
    for descending in (True, False):
        wanted = LinkQuery(now=NOW, limit=500, sort=sort, descending=descending, **query)  # type: ignore[arg-type]
        whole = await every(store, wanted)
        with monkeypatch.context() as bounds:
            for name in ("FEW", "FEW_BEHIND_INDEX", "MOST_FAR", "MOST_NEAR"):
                bounds.setattr(link_list, name, 37)
            assert await every(store, replace(wanted, limit=3)) == whole
        assert len(whole) == len(set(whole))


async def test_links_that_all_are_wanted_fill_their_page(store: SqliteStore, small_bounds: None) -> None:
    await store.add_links(some_links(0, MANY))
    for sort, descending in itertools.product(SORTS, (True, False)):
        query = LinkQuery(now=NOW, limit=50, sort=sort, descending=descending)  # type: ignore[arg-type]
        assert len((await store.list_links(query)).items) == 50


async def every(store: SqliteStore, query: LinkQuery) -> list[str]:
    """Return the slugs of all pages."""
    found: list[str] = []
    while True:
        page = await store.list_links(query)
        found += [one.slug for one in page.items]
        if page.next_cursor is None:
            return found
        query = replace(query, cursor=page.next_cursor)


def set_clicks(folder: Path, clicks: dict[int, int]) -> None:
    """Put down how many clicks links have had."""
    connection = connect(folder / "clicks.db")
    with connection:
        connection.executemany("INSERT INTO totals VALUES (?, ?, 0)", list(clicks.items()))
    connection.close()

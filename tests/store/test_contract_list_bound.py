"""What every engine promises about long lists: a page looks at so many links, and all pages together are the list."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.examples import NOW, link

from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.links.link import Link, LinkQuery
from shortly.store import Store
from shortly.store.redis import link_list as redis_list
from shortly.store.sqlite import link_list as sqlite_list

pytestmark = pytest.mark.anyio

MANY = 1_000
SORTS = ("created_at", "updated_at", "clicks", "slug", "title")
RARE: dict[str, dict[str, Any]] = {
    "two letters that one link has": {"search": "qq"},
    "two letters that no link has": {"search": "zx"},
    "a tag and two letters": {"search": "qq", "tags": ("half",)},
    "a tag and a folder that exclude one another": {"folder": "other", "tags": ("half",)},
    "a tag, a folder and a state": {"folder": "half", "tags": ("half",), "state": "active", "search": "qq"},
    "a letter that no link of a folder has": {"search": "q", "folder": "half"},
    "a workspace without links": {"workspace": 1, "folder": "other"},
}
SQLITE_BOUNDS = ("FEW", "FEW_BEHIND_INDEX", "MOST_FAR", "MOST_NEAR", "WALK", "STRETCH")
REDIS_BOUNDS = ("FEW", "MANY", "FEW_FOUND", "MOST")


def bound(patch: pytest.MonkeyPatch, most: int) -> None:
    """Let no page look at more links than these, about."""
    for name in SQLITE_BOUNDS:
        patch.setattr(sqlite_list, name, most)
    for name in REDIS_BOUNDS:
        patch.setattr(redis_list, name, most)


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


@pytest.mark.parametrize("query", RARE.values(), ids=RARE)
async def test_all_pages_together_are_the_list(
    store: Store, monkeypatch: pytest.MonkeyPatch, query: dict[str, Any]
) -> None:
    stored = [one for one in await store.add_links(some_links(0, MANY)) if isinstance(one, Link)]
    await click(store, {one.id: one.id % 7 for one in stored if one.id % 3})
    for sort, descending in itertools.product(SORTS, (True, False)):
        wanted = LinkQuery(now=NOW, limit=500, sort=sort, descending=descending, **query)  # type: ignore[arg-type]
        whole, _ = await every(store, wanted)
        with monkeypatch.context() as patch:
            bound(patch, 37)
            found, pages = await every(store, replace(wanted, limit=3))
        assert found == whole, (sort, descending)
        assert len(whole) == len(set(whole))
        assert pages > 1 or len(whole) < 3, "some page said where to go on"


async def test_a_page_that_cannot_be_filled_in_time_says_where_to_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.add_links(some_links(0, MANY))
    bound(monkeypatch, 100)
    found, pages = await every(store, LinkQuery(now=NOW, limit=10, workspace=1, folder="other", search="q"))
    assert found == []
    assert pages > 2, "archived links of the folder are not wanted either"


async def test_links_that_all_are_wanted_fill_their_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.add_links(some_links(0, MANY))
    bound(monkeypatch, 100)
    for sort, descending in itertools.product(SORTS, (True, False)):
        query = LinkQuery(now=NOW, limit=50, sort=sort, descending=descending)  # type: ignore[arg-type]
        assert len((await store.list_links(query)).items) == 50


async def click(store: Store, clicks: dict[int, int]) -> None:
    """Give links clicks, as the drain does."""
    visits = [Visit(at_ms=1, link_id=link_id) for link_id, count in clicks.items() for _ in range(count)]
    positioned = [(position, visit) for position, visit in enumerate(visits, start=1)]
    await store.fold([Batch(segment="s", start=0, end=len(visits), visits=positioned)])


async def every(store: Store, query: LinkQuery) -> tuple[list[str], int]:
    """Return the slugs of all pages, and how many pages there were."""
    found: list[str] = []
    for pages in itertools.count(1):
        page = await store.list_links(query)
        found += [one.slug for one in page.items]
        if page.next_cursor is None:
            return found, pages
        query = replace(query, cursor=page.next_cursor)
    raise AssertionError

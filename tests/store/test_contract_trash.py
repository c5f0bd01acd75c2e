"""Deleted links that can be restored, the same on every engine."""

import pytest
from msgspec.structs import replace
from tests.store.examples import add, minutes, slugs

from shortly.links.link import Link
from shortly.store import Store
from shortly.store.moments import to_ms

pytestmark = pytest.mark.anyio


async def put(store: Store, old: Link, **fields: object) -> Link:
    (new,) = await store.replace_links([(old, replace(old, **fields))])
    assert isinstance(new, Link)
    return new


async def test_a_deleted_link_is_in_no_list_leads_nowhere_and_comes_back(store: Store) -> None:
    link = await add(store, "ab", tags=("red",), folder="x", owner="key:1", fallback_target="https://example.com/f")
    deleted = await put(store, link, deleted_at=minutes(5))
    assert await store.get_link("", "ab") == deleted
    for query in (
        {},
        {"state": "archived"},
        {"state": "disabled"},
        {"tags": ("red",)},
        {"folder": "x"},
        {"sort": "clicks"},
    ):
        assert await slugs(store, **query) == [], query
    assert await slugs(store, search="example") == await slugs(store, owner="key:1") == []
    assert await store.find_link("", link.target, "key:1") is None
    redirection = await store.get_redirection("", "ab")
    assert redirection is not None
    assert (redirection.enabled, redirection.fallback_target) == (False, None)
    restored = await put(store, deleted, deleted_at=None)
    assert restored == replace(link, version=3)
    assert await slugs(store, search="example") == await slugs(store, tags=("red",)) == ["ab"]
    redirection = await store.get_redirection("", "ab")
    assert redirection is not None
    assert (redirection.enabled, redirection.fallback_target) == (True, "https://example.com/f")


async def test_deleted_links_are_found_by_their_age_and_removed_by_version(store: Store) -> None:
    links = [await add(store, slug) for slug in ("a", "b", "c")]
    first = await put(store, links[0], deleted_at=minutes(1))
    second = await put(store, links[1], deleted_at=minutes(2))
    assert await store.trashed_links(to_ms(minutes(1))) == []
    assert await store.trashed_links(to_ms(minutes(2))) == [first]
    assert await store.trashed_links(to_ms(minutes(9))) == [first, second]
    back = await put(store, second, deleted_at=None)
    outcomes = await store.delete_links([first, second])
    assert outcomes[0] is None
    assert outcomes[1] is not None
    assert await store.get_link("", "a") is None
    assert await store.get_link("", "b") == back
    assert await store.trashed_links(to_ms(minutes(9))) == []

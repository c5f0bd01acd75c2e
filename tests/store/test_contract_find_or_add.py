"""What every engine promises about links that are found or added: of many who want one at once, one makes it."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from tests.store.conftest import OpenStore
from tests.store.examples import NOW, add, link, minutes, slugs

from shortly.errors import SlugTaken
from shortly.links.link import Link
from shortly.links.store import Got, Wanted
from shortly.store import Store

pytestmark = pytest.mark.anyio

TARGET = "https://example.com/wanted"


def wanted(slug: str, target: str = TARGET, *, does: bool = True, **fields: object) -> Wanted:
    return Wanted(link(slug, target=target, owner="key:1", **fields), lambda _: does)


async def get(store: Store, one: Wanted) -> Got:
    (got,) = await store.find_or_add_links([one])
    assert isinstance(got, Got)
    return got


async def test_a_link_that_is_there_is_found_and_one_that_is_not_is_added(store: Store) -> None:
    first = await get(store, wanted("ab"))
    assert first.is_new
    assert first.link.slug == "ab"
    assert await get(store, wanted("cd")) == Got(first.link, is_new=False)
    assert await store.get_link("", "cd") is None
    assert (await get(store, wanted("ef", "https://example.com/other"))).is_new
    assert sorted(await slugs(store)) == ["ab", "ef"]


async def test_the_links_of_others_and_links_that_are_not_plain_are_not_found(store: Store) -> None:
    await add(store, "a", target=TARGET, owner="key:2")
    await add(store, "b", target=TARGET, owner="key:1", workspace=2)
    await add(store, "c", target=TARGET, owner="key:1", domain="go.example")
    await add(store, "d", target=TARGET, owner="key:1", max_clicks=3)
    first = await get(store, wanted("e"))
    assert first.is_new
    assert await get(store, wanted("f")) == Got(first.link, is_new=False)


async def test_a_link_that_does_not_do_is_left_alone(store: Store) -> None:
    older = await add(store, "ab", target=TARGET, owner="key:1")
    seen: list[Link] = []

    def does(found: Link) -> bool:
        seen.append(found)
        return False

    got = await get(store, Wanted(link("cd", target=TARGET, owner="key:1", created_at=minutes(1)), does))
    assert got.is_new
    assert seen == [older]


async def test_a_slug_that_is_taken_is_told_and_its_target_is_free_for_others_at_once(store: Store) -> None:
    await add(store, "ab")
    (outcome,) = await store.find_or_add_links([wanted("ab")])
    assert isinstance(outcome, SlugTaken)
    assert (await get(store, wanted("cd"))).is_new


async def test_links_that_are_not_plain_hold_nobody_up(store: Store) -> None:
    async with asyncio.timeout(5):
        for slug in ("ab", "cd"):
            assert (await get(store, wanted(slug, expires_at=minutes(60)))).is_new


async def test_two_of_one_call_for_the_same_target_are_one_link(store: Store) -> None:
    outcomes = await store.find_or_add_links([wanted("ab"), wanted("cd", "https://example.com/2"), wanted("ef")])
    got = [outcome for outcome in outcomes if isinstance(outcome, Got)]
    assert [(one.link.slug, one.is_new) for one in got] == [("ab", True), ("cd", True), ("ab", False)]


async def test_of_64_who_want_a_link_at_once_in_two_processes_one_makes_it(store: Store, open_store: OpenStore) -> None:
    async with open_store() as other:
        for nth in range(8):
            target = f"https://example.com/{nth}"
            calls = [(store, other)[n % 2].find_or_add_links([wanted(f"{nth}-{n}", target)]) for n in range(64)]
            outcomes = [one for outcome in await asyncio.gather(*calls) for one in outcome]
            got = [one for one in outcomes if isinstance(one, Got)]
            assert len(got) == 64
            assert sum(one.is_new for one in got) == 1
            assert len({one.link.id for one in got}) == 1
    assert len(await slugs(store)) == 8


async def test_calls_for_the_same_targets_in_another_order_do_not_wait_for_one_another(
    store: Store, open_store: OpenStore
) -> None:
    targets = [f"https://example.com/{nth}" for nth in range(50)]
    async with open_store() as other, asyncio.timeout(10):
        outcomes = await asyncio.gather(
            store.find_or_add_links([wanted(f"a{n}", target) for n, target in enumerate(targets)]),
            other.find_or_add_links([wanted(f"b{n}", target) for n, target in reversed(list(enumerate(targets)))]),
        )
    made = [one for outcome in outcomes for one in outcome if isinstance(one, Got) and one.is_new]
    assert len(made) == len(await slugs(store)) == 50


async def test_a_link_that_was_deleted_is_made_anew(store: Store) -> None:
    first = (await get(store, wanted("ab"))).link
    await store.replace_links([(first, replace(first, deleted_at=NOW))])
    assert (await get(store, wanted("cd"))).is_new

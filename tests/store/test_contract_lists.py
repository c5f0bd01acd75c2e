"""What every engine promises about lists of links: filters, search, orders, pages."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.store.conftest import OpenStore
from tests.store.examples import NOW, add, link, minutes, page, slugs

from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.errors import InvalidCursor
from shortly.links.link import Ban, Link, LinkQuery, LinkState, SortField
from shortly.store import Store

pytestmark = pytest.mark.anyio

SORTS: tuple[SortField, ...] = get_args(SortField)
STATES: tuple[LinkState, ...] = get_args(LinkState)


async def click(store: Store, clicks: dict[int, int]) -> None:
    """Give links clicks, as the drain does."""
    visits = [Visit(at_ms=1, link_id=link_id) for link_id, count in clicks.items() for _ in range(count)]
    positioned = [(position, visit) for position, visit in enumerate(visits, start=1)]
    await store.fold([Batch(segment="s", start=0, end=len(visits), visits=positioned)])


def varied(number: int) -> Link:
    """Return the n-th of many links that share values of every field by which lists are sorted and filtered."""
    return link(
        f"s{number * 7 % 40:02}",
        domain=("", "b.example")[number % 7 == 0],
        title=("", "Beta", "alpha", "Éclair", "Zoo, 100 %")[number % 5],
        tags=tuple(sorted({("red", "blue", "green")[number % 3], ("red", "old")[number % 2]})),
        folder=("", "x", "y/z")[number % 3],
        owner=("", "key:1")[number % 4 == 0],
        workspace=(1, 1, 2, 65_535)[number * 3 % 17 % 4],
        created_at=minutes(number // 4),
        updated_at=minutes(-(number % 6)),
        enabled=number % 11 != 0,
        archived=number % 9 == 0,
        valid_from=minutes(1) if number % 8 == 0 else None,
        expires_at=minutes(0) if number % 10 == 0 else minutes(1) if number % 10 == 1 else None,
        max_clicks=1 if number % 6 == 0 else None,
        ban=Ban(status=410, reason="", at=minutes(0), by="cli") if number % 13 == 0 else None,
    )


class Shelf:
    """A store with forty links, and what is known of them."""

    def __init__(self, store: Store, links: list[Link]) -> None:
        self.store = store
        self.links = links
        self.clicks = {item.id: item.id % 3 for item in links if item.id % 3 and item.id % 5}
        self.exhausted = {item.id for item in links if item.max_clicks and item.id % 2}

    def expected(self, query: LinkQuery) -> list[int]:
        """Return the ids of all links that the query asks for, in its order, found the simple way."""
        chosen = [item for item in self.links if self.wanted(item, query)]
        return [item.id for item in sorted(chosen, key=lambda i: self.key(i, query), reverse=query.descending)]

    def key(self, item: Link, query: LinkQuery) -> tuple[Any, int]:
        return (self.clicks.get(item.id, 0) if query.sort == "clicks" else getattr(item, query.sort), item.id)

    def wanted(self, item: Link, query: LinkQuery) -> bool:
        needle = query.search.casefold()
        return (
            any(needle in text.casefold() for text in (item.slug, item.target, item.title, item.notes, *item.tags))
            and set(query.tags) <= set(item.tags)
            and query.folder in (None, item.folder)
            and query.domain in (None, item.domain)
            and query.owner in (None, item.owner)
            and query.workspace in (None, item.workspace)
            and (query.created_since is None or item.created_at >= query.created_since)
            and (query.created_until is None or item.created_at < query.created_until)
            and self.has_state(item, query.state, query.now)
        )

    def has_state(self, item: Link, state: LinkState | None, now: datetime) -> bool:
        if item.archived or state == "archived":
            return item.archived and state == "archived"
        states = {
            "scheduled": item.valid_from is not None and item.valid_from > now,
            "expired": item.expires_at is not None and item.expires_at <= now,
            "exhausted": item.id in self.exhausted,
            "disabled": not item.enabled,
            "banned": item.ban is not None,
        }
        return state is None or (not any(states.values()) if state == "active" else states[state])


@pytest.fixture
async def shelf(store: Store) -> Shelf:
    links = [item for item in await store.add_links([varied(n) for n in range(40)]) if isinstance(item, Link)]
    assert len(links) == 40
    shelf = Shelf(store, links)
    await click(store, shelf.clicks)
    for item in links:
        if item.id in shelf.exhausted:
            assert await store.take_click(item.id, item.domain, item.slug, 1)
    return shelf


queries = st.builds(
    LinkQuery,
    search=st.sampled_from(
        ["", "", "", "s1", "EXAMPLE.com/s", "BETA", "éc", "Ûclair", "100 %", "_", "%", "old", "red", "x" * 9]
    ),
    tags=st.sampled_from([(), (), ("red",), ("blue", "old"), ("red", "red"), ("none",), ("blue", "green")]),
    folder=st.sampled_from([None, None, "", "x", "y/z", "none"]),
    domain=st.sampled_from([None, None, "", "b.example"]),
    owner=st.sampled_from([None, None, "", "key:1"]),
    workspace=st.sampled_from([None, None, 1, 2, 65_535, 3]),
    state=st.sampled_from([None, None, *STATES]),
    created_since=st.sampled_from([None, None, minutes(0), minutes(4)]),
    created_until=st.sampled_from([None, None, minutes(4), minutes(9)]),
    sort=st.sampled_from(SORTS),
    descending=st.booleans(),
    limit=st.integers(1, 50),
    now=st.sampled_from([NOW, minutes(1), minutes(-1)]),
)


async def walk(store: Store, query: LinkQuery) -> list[int]:
    """Return the ids on all pages, one after the other."""
    ids: list[int] = []
    while True:
        found = await store.list_links(query)
        assert len(found.items) <= query.limit
        ids += [item.id for item in found.items]
        if found.next_cursor is None:
            return ids
        assert len(found.items) == query.limit
        query = replace(query, cursor=found.next_cursor)


@given(query=queries)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_link_that_is_asked_for_is_on_exactly_one_page_in_its_place(shelf: Shelf, query: LinkQuery) -> None:
    assert await walk(shelf.store, query) == shelf.expected(query)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "filters",
    [{}, {"tags": ("red",)}, {"search": "example"}, {"folder": "x"}, {"workspace": 1}, {"workspace": 2}],
)
async def test_every_order_is_walked_link_by_link(
    shelf: Shelf, sort: SortField, descending: bool, filters: dict[str, Any]
) -> None:
    query = LinkQuery(sort=sort, descending=descending, limit=1, now=NOW, **filters)
    assert await walk(shelf.store, query) == shelf.expected(query) != []


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [False, True])
async def test_a_workspace_too_large_to_be_sorted_is_walked_in_every_order(
    shelf: Shelf, sort: SortField, descending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("sqlite.link_list.FEW", "sqlite.link_list.FEW_BEHIND_INDEX", "redis.link_list.FEW"):
        monkeypatch.setattr(f"shortly.store.{limit}", 1)
    filters: tuple[dict[str, Any], ...] = ({}, {"search": "e", "folder": "x"}, {"state": "archived"})
    for more in filters:
        query = LinkQuery(sort=sort, descending=descending, limit=2, now=NOW, workspace=2, **more)
        assert await walk(shelf.store, query) == shelf.expected(query)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("search", ["e", "ex", "xa", "exam", "example.com", "zq"])
async def test_a_search_that_too_much_may_match_is_walked_in_every_order(
    shelf: Shelf, sort: SortField, search: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("FEW", "FEW_FOUND", "MANY"):
        monkeypatch.setattr(f"shortly.store.redis.link_list.{limit}", 0)
    query = LinkQuery(sort=sort, limit=1, now=NOW, search=search)  # several stretches, then
    assert await walk(shelf.store, query) == shelf.expected(query)


@given(
    sort=st.sampled_from(SORTS),
    descending=st.booleans(),
    limit=st.integers(1, 12),
    comings=st.lists(st.tuples(st.integers(0, 39), st.booleans()), max_size=20),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_links_that_come_and_go_between_pages_neither_repeat_nor_hide_others(
    shelf: Shelf, sort: SortField, descending: bool, limit: int, comings: list[tuple[int, bool]]
) -> None:
    query = LinkQuery(sort=sort, descending=descending, limit=limit, now=NOW)
    guests: list[Link] = []
    found = await shelf.store.list_links(query)
    ids = [item.id for item in found.items]
    try:
        while found.next_cursor is not None:
            if comings:
                number, goes = comings.pop()
                if guests and goes:
                    await shelf.store.delete_links([guests.pop()])
                guests.append(await add_guest(shelf.store, number, len(ids)))
            found = await shelf.store.list_links(replace(query, cursor=found.next_cursor))
            ids += [item.id for item in found.items]
    finally:
        await shelf.store.delete_links(guests)
    own = {item.id for item in shelf.links}
    assert [link_id for link_id in ids if link_id in own] == shelf.expected(query)
    assert len(set(ids)) == len(ids)


async def add_guest(store: Store, number: int, turn: int) -> Link:
    item = varied(number)
    return await add(
        store, f"{item.slug}-{turn}", title=item.title, created_at=item.created_at, updated_at=item.updated_at
    )


async def test_a_link_that_was_the_last_of_a_page_may_be_deleted(shelf: Shelf) -> None:
    query = LinkQuery(limit=5, now=NOW)
    expected = shelf.expected(query)
    first = await shelf.store.list_links(query)
    await shelf.store.delete_links([first.items[-1]])
    rest = await walk(shelf.store, replace(query, limit=50, cursor=first.next_cursor))
    assert [item.id for item in first.items] + rest == expected


async def test_an_edit_is_in_lists_at_once(store: Store) -> None:
    stored = await add(store, "ab", tags=("old",), title="before", folder="x")
    wanted = replace(stored, tags=("new",), title="after", folder="y", updated_at=minutes(1), slug="cd")
    await store.replace_links([(stored, wanted)])
    assert (
        await slugs(store, tags=("old",)) == await slugs(store, search="before") == await slugs(store, folder="x") == []
    )
    for query in ({"tags": ("new",)}, {"search": "after"}, {"folder": "y"}, {"search": "cd"}):
        assert await slugs(store, **query) == ["cd"]


async def test_lists_hold_whole_links(store: Store) -> None:
    stored = await add(store, "ab", tags=("a", "b"), title="t", aliases=("old",), max_clicks=3)
    assert (await page(store)).items == [stored]


async def test_another_process_lists_what_was_just_added(store: Store, open_store: OpenStore) -> None:
    async with open_store() as other:
        assert await slugs(other) == []
        await add(store, "ab")
        assert await slugs(other) == ["ab"]
        await add(store, "cd", created_at=minutes(1))
        assert await slugs(other, search="example") == ["cd", "ab"]


async def test_clicks_order_links_by_all_their_clicks(store: Store) -> None:
    links = [await add(store, slug) for slug in "abcd"]
    await click(store, {links[1].id: 3, links[2].id: 1, 10_000: 9})
    assert await slugs(store, sort="clicks") == ["b", "c", "d", "a"]
    assert await slugs(store, sort="clicks", descending=False) == ["a", "d", "c", "b"]


# --- search ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "needle",
    ["ab", "AB12", "example.com/Ä", "ä", "A title", "title: 100", "%", "_", "100 %_", "line\nof", '"quoted"', '"', "'",
     "tag one", "NEAR(", "a* OR", "title:", "-x", "\\", "🎉", "ΜΈΓΑΣ", "strasse"],
)  # fmt: skip
async def test_a_search_finds_any_part_of_any_text_whatever_its_case(store: Store, needle: str) -> None:
    await add(
        store,
        "xAb12",
        target="https://example.com/ä",
        title='A title: 100 %_ "quoted" \\ NEAR( a* OR -x',
        notes="a line\nof 'notes' 🎉 μέγας Straße",
        tags=("tag one", "two"),
    )
    await add(store, "zzz", target="http://other.org/", title="nothing")
    assert await slugs(store, search=needle) == ["xAb12"]


@pytest.mark.parametrize(
    "needle",
    ["c%d", "c_d", "%%%", "abc OR xyz", '" OR "', "*", "abcx", "onetwo", "\0",
     "abc\0", "\ud800", "abc\ud800", "]", "[", '","', "x" * 20_000],
)  # fmt: skip
async def test_a_search_means_every_character_as_itself(store: Store, needle: str) -> None:
    await add(store, "abc-d", title="abc", tags=("one", "two"))
    await add(store, "xyz")
    assert await slugs(store, search=needle) == []


async def test_a_search_does_not_reach_across_fields(store: Store) -> None:
    await add(store, "ab", target="https://example.com/", title="title", notes="notes", tags=("one", "two"))
    for needle in ("abhttps", "ab https", "titlenotes", "title notes", "onetwo", "one two", "one,two", "one\ntwo"):
        assert await slugs(store, search=needle) == []


@given(
    title=st.text(st.sampled_from("aAbBß%_\"'*é́İıΣσς \n-"), max_size=12),
    needle=st.text(st.sampled_from("aAbBß%_\"'*é́İıΣσς \n-"), min_size=1, max_size=4),
)
@example(title="straße", needle="SS")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_short_and_long_searches_agree_on_what_a_part_is(store: Store, title: str, needle: str) -> None:
    stored = await add(store, "q", target="https://q.q/", title=title)
    try:
        assert await slugs(store, search=needle) == (["q"] if needle.casefold() in title.casefold() else [])
    finally:
        await store.delete_links([stored])


@pytest.mark.parametrize("field", ["folder", "domain", "owner"])
async def test_hostile_filters_find_nothing(store: Store, field: str) -> None:
    await add(store, "ab", folder="x", owner="o", tags=("t",))
    for value in ("' OR ''='", "%", "\0", "\ud800", "x\0"):
        assert await slugs(store, **{field: value}) == []
        assert await slugs(store, tags=("t", value)) == []


async def test_a_hundred_thousand_tags_are_one_filter(store: Store) -> None:
    await add(store, "ab", tags=("t1", "t2"))
    assert await slugs(store, tags=tuple(f"t{number}" for number in range(100_000))) == []
    assert await slugs(store, tags=("t1", "t2") * 50_000) == ["ab"]


# --- cursors -----------------------------------------------------------------------------------------------------


@given(cursor=st.one_of(st.text(), st.binary().map(lambda raw: urlsafe_b64encode(raw).decode())))
@example(cursor="")
@example(cursor="\ud800")
@example(cursor="A" * 100_000)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_cursor_that_no_list_gave_is_refused(shelf: Shelf, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await page(shelf.store, cursor=cursor)


@pytest.mark.parametrize("sort", SORTS)
async def test_a_cursor_of_another_order_is_refused(shelf: Shelf, sort: SortField) -> None:
    cursor = (await page(shelf.store, sort=sort, limit=2)).next_cursor
    assert cursor is not None
    assert (await page(shelf.store, sort=sort, cursor=cursor)).items
    with pytest.raises(InvalidCursor):
        await page(shelf.store, sort=sort, descending=False, cursor=cursor)
    for other in SORTS:
        if other != sort:
            with pytest.raises(InvalidCursor):
                await page(shelf.store, sort=other, cursor=cursor)


@pytest.mark.parametrize("sort", SORTS)
@given(at=st.integers(0, 1000), byte=st.integers(0, 255))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_cursor_that_was_tampered_with_is_refused_or_is_another_place_in_the_list(
    shelf: Shelf, sort: SortField, at: int, byte: int
) -> None:
    cursor = (await page(shelf.store, sort=sort, limit=3)).next_cursor
    assert cursor is not None
    raw = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[at % len(raw)] = byte
    try:
        found = await page(shelf.store, sort=sort, cursor=urlsafe_b64encode(raw).rstrip(b"=").decode())
    except InvalidCursor:
        return
    assert {item.id for item in found.items} <= {item.id for item in shelf.links}


@pytest.mark.parametrize(
    "forged",
    [
        ["clicks", True, -1, 1],
        ["clicks", True, 1, 0],
        ["clicks", True, 1, 2**63],
        ["clicks", True, 2**63, 1],
        ["clicks", True, -(2**63), 1],
        ["clicks", True, "1", 1],
        ["clicks", True, 1.5, 1],
        ["clicks", True, 1],
        ["clicks", True, 1, 1, 1],
        {"sort": "clicks"},
        None,
    ],
)
async def test_a_forged_cursor_is_refused(shelf: Shelf, forged: object) -> None:
    cursor = urlsafe_b64encode(msgspec.msgpack.encode(forged)).rstrip(b"=").decode()
    with pytest.raises(InvalidCursor):
        await page(shelf.store, sort="clicks", cursor=cursor)

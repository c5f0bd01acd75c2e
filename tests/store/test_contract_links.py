"""What every engine promises about links: adding, reading, editing, deleting, clicks used up. Lists are elsewhere."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.conftest import OpenStore
from tests.store.examples import NOW, add, link, minutes, slugs

from shortly.errors import LinkChanged, LinkNotFound, SlugTaken
from shortly.links.link import Ban, Condition, Link, Redirection, Rule, Variant
from shortly.store import Store

pytestmark = pytest.mark.anyio

FULL = link(
    "full",
    domain="go.example:8443",
    target="https://example.com/ü?q=1#f",
    title='A "title" with 100 % of _everything_',
    notes="first line\nsecond 'line' 🎉",
    tags=("a,b", "c", "ö"),
    folder="team/x",
    owner="key:3",
    workspace=65_535,
    created_at=datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
    updated_at=datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    valid_from=minutes(-5),
    expires_at=minutes(5),
    max_clicks=2**40,
    fallback_target="https://example.com/over",
    status=308,
    forward_query=True,
    crawlable=True,
    enabled=False,
    archived=True,
    cache_s=60,
    referrer_policy="no-referrer",
    password_hash="$argon2id$v=19$x",
    rules=(
        Rule(
            target="https://example.com/de",
            match="any",
            conditions=(Condition(subject="country", operator="is", value="DE"),),
        ),
    ),
    variants=(
        Variant(name="a", target="https://example.com/a", weight=3),
        Variant(name="b", target="https://example.com/b"),
    ),
    ban=Ban(status=451, reason="court order\n№ 7", at=minutes(-1), by="user:7"),
)


async def edit(store: Store, old: Link, **fields: Any) -> Link | LinkChanged | LinkNotFound | SlugTaken:
    (outcome,) = await store.replace_links([(old, replace(old, **fields))])
    return outcome


async def edited(store: Store, old: Link, **fields: Any) -> Link:
    outcome = await edit(store, old, **fields)
    assert isinstance(outcome, Link)
    return outcome


async def target_of(store: Store, slug: str, domain: str = "") -> str | None:
    found = await store.get_redirection(domain, slug)
    return found.target if found else None


# --- adding ------------------------------------------------------------------------------------------------------


async def test_a_link_comes_back_as_it_was_added_with_its_id(store: Store) -> None:
    (stored,) = await store.add_links([FULL])
    assert isinstance(stored, Link)
    assert 0 < stored.id < 2**63
    assert stored == replace(FULL, id=stored.id)
    assert await store.get_link("go.example:8443", "full") == stored


async def test_links_survive_closing(open_store: OpenStore) -> None:
    async with open_store() as store:
        (stored,) = await store.add_links([FULL])
    async with open_store() as store:
        assert await store.get_link(FULL.domain, "full") == stored


async def test_a_taken_slug_leaves_its_neighbours_alone(store: Store) -> None:
    await add(store, "b")
    outcomes = await store.add_links([link("a"), link("b"), link("c"), link("c"), link("d")])
    assert [type(outcome) for outcome in outcomes] == [Link, SlugTaken, Link, SlugTaken, Link]
    assert await slugs(store, sort="slug", descending=False) == ["a", "b", "c", "d"]


async def test_no_links_are_added_without_complaint(store: Store) -> None:
    assert await store.add_links([]) == []
    assert await store.replace_links([]) == []
    assert await store.delete_links([]) == []


async def test_answers_to_many_links_are_in_their_order(store: Store) -> None:
    outcomes = await store.add_links([link(f"s{number}") for number in range(1500)])
    assert [outcome.slug for outcome in outcomes if isinstance(outcome, Link)] == [f"s{n}" for n in range(1500)]
    assert len({outcome.id for outcome in outcomes if isinstance(outcome, Link)}) == 1500


async def test_a_slug_lives_on_its_domain_alone(store: Store) -> None:
    await add(store, "ab", target="https://example.com/1")
    await add(store, "ab", domain="b.example", target="https://example.com/2")
    assert await target_of(store, "ab") == "https://example.com/1"
    assert await target_of(store, "ab", "b.example") == "https://example.com/2"
    assert await target_of(store, "ab", "c.example") is None


async def test_of_many_links_added_at_once_with_one_slug_one_is_kept(store: Store, open_store: OpenStore) -> None:
    async with open_store() as other:
        outcomes = await asyncio.gather(*((store, other)[n % 2].add_links([link("ab")]) for n in range(40)))
    assert sum(isinstance(outcome, Link) for (outcome,) in outcomes) == 1
    assert sum(isinstance(outcome, SlugTaken) for (outcome,) in outcomes) == 39
    assert await slugs(store) == ["ab"]


async def test_a_link_may_be_added_together_with_its_aliases(store: Store) -> None:
    await add(store, "new", aliases=("old", "older"))
    assert await target_of(store, "older") == "https://example.com/new"
    outcomes = await store.add_links([link("old"), link("x", aliases=("older",))])
    assert [type(outcome) for outcome in outcomes] == [SlugTaken, SlugTaken]
    assert await store.get_link("", "x") is None


async def test_a_caller_who_goes_away_does_not_stop_the_others(store: Store) -> None:
    impatient = [asyncio.create_task(store.add_links([link(f"a{n}")])) for n in range(20)]
    patient = [asyncio.create_task(store.add_links([link(f"b{n}")])) for n in range(20)]
    await asyncio.sleep(0)
    for task in impatient:
        task.cancel()
    assert all(isinstance(outcome, Link) for (outcome,) in await asyncio.gather(*patient))
    await store.ping()
    assert len([slug for slug in await slugs(store) if slug[0] == "b"]) == 20


# --- reading -----------------------------------------------------------------------------------------------------


async def test_the_redirection_has_what_the_redirect_needs(store: Store) -> None:
    stored = await add(
        store, "full", **{name: getattr(FULL, name) for name in FULL.__struct_fields__ if name not in ("id", "slug")}
    )
    found = await store.get_redirection(FULL.domain, "full")
    assert found is not None
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert {name: getattr(found, name) for name in Redirection.__struct_fields__} == {
        "link_id": stored.id,
        "workspace": 65_535,
        "domain": FULL.domain,
        "slug": "full",
        "target": FULL.target,
        "status": 308,
        "valid_from_ms": (minutes(-5) - epoch) // timedelta(milliseconds=1),
        "expires_ms": (minutes(5) - epoch) // timedelta(milliseconds=1),
        "max_clicks": 2**40,
        "fallback_target": "https://example.com/over",
        "forward_query": True,
        "crawlable": True,
        "enabled": False,
        "cache_s": 60,
        "referrer_policy": "no-referrer",
        "password_hash": "$argon2id$v=19$x",
        "rules": FULL.rules,
        "variants": FULL.variants,
        "ban": 451,
        "asked": False,
        "prepared": None,
    }


@pytest.mark.parametrize("slug", ["", "nothing", "AB", "nul\0", "ab\0", "\ud800", "' OR 1=1 --", "x" * 100_000])
async def test_an_unknown_slug_has_no_link(store: Store, slug: str) -> None:
    await add(store, "ab")
    assert store.remembered("", slug) is None
    assert await store.get_redirection("", slug) is None
    assert await store.get_link("", slug) is None
    assert await store.get_link("\ud800", "ab") is None


async def test_a_slug_that_was_unknown_is_found_as_soon_as_it_is_added(store: Store, open_store: OpenStore) -> None:
    async with open_store() as other:
        assert await other.get_redirection("", "ab") is None
        await add(store, "ab")
        assert await target_of(other, "ab") == "https://example.com/ab"
        assert await target_of(store, "ab") == "https://example.com/ab"


async def test_what_was_read_is_remembered_by_slug_and_by_alias(store: Store) -> None:
    await add(store, "new", aliases=("old",))
    assert store.remembered("", "new") is None
    for slug in ("new", "old"):
        found = await store.get_redirection("", slug)
        assert found is not None
        assert found.slug == "new"
        assert store.remembered("", slug) is found
    assert store.remembered("b.example", "new") is None


async def test_a_memory_of_none_remembers_nothing(open_store: OpenStore) -> None:
    async with open_store(cache_links=0) as store:
        await add(store, "ab")
        assert await target_of(store, "ab") is not None
        assert store.remembered("", "ab") is None


async def test_adding_links_and_taking_clicks_disturb_no_memory(store: Store) -> None:
    stored = await add(store, "ab")
    found = await store.get_redirection("", "ab")
    await add(store, "cd")
    await store.take_click(stored.id, "", "ab", 10)
    assert store.remembered("", "ab") is found


@pytest.mark.parametrize("change", ["edit", "rename", "delete"])
async def test_no_memory_outlives_an_acknowledged_change(store: Store, open_store: OpenStore, change: str) -> None:
    stored = await add(store, "ab")
    async with open_store() as other:
        for reader in (store, other):
            await reader.get_redirection("", "ab")
            assert reader.remembered("", "ab") is not None
        if change == "edit":
            await edited(store, stored, target="https://example.com/edited")
        elif change == "rename":
            await edited(store, stored, slug="cd")
        else:
            assert await store.delete_links([stored]) == [None]
        for reader in (store, other):
            assert reader.remembered("", "ab") is None
            found = await reader.get_redirection("", "ab")
            assert (found and (found.slug, found.target)) == {
                "edit": ("ab", "https://example.com/edited"),
                "rename": ("cd", "https://example.com/ab"),
                "delete": None,
            }[change]


async def test_a_change_that_was_refused_leaves_links_as_they_were(store: Store) -> None:
    stored = await add(store, "ab")
    await add(store, "cd")
    await store.get_redirection("", "ab")
    assert isinstance(await edit(store, stored, slug="cd"), SlugTaken)
    assert await target_of(store, "ab") == "https://example.com/ab"
    assert store.remembered("", "ab") is not None


# --- editing -----------------------------------------------------------------------------------------------------


async def test_an_edit_is_stored_with_the_next_version(store: Store) -> None:
    stored = await add(store, "full")
    wanted = replace(FULL, slug="full", domain="", id=0, updated_at=minutes(1))
    (outcome,) = await store.replace_links([(stored, wanted)])
    assert outcome == replace(
        wanted, id=stored.id, owner=stored.owner, workspace=1, created_at=stored.created_at, version=2
    )
    assert await store.get_link("", "full") == outcome


async def test_what_an_edit_cannot_change_is_not_looked_at(store: Store) -> None:
    stored = await add(store, "ab", owner="key:1", workspace=7)
    outcome = await edited(
        store,
        stored,
        id=77,
        domain="evil.example",
        owner="key:2",
        workspace=8,
        created_at=minutes(9),
        version=99,
        aliases=("stolen",),
        title="new",
    )
    assert outcome == replace(stored, title="new", version=2)
    assert await store.get_link("", "stolen") is None


async def test_of_two_edits_of_one_version_the_second_is_refused(store: Store) -> None:
    stored = await add(store, "ab")
    await edited(store, stored, title="first")
    outcome = await edit(store, stored, title="second")
    assert isinstance(outcome, LinkChanged)
    found = await store.get_link("", "ab")
    assert found is not None
    assert (found.title, found.version) == ("first", 2)


async def test_of_many_edits_at_once_of_one_version_one_is_stored(store: Store, open_store: OpenStore) -> None:
    stored = await add(store, "ab")
    async with open_store() as other:
        outcomes = await asyncio.gather(*(edit((store, other)[n % 2], stored, title=str(n)) for n in range(20)))
    assert sum(isinstance(outcome, Link) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, LinkChanged) for outcome in outcomes) == 19


async def test_an_edit_that_fails_leaves_its_neighbours_alone(store: Store) -> None:
    links = [await add(store, slug) for slug in "abcde"]
    await edited(store, links[1], title="newer")
    await store.delete_links([links[2]])
    outcomes = await store.replace_links(
        [(links[n], replace(links[n], title="x", slug="a" if n == 3 else links[n].slug)) for n in range(5)]
    )
    assert [type(outcome) for outcome in outcomes] == [Link, LinkChanged, LinkNotFound, SlugTaken, Link]
    found = [await store.get_link("", slug) for slug in "abcde"]
    assert [item and item.title for item in found] == ["x", "newer", None, "", "x"]


async def test_two_edits_of_one_link_in_one_call_are_steps_one_after_the_other(store: Store) -> None:
    stored = await add(store, "ab")
    second = replace(stored, version=2)
    outcomes = await store.replace_links([(stored, replace(stored, title="1")), (second, replace(second, title="2"))])
    assert [outcome.title for outcome in outcomes if isinstance(outcome, Link)] == ["1", "2"]


async def test_a_renamed_link_goes_on_answering_to_its_old_slugs(store: Store) -> None:
    first = await add(store, "c")
    second = await edited(store, first, slug="b")
    third = await edited(store, second, slug="a")
    assert third.aliases == ("b", "c")
    for slug in "abc":
        assert await store.get_link("", slug) == third
    assert isinstance((await store.add_links([link("c")]))[0], SlugTaken)


async def test_a_link_may_take_its_own_alias_back(store: Store) -> None:
    first = await add(store, "old")
    second = await edited(store, first, slug="new")
    third = await edited(store, second, slug="old")
    assert (third.slug, third.aliases) == ("old", ("new",))
    assert await store.get_link("", "new") == third
    fourth = await edited(store, third, slug="new")
    assert (fourth.slug, fourth.aliases) == ("new", ("old",))


async def test_anothers_alias_cannot_be_taken(store: Store) -> None:
    await edited(store, await add(store, "old"), slug="new")
    stored = await add(store, "x")
    assert isinstance(await edit(store, stored, slug="old"), SlugTaken)
    assert await store.get_link("", "x") == stored


async def test_a_new_slug_is_taken_in_the_same_domain(store: Store) -> None:
    await add(store, "new")
    stored = await add(store, "old", domain="b.example")
    await edited(store, stored, slug="new")
    assert await target_of(store, "new", "b.example") == "https://example.com/old"
    assert await target_of(store, "new") == "https://example.com/new"


# --- deleting ----------------------------------------------------------------------------------------------------


async def test_a_deleted_link_frees_its_slug_and_its_aliases_but_never_its_id(store: Store) -> None:
    stored = await edited(store, await add(store, "old", tags=("t",)), slug="new")
    assert await store.delete_links([stored]) == [None]
    assert await store.get_link("", "new") is None
    assert await store.get_redirection("", "old") is None
    assert await slugs(store) == await slugs(store, search="new") == await slugs(store, tags=("t",)) == []
    again = [await add(store, slug) for slug in ("new", "old")]
    assert stored.id not in {item.id for item in again}


async def test_a_link_that_changed_since_it_was_read_is_not_deleted(store: Store) -> None:
    first = await add(store, "ab")
    await edited(store, first, title="new")
    gone = await add(store, "cd")
    other = await add(store, "ef")
    await store.delete_links([gone])
    outcomes = await store.delete_links([first, gone, other])
    assert [type(outcome) for outcome in outcomes] == [LinkChanged, LinkNotFound, type(None)]
    assert await slugs(store) == ["ab"]


async def test_version_0_deletes_any_version(store: Store) -> None:
    stored = await edited(store, await add(store, "ab"), title="new")
    assert await store.delete_links([replace(stored, version=0)]) == [None]
    assert await store.get_link("", "ab") is None


async def test_a_link_that_is_deleted_twice_in_one_call_is_not_found_the_second_time(store: Store) -> None:
    stored = await add(store, "ab")
    outcomes = await store.delete_links([stored, stored])
    assert outcomes[0] is None
    assert isinstance(outcomes[1], LinkNotFound)


async def test_deleted_links_are_told_until_they_are_forgotten(store: Store) -> None:
    links = [await add(store, slug) for slug in "abc"]
    await store.delete_links(links[:2])
    ids = [item.id for item in links]
    soon = time.time_ns() // 1_000_000 + 60_000
    assert await store.gone_links(0) == []
    assert sorted(await store.gone_links(soon)) == ids[:2]
    await store.forget_links([ids[0], ids[2]])
    assert await store.gone_links(soon) == [ids[1]]
    assert await store.get_link("", "c") == links[2]


async def test_at_most_a_thousand_gone_links_are_told_at_once(store: Store) -> None:
    outcomes = await store.add_links([link(str(number)) for number in range(1001)])
    await store.delete_links([outcome for outcome in outcomes if isinstance(outcome, Link)])
    soon = time.time_ns() // 1_000_000 + 60_000
    first = await store.gone_links(soon)
    assert len(first) == 1000
    await store.forget_links(first)
    assert len(await store.gone_links(soon)) == 1


# --- clicks used up ----------------------------------------------------------------------------------------------


async def test_exactly_as_many_clicks_can_be_taken_as_there_are(store: Store, open_store: OpenStore) -> None:
    stored = await add(store, "ab", max_clicks=100)
    async with open_store() as other:
        takes = [(store, other)[n % 2].take_click(stored.id, "", "ab", 100) for n in range(300)]
        assert sum(await asyncio.gather(*takes)) == 100


@pytest.mark.parametrize("max_clicks", [0, -1])
async def test_no_click_can_be_taken_where_there_are_none(store: Store, max_clicks: int) -> None:
    stored = await add(store, "ab")
    assert not await store.take_click(stored.id, "", "ab", max_clicks)


async def test_taken_clicks_outlive_edits_and_restarts_and_a_raised_limit_gives_the_rest(open_store: OpenStore) -> None:
    async with open_store() as store:
        stored = await add(store, "ab", max_clicks=2)
        assert [await store.take_click(stored.id, "", "ab", 2) for _ in range(3)] == [True, True, False]
        await edited(store, stored, max_clicks=3, slug="cd")
    async with open_store() as store:
        assert [await store.take_click(stored.id, "", "cd", 3) for _ in range(2)] == [True, False]


async def test_links_have_clicks_of_their_own(store: Store) -> None:
    first, second = await add(store, "a"), await add(store, "b")
    assert await store.take_click(first.id, "", "a", 1)
    assert await store.take_click(second.id, "", "b", 1)
    assert not await store.take_click(first.id, "", "a", 1)


# --- finding by target -------------------------------------------------------------------------------------------


async def test_the_oldest_plain_link_to_a_target_is_found(store: Store) -> None:
    to: dict[str, Any] = {"target": "https://example.com/t", "owner": "key:1"}
    others: list[dict[str, Any]] = [
        {"enabled": False},
        {"archived": True},
        {"expires_at": minutes(9)},
        {"max_clicks": 9},
        {"ban": FULL.ban},
        {"domain": "b.example"},
        {"owner": "key:2"},
        {"workspace": 2},
        {"target": "https://example.com/T"},
    ]
    for n, fields in enumerate(others):
        await add(store, f"no{n}", **to | fields)
    assert await store.find_link("", to["target"], "key:1") is None
    await add(store, "newer", **to, created_at=minutes(2))
    older = await add(store, "older", **to, created_at=minutes(1))
    assert await store.find_link("", to["target"], "key:1") == older
    edits = await edited(store, older, target="https://example.com/elsewhere")
    found = await store.find_link("", to["target"], "key:1")
    assert found is not None
    assert found.slug == "newer"
    assert await store.find_link("", "https://example.com/elsewhere", "key:1") == edits
    of_two = await store.find_link("", to["target"], "key:1", 2)
    assert of_two is not None
    assert of_two.workspace == 2


async def test_a_slug_is_given_once_over_all_workspaces(store: Store) -> None:
    await add(store, "ab")
    (outcome,) = await store.add_links([link("ab", workspace=2)])
    assert isinstance(outcome, SlugTaken)
    other = await add(store, "cd", workspace=2)
    assert isinstance(await edit(store, other, slug="ab"), SlugTaken)


# --- upper and lower case ----------------------------------------------------------------------------------------


async def test_upper_and_lower_case_make_different_slugs(store: Store) -> None:
    await add(store, "Ab")
    await add(store, "aB")
    assert await target_of(store, "Ab") == "https://example.com/Ab"
    assert await target_of(store, "ab") is None


async def test_where_case_does_not_matter_a_link_keeps_its_spelling(open_store: OpenStore) -> None:
    async with open_store(case_insensitive=True) as store:
        stored = await add(store, "Straße")
        for slug in ("Straße", "STRASSE", "strasse"):
            found = await store.get_link("", slug)
            assert found == stored
            await store.get_redirection("", slug)
            assert store.remembered("", slug) is not None
        assert isinstance((await store.add_links([link("strasse")]))[0], SlugTaken)
        respelled = await edited(store, stored, slug="STRASSE")
        assert (respelled.slug, respelled.aliases) == ("STRASSE", ())
        renamed = await edited(store, respelled, slug="Weg")
        assert renamed.aliases == ("STRASSE",)
        back = await edited(store, renamed, slug="straße")
        assert (back.slug, back.aliases) == ("straße", ("Weg",))
        assert await store.delete_links([back]) == [None]
        assert await store.get_link("", "WEG") is None


# --- the store itself --------------------------------------------------------------------------------------------


async def test_an_open_store_answers_a_ping(store: Store) -> None:
    await store.ping()
    await store.ping()


async def test_a_write_at_the_moment_of_closing_is_finished(open_store: OpenStore) -> None:
    async with open_store() as store:
        tasks = [asyncio.create_task(store.add_links([link(str(n))])) for n in range(50)]
        await asyncio.sleep(0)
    assert all(isinstance(outcome, Link) for (outcome,) in await asyncio.gather(*tasks))
    async with open_store() as store:
        assert len(await slugs(store)) == 50


async def test_times_are_kept_to_the_millisecond(store: Store) -> None:
    moment = NOW + timedelta(milliseconds=123)
    stored = await add(store, "ab", created_at=moment, expires_at=moment)
    found = await store.get_link("", "ab")
    assert found == stored

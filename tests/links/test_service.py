"""The rules for making, changing and deleting links, over a real store."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.links.clock import Clock

from shortly.errors import (
    InvalidInput,
    InvalidSlug,
    InvalidTarget,
    LinkChanged,
    LinkNotFound,
    ReservedSlug,
    ShortlyError,
    SlugTaken,
    UnknownDomain,
)
from shortly.links.link import Link, LinkQuery
from shortly.links.service import Edit, LinkService

pytestmark = pytest.mark.anyio

TARGET = "https://example.com/"


async def test_a_new_link_has_what_was_asked_for_and_sound_defaults(links: LinkService) -> None:
    link = await links.create({"target": "HTTPS://example.COM", "tags": ["b", "a", "b"], "title": " T "}, owner="key:1")
    assert link.id > 0
    assert len(link.slug) == 7
    assert (link.target, link.tags, link.title, link.owner) == (TARGET, ("a", "b"), "T", "key:1")
    assert (link.status, link.enabled, link.archived, link.version) == (302, True, False, 1)
    assert link.created_at == link.updated_at == datetime(2026, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    assert await links.get(link.slug) == link


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", None),
        ("target", 7),
        ("target", "ftp://x.y/"),
        ("fallback_target", "javascript:alert(1)"),
        ("title", "x" * 513),
        ("title", "a\nb"),
        ("title", "a\0b"),
        ("title", "\ud800"),
        ("title", None),
        ("notes", "x" * 10_001),
        ("notes", "\x1b[31m"),
        ("folder", ["a"]),
        ("tags", "abc"),
        ("tags", ["x"] * 51),
        ("tags", ["x" * 65]),
        ("tags", [""]),
        ("tags", [1]),
        ("tags", {"a": object}.values()),
        ("valid_from", "2026-01-01"),
        ("valid_from", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("expires_at", datetime(1999, 12, 31, tzinfo=UTC)),
        ("expires_at", datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))),
        ("max_clicks", 0),
        ("max_clicks", -1),
        ("max_clicks", 2**70),
        ("max_clicks", True),
        ("max_clicks", "5"),
        ("cache_s", -1),
        ("status", 200),
        ("status", "302"),
        ("status", None),
        ("referrer_policy", "everything"),
        ("enabled", 1),
        ("forward_query", "yes"),
        ("password_hash", "x"),
        ("rules", []),
        ("id", 7),
        ("x" * 10_000, 1),
    ],
)
async def test_a_bad_value_is_refused_and_named_and_nothing_is_stored(
    links: LinkService, clock: Clock, field: str, value: Any
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await links.create({"target": TARGET, "slug": "ab", field: value})
    assert refusal.value.field == field[:64]
    assert len(str(refusal.value)) < 250
    with pytest.raises(LinkNotFound):
        await links.get("ab")
    kept = await links.create({"target": TARGET, "slug": "cd"})
    with pytest.raises(InvalidInput):
        await links.edit("cd", {field: value})
    assert await links.get("cd") == kept


async def test_a_link_cannot_expire_before_it_begins(links: LinkService) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="expire before"):
        await links.create({"target": TARGET, "valid_from": noon, "expires_at": noon})
    link = await links.create({"target": TARGET, "valid_from": noon})
    with pytest.raises(InvalidInput, match="expire before"):
        await links.edit(link.slug, {"expires_at": noon - timedelta(days=1)})


@pytest.mark.parametrize(
    ("slug", "error"),
    [(7, InvalidSlug), ("a b", InvalidSlug), ("api", ReservedSlug), ("", InvalidSlug), ("x" * 129, InvalidSlug)],
)
async def test_bad_slugs_are_refused(links: LinkService, slug: Any, error: type[ShortlyError]) -> None:
    with pytest.raises(error):
        await links.create({"target": TARGET, "slug": slug})
    link = await links.create({"target": TARGET})
    with pytest.raises(error):
        await links.edit(link.slug, {"slug": slug})


async def test_a_slug_is_given_once_a_domain(links: LinkService) -> None:
    await links.create({"target": TARGET, "slug": "ab"})
    with pytest.raises(SlugTaken):
        await links.create({"target": TARGET, "slug": "ab"})
    await links.create({"target": TARGET + "go", "slug": "ab", "domain": "GO.example"})
    assert (await links.get("ab", domain="go.example")).target == TARGET + "go"
    assert (await links.get("ab", domain="sho.rt")).target == TARGET
    with pytest.raises(UnknownDomain):
        await links.create({"target": TARGET, "domain": "elsewhere.example"})


async def test_a_drawn_slug_that_is_taken_is_drawn_again_and_longer(
    links: LinkService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links._slugs, "draw", lambda longer=0, *_: "draw" + "n" * longer)
    slugs = [link.slug for link in await links.create_many([{"target": TARGET}] * 3) if isinstance(link, Link)]
    assert slugs == ["draw", "drawn", "drawnn"]


async def test_one_bad_entry_of_many_leaves_its_neighbours_alone(links: LinkService) -> None:
    answers = await links.create_many(
        [
            {"target": TARGET, "slug": "ab"},
            {"target": "nonsense"},
            {"target": TARGET, "slug": "ab"},
            {"target": TARGET, "slug": "cd"},
            {},
        ]
    )
    assert [type(answer) for answer in answers] == [Link, InvalidTarget, SlugTaken, Link, InvalidInput]
    assert (await links.get("cd")).slug == "cd"


async def test_an_edit_changes_what_it_names_and_counts_the_version_up(links: LinkService) -> None:
    link = await links.create({"target": TARGET, "slug": "ab", "title": "old", "max_clicks": 5})
    edited = await links.edit("ab", {"title": "new", "max_clicks": None}, version=1)
    assert (edited.title, edited.max_clicks, edited.target, edited.version) == ("new", None, TARGET, 2)
    assert edited.updated_at > link.updated_at
    assert edited.created_at == link.created_at


async def test_an_edit_of_an_outdated_version_is_refused(links: LinkService) -> None:
    await links.create({"target": TARGET, "slug": "ab"})
    await links.edit("ab", {"title": "first"}, version=1)
    with pytest.raises(LinkChanged):
        await links.edit("ab", {"title": "second"}, version=1)
    with pytest.raises(LinkChanged):
        await links.delete("ab", version=1)
    assert (await links.get("ab")).title == "first"
    await links.delete("ab", version=2)


async def test_edits_without_a_version_all_get_through(links: LinkService) -> None:
    await links.create({"target": TARGET, "slug": "ab"})
    answers = await links.edit_many([Edit("ab", {"title": f"t{n}"}) for n in range(10)])
    assert all(isinstance(answer, Link) for answer in answers)
    assert (await links.get("ab")).version == 11


async def test_a_renamed_link_keeps_its_old_slug_as_an_alias(links: LinkService) -> None:
    await links.create({"target": TARGET, "slug": "ab"})
    renamed = await links.edit("ab", {"slug": "cd"})
    assert (renamed.slug, renamed.aliases) == ("cd", ("ab",))
    assert await links.get("ab") == await links.get("cd") == renamed
    with pytest.raises(SlugTaken):
        await links.create({"target": TARGET, "slug": "ab"})
    back = await links.edit("cd", {"slug": "ab"})
    assert (back.slug, back.aliases) == ("ab", ("cd",))
    await links.delete("cd")
    for slug in ("ab", "cd"):
        with pytest.raises(LinkNotFound):
            await links.get(slug)
        await links.create({"target": TARGET, "slug": slug})


async def test_many_edits_and_deletions_answer_each_for_itself(links: LinkService) -> None:
    for slug in ("ab", "cd"):
        await links.create({"target": TARGET, "slug": slug})
    edited = await links.edit_many(
        [Edit("ab", {"title": "x"}), Edit("zz", {}), Edit("cd", {"slug": "ab"}), Edit("cd", {"bogus": 1})]
    )
    assert [type(answer) for answer in edited] == [Link, LinkNotFound, SlugTaken, InvalidInput]
    deleted = await links.delete_many([Edit("ab"), Edit("zz"), Edit("cd", version=9)])
    assert [type(answer) for answer in deleted] == [Link, LinkNotFound, LinkChanged]


async def test_a_link_to_the_same_target_can_be_found(links: LinkService) -> None:
    first = await links.create({"target": TARGET}, owner="a")
    await links.create({"target": TARGET}, owner="a")
    assert await links.find("https://EXAMPLE.com", owner="a") == first
    assert await links.find(TARGET, owner="b") is None
    assert await links.find(TARGET, owner="a", domain="go.example") is None


@pytest.mark.parametrize(
    "special",
    [
        {"enabled": False},
        {"archived": True},
        {"max_clicks": 5},
        {"expires_at": datetime(2099, 1, 1, tzinfo=UTC)},
        {"valid_from": datetime(2099, 1, 1, tzinfo=UTC)},
    ],
)
async def test_only_a_plain_link_is_found_again(links: LinkService, special: dict[str, Any]) -> None:
    await links.create({"target": TARGET, **special})
    assert await links.find(TARGET) is None


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"search": "x" * 257}, "search"),
        ({"domain": "x.y"}, "domain"),
    ],
)
async def test_a_list_with_bad_arguments_is_refused(links: LinkService, bad: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await links.list_links(LinkQuery(now=datetime.now(UTC), **bad))
    assert refusal.value.field == field


async def test_a_short_url_is_encoded_and_on_its_domain(links: LinkService) -> None:
    at_home = await links.create({"target": TARGET, "slug": "ab"})
    away = await links.create({"target": TARGET, "slug": "ab", "domain": "go.example"})
    assert links.short_url(at_home, "https://sho.rt") == "https://sho.rt/ab"
    assert links.short_url(away, "https://sho.rt") == "https://go.example/ab"


async def test_a_workspace_has_links_even_when_all_are_archived(links: LinkService) -> None:
    assert not await links.has_any(2)
    await links.create({"target": "https://example.com", "archived": True}, workspace=2)
    assert await links.has_any(2)
    assert not await links.has_any(1)

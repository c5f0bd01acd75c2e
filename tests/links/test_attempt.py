"""Requests that may be repeated: every attempt draws the same slugs, and takes what another one did for its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.links.clock import Clock

from shortly.errors import LinkChanged, LinkNotFound, SlugTaken
from shortly.links.attempt import Attempt
from shortly.links.link import Link
from shortly.links.service import Edit, LinkService

pytestmark = pytest.mark.anyio

SEED = bytes(range(16))


@pytest.fixture
def request_(clock: Clock) -> Any:
    """Return a maker of attempts at one request, which began now."""
    since = clock()
    return lambda again=True: Attempt(SEED, since, again=again)


async def make(links: LinkService, attempt: Attempt, *targets: str, **fields: Any) -> list[Link]:
    answers = await links.create_many([{"target": target, **fields} for target in targets], attempt=attempt)
    return [answer for answer in answers if isinstance(answer, Link)]


async def test_another_attempt_gets_the_links_that_are_there_and_makes_the_others(
    links: LinkService, request_: Any, clock: Clock
) -> None:
    attempt = request_(again=False)
    some = await make(links, attempt, "https://example.com/1", "https://example.com/1", "https://example.com/2")
    clock.now += timedelta(minutes=2)
    attempt = request_()
    again = await make(links, attempt, "https://example.com/1", "https://example.com/1", "https://example.com/2")
    assert again == some
    assert len({link.id for link in some}) == 3
    more = await make(links, attempt, "https://example.com/1")
    assert more[0].id not in {link.id for link in some}, "the next step of a request draws other slugs"


async def test_a_link_that_was_edited_meanwhile_is_known_by_its_drawn_slug(links: LinkService, request_: Any) -> None:
    (link,) = await make(links, request_(again=False), "https://example.com/1")
    edited = await links.edit(link.slug, {"target": "https://example.org/"})
    assert await make(links, request_(), "https://example.com/1") == [edited]


async def test_a_link_that_was_deleted_meanwhile_is_made_anew(links: LinkService, request_: Any) -> None:
    (link,) = await make(links, request_(again=False), "https://example.com/1")
    await links.delete(link.slug)
    (anew,) = await make(links, request_(), "https://example.com/1")
    assert anew.slug != link.slug


async def test_a_chosen_slug_is_its_makers_only_if_target_age_and_owner_agree(
    links: LinkService, request_: Any, clock: Clock
) -> None:
    target = "https://example.com/1"
    older = await links.create({"target": target, "slug": "older"})
    clock.now += timedelta(seconds=1)
    since = clock()
    mine = await links.create({"target": target, "slug": "mine"})
    await links.create({"target": target, "slug": "theirs"}, owner="key:2")
    await links.create({"target": target, "slug": "alias"})
    await links.edit("alias", {"slug": "renamed"})

    async def outcome(slug: str, target: str = target, *, again: bool = True) -> Any:
        attempt = Attempt(SEED, since, again=again)
        (answer,) = await links.create_many([{"target": target, "slug": slug}], attempt=attempt)
        return answer

    assert await outcome("mine") == mine
    assert older.slug == "older"
    for slug, other_target, again in (
        ("older", target, True),
        ("theirs", target, True),
        ("alias", target, True),
        ("mine", "https://example.com/2", True),
        ("mine", target, False),
    ):
        assert isinstance(await outcome(slug, other_target, again=again), SlugTaken), slug


async def test_seeds_draw_different_slugs_all_over_the_alphabet(links: LinkService, clock: Clock) -> None:
    slugs = set()
    for nth in range(40):
        attempt = Attempt(bytes([nth]) * 16, clock(), again=False)
        slugs |= {link.slug for link in await make(links, attempt, *["https://example.com/"] * 10)}
    assert len(slugs) == 400
    assert len(set("".join(slugs))) > 50
    assert {len(slug) for slug in slugs} == {7}


async def test_what_another_attempt_deleted_is_deleted_once_for_each_entry_that_did_it(
    links: LinkService, clock: Clock
) -> None:
    for slug in ("before", "mine", "edited", "theirs", "still"):
        await links.create({"target": "https://example.com/", "slug": slug})
    await links.delete("before")
    clock.now += timedelta(seconds=1)
    since = clock()
    await links.delete("mine")
    await links.delete("edited", version=1)
    await links.delete("theirs")

    def within_reach(link: Link) -> bool:
        return link.slug != "theirs"

    async def outcomes(*edits: Edit, again: bool = True) -> list[Any]:
        attempt = Attempt(SEED, since, again=again)
        pieces = [await links.delete_many([edit], reach=within_reach, attempt=attempt) for edit in edits]
        return [getattr(answer, "slug", type(answer)) for (answer,) in pieces]

    assert await outcomes(Edit("mine"), Edit("mine"), Edit("before"), Edit("theirs"), Edit("never")) == [
        "mine",
        *[LinkNotFound] * 4,
    ]
    assert await outcomes(Edit("mine"), again=False) == [LinkNotFound]
    assert await outcomes(Edit("edited", version=1)) == ["edited"]
    assert await outcomes(Edit("edited", version=2)) == [LinkNotFound]
    assert await outcomes(Edit("still", version=7), Edit("still"), Edit("still")) == [
        LinkChanged,
        "still",
        LinkNotFound,
    ]


async def test_another_attempt_leaves_a_link_alone_that_was_made_since_the_request_began(
    links: LinkService, clock: Clock
) -> None:
    await links.create({"target": "https://example.com/", "slug": "ab"})
    clock.now += timedelta(seconds=1)
    since = clock()
    await links.delete("ab")
    anew = await links.create({"target": "https://example.org/", "slug": "ab"})
    (answer,) = await links.delete_many([Edit("ab")], attempt=Attempt(SEED, since, again=True))
    assert isinstance(answer, LinkNotFound)
    assert await links.get("ab") == anew
    (answer,) = await links.delete_many([Edit("ab")], attempt=Attempt(SEED, since, again=False))
    assert isinstance(answer, Link)

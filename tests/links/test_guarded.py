"""Links and statistics for callers that are for a part of a workspace only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shortly.accounts.access import EDITING, READING, Caller
from shortly.accounts.audit import Audit
from shortly.accounts.registry import Registry
from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.errors import Forbidden, InvalidInput, LinkNotFound, OutOfReach, ShortlyError, SlugTaken
from shortly.links.domains import Domains
from shortly.links.guarded import GuardedLinks
from shortly.links.link import Link, LinkQuery
from shortly.links.service import Edit, LinkService
from shortly.links.slug import SlugRules
from shortly.links.target import TargetRules
from shortly.stats.guarded import GuardedStats
from shortly.stats.periods import PeriodQuery
from shortly.stats.service import StatsService
from shortly.store.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

NOW = datetime.now(UTC)
TARGET = "https://example.com/t"
PLACES: dict[str, dict[str, Any]] = {
    "plain": {},
    "tagged": {"tags": ["t", "u"]},
    "elsewhere": {"domain": "b.example"},
    "own": {"owner": "key:1"},
    "all": {"domain": "b.example", "tags": ["t"], "owner": "key:1"},
    "foreign": {"tags": ["t"], "owner": "key:1", "workspace": 2},
}
CALLERS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "anybody of the workspace": ({}, {"plain", "tagged", "elsewhere", "own", "all"}),
    "for a tag": ({"only_tag": "t"}, {"tagged", "all"}),
    "for a domain": ({"only_domain": "b.example"}, {"elsewhere", "all"}),
    "for the first domain": ({"only_domain": ""}, {"plain", "tagged", "own"}),
    "for its own": ({"only_own": True}, {"own", "all"}),
    "for all of that": ({"only_tag": "t", "only_domain": "b.example", "only_own": True}, {"all"}),
    "of another workspace": ({"workspace_id": 2}, {"foreign"}),
    "of an empty workspace": ({"workspace_id": 3}, set()),
}


class RacingStore(SqliteStore):
    """A store in which something happens between a look at a link and what follows from it."""

    after_next_read: Callable[[], Awaitable[None]] | None = None

    async def get_link(self, domain: str, slug: str) -> Link | None:
        """Return the link as it was before."""
        found = await super().get_link(domain, slug)
        happens, self.after_next_read = self.after_next_read, None
        if happens is not None:
            await happens()
        return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RacingStore]:
    async with RacingStore(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def service(store: RacingStore) -> LinkService:
    """All links, of every place one."""
    service = LinkService(
        store,
        slugs=SlugRules(),
        targets=TargetRules(own_hosts=["a.example"]),
        domains=Domains("a.example", ["b.example", "c.example"]),
    )
    for slug, place in PLACES.items():
        fields = {name: value for name, value in place.items() if name not in ("owner", "workspace")}
        owner, workspace = place.get("owner", "key:9"), place.get("workspace", 1)
        await service.create({"slug": slug, "target": TARGET, **fields}, owner=owner, workspace=workspace)
    return service


def guarded(service: LinkService, who: Caller) -> GuardedLinks:
    store = service._store
    assert isinstance(store, RacingStore)
    return GuardedLinks(service, who, Audit(Registry(store), timedelta(days=1)))


def caller(**fields: Any) -> Caller:
    return Caller(**{"actor": "key:1", "permissions": EDITING, **fields})


def domain_of(slug: str) -> str | None:
    return PLACES[slug].get("domain")


@pytest.mark.parametrize("who", CALLERS)
async def test_a_caller_meets_what_it_covers_and_nothing_else(service: LinkService, who: str) -> None:
    fields, covered = CALLERS[who]
    links = guarded(service, caller(**fields))
    listed = {link.slug for link in (await links.list_links(LinkQuery(now=NOW))).items}
    assert listed == covered
    for slug in PLACES:
        found = slug in covered
        where: dict[str, Any] = {"domain": domain_of(slug)}
        if found:
            assert (await links.get(slug, **where)).slug == slug
            assert (await links.edit(slug, {"title": "seen"}, **where)).title == "seen"
            continue
        for attempt in (
            links.get(slug, **where),
            links.edit(slug, {"title": "stolen"}, **where),
            links.edit(slug, {"title": "stolen"}, version=1, **where),
            links.delete(slug, **where),
            links.delete(slug, version=7, **where),
        ):
            with pytest.raises(LinkNotFound):
                await attempt
    edits = [Edit(slug, {"notes": "n"}, domain_of(slug)) for slug in PLACES]
    assert {a.slug for a in await links.edit_many(edits) if isinstance(a, Link)} == covered
    gone = await links.delete_many([Edit(slug, {}, domain_of(slug)) for slug in PLACES])
    assert {slug for slug, outcome in zip(PLACES, gone, strict=True) if isinstance(outcome, Link)} == covered
    for slug in PLACES.keys() - covered:
        untouched = await service.get(slug, domain=domain_of(slug))
        assert (untouched.title, untouched.notes, untouched.version) == ("", "", 1)


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ({"only_domain": "b.example"}, {"domain": ""}),
        ({"only_domain": ""}, {"domain": "b.example"}),
        ({"only_own": True}, {"owner": "key:9"}),
        ({"only_tag": "t"}, {"tags": ("nothing",)}),
        ({}, {"workspace": 2}),
    ],
)
async def test_a_query_widens_nothing(service: LinkService, fields: dict[str, Any], query: dict[str, Any]) -> None:
    page = await guarded(service, caller(**fields)).list_links(LinkQuery(now=NOW, **query))
    assert page.items == []


async def test_new_links_are_stamped_with_what_the_caller_is_for(service: LinkService) -> None:
    links = guarded(service, caller(only_tag="t", only_domain="b.example", only_own=True, workspace_id=7))
    made = await links.create({"target": TARGET, "tags": ["u"]})
    assert (made.tags, made.domain, made.owner, made.workspace) == (("t", "u"), "b.example", "key:1", 7)
    again, elsewhere, malformed, taken = await links.create_many(
        [
            {"target": TARGET, "tags": ["t"], "domain": "B.example"},
            {"target": TARGET, "domain": "c.example"},
            {"target": TARGET, "tags": "t"},
            {"target": TARGET, "slug": "elsewhere"},
        ]
    )
    assert isinstance(again, Link)
    assert again.tags == ("t",)
    assert isinstance(elsewhere, OutOfReach)
    assert isinstance(malformed, InvalidInput)
    assert isinstance(taken, SlugTaken)
    with pytest.raises(OutOfReach):
        await links.create({"target": TARGET, "domain": "a.example"})


async def test_no_edit_moves_a_link_out_of_reach(service: LinkService) -> None:
    links = guarded(service, caller(only_tag="t"))
    for tags in ([], ["u"]):
        with pytest.raises(OutOfReach):
            await links.edit("tagged", {"tags": tags})
    assert (await links.edit("tagged", {"tags": ["t", "v"]})).tags == ("t", "v")
    refused, allowed = await links.edit_many([Edit("tagged", {"tags": []}), Edit("tagged", {"title": "x"})])
    assert isinstance(refused, OutOfReach)
    assert isinstance(allowed, Link)


async def test_what_becomes_foreign_while_it_is_edited_is_left_alone(service: LinkService, store: RacingStore) -> None:
    """The link goes and another workspace's takes its slug, between the look and the write of an edit."""

    async def replace_it() -> None:
        assert await store.delete_links([await service.get("own")]) == [None]
        await service.create({"slug": "own", "target": "https://example.com/theirs"}, workspace=2)

    store.after_next_read = replace_it
    with pytest.raises(LinkNotFound):
        await guarded(service, caller()).edit("own", {"title": "stolen"})
    found = await service.get("own")
    assert (found.workspace, found.title) == (2, "")


async def test_find_gives_only_what_is_the_callers_own_and_within_reach(service: LinkService) -> None:
    for fields, slug in (
        ({}, "own"),
        ({"actor": "key:9"}, "plain"),
        ({"actor": "key:5"}, None),
        ({"workspace_id": 2}, "foreign"),
        ({"only_domain": "b.example"}, "all"),
        ({"only_tag": "x"}, None),
    ):
        found = await guarded(service, caller(**fields)).find(TARGET)
        assert (found and found.slug) == slug


@pytest.mark.parametrize("permissions", [frozenset(), frozenset({"stats:read"}), READING])
async def test_each_method_asks_for_its_permission(service: LinkService, permissions: frozenset[Any]) -> None:
    links = guarded(service, caller(permissions=permissions))
    reads = [links.get("plain"), links.get("unknown"), links.find(TARGET), links.list_links(LinkQuery(now=NOW))]
    writes = [
        links.create({"target": TARGET}),
        links.create_many([]),
        links.edit("plain", {}),
        links.edit_many([]),
        links.delete("plain"),
        links.delete_many([]),
    ]
    for attempts, allowed in ((reads, "links:read" in permissions), (writes, False)):
        for attempt in attempts:
            try:
                await attempt
            except Forbidden:
                assert not allowed
            except ShortlyError:
                assert allowed
            else:
                assert allowed
    assert (await service.get("plain")).version == 1


async def test_statistics_are_of_the_workspace_and_within_reach(service: LinkService, store: RacingStore) -> None:
    at_ms = int(NOW.timestamp() * 1000)
    visits = []
    for slug, place in PLACES.items():
        link = await service.get(slug, domain=domain_of(slug))
        visits.append(Visit(at_ms=at_ms, link_id=link.id, workspace=place.get("workspace", 1)))
    await store.fold([Batch(segment="s", start=0, end=99, visits=list(enumerate(visits, 1)))])
    stats = StatsService(store)
    query = PeriodQuery(period="7d")

    async def overall(**fields: Any) -> int:
        return (await GuardedStats(stats, service, caller(**fields)).page(None, query)).summary.clicks

    assert [await overall(workspace_id=workspace) for workspace in (1, 2, 3)] == [5, 1, 0]
    for restriction in ({"only_tag": "t"}, {"only_own": True}, {"only_domain": ""}):
        guarded = GuardedStats(stats, service, caller(**restriction))
        table = guarded.export(None, query, table="series")
        for attempt in (guarded.page(None, query), guarded.visits(None, query), table):
            with pytest.raises(Forbidden):
                await attempt
    only_stats = GuardedStats(stats, service, caller(permissions=frozenset({"stats:read"}), only_tag="t"))
    tagged = await only_stats.link("tagged")
    assert (await only_stats.page(tagged, query)).summary.clicks == 1
    with pytest.raises(LinkNotFound):
        await only_stats.link("plain")
    with pytest.raises(LinkNotFound):
        await only_stats.visits(await service.get("foreign"), query)
    nobody = GuardedStats(stats, service, caller(permissions=frozenset({"links:read"})))
    refused: tuple[Awaitable[object], ...] = (
        nobody.link("plain"),
        nobody.page(None, query),
        nobody.visits(tagged, query),
    )
    for refusal in refused:
        with pytest.raises(Forbidden):
            await refusal
    with pytest.raises(Forbidden):
        await overall(workspace_id=0, permissions=frozenset())

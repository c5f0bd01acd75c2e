"""Moving everything between real stores, both ways, while the source goes on changing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.examples import NOW, add, link, slugs
from tests.store.test_contract_clicks import AT, DAY, DAY_MS, HOUR_MS, batch, visit

from shortly.accounts.records import MAX_CHANGES, Add, Record, Remove, Replace
from shortly.clicks.store import EVERY_LINK, Total, every_link
from shortly.clicks.visit import MAX_VALUES
from shortly.errors import InvalidInput
from shortly.links.link import Link
from shortly.redis_address import parse_address
from shortly.settings import load_settings
from shortly.store import Store
from shortly.store.migration.ledger import open_ledger
from shortly.store.migration.move import Compared, Move, Side
from shortly.store.migration.progress import Progress
from shortly.store.opening import Place, open_place

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LINKS = 300
RECORDS = 800
LATER = NOW + timedelta(days=10_000)
WAYS = {
    "sqlite-to-redis": ("sqlite", "redis_server"),
    "redis-to-sqlite": ("redis_server", "sqlite"),
    "sqlite-to-cluster": ("sqlite", "redis_cluster"),
    "cluster-to-sqlite": ("redis_cluster", "sqlite"),
}


class Moving:
    """Two places, both open, and passes from one to the other."""

    def __init__(self, folder: Path, places: tuple[Place, Place], sides: list[Side]) -> None:
        self.source, self.target = (side.store for side in sides)
        self._folder = folder
        self._places = places
        self._sides = sides

    async def run(self) -> dict[str, Compared]:
        """Do one pass; return what was compared."""
        with Progress(self._folder, *self._places) as progress:
            compared = await Move(self._sides[0], self._sides[1], progress).run()
        return {item.what: item for item in compared}

    def lose_notes(self) -> None:
        """Leave what a death before the first note leaves."""
        with Progress(self._folder, *self._places) as progress:
            progress.forget(list(progress.copies))

    async def run_and_be_same(self) -> dict[str, int]:
        """Do one pass after which nothing differs; return how many there are of each kind."""
        compared = await self.run()
        assert all(item.same for item in compared.values()), compared
        return {what: item.source for what, item in compared.items()}


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
async def moving(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Moving]:
    """Give two empty stores."""
    settings = load_settings({"data_dir": tmp_path})
    source, target = (
        tmp_path / "data" if name == "sqlite" else parse_address(request.getfixturevalue(name).url)
        for name in request.param
    )
    async with AsyncExitStack() as opened:
        sides = []
        for place in (source, target):
            store = await opened.enter_async_context(open_place(place, settings))
            sides.append(Side(store, await opened.enter_async_context(open_ledger(place, settings))))
        yield Moving(tmp_path, (source, target), sides)


async def links_of(store: Store, **query: Any) -> list[str]:
    return await slugs(store, sort="created_at", descending=False, **query)


async def fill(store: Store) -> list[Link]:
    """Make links of all kinds, and clicks on most of them."""
    records = [
        Record(kind="key", id=1, body=b'{"name":"old"}', groups=("workspace:1",), expires_at=LATER),
        Record(kind="key", id=2, body=b'{"name":"ci"}', names=("digest:b", "name:1/ci"), groups=("workspace:1",)),
        *(
            Record(kind="audit", id=n, version=n, body=b'{"at":%d}' % n, groups=("workspace:1", f"actor:{n % 3}"))
            for n in range(1, RECORDS - 1)
        ),
    ]
    for start in range(0, RECORDS, MAX_CHANGES):
        await store.write_records([Add(record) for record in records[start : start + MAX_CHANGES]], NOW)
    made = await store.add_links(
        [
            link(
                f"s{number}",
                title=f"Link {number}",
                tags=("even",) if number % 2 == 0 else (),
                owner="key:2",
                workspace=2 if number % 50 == 1 else 1,
                archived=number % 10 == 0,
                max_clicks=5 if number == 7 else None,
                created_at=NOW + timedelta(seconds=number),
            )
            for number in range(LINKS)
        ]
    )
    links = [item for item in made if isinstance(item, Link)]
    (renamed,) = await store.replace_links([(links[1], replace(links[1], slug="renamed"))])
    assert isinstance(renamed, Link)
    for _ in range(3):
        assert await store.take_click(links[7].id, "", "s7", 5)
    visits = [
        visit(AT + n * HOUR_MS // 7, links[n % 200].id, referrer=f"r{n % 9}.example", visitor=n.to_bytes(8, "big"))
        for n in range(1000)
    ]
    visits += [visit(AT + n, links[3].id, referrer=f"x{n}.example") for n in range(MAX_VALUES + 50)]
    workspaces = {item.id: item.workspace for item in links}
    visits = [replace(one, workspace=workspaces[one.link_id]) for one in visits]
    visits += [visit(AT, links[4].id, bot="curl"), visit(AT + 9 * DAY_MS, links[250].id, refused="expired")]
    await store.fold([batch(visits)])
    return [links[0], renamed, *links[2:]]


async def test_everything_is_the_same_afterwards(moving: Moving) -> None:
    links = await fill(moving.source)
    counted = await moving.run_and_be_same()
    assert counted["links"] == LINKS
    assert (counted["records"], counted["clicks taken"]) == (RECORDS, 1)
    assert counted["totals"] == 202
    target = moving.target
    for state in (None, "archived"):
        assert await links_of(target, state=state) == await links_of(moving.source, state=state)
    moved = await target.get_link("", "s1")
    assert moved is not None
    assert (moved.slug, moved.aliases) == ("renamed", ("s1",))
    assert replace(moved, id=0, version=0, owner="") == replace(links[1], id=0, version=0, owner="")
    third = await target.get_link("", "s3")
    assert third is not None
    hours = DAY * 24, DAY * 24 + 240
    assert await target.tally(third.id, *hours) == await moving.source.tally(links[3].id, *hours)
    for sum_id in (EVERY_LINK, every_link(2)):
        assert await target.hours(sum_id, *hours) == await moving.source.hours(sum_id, *hours) != {}
        assert await target.tally(sum_id, *hours) == await moving.source.tally(sum_id, *hours)
        assert await target.totals([sum_id]) == await moving.source.totals([sum_id])
        assert await target.visitors(sum_id, 0, 1 << 20) == await moving.source.visitors(sum_id, 0, 1 << 20)
    assert await slugs(target, workspace=2) == await slugs(moving.source, workspace=2) != []
    assert await target.visitors(third.id, 0, 1 << 20) == await moving.source.visitors(links[3].id, 0, 1 << 20)
    assert (await slugs(target, sort="clicks"))[0] == "s3"
    redirection = await target.get_redirection("", "s1")
    assert redirection is not None
    assert redirection.target == links[1].target


async def test_the_target_goes_on_where_the_source_stopped(moving: Moving) -> None:
    await fill(moving.source)
    await moving.run_and_be_same()
    target = moving.target
    limited, clicked = await target.get_link("", "s7"), await target.get_link("", "s3")
    assert limited is not None
    assert clicked is not None
    assert [await target.take_click(limited.id, "", "s7", 5) for _ in range(3)] == [True, True, False]
    before = (await target.totals([clicked.id]))[clicked.id]
    more = [visit(AT, clicked.id, referrer=f"new{n}.example", country="DE") for n in range(10)]
    await target.fold([batch(more, segment="new/0")])
    assert (await target.totals([clicked.id]))[clicked.id] == Total(before.clicks + 10, before.bots)
    tally = await target.tally(clicked.id, DAY * 24, DAY * 24 + 1)
    assert tally.dimensions["country"]["DE"] == 10
    assert len(tally.dimensions["referrer"]) <= MAX_VALUES + 1
    key = await target.find_record("key", "digest:b", NOW)
    assert key is not None
    assert (key.id, key.names) == (2, ("digest:b", "name:1/ci"))
    page = await target.list_records("audit", "actor:1", NOW, limit=3, descending=True)
    assert page == await moving.source.list_records("audit", "actor:1", NOW, limit=3, descending=True)
    assert len(page) == 3
    moved = await target.get_link("", "s3")
    assert moved is not None
    assert moved.owner == "key:2"


async def test_another_pass_copies_what_has_changed(moving: Moving) -> None:
    links = await fill(moving.source)
    await moving.run_and_be_same()
    source = moving.source
    for slug in ("twice", "thrice"):
        current = await source.get_link("", "renamed")
        assert current is not None
        await source.replace_links([(current, replace(current, slug=slug, title=slug, updated_at=NOW))])
    await source.delete_links([links[5]])
    await add(source, "s5", target="https://example.net/", created_at=NOW + timedelta(days=1))
    await add(source, "fresh")
    await source.fold([batch([visit(AT + 2 * DAY_MS, links[9].id)], segment="w/1")])
    old = await source.find_record("key", "name:1/ci", NOW)
    assert old is not None
    await source.write_records(  # a name goes from one to another whose id comes first
        [
            Replace(old, replace(old, names=("digest:b",))),
            Add(Record(kind="account", id=5, body=b"new kind")),
            Add(Record(kind="key", id=3, body=b"{}", names=("name:1/ci",))),
            Remove(Record(kind="audit", id=7, version=7, body=b"")),
        ],
        NOW,
    )
    counted = await moving.run_and_be_same()
    assert (counted["links"], counted["records"]) == (LINKS + 1, RECORDS + 1)
    renamed = await moving.target.get_link("", "s1")
    assert renamed is not None
    assert (renamed.slug, renamed.aliases) == ("thrice", ("renamed", "s1", "twice"))
    retaken = await moving.target.get_link("", "s5")
    assert retaken is not None
    assert retaken.target == "https://example.net/"


async def test_a_pass_that_was_cut_off_is_taken_up(moving: Moving) -> None:
    await fill(moving.source)

    await moving.run()
    moving.lose_notes()  # the links are there, the notes are not
    assert (await moving.run_and_be_same())["links"] == LINKS


async def test_another_installation_is_never_written_to(moving: Moving) -> None:
    await fill(moving.source)
    await add(moving.target, "mine")
    for _ in range(2):
        with pytest.raises(InvalidInput, match="not empty"):
            await moving.run()
    assert await slugs(moving.target) == ["mine"]


async def test_a_difference_is_found(moving: Moving) -> None:
    await fill(moving.source)
    await moving.run_and_be_same()
    copy = await moving.target.get_link("", "s3")
    assert copy is not None
    await moving.target.replace_links([(copy, replace(copy, notes="changed in the target"))])
    await moving.target.fold([batch([visit(AT + 20 * DAY_MS, copy.id)], segment="t/0")])
    compared = await moving.run()
    assert {what for what, item in compared.items() if not item.same} == {"links", "days of counts"}

"""Moving everything between real stores, both ways, while the source goes on changing."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.examples import NOW, add, link, slugs
from tests.store.redis_servers import RedisServer
from tests.store.test_contract_clicks import AT, DAY, DAY_MS, HOUR_MS, batch, visit

from shortly.accounts.records import MAX_CHANGES, Add, Record, Remove, Replace
from shortly.accounts.store import Answered, Claimed
from shortly.clicks.store import EVERY_LINK, Total, every_link
from shortly.clicks.visit import MAX_VALUES, Visit
from shortly.errors import InvalidInput
from shortly.links.link import Link
from shortly.redis_address import parse_address
from shortly.settings import load_settings
from shortly.store import Store
from shortly.store.migration.ledger import open_ledger, today
from shortly.store.migration.move import Compared, Move, Side
from shortly.store.migration.progress import Progress
from shortly.store.opening import Place, open_place, place_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
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

    async def run(self, *, final: bool = False) -> dict[str, Compared]:
        """Do one pass; return what was compared."""
        with Progress(self._folder, *self._places) as progress:
            compared = await Move(self._sides[0], self._sides[1], progress, final=final).run()
        return {item.what: item for item in compared}

    def lose_notes(self) -> None:
        """Leave what a death before the first note leaves."""
        with Progress(self._folder, *self._places) as progress:
            progress.forget(list(progress.copies))

    async def run_and_be_same(self, *, final: bool = False) -> dict[str, int]:
        """Do one pass after which nothing differs; return how many there are of each kind."""
        compared = await self.run(final=final)
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


async def test_the_most_clicked_links_of_the_last_days_are_the_same(moving: Moving) -> None:
    links = await fill(moving.source)
    now_ms = today() * DAY_MS
    clicks = [visit(now_ms, links[n].id) for n in range(3, 9) for _ in range(n)]
    await moving.source.fold([batch(clicks, segment="later")])
    await moving.run_and_be_same()
    (top,) = (await moving.target.top_days(EVERY_LINK, today() - 1, today() + 1)).values()
    copies = await moving.target.get_links(list(top.clicks))
    assert {copies[link_id].slug: number for link_id, number in top.clicks.items()} == {f"s{n}": n for n in range(3, 9)}


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


async def all_visits(store: Store, link_id: int) -> list[Visit]:
    page = await store.visits(link_id, since_ms=0, until_ms=1 << 42, limit=5000)
    assert page.next_cursor is None
    return page.items


async def test_visits_and_todays_visitors_come_along_in_the_final_pass(moving: Moving) -> None:
    links = await fill(moving.source)
    now_ms = time.time_ns() // 1_000_000
    salt = await moving.source.salt(now_ms // DAY_MS)
    today = [visit(now_ms, links[3].id, visitor=n.to_bytes(8, "big")) for n in range(10)]
    alone = visit(now_ms, links[3].id, visitor=b"", private=True)
    await moving.source.fold([batch([*today, alone], segment="today/0")])
    await moving.run_and_be_same()
    third = await moving.target.get_link("", "s3")
    assert third is not None
    assert await all_visits(moving.target, third.id) == [], "while the source serves they are not copied"
    for _ in range(2):  # once more, as after a death in the middle
        counted = await moving.run_and_be_same(final=True)
        assert counted["visits"] == 1000 + MAX_VALUES + 50 + 2 + 10
        for here, there in ((third.id, links[3].id), (EVERY_LINK, EVERY_LINK), (every_link(2), every_link(2))):
            copied = [replace(one, link_id=0) for one in await all_visits(moving.target, here)]
            kept = [replace(one, link_id=0) for one in await all_visits(moving.source, there)]
            assert sorted(map(repr, copied)) == sorted(map(repr, kept)) != []
            assert [one.at_ms for one in copied] == [one.at_ms for one in kept]
    assert await moving.target.salt(now_ms // DAY_MS) == salt
    again = [visit(now_ms, third.id, visitor=n.to_bytes(8, "big")) for n in range(5, 12)]
    await moving.target.fold([batch(again, segment="later/0")])
    day = now_ms // DAY_MS
    for link_id in (third.id, EVERY_LINK):
        assert (await moving.target.visitors(link_id, day, day + 1))[day] == 12, "who came before is known again"
    totals = await moving.target.totals([third.id])
    assert totals[third.id].clicks == (await moving.source.totals([links[3].id]))[links[3].id].clicks + 7


async def test_a_request_that_is_repeated_after_the_move_gets_its_answer(moving: Moving) -> None:
    await fill(moving.source)
    now = datetime.now(UTC)
    answered = Answered(fingerprint=b"f" * 32, status=201, headers={"etag": '"1"'}, body=b'{"slug":"ab"}')
    keys = [f"Ü{number}" for number in range(700)]
    for key in keys:
        assert isinstance(await moving.source.claim(key, answered.fingerprint, now), Claimed)
        await moving.source.answer(key, answered)
    assert isinstance(await moving.source.claim("old", b"o" * 32, now - timedelta(hours=25)), Claimed)
    await moving.source.answer("old", answered)
    assert isinstance(await moving.source.claim("open", b"o" * 32, now), Claimed)
    assert (await moving.run_and_be_same())["idempotency keys"] == 700
    for key in (keys[0], keys[-1]):
        assert await moving.target.claim(key, answered.fingerprint, now) == answered
    for key in ("old", "open", "new"):
        assert isinstance(await moving.target.claim(key, b"o" * 32, now), Claimed)


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


@pytest.mark.parametrize("way", ["sqlite-to-redis", "redis-to-sqlite"])
async def test_a_move_that_is_killed_again_and_again_ends_with_everything(
    way: str, tmp_path: Path, redis_server: RedisServer
) -> None:
    urls = [f"sqlite://{tmp_path / 'data'}", redis_server.url]
    if way == "redis-to-sqlite":
        urls.reverse()
    settings = load_settings({"data_dir": tmp_path})
    async with open_place(place_of(urls[0], settings), settings) as source:
        links = await fill(source)
        now_ms = time.time_ns() // 1_000_000
        await source.fold([batch([visit(now_ms, links[3].id, visitor=b"12345678")], segment="today/0")])
    kills = 0
    for left in (1, 2, 3, 5, 8, 30, 100, 165, 0):
        command = [sys.executable, "-m", "tests.store.migration_program", str(tmp_path), *urls, str(left)]
        process = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True)
        assert process.returncode in (-signal.SIGKILL, 0), process.stderr
        kills += process.returncode != 0
    assert process.returncode == 0, "it came to its end, and found both the same"
    print(f"killed {kills} times; the last pass made {process.stdout.strip()} changes")
    assert kills >= 7


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

"""The index of the Redis engine: right after every crash, read again without harm, proved and mended by ``repair``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import pytest
import redis
from msgspec.structs import replace
from tests.store.conftest import SERVERS
from tests.store.examples import add, link, minutes, slugs
from tests.store.redis_servers import RedisServer, RedisServers

from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.errors import SlugTaken, StoreUnavailable
from shortly.links.link import Link
from shortly.redis_address import parse_address
from shortly.store.redis import RedisStore, keys, link_writes
from shortly.store.redis.repair import Report
from shortly.store.redis.search import BITMAP_BYTES

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

OpenRedis = Callable[..., RedisStore]
Write = Callable[[RedisStore, Link], Awaitable[object]]


class Crash(BaseException):
    """The process died here."""


class Servers:
    """The servers behind the store, as an observer and vandal sees them."""

    def __init__(self, servers: Sequence[RedisServer]) -> None:
        self._clients: list[Any] = [
            redis.Redis(host="127.0.0.1", port=server.port, password=server.password, protocol=2) for server in servers
        ]

    def do(self, *command: Any) -> Any:
        """Run a command where its key is."""
        for client in self._clients:
            with suppress(redis.exceptions.MovedError, redis.ResponseError):
                return client.execute_command(*command)
        raise AssertionError(command)

    def keys(self, pattern: str) -> list[bytes]:
        return [key for client in self._clients for key in client.scan_iter(pattern, count=10_000)]

    def index(self) -> dict[bytes, Any]:
        """Return all that lists and searches read."""
        content: dict[bytes, Any] = {}
        for key in self.keys("x:{idx}:*"):
            kind = self.do("TYPE", key)
            if key != keys.POSITIONS.encode():
                command = {b"zset": ("ZRANGE", key, 0, -1, "WITHSCORES"), b"hash": ("HGETALL", key)}
                found = self.do(*command.get(kind, ("GET", key)))
                content[key] = sorted(found.items()) if isinstance(found, dict) else found
        return content

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture(params=[*SERVERS])
def started(request: pytest.FixtureRequest) -> RedisServer | RedisServers:
    """Give one server, and three, empty."""
    running: RedisServer | RedisServers = request.getfixturevalue(SERVERS[request.param])
    return running


@pytest.fixture
def servers(started: RedisServer | RedisServers) -> Any:
    found = Servers([started] if isinstance(started, RedisServer) else started.servers)
    yield found
    found.close()


@pytest.fixture
def open_redis(started: RedisServer | RedisServers) -> OpenRedis:
    return partial(RedisStore, parse_address(started.url))


@pytest.fixture
async def store(open_redis: OpenRedis) -> AsyncIterator[RedisStore]:
    async with open_redis() as opened:
        yield opened


def partition(slug: str) -> int:
    return keys.partition_of("", slug)


def elsewhere(slug: str, stem: str) -> str:
    """Return a slug that begins with the stem and lies in another partition than the slug."""
    return next(name for n in range(9) if partition(name := f"{stem}{n}") != partition(slug))


def beside(slug: str, stem: str) -> str:
    """Return a slug that begins with the stem and lies in the slug's partition."""
    return next(name for n in range(100_000) if partition(name := f"{stem}{n}") == partition(slug))


def many(count: int) -> list[Link]:
    return [
        link(
            f"s{n}",
            title=f"Title {n % 7}",
            tags=("red", "blue")[: n % 3],
            folder=("", "x")[n % 2],
            workspace=n % 4 or 1,
            archived=n % 9 == 0,
            created_at=minutes(n),
            expires_at=minutes(n) if n % 5 == 0 else None,
            aliases=(f"a{n}",) if n % 10 == 0 else (),
        )
        for n in range(count)
    ]


async def proved(store: RedisStore) -> Report:
    report = await store.repair()
    assert report.clean, report
    return report


# --- crashes -----------------------------------------------------------------------------------------------------


async def make(store: RedisStore, old: Link) -> object:
    return await store.add_links([link(f"{old.slug}-n{n}", tags=("t",)) for n in range(3)])


async def make_with_aliases(store: RedisStore, old: Link) -> object:
    slug = f"{old.slug}-n"
    return await store.add_links([link(slug, aliases=(elsewhere(slug, f"{slug}f"), beside(slug, f"{slug}h")))])


async def retitle(store: RedisStore, old: Link) -> object:
    return await store.replace_links([(old, replace(old, title="after", tags=("new",), updated_at=minutes(1)))])


async def rename_away(store: RedisStore, old: Link) -> object:
    return await store.replace_links([(old, replace(old, slug=elsewhere(old.slug, f"{old.slug}-r")))])


async def rename_beside(store: RedisStore, old: Link) -> object:
    return await store.replace_links([(old, replace(old, slug=beside(old.slug, f"{old.slug}-r")))])


async def rename_back(store: RedisStore, old: Link) -> object:
    return await store.replace_links([(old, replace(old, slug=old.aliases[0]))])


async def delete(store: RedisStore, old: Link) -> object:
    return await store.delete_links([old])


WRITES: tuple[Write, ...] = (
    make, make_with_aliases, retitle, rename_away, rename_beside, rename_back, delete,
)  # fmt: skip


def die_at(store: RedisStore, step: int, *, done: bool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the store's process die at its n-th call of a script: before the server runs it, or after.

    Returns the list of calls, which fills.
    """
    calls: list[str] = []
    client = store._client

    def dying(name: str) -> Any:
        call = getattr(client, name)

        async def stand_in(*args: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) == step and done:
                await call(*args, **options)
            if len(calls) >= step:
                raise Crash
            return await call(*args, **options)

        return stand_in

    for name in ("run", "run_durably", "run_many"):
        monkeypatch.setattr(client, name, dying(name))
    return calls


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
@pytest.mark.parametrize("done", [False, True])
async def test_whichever_step_a_process_dies_at_lists_and_slugs_are_what_links_say(
    open_redis: OpenRedis, write: Write, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_redis() as other:
        for step in range(1, 30):
            stored = await add(other, f"q{step}", aliases=(elsewhere(f"q{step}", f"q{step}o"),), title="before")
            async with open_redis() as store:
                with monkeypatch.context() as patches:
                    calls = die_at(store, step, done=done, monkeypatch=patches)
                    with suppress(Crash):
                        await write(store, stored)
                    with suppress(BaseException):  # its task died, too
                        await store._outbox.stop()
            await other._outbox.catch_up()
            await proved(other)
            listed = {item.slug: item for item in (await other.list_links(everything())).items}
            for slug, item in listed.items():
                assert await other.get_link("", slug) == item
                for alias in item.aliases:
                    assert await other.get_link("", alias) == item
                    found = await other.get_redirection("", alias)
                    assert found is not None
                    assert found.slug == slug
            if len(calls) < step:
                return
    raise AssertionError("the write has more steps than were tried")


def everything() -> Any:
    from tests.store.examples import NOW

    from shortly.links.link import LinkQuery

    return LinkQuery(now=NOW, limit=1000)


async def test_a_claim_of_a_dead_process_lapses(open_redis: OpenRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_redis() as other:
        stored = await add(other, "old")
        new = elsewhere("old", "new")
        async with open_redis() as store:
            with monkeypatch.context() as patches:
                die_at(store, 1, done=True, monkeypatch=patches)
                with suppress(Crash):
                    await store.replace_links([(stored, replace(stored, slug=new))])
        assert await other.get_redirection("", new) is None
        assert isinstance((await other.add_links([link(new)]))[0], SlugTaken)
        assert isinstance((await other.replace_links([(stored, replace(stored, slug=new))]))[0], SlugTaken)
        await proved(other)
        monkeypatch.setattr(link_writes, "LAPSE_MS", -60_000)
        added = await add(other, new)
        assert await other.get_link("", new) == added
        assert await other.get_link("", "old") == stored
        await proved(other)


async def test_who_comes_too_late_with_a_claim_writes_nothing(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await add(store, "old")
    monkeypatch.setattr(link_writes, "USE_MS", -1000)
    with pytest.raises(StoreUnavailable):
        await store.replace_links([(stored, replace(stored, slug=elsewhere("old", "new")))])
    assert await store.get_link("", "old") == stored
    await proved(store)


async def test_a_pointer_to_a_link_that_is_gone_is_free_at_once(store: RedisStore, servers: Servers) -> None:
    servers.do("SET", keys.redirection("", "a"), "@12345")
    servers.do("SET", keys.redirection("", "b"), "@12345")
    assert await store.get_redirection("", "a") is None
    assert await store.get_link("", "a") is None
    await add(store, "a")
    stored = await add(store, "x", aliases=("b",))
    assert await store.get_link("", "b") == stored
    await proved(store)


# --- outboxes ----------------------------------------------------------------------------------------------------


async def test_reading_all_outboxes_twice_changes_nothing(store: RedisStore, servers: Servers) -> None:
    links = [item for item in await store.add_links(many(60)) if isinstance(item, Link)]
    await store.replace_links([(item, replace(item, title="new", slug=f"{item.slug}r")) for item in links[:20]])
    await store.delete_links([replace(item, version=0) for item in links[10:30]])
    before = servers.index()
    servers.do("DEL", keys.POSITIONS)
    assert await store._outbox.catch_up() > 0
    assert servers.index() == before
    await proved(store)
    assert await store._outbox.catch_up() == 0


async def test_what_a_server_forgot_of_the_index_is_told_again(store: RedisStore, servers: Servers) -> None:
    await store.add_links(many(20))
    saved = {key: servers.do("DUMP", key) for key in servers.keys("x:{idx}:*")}
    links = [item for item in await store.add_links([link(f"later{n}") for n in range(20)]) if isinstance(item, Link)]
    for key in servers.keys("x:{idx}:*"):
        servers.do("DEL", key)
    for key, value in saved.items():
        servers.do("RESTORE", key, 0, value)
    assert len(await slugs(store)) == 20 - 3
    await store._outbox.catch_up()
    assert len(await slugs(store)) == 40 - 3
    await proved(store)
    new = await add(store, "new")
    assert new.id not in {item.id for item in links}


async def test_links_that_a_server_forgot_leave_the_index(store: RedisStore, servers: Servers) -> None:
    kept = await add(store, "kept")
    stem = beside("kept", "lost")
    outbox = keys.outbox(partition("kept"))
    saved = servers.do("DUMP", outbox)
    lost = await add(store, stem)
    servers.do("DEL", outbox, keys.link(lost.id), keys.redirection("", stem))
    servers.do("RESTORE", outbox, 0, saved)
    assert await slugs(store) == ["kept"]
    await add(store, beside("kept", "next"))
    assert len(await slugs(store)) == 2
    report = await store.repair()
    assert report.links_indexed == 1
    await proved(store)
    assert await store.get_link("", "kept") == kept


async def test_many_writers_and_catchers_up_agree(open_redis: OpenRedis) -> None:
    async with open_redis() as one, open_redis() as two:

        async def write(store: RedisStore, stem: str) -> None:
            for n in range(12):
                stored = await add(store, f"{stem}{n}", tags=("t",))
                if n % 3 == 0:
                    await store.replace_links([(stored, replace(stored, title="x"))])
                if n % 4 == 0:
                    await store.delete_links([replace(stored, version=0)])

        async def look(store: RedisStore) -> None:
            for _ in range(20):
                await store._outbox.catch_up()

        await asyncio.gather(*(write((one, two)[n % 2], f"w{n}-") for n in range(8)), look(one), look(two))
        assert len(await slugs(one, tags=("t",))) == 8 * 9
        await proved(two)


async def test_many_links_at_once_are_found_whoever_was_quicker(open_redis: OpenRedis, servers: Servers) -> None:
    async with open_redis() as one, open_redis() as two:
        for stem in ("first", "second", "third"):  # the first ones come into postings that are not there yet
            for n in range(3):  # so the other one takes the next rows for others than they are
                await add(two, f"{stem}-{n}", title="Winter")
            stored = await one.add_links([link(f"{stem}{n}", title="Winter", tags=("t",)) for n in range(600)])
            assert all(isinstance(item, Link) for item in stored)
        gone = [item for item in stored if isinstance(item, Link)][:5]
        await one.delete_links(gone)
        bitmaps = [key for key in servers.keys("x:{idx}:g:0:*") if servers.do("STRLEN", key) == BITMAP_BYTES]
        assert keys.postings(0, "win").encode() in bitmaps
        assert all(servers.do("MEMORY", "USAGE", key) < 1.5 * BITMAP_BYTES for key in bitmaps)
        assert set(await slugs(two, search="third1", tags=("t",))) == {
            f"third{n}" for n in range(5, 600) if str(n).startswith("1")
        }
        assert len(await slugs(two, search="in", limit=1000, sort="title")) == 1000
        assert (await proved(two)).links == 3 * 603 - 5


async def test_old_entries_go_and_new_ones_stay(store: RedisStore, servers: Servers) -> None:
    await store.add_links(many(300))
    entries = sum(servers.do("XLEN", key) for key in servers.keys("o:*"))
    await store._outbox.trim(0)
    assert sum(servers.do("XLEN", key) for key in servers.keys("o:*")) == entries
    await store._outbox.trim(2**45)
    assert {servers.do("XLEN", key) for key in servers.keys("o:*")} == {1}
    await add(store, "new")
    assert "new" in await slugs(store)
    await proved(store)


# --- the proof ---------------------------------------------------------------------------------------------------


async def test_a_store_in_order_is_proved_so(store: RedisStore) -> None:
    links = [item for item in await store.add_links(many(50)) if isinstance(item, Link)]
    visits = [(n, Visit(at_ms=1, link_id=item.id)) for n, item in enumerate(links, start=1)]
    await store.fold([Batch(segment="s", start=0, end=len(visits), visits=visits)])
    assert (await proved(store)).links == 50


def without_last(packed: bytes) -> bytes:
    """Return a record as it was before a field was put at its end."""
    return msgspec.msgpack.encode(msgspec.msgpack.decode(packed)[:-1])


async def test_links_of_before_there_were_workspaces_are_in_the_first_one(
    store: RedisStore, servers: Servers, open_redis: OpenRedis
) -> None:
    stored = await add(store, "ab", tags=("t",))
    for key in (keys.link(stored.id), keys.redirection("", "ab")):
        version, _, packed = servers.do("GET", key).partition(b":")
        servers.do("SET", key, version + b":" + without_last(packed))
    member = stored.id.to_bytes(8, "big")
    doc = servers.do("HGET", keys.DOCS, member)
    servers.do("HSET", keys.DOCS, member, doc[:4] + without_last(doc[4:]))
    async with open_redis() as other:
        assert await other.get_link("", "ab") == stored
        found = await other.get_redirection("", "ab")
        assert found is not None
        assert found.workspace == 1
        assert await slugs(other, workspace=1) == ["ab"]
        assert await slugs(other, workspace=2) == []
        assert await other.find_link("", stored.target, "") == stored
        await proved(other)


VANDALISMS: dict[str, tuple[list[tuple[Any, ...]], dict[str, int]]] = {
    "a document is gone": ([("HDEL", keys.DOCS, "ID")], {"links_indexed": 1}),
    "all documents are gone": ([("DEL", keys.DOCS)], {}),
    "a link is in no order": ([("ZREM", keys.BY_CREATED, "ID")], {"links_indexed": 1}),
    "a link is elsewhere in an order": ([("ZADD", keys.BY_UPDATED, 7, "ID")], {"links_indexed": 1}),
    "an order is gone": ([("DEL", keys.BY_SLUG)], {"links_indexed": 50}),
    "a tag has a link too many": ([("ZADD", keys.tagged("none"), 1, "ID")], {"entries_dropped": 1}),
    "a workspace has lost a link": ([("ZREM", keys.in_workspace(3), "ID")], {"links_indexed": 1}),
    "a workspace is gone": ([("DEL", keys.in_workspace(2))], {"links_indexed": 12}),
    "a workspace has a link of another": ([("ZADD", keys.in_workspace(2), 1, "ID")], {"entries_dropped": 1}),
    "an order has a link that is none": ([("ZADD", keys.BY_CREATED, 1, b"\0" * 8)], {"entries_dropped": 1}),
    "clicks are wrong": ([("ZADD", keys.BY_CLICKS, 1_000_000, "ID")], {"clicks_corrected": 1}),
    "a trigram is gone": ([("DEL", keys.postings(0, "exa"))], {"links_indexed": 50}),
    "a trigram has a row too many": ([("APPEND", keys.postings(0, "xyz"), b"\1\0")], {"entries_dropped": 1}),
    "a slug leads nowhere": ([("DEL", "SLUG")], {"slugs_restored": 1}),
    "a slug leads to no link": ([("SET", keys.redirection("", "stray"), "@77")], {"slugs_freed": 1}),
    "a redirection has no link": ([("SET", keys.redirection("", "stray"), b"77:\x90")], {"slugs_freed": 1}),
    "an alias leads nowhere": ([("DEL", keys.redirection("", "a10"))], {"slugs_restored": 1}),
    "an old claim is left": ([("SET", keys.redirection("", "stray"), "?77:1")], {"slugs_freed": 1}),
}  # fmt: skip


@pytest.mark.parametrize("what", VANDALISMS)
async def test_what_is_wrong_is_found_and_mended(store: RedisStore, servers: Servers, what: str) -> None:
    links = [item for item in await store.add_links(many(50)) if isinstance(item, Link)]
    before = servers.index()
    commands, expected = VANDALISMS[what]
    names: dict[Any, Any] = {"ID": links[3].id.to_bytes(8, "big"), "SLUG": keys.redirection("", "s3")}
    for command in commands:
        servers.do(*(names.get(part, part) for part in command))
    report = await store.repair()
    assert not report.clean
    assert {name: getattr(report, name) for name in expected} == expected
    await proved(store)
    if what not in ("a document is gone", "all documents are gone"):  # those have new rows now
        assert servers.index().keys() == before.keys()
    for slug in ("s3", "a10"):
        assert await store.get_link("", slug) is not None
    assert len(await slugs(store, search="example")) == len(await slugs(store)) == 50 - 6


async def test_an_index_that_was_flushed_is_made_anew_and_no_id_is_given_twice(
    store: RedisStore, servers: Servers
) -> None:
    links = [item for item in await store.add_links(many(50)) if isinstance(item, Link)]
    visits = [(n, Visit(at_ms=1, link_id=links[0].id)) for n in range(1, 4)]
    await store.fold([Batch(segment="s", start=0, end=3, visits=visits)])
    for key in servers.keys("x:{idx}:*"):
        servers.do("DEL", key)
    for key in servers.keys("o:*"):
        servers.do("XTRIM", key, "MAXLEN", 1)
    report = await store.repair()
    assert report.links == 50
    await proved(store)
    assert (await slugs(store, sort="clicks", state="archived"))[0] == "s0"
    assert (await add(store, "new")).id > max(item.id for item in links)


async def test_repairs_while_others_write_break_nothing(open_redis: OpenRedis, servers: Servers) -> None:
    async with open_redis() as one, open_redis() as two:
        links = [item for item in await one.add_links(many(40)) if isinstance(item, Link)]
        servers.do("DEL", keys.BY_TITLE, keys.postings(0, "exa"))

        async def write() -> None:
            for n, item in enumerate(links):
                await two.replace_links([(item, replace(item, title=f"new {n}"))])

        await asyncio.gather(write(), one.repair(), one.repair())
        await one.repair()
        await proved(two)
        assert len(await slugs(two, search="new ", sort="title")) == 40 - 5

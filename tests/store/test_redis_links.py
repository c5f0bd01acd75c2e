"""What the Redis engine remembers of links, and what it does while the servers are away, full, or changed under it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog.testing
from msgspec.structs import replace
from tests.store.examples import add, link, slugs
from tests.store.redis_servers import RedisServer, RedisServers, cluster, single_server
from tests.store.test_redis_index import beside, elsewhere

from shortly.errors import InvalidSettings, LinkChanged, StorageFull, StoreEmptied, StoreTooNew, StoreUnavailable
from shortly.links.link import Link
from shortly.redis_address import parse_address
from shortly.store.redis import RedisStore, keys, outbox
from shortly.store.redis.client import Client
from shortly.store.redis.index import Move, Plan
from shortly.store.redis.installation import accept_loss
from shortly.store.redis.migrations import MIGRATIONS, Migration
from shortly.store.redis.schema import settle_schema

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SOON_S = 5.0


def opened(server: RedisServer | RedisServers, **options: Any) -> RedisStore:
    return RedisStore(parse_address(server.url), **options)


@pytest.fixture
async def store(redis_server: RedisServer) -> AsyncIterator[RedisStore]:
    async with opened(redis_server) as store:
        yield store


async def until(condition: Any) -> None:
    """Wait for a condition, and fail when it does not come."""
    async with asyncio.timeout(SOON_S):
        while not condition():
            await asyncio.sleep(0.005)


async def target_of(store: RedisStore, slug: str) -> str | None:
    found = await store.get_redirection("", slug)
    return found.target if found else None


async def existing(store: RedisStore, slug: str) -> Link:
    found = await store.get_link("", slug)
    assert found is not None
    return found


def tracks(store: RedisStore) -> bool:
    return store._client.tracking_ok(asyncio.get_running_loop().time())


def lone_slot(server: RedisServer) -> int:
    """Return a slot of this node of a Cluster in which nothing is kept."""
    own = [
        range(int(first), int(last) + 1)
        for first, last, (_, port, *_), *_ in server.command("CLUSTER", "SLOTS")
        if port == server.port
    ]
    used = {keys.slot_of(mark) for mark in keys.MARKS}
    return next(slot for some in own for slot in some if slot not in used)


def gets(server: RedisServer) -> int:
    """Return how many keys the server was asked for by redirects."""
    stats = server.command("INFO", "commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("get", "mget"))


# --- memory ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["redis_server", "redis_cluster"])
async def test_an_edit_elsewhere_is_told_by_all_names_of_a_link(kind: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(kind)
    async with opened(server) as store, opened(server) as other:
        old, home = elsewhere("new", "old"), beside("new", "home")
        stored = await add(store, "new", aliases=(old, home))
        names = ("new", old, home)
        for name in names:
            assert await target_of(other, name) == "https://example.com/new"
            assert other.remembered("", name) is not None
        await store.replace_links([(stored, replace(stored, target="https://example.com/edited"))])
        await until(lambda: not any(other.remembered("", name) for name in names))
        assert [await target_of(other, name) for name in names] == ["https://example.com/edited"] * 3
        assert not [name for name in names if store.remembered("", name)]


async def test_an_edit_of_what_redirects_do_not_need_disturbs_no_memory(store: RedisStore) -> None:
    stored = await add(store, "ab")
    found = await store.get_redirection("", "ab")
    await store.replace_links([(stored, replace(stored, title="new", notes="new", tags=("new",)))])
    assert store.remembered("", "ab") is found


async def test_a_flood_of_one_unknown_slug_costs_the_server_one_look_a_second(
    store: RedisStore, redis_server: RedisServer
) -> None:
    before = gets(redis_server)
    for _ in range(200):
        assert await store.get_redirection("", "nothing") is None
    assert gets(redis_server) - before <= 2
    await add(store, "nothing")
    assert await target_of(store, "nothing") == "https://example.com/nothing"


async def test_a_slug_that_is_asked_for_by_many_at_once_is_read_once(
    store: RedisStore, redis_server: RedisServer
) -> None:
    await add(store, "hot")
    before = gets(redis_server)
    found = await asyncio.gather(*(store.get_redirection("", "hot") for _ in range(200)))
    assert {item.target for item in found if item} == {"https://example.com/hot"}
    assert gets(redis_server) - before <= 1


async def test_who_asks_first_may_go_away(store: RedisStore) -> None:
    await add(store, "hot")
    tasks = [asyncio.create_task(store.get_redirection("", "hot")) for _ in range(10)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[3].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    kinds = [type(item).__name__ for item in found]
    assert kinds == ["CancelledError", *["Redirection"] * 2, "CancelledError", *["Redirection"] * 6]


async def test_a_reading_that_began_before_an_edit_is_neither_remembered_nor_shared(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await add(store, "ab")
    read = store._client.get_soon
    has_read, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(name: str) -> Any:
        found = await read(name)
        has_read.set()
        await goes_on.wait()
        return found

    monkeypatch.setattr(store._client, "get_soon", slow)
    early = asyncio.create_task(store.get_redirection("", "ab"))
    await has_read.wait()
    monkeypatch.setattr(store._client, "get_soon", read)
    await store.replace_links([(stored, replace(stored, target="https://example.com/edited"))])
    assert await target_of(store, "ab") == "https://example.com/edited"
    goes_on.set()
    found = await early
    assert found is not None
    assert found.target == "https://example.com/ab"
    assert await target_of(store, "ab") == "https://example.com/edited"


@pytest.mark.parametrize("kind", ["redis_server", "redis_cluster"])
async def test_a_flushed_server_is_noticed_and_nobody_is_told_that_a_link_does_not_exist(
    kind: str, request: pytest.FixtureRequest, patience: None
) -> None:
    servers: RedisServer | RedisServers = request.getfixturevalue(kind)
    flushed = servers.primaries()[0] if isinstance(servers, RedisServers) else servers
    async with opened(servers) as store:
        names = [f"link{number}" for number in range(20)]
        for name in names:
            await add(store, name)
            await store.get_redirection("", name)
        await store.ping()
        with structlog.testing.capture_logs() as logs:
            flushed.command("FLUSHALL")
            await until(lambda: any("was it flushed?" in entry["event"] for entry in logs))
        for name in names:
            assert store.remembered("", name) is None
            assert await target_of(store, name) == f"https://example.com/{name}"
        with pytest.raises(StoreEmptied):
            await store.get_redirection("", "unknown")
        for refused in (store.ping(), store.add_links([link("new")]), store.get_link("", "link1")):
            with pytest.raises(StoreEmptied):
                await refused


async def test_a_restored_backup_is_noticed_without_a_restart(redis_server: RedisServer) -> None:
    with single_server() as server:
        async with opened(server) as store:
            await add(store, "ab")
            server.command("SAVE")
            backup = (server.folder / "dump.rdb").read_bytes()
            server.command("FLUSHALL")
            await until(lambda: store._client.lost)
            server.kill()
            for file in (server.folder / "appendonlydir").iterdir():
                file.unlink()
            (server.folder / "dump.rdb").write_bytes(backup)
            server.start("--appendonly", "no")
            await until(lambda: not store._client.lost)
            assert await target_of(store, "ab") == "https://example.com/ab"
            await add(store, "cd")
            await store.ping()


# --- whose data are there ----------------------------------------------------------------------------------------


async def test_a_node_does_not_begin_anew_where_it_has_met_data(redis_server: RedisServer, tmp_path: Path) -> None:
    async with opened(redis_server, folder=tmp_path) as store:
        await add(store, "ab")
    redis_server.command("FLUSHALL")
    for _ in range(2):
        with pytest.raises(StoreEmptied):
            async with opened(redis_server, folder=tmp_path):
                pass
    assert redis_server.command("DBSIZE") == 0
    address = parse_address(redis_server.url)
    assert await accept_loss(address, tmp_path, case_insensitive=False)
    assert not await accept_loss(address, tmp_path, case_insensitive=False), "nothing is lost any more"
    async with opened(redis_server, folder=tmp_path) as store:
        await add(store, "ab")


async def test_a_node_without_a_memory_begins_anew_and_others_notice(redis_server: RedisServer, tmp_path: Path) -> None:
    async with opened(redis_server, folder=tmp_path) as store:
        redis_server.command("FLUSHALL")
        await until(lambda: store._client.lost)
        async with opened(redis_server) as stateless:
            await add(stateless, "ab")
        with pytest.raises(StoreEmptied):
            await store.ping()
        with pytest.raises(StoreEmptied):
            async with opened(redis_server, folder=tmp_path):
                pass
    assert await accept_loss(parse_address(redis_server.url), tmp_path, case_insensitive=False)
    async with opened(redis_server, folder=tmp_path) as store:
        assert await store.get_link("", "ab") is not None, "what was begun is gone on with"


async def test_who_was_cut_off_from_the_data_goes_on_when_the_loss_is_accepted(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with opened(redis_server, folder=tmp_path) as store:
        redis_server.command("FLUSHALL")
        await until(lambda: store._client.lost)
        await accept_loss(parse_address(redis_server.url), tmp_path, case_insensitive=False)
        await until(lambda: not store._client.lost)
        await add(store, "ab")


async def test_a_part_that_is_gone_is_noticed_by_who_has_never_been_there(redis_cluster: RedisServers) -> None:
    async with opened(redis_cluster) as store:
        await add(store, "ab")
    for server in redis_cluster.primaries():
        before = server.command("DBSIZE")
        assert before > 0
    for server in redis_cluster.primaries()[1:]:
        server.command("FLUSHALL")
    with pytest.raises(StoreEmptied):
        async with opened(redis_cluster):
            pass


async def test_another_address_is_another_store(redis_server: RedisServer, tmp_path: Path) -> None:
    async with opened(redis_server, folder=tmp_path):
        pass
    with single_server() as other:
        async with opened(other, folder=tmp_path) as store:
            await add(store, "ab")


async def test_many_first_starts_at_once_make_one_installation(redis_server: RedisServer, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(8)]
    for folder in folders:
        folder.mkdir()
    async with AsyncExitStack() as stores:
        await asyncio.gather(*(stores.enter_async_context(opened(redis_server, folder=folder)) for folder in folders))
    noted = {(folder / "store.json").read_bytes() for folder in folders}
    assert len(noted) == 1
    assert (redis_server.password or "").encode() not in noted.pop()


async def test_data_from_before_there_were_marks_are_marked(redis_server: RedisServer, tmp_path: Path) -> None:
    async with opened(redis_server) as store:
        await add(store, "ab")
    redis_server.command("HDEL", keys.SCHEMA, "id", "marked")
    redis_server.command("DEL", *keys.MARKS)
    for _ in range(2):
        async with opened(redis_server, folder=tmp_path) as store:
            assert await store.get_link("", "ab") is not None
            await store.ping()


# --- doubts ------------------------------------------------------------------------------------------------------


async def test_what_is_remembered_is_used_while_servers_that_are_back_cannot_be_read(patience: None) -> None:
    names = [f"link{number}" for number in range(30)]
    with cluster() as servers:
        async with opened(servers, stale_s=60) as store, opened(servers) as editor:
            for name in names:
                await add(store, name)
                assert await target_of(store, name) == f"https://example.com/{name}"
            lone = {server: lone_slot(server) for server in servers.servers}
            for server, slot in lone.items():  # they say CLUSTERDOWN from now on, and PONG
                server.command("CLUSTER", "DELSLOTS", slot)
                server.command("CLIENT", "KILL", "TYPE", "normal")
            await until(lambda: store._redirections._doubted_at is not None and tracks(store))
            for name in names:
                assert await target_of(store, name) == f"https://example.com/{name}"
            with pytest.raises(StoreUnavailable):
                await store.get_redirection("", "unknown")
            for server, slot in lone.items():
                server.command("CLUSTER", "ADDSLOTS", slot)
            edited = await existing(editor, "link0")
            await editor.replace_links([(edited, replace(edited, target="https://example.com/edited"))])
            await editor.delete_links([await existing(editor, "link1")])
            await until(lambda: store._redirections._doubted_at is None)
            assert await target_of(store, "link0") == "https://example.com/edited"
            for server in servers.servers:
                server.kill()
            await until(lambda: not tracks(store))
            assert await target_of(store, "link0") == "https://example.com/edited", "never again what was before"
            for name in names[1:]:
                with pytest.raises(StoreUnavailable):
                    await store.get_redirection("", name)


# --- servers that are away, or full ------------------------------------------------------------------------------


async def test_while_the_server_is_away_remembered_links_redirect_and_others_are_not_said_to_be_unknown() -> None:
    with single_server() as server:
        async with opened(server, stale_s=60) as store, opened(server, stale_s=0) as impatient:
            stored = await add(store, "ab")
            for reader in (store, impatient):
                assert await reader.get_redirection("", "ab") is not None
            server.kill()
            await until(lambda: not store.remembered("", "ab") and not impatient.remembered("", "ab"))
            assert await target_of(store, "ab") == "https://example.com/ab"
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await store.get_redirection("", "cd")
            assert time.monotonic() - began < 1
            with pytest.raises(StoreUnavailable):
                await impatient.get_redirection("", "ab")
            server.start()
            async with opened(server) as editor:
                await editor.replace_links([(stored, replace(stored, target="https://example.com/edited"))])
            await until(lambda: store._client.tracking_ok(asyncio.get_running_loop().time()))
            assert await target_of(store, "ab") == "https://example.com/edited"


async def test_a_hanging_server_holds_up_no_remembered_link_for_long() -> None:
    with single_server() as server:
        async with opened(server, stale_s=60) as store:
            await add(store, "ab")
            await store.get_redirection("", "ab")
            server.pause()
            try:
                for _ in range(60):
                    began = time.monotonic()
                    found = store.remembered("", "ab") or await store.get_redirection("", "ab")
                    assert found is not None
                    assert time.monotonic() - began < 1
                    await asyncio.sleep(0.04)
            finally:
                server.resume()
            await until(lambda: store._client.tracking_ok(asyncio.get_running_loop().time()))
            assert await target_of(store, "ab") == "https://example.com/ab"
            await add(store, "cd")


async def test_a_full_server_refuses_writes_with_one_clear_error_and_redirects_go_on() -> None:
    with single_server("maxmemory-policy noeviction\n") as server:
        async with opened(server) as store:
            stored = await add(store, "ab")
            server.command("CONFIG", "SET", "maxmemory", "1mb")
            with pytest.raises(StorageFull):
                await store.add_links([link("cd")])
            with pytest.raises(StorageFull):
                await store.replace_links([(stored, replace(stored, title="new"))])
            assert await target_of(store, "ab") == "https://example.com/ab"
            assert await slugs(store) == ["ab"]
            server.command("CONFIG", "SET", "maxmemory", "0")
            await add(store, "cd")
            assert (await store.repair()).clean


async def test_an_acknowledged_link_is_in_lists_even_if_the_index_could_not_be_told(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> set[int]:
        raise StoreUnavailable

    with monkeypatch.context() as patches:
        patches.setattr(store._outbox.index, "apply", away)
        stored = await add(store, "ab")
        assert await store.get_link("", "ab") == stored
        assert await slugs(store) == []
    await store._outbox.catch_up()
    assert await slugs(store) == ["ab"]


async def test_scripts_that_the_server_forgot_are_sent_again(store: RedisStore, redis_server: RedisServer) -> None:
    stored = await add(store, "ab")
    redis_server.command("SCRIPT", "FLUSH")
    await store.replace_links([(stored, replace(stored, title="new"))])
    assert await slugs(store, search="new") == ["ab"]


# --- the schema --------------------------------------------------------------------------------------------------


async def test_another_treatment_of_case_than_at_the_first_start_is_refused(redis_server: RedisServer) -> None:
    async with opened(redis_server, case_insensitive=True) as store:
        await add(store, "Ab")
    with pytest.raises(InvalidSettings, match=r"CASE_INSENSITIVE_SLUGS.*started with true"):
        async with opened(redis_server):
            pass
    async with opened(redis_server, case_insensitive=True) as store:
        assert await store.get_link("", "aB") is not None


async def test_data_of_a_newer_version_are_refused(redis_server: RedisServer) -> None:
    async with opened(redis_server):
        pass
    redis_server.command("HSET", keys.SCHEMA, "version", 99)
    with pytest.raises(StoreTooNew, match="99"):
        async with opened(redis_server):
            pass


async def test_older_data_are_migrated_step_by_step_once(redis_server: RedisServer) -> None:
    made: list[str] = []

    def step(name: str) -> Migration:
        async def make(client: Client) -> None:
            made.append(name)

        return Migration(name, make)

    client = Client(parse_address(redis_server.url))
    await client.open()
    try:
        await settle_schema(client, case_insensitive=False, migrations=())
        for _ in range(2):
            await settle_schema(client, case_insensitive=False, migrations=(step("two"), step("three")))
        assert made == ["two", "three"]
        assert redis_server.command("HGET", keys.SCHEMA, "version") == "3"
        with pytest.raises(StoreTooNew):
            await settle_schema(client, case_insensitive=False, migrations=MIGRATIONS[:1])
    finally:
        await client.close()


# --- names in several partitions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case_insensitive", [False, True])
async def test_a_chain_of_renames_through_all_partitions_ends_where_it_should(
    redis_server: RedisServer, case_insensitive: bool
) -> None:
    async with opened(redis_server, case_insensitive=case_insensitive) as store:
        first = await add(store, "Name0")
        stored = first
        for n in range(1, 20):
            (outcome,) = await store.replace_links([(stored, replace(stored, slug=f"Name{n}"))])
            assert isinstance(outcome, Link)
            stored = outcome
        assert stored.id == first.id
        assert len(stored.aliases) == 19
        for n in range(20):
            assert await store.get_link("", f"Name{n}") == stored
            found = await store.get_redirection("", f"name{n}" if case_insensitive else f"Name{n}")
            assert found is not None
            assert found.slug == "Name19"
        assert (await store.repair()).clean
        assert await store.delete_links([stored]) == [None]
        assert [await store.get_redirection("", f"Name{n}") for n in range(20)] == [None] * 20
        assert redis_server.command("KEYS", "r:*") == []
        assert len(await store.add_links([link(f"Name{n}") for n in range(20)])) == 20
        assert (await store.repair()).clean


async def test_two_renames_of_one_version_leave_no_claim_behind(redis_server: RedisServer) -> None:
    async with opened(redis_server) as one, opened(redis_server) as two:
        for turn in range(10):
            stored = await add(one, f"old{turn}")
            outcomes = await asyncio.gather(
                *(
                    store.replace_links([(stored, replace(stored, slug=f"{name}{turn}"))])
                    for name, store in (("x", one), ("y", two), ("z", one))
                )
            )
            kinds = sorted(type(outcome).__name__ for (outcome,) in outcomes)
            assert kinds == ["Link", "LinkChanged", "LinkChanged"]
        assert [entry for entry in redis_server.command("KEYS", "r:*") if pending(redis_server, entry)] == []
        assert (await one.repair()).clean


def pending(server: RedisServer, entry: str) -> bool:
    return bool(server.command("GETRANGE", entry, 0, 0) == "?")


async def test_of_many_renames_to_one_slug_one_succeeds(redis_server: RedisServer) -> None:
    async with opened(redis_server) as one, opened(redis_server) as two:
        links = [item for item in await one.add_links([link(f"s{n}") for n in range(20)]) if isinstance(item, Link)]
        outcomes = await asyncio.gather(
            *((one, two)[n % 2].replace_links([(item, replace(item, slug="won"))]) for n, item in enumerate(links))
        )
        winners = [outcome for (outcome,) in outcomes if isinstance(outcome, Link)]
        assert len(winners) == 1
        assert await two.get_link("", "won") == winners[0]
        assert (await two.repair()).clean


async def test_a_version_that_changed_under_a_deletion_of_any_version_is_deleted_too(store: RedisStore) -> None:
    stored = await add(store, "ab")

    async def edit() -> None:
        version = stored
        for n in range(20):
            (outcome,) = await store.replace_links([(version, replace(version, title=str(n)))])
            if not isinstance(outcome, Link):
                return
            version = outcome

    outcomes, _ = await asyncio.gather(store.delete_links([replace(stored, version=0)]), edit())
    assert outcomes[0] is None or isinstance(outcomes[0], LinkChanged)
    assert (await store.get_link("", "ab") is None) == (outcomes[0] is None)
    assert (await store.repair()).clean


# --- many links --------------------------------------------------------------------------------------------------


async def test_a_search_agrees_with_a_walk_when_common_and_rare_trigrams_have_different_forms(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 4_500  # more than a posting holds as numbers
    titles = dict.fromkeys(range(7, count, 1000), "rare")
    added = await store.add_links(
        [link(f"n{n:04}", target=f"https://example.com/{n % 50}/x", title=titles.get(n, "")) for n in range(count)]
    )
    links = [item for item in added if isinstance(item, Link)]
    assert len(links) == count
    assert await slugs(store, search="rare", sort="slug", descending=False) == [f"n{n}007" for n in range(5)]
    assert len(await slugs(store, search="/49/")) == count // 50
    assert await slugs(store, search="com/0/x", limit=2, sort="slug", descending=False) == ["n0000", "n0050"]
    assert await slugs(store, search="n44", limit=3, sort="slug") == ["n4499", "n4498", "n4497"]
    with monkeypatch.context() as patch:
        patch.setattr("shortly.store.redis.link_list.FEW_FOUND", 0)
        patch.setattr("shortly.store.redis.link_list.MOST", count)
        assert await slugs(store, search="rare", sort="slug", descending=False) == [f"n{n}007" for n in range(5)]
        assert await slugs(store, search="are", limit=2) == ["n4007", "n3007"]
        assert len(await slugs(store, search="/49/")) == count // 50
    await store.delete_links([item for item in links if item.slug.startswith("n00")])
    (outcome,) = await store.replace_links([(links[4400], replace(links[4400], target="http://other.org/"))])
    assert isinstance(outcome, Link)
    assert await slugs(store, search="other.org") == ["n4400"]
    assert len(await slugs(store, search="n00")) == 0
    assert len(await slugs(store, search="/0/x")) == count // 50 - 3
    report = await store.repair()
    assert report.clean, report
    assert report.links == count - 100


async def test_a_search_for_two_letters_reads_what_has_them_and_not_all_links(
    store: RedisStore, redis_server: RedisServer
) -> None:
    titles = {7: "qz", 1_500: "aqz", 2_999: "Qzb"}
    await store.add_links([link(f"n{n:04}", title=titles.get(n, "")) for n in range(3_000)])
    redis_server.command("CONFIG", "RESETSTAT")
    assert await slugs(store, search="qz", sort="slug", descending=False) == ["n0007", "n1500", "n2999"]
    assert await slugs(store, search="zq") == []
    reads = redis_server.command("INFO", "commandstats")
    assert "cmdstat_zrange" not in reads, reads  # no walk
    assert reads["cmdstat_hmget"]["calls"] == 1  # for all that one search found
    assert redis_server.command("INFO", "stats")["total_net_output_bytes"] < 30_000  # 3,000 documents take far more


async def test_many_writers_of_one_process_are_listed_without_reading_what_they_wrote(
    store: RedisStore, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CATCH_UP_S", 3600)
    monkeypatch.setattr(outbox, "TELL_S", 60)
    await add(store, "first")
    redis_server.command("CONFIG", "RESETSTAT")
    await asyncio.gather(*(store.add_links([link(f"{stem}{n}") for n in range(700)]) for stem in "abcde"))
    reads = redis_server.command("INFO", "commandstats")
    assert "cmdstat_xrange" not in reads, reads  # no outbox was read again, because somebody else had been quicker
    assert int(redis_server.command("GET", keys.ROWS)) == 5 * 700 + 1
    assert len(await slugs(store, search="example", limit=5000)) == 5 * 700 + 1
    assert (await store.repair()).clean


async def test_the_index_takes_many_links_up_in_short_steps_that_are_told_their_rows_beforehand(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CATCH_UP_S", 3600)
    monkeypatch.setattr(outbox, "TELL_S", 60)
    steps: list[tuple[int, int]] = []
    apply = store._outbox.index.apply

    async def watched(plan: Plan, moves: Sequence[Move]) -> set[int]:
        steps.append((plan.row, plan.rows))
        return await apply(plan, moves)

    monkeypatch.setattr(store._outbox.index, "apply", watched)
    await add(store, "first")
    await asyncio.gather(*(store.add_links([link(f"{stem}{n}") for n in range(1_000)]) for stem in "abc"))
    assert sum(rows for _, rows in steps) == 3_001
    assert max(rows for _, rows in steps) <= 1.2 * outbox.BATCH  # nobody else is served while a step is taken
    expected = 0
    for row, rows in steps:
        assert row == expected  # with another one, the server computes all of the step's postings anew
        expected += rows
    assert (await store.repair()).clean


async def test_an_expectation_that_another_process_made_wrong_is_right_again_soon(redis_server: RedisServer) -> None:
    async with opened(redis_server) as one, opened(redis_server) as two:
        await one.add_links([link(f"a{n}") for n in range(1_000)])
        await two.add_links([link(f"b{n}") for n in range(300)])
        await one.add_links([link(f"c{n}") for n in range(1_000)])
        assert one._outbox.index.plan().row == 2_300 == int(redis_server.command("GET", keys.ROWS))
        assert len(await slugs(two, search="example", limit=3_000)) == 2_300
        assert (await one.repair()).clean


async def test_many_links_wait_for_a_server_that_is_busy_with_somebody_s_script(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with single_server() as server:
        async with opened(server) as store:
            await add(store, "first")
            server.command("CONFIG", "SET", "busy-reply-threshold", 1)
            monkeypatch.setattr("shortly.store.redis.client.CALL_DEADLINE_S", 0.3)
            with structlog.testing.capture_logs() as lines:
                script = asyncio.create_task(asyncio.to_thread(run_for_ever, server))
                await until(lambda: is_busy(server))
                adding = asyncio.create_task(store.add_links([link(f"n{n}") for n in range(200)]))
                with pytest.raises(StoreUnavailable):  # who looks on is told so after the deadline
                    await add(store, "alone")
                assert not adding.done()
                server.command("SCRIPT", "KILL")
                await script
                added = await adding
            monkeypatch.undo()
            assert all(isinstance(item, Link) for item in added)
            assert any("BUSY" in line.get("detail", "") for line in lines), lines
            await store._outbox.catch_up()
            assert len(await slugs(store, limit=1_000)) == 201


def run_for_ever(server: RedisServer) -> None:
    """Run a script until it is killed."""
    with suppress(redis.RedisError):
        server.command("EVAL", "while true do end", 0)


def is_busy(server: RedisServer) -> bool:
    """Return whether the server refuses everything because of a script."""
    try:
        server.command("GET", "any")
    except redis.ResponseError as refusal:
        return str(refusal).startswith("BUSY") or "busy running a script" in str(refusal).lower()
    return False


async def test_a_chunk_of_rows_ends_within_a_batch(store: RedisStore, redis_server: RedisServer) -> None:
    redis_server.command("SET", keys.ROWS, 65_536 - 10)
    await store.add_links([link(f"a{n}") for n in range(30)])
    await store.add_links([link(f"b{n}") for n in range(30)])
    assert len(await slugs(store, search="example")) == 60
    assert await slugs(store, search="a17") == ["a17"]
    assert await slugs(store, search="b29") == ["b29"]
    assert (await store.repair()).clean

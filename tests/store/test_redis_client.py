"""The client on real servers: what it reads and writes, what it says when they fail, and when it finds them again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog.testing
from tests.store.redis_servers import (
    DURABLE,
    RedisServer,
    RedisServers,
    cluster,
    make_certificates,
    sentinel_trio,
    single_server,
)

from shortly.errors import InvalidSettings, StorageFull, StoreUnavailable
from shortly.redis_address import Tls, parse_address
from shortly.settings import load_settings
from shortly.store import open_store
from shortly.store.redis import client as client_module
from shortly.store.redis.breaker import FAILURES, Breaker
from shortly.store.redis.client import READ_DEADLINE_S, Client
from shortly.store.redis.keys import TAGS
from shortly.store.redis.node import READ_CONNECTIONS
from shortly.store.redis.scripts import Script
from shortly.store.redis.server_checks import server_warnings
from shortly.store.redis.wire import trust_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KEYS = [f"r:{tag}:s.example/{tag}" for tag in TAGS]
"""One of each partition."""
SLACK_S = 0.35
"""What a busy machine may add to a deadline."""
COUNT = Script.of_text("count", 'return redis.call("INCRBY", KEYS[1], ARGV[1])')
PUT = Script.of_text("put", 'return redis.call("SET", KEYS[1], ARGV[1])')
WRONG = Script.of_text("wrong", 'return redis.call("INCR", KEYS[1], "one too many")')


@contextlib.asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[Client]:
    """Open a client and close it."""
    client = Client(parse_address(url), **options)
    await client.open()
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture(params=["redis_server", "redis_cluster", "redis_sentinels"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """Give a client of each kind of installation."""
    async with opened(request.getfixturevalue(request.param).url) as client:
        yield client


async def until(is_so: Callable[[], Awaitable[bool]], *, seconds: float = 10) -> float:
    """Wait for a condition and return how long that took."""
    start = time.monotonic()
    while not await is_so():
        assert time.monotonic() - start < seconds
        await asyncio.sleep(0.01)
    return time.monotonic() - start


async def answers(client: Client) -> bool:
    """Return whether a redirect could be answered now, from every partition."""
    try:
        await client.get_many(KEYS)
    except StoreUnavailable:
        return False
    return True


@contextlib.asynccontextmanager
async def never_blocked() -> AsyncIterator[None]:
    """Fail when the event loop was busy with one thing for longer than a tenth of a second.

    A thread beside it tells how long the machine itself, busy with others, kept somebody waiting who was to go on.
    """
    gaps: list[float] = []
    of_machine: list[float] = [0.0]
    over = threading.Event()

    async def tick() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    def tick_beside() -> None:
        last = time.monotonic()
        while not over.wait(0.005):
            of_machine.append(time.monotonic() - last)
            last = time.monotonic()

    ticking = asyncio.create_task(tick())
    beside = threading.Thread(target=tick_beside)
    beside.start()
    try:
        yield
    finally:
        ticking.cancel()
        over.set()
        beside.join()
    longest = sorted(gaps)[-2:-1]  # but for one, which may be the machine's, too
    assert longest < [0.1 + max(of_machine)], "the event loop was blocked"


@pytest.mark.slow
async def test_an_event_loop_that_is_blocked_twice_is_noticed() -> None:
    with pytest.raises(AssertionError, match="blocked"):
        await block_twice()


async def block_twice() -> None:
    """Do nothing and let nobody else do anything, twice."""
    async with never_blocked():
        for _ in range(2):
            await asyncio.sleep(0.02)
            time.sleep(2)
        await asyncio.sleep(0.02)


# --- reading and writing -------------------------------------------------------------------------------------


async def test_what_was_written_in_every_partition_is_read(client: Client) -> None:
    outcomes = await client.run_many([(PUT, [key], [f"{key}é"]) for key in KEYS])
    assert outcomes == [b"OK"] * len(KEYS)
    assert await client.get_many([*KEYS, "r:{00}:none"]) == [*(f"{key}é".encode() for key in KEYS), None]
    assert await client.read("GET", KEYS[3]) == f"{KEYS[3]}é".encode()
    assert await client.read_many([("STRLEN", key) for key in KEYS]) == [len(f"{key}é".encode()) for key in KEYS]


async def test_replies_have_the_types_of_resp3(client: Client) -> None:
    fill = Script.of_text(
        "fill",
        'redis.call("HSET", KEYS[1], "f", 1) redis.call("ZADD", KEYS[2], 1.5, "m") return {1, false, "t", {}}',
    )
    assert await client.run(fill, ["h:{5f}", "z:{5f}"], []) == [1, None, b"t", []]
    assert await client.read("HGETALL", "h:{5f}") == {b"f": b"1"}
    assert await client.read("ZRANGE", "z:{5f}", 0, -1, "WITHSCORES") == [[b"m", 1.5]]


async def test_steps_of_one_partition_run_in_order(client: Client) -> None:
    assert await client.run_many([(COUNT, ["n:{5f}"], [number]) for number in (1, 10, 100)]) == [1, 11, 111]


async def test_each_step_has_an_outcome_of_its_own(redis_server: RedisServer) -> None:
    with single_server("maxmemory-policy noeviction\n") as server:
        async with opened(server.url) as client:
            await client.run(PUT, ["r:{00}:a"], ["x"])
            server.command("CONFIG", "SET", "maxmemory", 1)
            read = Script.of_text("read", '#!lua flags=no-writes\nreturn redis.call("GET", KEYS[1])')
            full, text = await client.run_many([(PUT, ["r:{00}:b"], ["x"]), (read, ["r:{00}:a"], [])])
            assert isinstance(full, StorageFull)
            assert text == b"x"
            with pytest.raises(StorageFull):
                await client.run_durably(PUT, ["r:{00}:b"], ["x"])
            assert await client.get_many(["r:{00}:a"]) == [b"x"]


async def test_a_server_that_forgot_its_scripts_is_told_them_again(redis_server: RedisServer) -> None:
    async with opened(redis_server.url) as client:
        assert await client.run(COUNT, ["n:{5f}"], [1]) == 1
        redis_server.command("SCRIPT", "FLUSH")
        assert await client.run_many([(COUNT, ["n:{5f}"], [1]), (PUT, ["r:{5f}:a"], ["x"])]) == [2, b"OK"]


async def test_a_wrong_script_is_no_trouble_of_the_store(client: Client) -> None:
    with pytest.raises(RuntimeError, match="Redis refused"):
        await client.run(WRONG, ["n:{5f}"], [])
    assert await client.run(COUNT, ["n:{5f}"], [1]) == 1


async def test_a_key_that_no_server_can_have_harms_no_neighbour(client: Client) -> None:
    await client.run(PUT, [KEYS[0]], ["x"])
    bad, good = await asyncio.gather(
        client.get_many(["r:{00}:\ud800"]), client.get_many([KEYS[0]]), return_exceptions=True
    )
    assert isinstance(bad, UnicodeEncodeError)
    assert good == [b"x"]


# --- batches -------------------------------------------------------------------------------------------------


def calls_of(server: RedisServer, command: str) -> int:
    """Return how often the server was given a command since its statistics were reset."""
    with server.client() as observer:
        statistics: dict[str, Any] = observer.info("commandstats")
    return int(statistics.get(f"cmdstat_{command}", {}).get("calls", 0))


async def test_what_is_asked_in_one_tick_is_one_command(redis_server: RedisServer) -> None:
    async with opened(redis_server.url) as client:
        await client.run_many([(PUT, [key], [key]) for key in KEYS])
        redis_server.command("CONFIG", "RESETSTAT")
        texts = await asyncio.gather(*(client.get_many([key]) for key in KEYS * 2))
        assert texts == [[key.encode()] for key in KEYS * 2]
        assert calls_of(redis_server, "mget") == 1
        assert calls_of(redis_server, "get") == 0


async def test_what_many_ask_at_once_of_a_cluster_is_asked_once(redis_cluster: RedisServers) -> None:
    async with opened(redis_cluster.url) as client:
        await client.run_many([(PUT, [key], [key]) for key in KEYS])
        for server in redis_cluster.servers:
            server.command("CONFIG", "RESETSTAT")
        texts = await asyncio.gather(*(client.get_many([key]) for key in KEYS * 2))
        assert texts == [[key.encode()] for key in KEYS * 2]
        asked = [calls_of(server, "get") for server in redis_cluster.servers]
        assert sum(asked) == len(KEYS)
        assert min(asked) > 0


@pytest.mark.usefixtures("patience")
async def test_more_than_a_batch_holds_is_read_all_the_same(client: Client) -> None:
    keys = [f"r:{TAGS[number % 256]}:{number}" for number in range(3000)]
    await client.run_many([(PUT, [key], [key]) for key in keys])
    texts = await asyncio.gather(*(client.get_many([key]) for key in keys))
    assert texts == [[key.encode()] for key in keys]


@pytest.mark.usefixtures("patience")
async def test_no_cancelled_read_gives_its_answer_to_another(client: Client) -> None:
    await client.run_many([(PUT, [key], [key]) for key in KEYS])
    for number in range(30):
        doomed = [asyncio.create_task(client.get_many([key])) for key in KEYS[:20]]
        doomed += [asyncio.create_task(client.read_many([("GET", key)])) for key in KEYS[20:40]]
        for _ in range(number % 6):
            await asyncio.sleep(0)
        for task in doomed[::2]:
            task.cancel()
        outcomes = await asyncio.gather(*doomed, return_exceptions=True)
        for key, outcome in zip(KEYS, outcomes, strict=False):
            assert isinstance(outcome, asyncio.CancelledError) or outcome == [key.encode()]
    assert await client.get_many(KEYS) == [key.encode() for key in KEYS]


# --- servers that fail ---------------------------------------------------------------------------------------


async def test_a_restarted_server_is_found_again_with_everything_it_acknowledged() -> None:
    with single_server() as server:
        async with opened(server.url) as client:
            assert await client.run_durably(COUNT, ["n:{5f}"], [7]) == 7
            server.kill()
            start = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await client.get_many(["n:{5f}"])
            assert time.monotonic() - start < READ_DEADLINE_S + SLACK_S
            writing = asyncio.create_task(client.run(COUNT, ["n:{5f}"], [1]))
            await asyncio.sleep(0.1)
            server.start()
            assert await writing == 8  # tried until the server was there
            await until(lambda: answers(client), seconds=6)
            assert await client.get_many(["n:{5f}"]) == [b"8"]


async def test_the_first_redirects_find_their_connections_made() -> None:
    with single_server() as server:
        async with opened(server.url) as client:
            before = server.command("INFO", "stats")["total_connections_received"]
            reads = [client.get_many([key]) for key in KEYS[: 2 * READ_CONNECTIONS]]
            await asyncio.gather(*reads)
            after = server.command("INFO", "stats")["total_connections_received"]
    assert after - before == 1  # the observer's own


async def test_trouble_is_logged_when_it_begins_and_when_it_ends() -> None:
    with single_server() as server, structlog.testing.capture_logs() as lines:
        async with opened(server.url, track=False) as client:
            server.kill()
            reading = [asyncio.create_task(client.read("GET", key)) for key in KEYS[:3]]
            await asyncio.sleep(0.3)
            server.start()
            assert await asyncio.gather(*reading) == [None] * 3
    assert [line["log_level"] for line in lines] == ["warning", "info"]
    assert "p%40ss" not in str(lines)
    assert "p@ss" not in str(lines)


async def test_a_hanging_server_costs_a_redirect_its_deadline_and_then_nothing() -> None:
    with single_server() as server:
        async with opened(server.url) as client:
            await client.run(PUT, [KEYS[0]], ["x"])
            server.pause()
            async with never_blocked():
                for _ in range(2):
                    start = time.monotonic()
                    refusals = await asyncio.gather(*(client.get_many([key]) for key in KEYS), return_exceptions=True)
                    assert all(isinstance(refusal, StoreUnavailable) for refusal in refusals)
                    assert time.monotonic() - start < READ_DEADLINE_S + SLACK_S
                for _ in range(4):  # one after another, as 5 failures in a row are needed
                    with pytest.raises(StoreUnavailable):
                        await client.get_many([KEYS[0]])
                quick = 0
                for _ in range(10):
                    start = time.monotonic()
                    with pytest.raises(StoreUnavailable):
                        await client.get_many([KEYS[0]])
                    quick += time.monotonic() - start < 0.02
                assert quick >= 9  # one may have been the probe
            server.resume()
            assert await until(lambda: answers(client)) < 3
            assert await client.get_many([KEYS[0]]) == [b"x"]


async def test_who_waits_behind_others_for_a_hanging_server_waits_no_longer() -> None:
    with single_server() as server:
        async with opened(server.url) as client:
            server.pause()
            reading = []
            for key in KEYS[: READ_CONNECTIONS + 2]:  # the last of them wait until those before are answered
                reading.append(asyncio.ensure_future(timed(client.get_many([key]))))
                await asyncio.sleep(0.01)
            took_s = await asyncio.gather(*reading)
            server.resume()
    assert max(took_s) < 1.9 * READ_DEADLINE_S, took_s
    assert min(took_s) > 0.9 * READ_DEADLINE_S, took_s


async def timed(reading: Awaitable[Any]) -> float:
    """Return how long it takes until the store is said to be away."""
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await reading
    return time.monotonic() - start


async def test_a_write_to_a_hanging_server_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with single_server() as server:
        async with opened(server.url) as client:
            monkeypatch.setattr(client_module, "CALL_DEADLINE_S", 0.4)
            server.pause()
            start = time.monotonic()
            async with never_blocked():
                outcomes = await client.run_many([(PUT, [key], ["x"]) for key in KEYS])
            assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
            assert time.monotonic() - start < 0.4 + SLACK_S
            server.resume()
            assert await client.run(COUNT, ["n:{00}"], [1]) == 1


async def test_a_write_waits_for_a_server_that_is_about_to_become_the_primary() -> None:
    with single_server() as server, single_server() as other:
        async with opened(server.url) as client:
            server.command("REPLICAOF", "127.0.0.1", other.port)
            writing = asyncio.create_task(client.run(COUNT, ["n:{5f}"], [1]))
            await asyncio.sleep(0.2)
            assert not writing.done()
            server.command("REPLICAOF", "NO", "ONE")
            assert await writing == 1


async def test_a_closed_client_opens_no_connection(redis_server: RedisServer) -> None:
    async with opened(redis_server.url) as client:
        pass
    with pytest.raises(StoreUnavailable):
        await client.get_many([KEYS[0]])
    with redis_server.client() as observer:
        await until(lambda: asyncio.sleep(0, len(observer.client_list()) == 1))


class Cutter:
    """Stands between a client and a server and can close a connection instead of bringing back the answer."""

    def __init__(self, server: RedisServer) -> None:
        self.url = ""
        self.cuts = 0
        """How many of the next answers never arrive."""
        self._server = server
        self._serving: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Cutter:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        self.url = self._server.url.replace(f":{self._server.port}/", f":{port}/")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait until all connections are closed, which a client that left before has seen to."""
        self._listener.close()
        await asyncio.gather(*self._serving)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.create_task(self._pass_on(reader, writer)))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._server.port)

        async def bring_back() -> None:
            while answer := await far_reader.read(1 << 16):
                if self.cuts:
                    self.cuts -= 1
                    break
                writer.write(answer)
            writer.close()
            far_writer.close()

        back = asyncio.create_task(bring_back())
        with contextlib.suppress(ConnectionError):
            while request := await reader.read(1 << 16):
                far_writer.write(request)
        far_writer.close()
        await back
        for one in (writer, far_writer):
            with contextlib.suppress(OSError):
                await one.wait_closed()


async def test_a_step_whose_answer_is_lost_is_not_run_twice(redis_server: RedisServer) -> None:
    async with Cutter(redis_server) as cutter, opened(cutter.url, track=False) as client:
        assert await client.run(COUNT, ["n:{5f}"], [1]) == 1
        cutter.cuts = 1
        with pytest.raises(StoreUnavailable):
            await client.run(COUNT, ["n:{5f}"], [1])
        assert await client.run(COUNT, ["n:{5f}"], [1]) == 3


async def test_a_read_whose_answer_is_lost_is_repeated(redis_server: RedisServer) -> None:
    async with Cutter(redis_server) as cutter, opened(cutter.url, track=False) as client:
        await client.run(COUNT, ["n:{5f}"], [1])
        cutter.cuts = 2
        assert await client.read("GET", "n:{5f}") == b"1"


async def test_a_client_of_a_server_that_is_away_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CALL_DEADLINE_S", 0.3)
    with single_server() as server:
        server.kill()
        with pytest.raises(StoreUnavailable):
            await Client(parse_address(server.url)).open()


# --- replicas, sentinels, Clusters ---------------------------------------------------------------------------


async def test_a_durable_write_needs_its_replicas(redis_server: RedisServer, redis_sentinels: RedisServers) -> None:
    async with opened(redis_sentinels.url, wait_replicas=2) as client:
        assert await client.run_durably(COUNT, ["n:{5f}"], [1]) == 1
        assert await client.run_many([(COUNT, [f"n:{tag}"], [1]) for tag in TAGS[:3]], durable=True) == [1, 1, 1]
    async with opened(redis_server.url, wait_replicas=1, wait_ms=50) as client:
        assert await client.run(COUNT, ["n:{5f}"], [1]) == 1
        with pytest.raises(StoreUnavailable):
            await client.run_durably(COUNT, ["n:{5f}"], [1])


async def test_waiting_for_disks_is_refused_by_a_server_that_cannot(redis_server: RedisServer) -> None:
    try:
        redis_server.command("WAITAOF", 0, 0, 0)
        can_wait = True
    except redis.ResponseError:
        can_wait = False
    if can_wait:
        async with opened(redis_server.url, wait_fsync=True) as client:
            assert await client.run_durably(COUNT, ["n:{5f}"], [1]) == 1
    else:
        with pytest.raises(InvalidSettings, match="REDIS_WAIT_FSYNC"):
            await Client(parse_address(redis_server.url), wait_fsync=True).open()


@pytest.mark.slow
async def test_a_new_primary_is_found_through_the_sentinels_and_has_every_acknowledged_write() -> None:
    with sentinel_trio() as trio:
        async with opened(trio.url, wait_replicas=1) as client:
            await until_killed_primary_is_replaced(client, trio, trio.servers[0])


@pytest.mark.slow
async def test_a_new_primary_in_a_cluster_is_found_and_has_every_acknowledged_write() -> None:
    with cluster(replicas=1) as servers:
        async with opened(servers.url, wait_replicas=1) as client:
            await until_killed_primary_is_replaced(client, servers, servers.servers[0])


async def until_killed_primary_is_replaced(client: Client, servers: RedisServers, primary: RedisServer) -> None:
    """Count in every partition while a primary dies, and see that no acknowledged step is gone."""
    acknowledged = dict.fromkeys(TAGS, 0)
    primary_count = len(servers.primaries())

    async def count_all() -> bool:
        outcomes = await client.run_many([(COUNT, [f"n:{tag}"], [1]) for tag in TAGS], durable=True)
        for tag, outcome in zip(TAGS, outcomes, strict=True):
            if isinstance(outcome, int):
                acknowledged[tag] = max(acknowledged[tag], outcome)
        return all(isinstance(outcome, int) for outcome in outcomes)

    assert await count_all()
    primary.kill()
    async with never_blocked():
        await until(lambda: answers(client), seconds=30)
    # on a busy machine sentinels may elect twice, and who was elected first says "master" until it has heard of that
    await until(lambda: asyncio.sleep(0, len(servers.primaries()) == primary_count), seconds=30)
    primary.start()  # as a replica; without it some slots of the Cluster have none
    await until(count_all, seconds=30)
    counts = await client.get_many([f"n:{tag}" for tag in TAGS])
    assert all(int(count or 0) >= acknowledged[tag] for tag, count in zip(TAGS, counts, strict=True))
    now = asyncio.get_running_loop().time
    await until(lambda: asyncio.sleep(0, client.tracking_ok(now())))


async def test_a_slot_that_moves_is_followed(redis_cluster: RedisServers) -> None:
    with cluster() as servers:
        async with opened(servers.url) as client:
            await client.run_many([(PUT, [key], [key]) for key in KEYS])
            key, absent = KEYS[0x5F], "n:{5f}"
            slot = servers.servers[0].command("CLUSTER", "KEYSLOT", key)
            ids = [server.command("CLUSTER", "MYID") for server in servers.servers]
            source = slot * 3 // 16384
            target = (source + 1) % 3
            give, take = servers.servers[source], servers.servers[target]
            take.command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
            give.command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
            assert await client.get_many([key, absent]) == [key.encode(), None]
            assert await client.run(COUNT, [absent], [1]) == 1  # ASK: a key that the source does not have
            assert await client.get_many([key, absent]) == [key.encode(), b"1"]
            with give.client() as mover:
                mover.execute_command("MIGRATE", "127.0.0.1", take.port, key, 0, 5000, "AUTH", take.password)
            assert await client.get_many([key, absent]) == [key.encode(), b"1"]
            for server in (take, give):
                server.command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
            assert await client.get_many([key, absent]) == [key.encode(), b"1"]  # MOVED
            assert await client.run(COUNT, [absent], [1]) == 2
            assert await client.get_many(KEYS) == [name.encode() for name in KEYS]


# --- changes that are told -----------------------------------------------------------------------------------


class Told:
    """What a client was told."""

    def __init__(self, client: Client) -> None:
        self.names: list[str | None] = []
        client.on_invalidate = self.names.append

    async def of(self, name: str | None, *, seconds: float) -> None:
        """Wait for a name, and forget all that was told."""

        async def is_told() -> bool:
            return name in self.names

        await until(is_told, seconds=seconds)
        self.names.clear()


async def test_an_edit_by_another_connection_is_told_within_a_tenth_of_a_second(
    client: Client, request: pytest.FixtureRequest
) -> None:
    told = Told(client)
    assert client.tracking_ok(asyncio.get_running_loop().time())
    assert client.tracking_down_s(asyncio.get_running_loop().time()) == 0
    url = request.getfixturevalue(request.node.callspec.params["client"]).url
    async with opened(url) as other:
        for key in (KEYS[0], KEYS[0x5F], KEYS[0xFF]):  # on different nodes of a Cluster
            await other.run(PUT, [f"l:{key[2:6]}:1"], ["x"])
            await other.run(PUT, [key], ["x"])
            await told.of(key, seconds=0.1)
        await other.run(PUT, ["n:{5f}"], ["x"])  # not of the tracked ones
        await other.run(PUT, [KEYS[0]], ["y"])
        await told.of(KEYS[0], seconds=0.1)
        assert "n:{5f}" not in told.names


async def test_an_emptied_store_is_told(redis_server: RedisServer) -> None:
    async with opened(redis_server.url) as client:
        told = Told(client)
        redis_server.command("FLUSHALL")
        await told.of(None, seconds=0.1)


async def test_after_a_new_connection_everything_may_have_changed(redis_server: RedisServer) -> None:
    async with opened(redis_server.url) as client:
        told = Told(client)
        redis_server.command("CLIENT", "KILL", "SKIPME", "yes")
        await told.of(None, seconds=1)
        await client.run(PUT, [KEYS[0]], ["x"])
        await told.of(KEYS[0], seconds=0.1)


async def test_memory_is_believed_no_longer_than_a_second_after_the_server_hangs() -> None:
    with single_server() as server:
        async with opened(server.url) as client:
            told = Told(client)
            now = asyncio.get_running_loop().time
            server.pause()
            assert await until(lambda: asyncio.sleep(0, not client.tracking_ok(now()))) < 1.1
            await until(lambda: asyncio.sleep(0, client.tracking_down_s(now()) > 1))  # the connection is given up
            assert told.names == []  # what is remembered may be needed while the server is away
            server.resume()
            await told.of(None, seconds=3)
            await until(lambda: asyncio.sleep(0, client.tracking_ok(now())))


async def test_without_tracking_memory_is_never_believed(redis_server: RedisServer) -> None:
    async with opened(redis_server.url, track=False) as client:
        assert not client.tracking_ok(asyncio.get_running_loop().time())
        assert client.tracking_down_s(asyncio.get_running_loop().time()) == float("inf")


# --- ways in -------------------------------------------------------------------------------------------------


async def test_a_wrong_password_is_a_wrong_setting(redis_server: RedisServer, redis_cluster: RedisServers) -> None:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in redis_cluster.servers)
    for url in (f"redis://:wrong@127.0.0.1:{redis_server.port}", f"redis+cluster://{hosts}"):
        with pytest.raises(InvalidSettings, match=r"^STORE_URL: "):
            await Client(parse_address(url)).open()


async def test_a_user_with_no_more_rights_than_are_needed_is_enough(redis_server: RedisServer) -> None:
    rights = ["~*", "&*", "+@all", "-@dangerous", "-@admin", "+info", "+client|tracking"]
    redis_server.command("ACL", "SETUSER", "app", "reset", "on", ">app-pw", *rights)
    async with opened(f"redis://app:app-pw@127.0.0.1:{redis_server.port}") as client:
        told = Told(client)
        assert await client.run_durably(PUT, [KEYS[0]], ["x"]) == b"OK"
        await told.of(KEYS[0], seconds=0.5)
        assert await client.get_many([KEYS[0]]) == [b"x"]
        assert await server_warnings(client) == []


async def test_the_parts_of_an_address_are_a_way_in(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{redis_server.password}\n")
    for name, value in {"HOST": "127.0.0.1", "PORT": redis_server.port, "DB": 2, "PASSWORD_FILE": secret}.items():
        monkeypatch.setenv(f"REDIS_{name}", str(value))
    async with open_store(load_settings({"data_dir": tmp_path})) as store:
        await store.ping()
    secret.write_text("another")
    with pytest.raises(InvalidSettings, match="password"):
        await open_store(load_settings({"data_dir": tmp_path})).__aenter__()
    assert "db2" in redis_server.command("INFO", "keyspace")


async def test_a_unix_socket_and_a_numbered_database_are_ways_in(redis_server: RedisServer) -> None:
    secret = redis_server.url.partition("://")[2].partition("@")[0]
    async with opened(f"unix://{secret}@{redis_server.socket}?db=3") as client:
        await client.run(PUT, [KEYS[0]], ["x"])
        assert await client.get_many([KEYS[0]]) == [b"x"]
    with redis_server.client(db=3) as observer:
        assert observer.get(KEYS[0]) == "x"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an authority's certificate, and a key and a certificate signed by it for this machine."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    return folder


@pytest.fixture
def tls_server(certificates: Path) -> Iterator[RedisServer]:
    """Give a server that speaks TLS alone, and only with clients that have a certificate."""
    tls = (
        f"port 0\ntls-port {{port}}\ntls-cert-file {certificates}/own.pem\ntls-key-file {certificates}/own.key\n"
        f"tls-ca-cert-file {certificates}/ca.pem\ntls-auth-clients yes"
    )
    with single_server(DURABLE, tls=tls) as server:
        yield server


async def test_tls_with_a_client_certificate(
    tls_server: RedisServer, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tls_server.url.replace("redis://", "rediss://")
    own = f"ssl_certfile={certificates}/own.pem&ssl_keyfile={certificates}/own.key"
    async with opened(f"{url}?ssl_ca_certs={certificates}/ca.pem&{own}") as client:
        told = Told(client)
        await client.run(PUT, [KEYS[0]], ["x"])
        await told.of(KEYS[0], seconds=0.1)
        assert await client.get_many([KEYS[0]]) == [b"x"]
    monkeypatch.setattr(client_module, "CALL_DEADLINE_S", 0.3)
    for query in (f"ssl_ca_certs={certificates}/other.pem&{own}", f"ssl_ca_certs={certificates}/ca.pem", own):
        with pytest.raises(StoreUnavailable):
            await Client(parse_address(f"{url}?{query}")).open()


def test_connections_share_whom_they_trust_until_a_file_changes(certificates: Path, tmp_path: Path) -> None:
    own = tmp_path / "ca.pem"
    own.write_bytes((certificates / "ca.pem").read_bytes())
    first = trust_of(Tls(ca=str(own)))
    assert trust_of(Tls(ca=str(own))) is first
    assert len(first.get_ca_certs()) == 1, "the machine's authorities are not trusted beside one's own"
    own.write_bytes((certificates / "other.pem").read_bytes())
    os.utime(own, ns=(1, 1))
    assert trust_of(Tls(ca=str(own))) is not first


async def test_a_missing_certificate_is_a_store_that_is_away(
    tls_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CALL_DEADLINE_S", 0.3)
    url = tls_server.url.replace("redis://", "rediss://")
    with pytest.raises(StoreUnavailable):
        await Client(parse_address(f"{url}?ssl_ca_certs={tmp_path}/none.pem")).open()


# --- what puts data at risk ----------------------------------------------------------------------------------


async def test_a_server_that_can_lose_data_is_complained_about() -> None:
    with single_server("appendonly no\nmaxmemory 100mb\nmaxmemory-policy allkeys-lru\n") as server:
        async with opened(server.url) as client:
            warnings = await server_warnings(client)
    assert len(warnings) == 2
    assert "appendonly yes" in warnings[0]
    assert "allkeys-lru" in warnings[1]


async def test_a_server_that_keeps_data_well_is_not(client: Client) -> None:
    assert await server_warnings(client) == []


async def test_a_hosted_server_that_hides_its_configuration_is_not_asked_for_an_append_only_file() -> None:
    with single_server("appendonly no\nrename-command CONFIG secret-config\n") as server:
        async with opened(server.url) as client:
            assert await server_warnings(client) == []


# --- the breaker ---------------------------------------------------------------------------------------------


def test_an_open_breaker_lets_one_probe_through_after_each_pause_and_pauses_grow_to_five_seconds() -> None:
    breaker, now, pauses = Breaker(), 0.0, []
    for _ in range(FAILURES):
        assert breaker.allows(now)
        breaker.failed(now)
    for _ in range(6):
        start = now
        while breaker.refuses(now):
            now += 0.01
        pauses.append(now - start)
        assert breaker.allows(now)
        assert not breaker.allows(now)  # the probe is under way
        breaker.failed(now)
        breaker.failed(now)  # what was under way before counts for nothing
    assert 0.4 <= pauses[0] <= 0.52
    assert pauses[0] < pauses[1] < pauses[2]
    assert 4 <= pauses[-1] <= 5.02
    breaker.succeeded()
    assert breaker.allows(now)

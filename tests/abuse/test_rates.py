"""How often somebody may do what: by one process, and by several that count in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import time_machine
from structlog.testing import capture_logs
from tests.store.redis_servers import RedisServer, RedisServers, single_server

from shortly.abuse import rates
from shortly.abuse.counts import MemoryCounts, redis_counts
from shortly.abuse.rates import Door, RateLimits, network_of
from shortly.errors import RateLimited
from shortly.redis_address import parse_address

pytestmark = pytest.mark.anyio


class Counted:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add(self, name: str, amount: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + amount


async def passed(limits: RateLimits, door: Door, who: str, tries: int) -> int:
    standings = [await limits.count(door, who) for _ in range(tries)]
    return sum(standing is not None and not standing.refused for standing in standings)


async def test_whoever_has_had_all_tries_waits_for_the_end_of_the_window() -> None:
    limits = RateLimits({"sign_in": "3/minute"})
    with time_machine.travel("2026-05-01T12:00:00Z", tick=False) as clock:
        standings = [await limits.count("sign_in", "192.0.2.1") for _ in range(5)]
        told = [(one.limit, one.remaining, one.refused, one.reset_s()) for one in standings if one is not None]
        assert told == [(3, 2, False, 60), (3, 1, False, 60), (3, 0, False, 60), (3, 0, True, 60), (3, 0, True, 60)]
        clock.shift(timedelta(seconds=59))
        with pytest.raises(RateLimited) as refusal:
            await limits.take("sign_in", "192.0.2.1")
        assert refusal.value.retry_after_s == 1
        await limits.take("sign_in", "192.0.2.2")
        clock.shift(timedelta(seconds=1))
        await limits.take("sign_in", "192.0.2.1")


async def test_doors_are_counted_apart_and_some_are_open() -> None:
    limits = RateLimits({"sign_in": "1/minute", "recovery": "1/minute", "create": ""})
    assert await passed(limits, "sign_in", "a", 2) == 1
    assert await passed(limits, "recovery", "a", 2) == 1
    assert await limits.count("create", "a") is None
    assert await limits.count("report", "a") is None
    for _ in range(100):
        await limits.take("create", "a")


async def test_of_several_limits_the_tightest_is_told_and_each_refuses() -> None:
    limits = RateLimits({"sign_in": "2/second;3/hour"})
    with time_machine.travel("2026-05-01T12:00:00Z", tick=False) as clock:
        assert await passed(limits, "sign_in", "a", 3) == 2
        clock.shift(timedelta(seconds=2))
        standing = await limits.count("sign_in", "a")
        assert standing is not None
        assert (standing.limit, standing.remaining, standing.refused) == (3, 0, False)
        clock.shift(timedelta(seconds=2))
        standing = await limits.count("sign_in", "a")
        assert standing is not None
        assert standing.refused
        assert standing.reset_s() == 3596


async def test_any_number_of_strangers_takes_bounded_memory() -> None:
    counts = MemoryCounts(max_counts=100)
    for number in range(1_000):
        await counts.incr(f"stranger {number}", 60)
    assert await counts.reset() <= 100


async def test_counts_that_are_over_are_forgotten_as_new_ones_come() -> None:
    counts = MemoryCounts()
    with time_machine.travel("2026-05-01T12:00:00Z", tick=False) as clock:
        for number in range(50):
            await counts.incr(f"early {number}", 60)
        clock.shift(timedelta(seconds=61))
        for number in range(50):
            await counts.incr(f"late {number}", 60)
        assert await counts.get("early 0") == 0
        assert await counts.reset() == 50


async def test_refusals_are_counted_each_and_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "TOLD_EVERY_S", 0.01)
    counted = Counted()
    limits = RateLimits({"sign_in": "1/hour"}, counters=counted)
    with capture_logs() as logs:
        assert await passed(limits, "sign_in", "192.0.2.1", 6) == 1
        assert await passed(limits, "sign_in", "192.0.2.2", 6) == 1
        async with asyncio.timeout(5):
            while len(logs) < 2:
                await asyncio.sleep(0.001)
    assert counted.counts == {"rate_limited": 10}
    assert [(line["event"], line.get("refused")) for line in logs] == [
        ("a rate limit was reached", None),
        ("requests were refused by a rate limit", 9),
    ]
    assert "192.0.2" not in str(logs)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::"),
        ("", ""),
        ("not:an:address", ""),
    ],
)
def test_the_tries_of_one_ipv6_network_are_counted_together(address: str, network: str) -> None:
    assert network_of(address) == network


# --- in Redis ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def two_processes(url: str, rule: str = "5/minute") -> AsyncIterator[list[RateLimits]]:
    both = [RateLimits({"sign_in": rule}, shared=redis_counts(parse_address(url))) for _ in range(2)]
    try:
        yield both
    finally:
        for limits in both:
            await limits.close()


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "ASK_DEADLINE_S", 10.0)
    monkeypatch.setattr("shortly.abuse.counts.REDIS_TIMEOUT_S", 10.0)


@pytest.mark.slow
@pytest.mark.parametrize("servers", ["redis_server", "redis_cluster", "redis_sentinels"])
@pytest.mark.usefixtures("patience")
async def test_processes_count_together_in_redis_and_leave_no_address_there(
    servers: str, request: pytest.FixtureRequest
) -> None:
    store: RedisServer | RedisServers = request.getfixturevalue(servers)
    async with two_processes(store.url) as both:
        with capture_logs() as logs:
            assert sum([await passed(limits, "sign_in", "192.0.2.77", 4) for limits in both]) == 5
        assert [line["event"] for line in logs] == ["a rate limit was reached"]
    keys = [
        key
        for server in (store.servers if isinstance(store, RedisServers) else [store])
        for key in server.command("KEYS", "limit:*")
    ]
    assert keys
    assert "192.0.2.77" not in str(keys)


@pytest.mark.slow
@pytest.mark.usefixtures("patience")
async def test_redis_is_reached_by_its_socket_too(redis_server: RedisServer) -> None:
    address = parse_address(f"unix://:{redis_server.url.split(':')[2].split('@')[0]}@{redis_server.socket}")
    limits = RateLimits({"sign_in": "2/minute"}, shared=redis_counts(address))
    assert await passed(limits, "sign_in", "a", 4) == 2
    await limits.close()
    assert redis_server.command("KEYS", "limit:*")


@pytest.mark.slow
async def test_while_redis_is_away_each_process_goes_on_counting_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "PAUSE_S", 0.0)
    with single_server() as server:
        async with two_processes(server.url, "3/hour") as (limits, _):
            assert await passed(limits, "sign_in", "a", 1) == 1
            server.kill()
            with capture_logs() as logs:
                assert await passed(limits, "sign_in", "b", 6) == 3
                server.start()
                async with asyncio.timeout(20):
                    while not await known_in_redis(limits, server.command):
                        await asyncio.sleep(0.01)
            told = [line["event"] for line in logs if "process" in line["event"] or "again" in line["event"]]
            assert told == [
                "rate limits are counted by each process alone: Redis is away",
                "rate limits are counted in Redis again",
            ]


async def known_in_redis(limits: RateLimits, command: Callable[..., object]) -> bool:
    await limits.count("sign_in", "c")
    return bool(command("KEYS", "limit:*"))


@pytest.mark.slow
async def test_a_redis_that_hangs_holds_nobody_up_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "PAUSE_S", 3600.0)
    with single_server() as server:
        async with two_processes(server.url) as (limits, _):
            assert await passed(limits, "sign_in", "a", 1) == 1
            server.pause()
            try:
                async with asyncio.timeout(60):
                    assert await passed(limits, "sign_in", "a", 100) == 5
            finally:
                server.resume()

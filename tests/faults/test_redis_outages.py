"""A Redis that dies, hangs, loads, is emptied or is full: remembered links redirect on, and every click is counted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest
from tests.faults.cold_links import check_refusals, cold_paths, make_cold_links
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.probe import Probe
from tests.faults.processes import wait_until
from tests.faults.served import Served
from tests.store.redis_servers import RedisServer, server_version, single_server

pytestmark = pytest.mark.faults

ALWAYS = "appendonly yes\nappendfsync always\n"
COLD = 900
"""Links that nobody has opened yet."""
PAUSE_S = 20.0
"""How long the server hangs."""


@pytest.fixture
def store() -> Iterator[RedisServer]:
    """Run a Redis of the test's own, which forgets nothing that it has acknowledged."""
    with single_server(ALWAYS) as server:
        yield server


@pytest.fixture
def served(store: RedisServer, make_served: MakeServed) -> Served:
    """Start a service on it, with the link ``abc`` and many that nobody has opened."""
    service = make_served(settings={"STORE_URL": store.url})
    service.start()
    service.make_link("abc")
    make_cold_links(service, COLD)
    return service


def check_outage(cold: Probe, live: Probe, *, start: float, end: float) -> None:
    """Hold the promises about links that are not remembered, and about the event loop."""
    check_refusals(cold.between(start + 0.1, end))
    assert cold.statuses <= {302, 503}, "a link that exists was said not to"
    assert live.statuses == {200}
    assert live.slowest_s < 0.5
    print(f"/health/live: {len(live.seen)} answers, the slowest in {live.slowest_s:.2f} s")


def check_counts(served: Served, load: Load, cold: Probe) -> None:
    """Every 302 is a click, and every click was a 302."""
    assert load.cuts == []
    assert load.refused == 0
    assert not load.others, load.others
    assert served.counted("abc", at_least=load.answered) == load.answered
    opened = [seen.path[1:] for seen in cold.seen if seen.status == 302]
    for slug in (*opened[:5], *opened[-5:]):
        assert served.clicks(slug) == 1
    refused = [seen.path[1:] for seen in cold.seen if seen.status == 503]
    assert served.clicks(refused[-1]) == 0
    print(f"{load.answered} clicks, all counted; slowest redirect {load.slowest_s:.2f} s")


def test_a_start_waits_for_a_redis_that_starts_later(store: RedisServer, make_served: MakeServed) -> None:
    service = make_served(settings={"STORE_URL": store.url})
    assert service.key  # made while it is there
    store.kill()
    service.launch()
    wait_until(lambda: "does not answer yet" in service.tail(), within_s=20, what="it says that it waits")
    store.start()
    service.wait_until_ready()
    service.make_link("abc")


def test_a_killed_server_stops_no_remembered_link_and_loses_no_click(served: Served, store: RedisServer) -> None:
    with (
        Load(served.port, ["/abc"], connections=4) as load,
        Probe(served, cold_paths(COLD)) as cold,
        Probe(served, itertools.repeat("/health/live")) as live,
    ):
        load.wait_for(500)
        for _ in range(2):
            start = time.monotonic()
            store.kill()
            wait_until(lambda since=start: time.monotonic() > since + 3, within_s=5, what="a while")  # type: ignore[misc]
            assert served.post_link("new").status_code == 503
            assert served.api.get("/never-made").status_code == 503, "nobody knows whether it exists"
            end = time.monotonic()
            load.wait_for(500)
            store.start()
            started = time.monotonic()
            wait_until(
                lambda since=started: any(  # type: ignore[misc]
                    seen.status == 302 for seen in cold.seen if seen.at > since
                ),
                within_s=10,
                what="links are read again",
            )
            print(f"links are read {time.monotonic() - started:.2f} s after the start")
            check_outage(cold, live, start=start, end=end)
            load.wait_for(500)
        wait_until(lambda: served.post_link("newer").status_code in (201, 409), within_s=10, what="links are made")
    check_counts(served, load, cold)
    assert served.stop() == 0


def test_a_hanging_server_blocks_nobody(served: Served, store: RedisServer) -> None:
    with (
        Load(served.port, ["/abc"], connections=4) as load,
        Probe(served, cold_paths(COLD)) as cold,
        Probe(served, itertools.repeat("/health/live")) as live,
    ):
        load.wait_for(500)
        start = time.monotonic()
        store.pause()
        try:
            refused = served.post_link("new")
            assert refused.status_code == 503, refused.text
            assert served.api.get("/never-made").status_code == 503, "nobody knows whether it exists"
            wait_until(lambda: time.monotonic() > start + PAUSE_S, within_s=PAUSE_S + 5, what="a while")
        finally:
            end = time.monotonic()
            store.resume()
        wait_until(
            lambda: any(seen.status == 302 for seen in cold.seen if seen.at > end),
            within_s=10,
            what="links are read again",
        )
        print(f"links are read {time.monotonic() - end:.2f} s after the pause")
        load.wait_for(500)
        check_outage(cold, live, start=start, end=end)
    check_counts(served, load, cold)
    assert served.stop() == 0


def test_remembered_links_outlive_a_server_that_takes_long_to_load(served: Served, store: RedisServer) -> None:
    with Load(served.port, ["/abc"], connections=4) as load, Probe(served, cold_paths(COLD)) as cold:
        load.wait_for(500)
        store.command("BGREWRITEAOF")
        wait_until(
            lambda: "aof_rewrite_in_progress:0" in store_info(store), within_s=10, what="the file has a preamble"
        )
        store.kill()
        # so many microseconds for each key
        store.start("--key-load-delay", "4000", "--loading-process-events-interval-bytes", "1024")
        loaded_at = time.monotonic()
        load.wait_for(500)
        wait_until(
            lambda: any(seen.status == 302 for seen in cold.seen if seen.at > loaded_at),
            within_s=20,
            what="links are read again",
        )
        load.wait_for(500)
    assert cold.statuses <= {302, 503}
    check_counts(served, load, cold)


@pytest.mark.skipif(
    server_version()[0] == "redis" and server_version()[1] < (7, 2),
    reason="WAITAOF needs Redis 7.2 or Valkey: set SHORTLY_TEST_REDIS_SERVER to the path of one",
)
def test_a_link_that_waited_for_the_disk_outlives_a_server_killed_right_after_its_acknowledgement(
    make_served: MakeServed,
) -> None:
    with single_server("appendonly yes\nappendfsync everysec\n") as store:
        served = make_served(settings={"STORE_URL": store.url, "REDIS_WAIT_FSYNC": "true", "REDIS_WAIT_MS": "3000"})
        served.start()
        made = []
        for number in range(5):
            wait_until(
                lambda number=number: served.post_link(f"made{number}").status_code in (201, 409),  # type: ignore[misc]
                within_s=20,
                what="a link is made",
            )
            store.kill()
            made.append(f"made{number}")
            store.start()
        wait_until(lambda: served.api.get("/health/ready").status_code == 200, within_s=15, what="it is ready again")
        for slug in made:
            assert served.api.get(f"/api/v1/links/{slug}").status_code == 200, f"{slug} was acknowledged and lost"
        # Who waits for a disk that nobody asks to write anything is told so, and nothing is acknowledged.
        store.command("CONFIG", "SET", "appendfsync", "no")
        refused = served.post_link("unsafe")
        assert refused.status_code == 503, refused.text
        store.command("CONFIG", "SET", "appendfsync", "everysec")
        wait_until(lambda: served.post_link("safe").status_code == 201, within_s=20, what="a link is made")
        assert served.stop() == 0


def store_info(store: RedisServer) -> str:
    """Return what the server says of its files."""
    return "\n".join(f"{name}:{value}" for name, value in store.command("INFO", "persistence").items())

"""A slow, silent or broken line to Redis: deadlines hold, and no replica redirects by what was true before."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.faults.cold_links import DEADLINE_S, SLACK_S, check_refusals, cold_paths, make_cold_links
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.probe import Probe
from tests.faults.processes import wait_until
from tests.faults.proxy import Proxy
from tests.faults.served import TARGET, Served
from tests.store.redis_servers import RedisServer, single_server

pytestmark = pytest.mark.faults

WRITE_DEADLINE_S = 5.0
STEPS = 2
"""Of a request that makes a link, one after the other: who is it, and the link itself."""
COLD = 600
"""Links that nobody has opened yet."""


@pytest.fixture
def store() -> Iterator[RedisServer]:
    """Run a Redis of the test's own."""
    with single_server() as server:
        yield server


@pytest.fixture
def proxy(store: RedisServer) -> Iterator[Proxy]:
    """Run a proxy before it."""
    with Proxy(store.port) as between:
        yield between


@pytest.fixture
def far(store: RedisServer, proxy: Proxy, make_served: MakeServed) -> Served:
    """Start a service behind the proxy, with the link ``abc`` and many that nobody has opened."""
    served = make_served(settings={"STORE_URL": store.url.replace(f":{store.port}/", f":{proxy.port}/")})
    served.start()
    served.make_link("abc")
    make_cold_links(served, COLD)
    return served


@pytest.fixture
def near(store: RedisServer, far: Served, make_served: MakeServed) -> Served:
    """Start another replica, without a proxy."""
    served = make_served(settings={"STORE_URL": store.url})
    served.start()
    return served


def check_recovery(served: Served, *, load: Load) -> None:
    """Everything works again, and everything was counted."""
    wait_until(lambda: served.api.get("/health/ready").status_code == 200, within_s=15, what="it is ready again")
    assert load.cuts == []
    assert not load.others, load.others
    assert served.counted("abc", at_least=load.answered) == load.answered


@pytest.mark.parametrize("trouble", ["slow", "silent", "broken"])
def test_deadlines_hold_on_a_bad_line(far: Served, proxy: Proxy, trouble: str) -> None:
    with ExitStack() as visitors:
        load = visitors.enter_context(Load(far.port, ["/abc"], connections=4))
        cold = visitors.enter_context(Probe(far, cold_paths(COLD)))
        live = visitors.enter_context(Probe(far, itertools.repeat("/health/live")))
        load.wait_for(500)
        start = time.monotonic()
        if trouble == "slow":
            proxy.delay_s = 0.4
        elif trouble == "silent":
            proxy.dropping = True
        else:
            proxy.cut()
        asked_at = time.monotonic()
        answer = far.api.post("/api/v1/links", json={"target": TARGET, "slug": "new"}, timeout=30)
        took_s = time.monotonic() - asked_at
        print(f"{trouble}: a new link got {answer.status_code} after {took_s:.2f} s")
        assert took_s < (STEPS if trouble == "slow" else 1) * WRITE_DEADLINE_S + SLACK_S
        assert answer.status_code in ((201, 503) if trouble == "slow" else (503,)), answer.text
        wait_until(lambda: time.monotonic() > start + 4, within_s=6, what="a while")
        end = time.monotonic()
        proxy.heal()
        wait_until(
            lambda: any(seen.status == 302 for seen in cold.seen if seen.at > end),
            within_s=10,
            what="links are read again",
        )
        print(f"links are read {time.monotonic() - end:.2f} s after the line is good")
        load.wait_for(500)
        check_refusals(cold.between(start + DEADLINE_S, end))
        assert cold.statuses <= {302, 503}
        assert live.statuses == {200}
        assert live.slowest_s < 0.5
    check_recovery(far, load=load)


@pytest.mark.parametrize("silent", [False, True], ids=["broken", "silent"])
def test_a_replica_that_was_cut_off_redirects_by_nothing_old(
    far: Served, near: Served, proxy: Proxy, silent: bool
) -> None:
    near.make_link("moved")
    near.make_link("deleted")
    slugs = ("abc", "moved", "deleted")
    for served in (far, near):
        for slug in slugs:
            wait_until(
                lambda served=served, slug=slug: served.api.get(f"/{slug}").status_code == 302,  # type: ignore[misc]
                within_s=1,
                what="both know all links",
            )
    new = "https://example.com/new"
    for _ in range(3):
        settled = time.monotonic() + 1.5  # what was remembered goes when it hears of changes again
        while time.monotonic() < settled:
            assert far.api.get("/moved").status_code == 302
        if silent:
            proxy.dropping = True
        else:
            proxy.cut()
        cut_at = time.monotonic()
        old = far.api.get("/moved").headers["location"]
        new += "er"
        assert near.api.patch("/api/v1/links/moved", json={"target": new}).status_code == 200
        near.api.delete("/api/v1/links/deleted")
        wait_until(lambda since=cut_at: time.monotonic() > since + 2.5, within_s=4, what="a while")  # type: ignore[misc]
        meanwhile = far.api.get("/moved")
        assert (meanwhile.status_code, meanwhile.headers["location"]) == (302, old), "it works on by what it knows"
        proxy.heal()
        healed_at = time.monotonic()
        wait_until(
            lambda target=new: far.api.get("/moved").headers["location"] == target,  # type: ignore[misc]
            within_s=5,
            what="the edit is seen",
        )
        print(f"the edit is seen {time.monotonic() - healed_at:.2f} s after the line is good")
        assert far.api.get("/deleted").status_code == 410
        assert all(far.api.get("/moved").headers["location"] == new for _ in range(50)), "it fell back"
        assert far.api.patch("/api/v1/links/abc", json={"title": "x"}).status_code == 200

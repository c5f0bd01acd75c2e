"""A primary that is lost: with one replica waited for, every acknowledged link outlives it, and no click is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.processes import wait_until
from tests.faults.served import Served
from tests.faults.writer import Writer
from tests.store.redis_servers import RedisServer, RedisServers, cluster, sentinel_trio

pytestmark = pytest.mark.faults

HOT = [f"hot{number}" for number in range(8)]
"""Links in several parts of the Cluster."""
EDITED = "https://example.com/edited"
SEEN_S = 1.0
"""After that every replica knows of an edit."""
BACK_S = 60.0
"""A failover's time, generously."""


@pytest.fixture(params=["sentinel", "cluster"])
def store(request: pytest.FixtureRequest) -> Iterator[RedisServers]:
    """Run servers of which one may be lost."""
    with sentinel_trio() if request.param == "sentinel" else cluster(replicas=1) as servers:
        yield servers


def test_a_lost_primary_costs_no_acknowledged_link_and_no_click(store: RedisServers, make_served: MakeServed) -> None:
    served = make_served(settings={"STORE_URL": store.url, "REDIS_WAIT_REPLICAS": "1"})
    served.start()
    processes = served.processes()
    for slug in HOT:
        served.make_link(slug)
    with Load(served.port, [f"/{slug}" for slug in HOT], connections=2) as load, Writer(served) as writer:
        load.wait_for(500)  # all of them are remembered
        writer.wait_for(50, within_s=10)
        before = len(writer.acknowledged)
        lost = store.primaries()[0]
        lost.kill()
        lost_at = time.monotonic()
        wait_until(lambda: is_whole_without(store, lost), within_s=BACK_S, what="another primary is found")
        print(f"another primary after {time.monotonic() - lost_at:.1f} s; refused {dict(load.others)}")
        writer.wait_for(1, within_s=BACK_S)
        print(f"links are made again after {time.monotonic() - lost_at:.1f} s; refused {dict(load.others)}")
        load.wait_for(500)
        print(f"before the lost one is back: refused {dict(load.others)}")
        lost.start()
        for slug in HOT:
            wait_until(
                lambda slug=slug: is_edited(served, slug),  # type: ignore[misc]
                within_s=BACK_S,
                what="links are edited",
            )
            wait_until(
                lambda slug=slug: served.api.head(f"/{slug}").headers["location"] == EDITED,  # type: ignore[misc]
                within_s=SEEN_S,
                what="the edit is seen",
            )
        writer.wait_for(50, within_s=BACK_S)
        load.wait_for(500)
    assert load.cuts == []
    assert not load.others, load.others
    assert len(writer.acknowledged) > before
    writer.check()
    for slug in HOT:
        answered = load.answers[f"/{slug}"]
        assert served.counted(slug, at_least=answered) == answered
    assert served.processes() == processes, "a process died"
    assert served.stop() == 0


def is_edited(served: Served, slug: str) -> bool:
    """Try to edit a link, and say whether that was acknowledged."""
    answer = served.api.patch(f"/api/v1/links/{slug}", json={"target": EDITED})
    assert answer.status_code in (200, 503), answer.text
    return answer.status_code == 200


def is_whole_without(store: RedisServers, lost: RedisServer) -> bool:
    """Say whether there are as many primaries as before, without the lost one."""
    wanted = 1 if store.sentinels else 3
    return len([server for server in store.primaries() if server is not lost]) == wanted

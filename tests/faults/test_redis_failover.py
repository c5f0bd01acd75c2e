"""A primary that is lost: with one replica waited for, every acknowledged link outlives it, and no click is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import httpx2
import pytest
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.processes import wait_until
from tests.faults.served import Served
from tests.store.redis_servers import RedisServer, RedisServers, cluster, sentinel_trio

pytestmark = pytest.mark.faults

HOT = [f"hot{number}" for number in range(8)]
"""Links in several parts of the Cluster."""
EDITED = "https://example.com/edited"
SEEN_S = 1.0
"""After that every replica knows of an edit."""
BACK_S = 60.0
"""A failover's time, generously."""


class Writer:
    """Makes one link after the other in a thread of its own, until left, and remembers which were acknowledged."""

    def __init__(self, served: Served) -> None:
        self.acknowledged: list[str] = []
        self.refused = 0
        self._served = served
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._left.set()
        self._thread.join(15)
        assert not self._thread.is_alive(), "the writer does not end"

    def wait_for(self, links: int, *, within_s: float) -> None:
        """Return when this many more links were made."""
        wanted = len(self.acknowledged) + links
        wait_until(
            lambda: len(self.acknowledged) >= wanted,
            within_s=within_s,
            what="links are made",
            details=self._served.tail,
        )

    def _run(self) -> None:
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{self._served.port}",
            headers={"authorization": f"Bearer {self._served.key}"},
            timeout=10.0,
            trust_env=False,
        ) as client:
            number = 0
            while not self._left.wait(0.005):
                number += 1
                slug = f"made{number}"
                answer = client.post("/api/v1/links", json={"target": f"https://example.com/{number}", "slug": slug})
                assert answer.status_code in (201, 503), answer.text
                if answer.status_code == 201:
                    self.acknowledged.append(slug)
                else:
                    self.refused += 1


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
    for slug in writer.acknowledged:
        answer = served.api.get(f"/api/v1/links/{slug}")
        assert answer.status_code == 200, f"{slug} was acknowledged and lost: {answer.text}"
        assert answer.json()["target"] == f"https://example.com/{slug.removeprefix('made')}"
    print(f"{len(writer.acknowledged)} links acknowledged and kept, {writer.refused} refused")
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

"""Slots that move to another node while visitors, editors and the drain are at work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.faults.cold_links import cold_paths, make_cold_links
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.probe import Probe
from tests.faults.processes import wait_until
from tests.faults.served import Served
from tests.faults.writer import Writer
from tests.store.redis_servers import RedisServer, RedisServers, another_node, cluster, move_slot, slots_of

from shortly.store.redis import keys

pytestmark = pytest.mark.faults

HOT = [f"hot{number}" for number in range(8)]
"""Links in several parts of the Cluster."""
COLD = 1000
"""Links that nobody has opened yet; as slots move, one after the other is."""
LATE = 20
"""And those that are opened after the last move, however long that takes."""
SEEN_S = 1.0
"""After that every replica knows of an edit."""
SLOTS = {keys.slot_of(mark) for mark in keys.MARKS} | {keys.slot_of(keys.SCHEMA)}
"""Those that hold something."""


@pytest.fixture
def store() -> Iterator[RedisServers]:
    """Run a Cluster of the test's own."""
    with cluster() as servers:
        yield servers


@pytest.fixture
def new(store: RedisServers) -> Iterator[RedisServer]:
    """Run one more node of it, which has nothing yet."""
    with another_node(store) as node:
        yield node


def target_at(served: Served, slug: str) -> str | None:
    """Return where a link leads, without a click."""
    return served.api.head(f"/{slug}").headers.get("location")


def test_slots_that_move_under_load_cost_no_redirect_no_link_and_no_click(
    store: RedisServers, new: RedisServer, make_served: MakeServed
) -> None:
    served, other = (make_served(settings={"STORE_URL": store.url}) for _ in range(2))
    served.start()
    other.start()
    for slug in HOT:
        served.make_link(slug)
    make_cold_links(served, COLD + LATE)
    first, second, _ = store.servers
    edits = 0
    with (
        Load(served.port, [f"/{slug}" for slug in HOT], connections=2) as load,
        Probe(served, cold_paths(COLD)) as cold,
        Writer(served) as writer,
    ):
        load.wait_for(200)
        writer.wait_for(20, within_s=10)
        for source, target in ((first, second), (second, new)):
            moving = sorted(SLOTS & set(slots_of(source)))
            for place, slot in enumerate(moving):
                move_slot(store, slot, source, target)
                if place % 10:
                    continue
                slug, edited = HOT[edits % len(HOT)], f"https://example.com/{edits}"
                edits += 1
                answer = other.api.patch(f"/api/v1/links/{slug}", json={"target": edited})
                assert answer.status_code == 200, answer.text
                for replica in (served, other):
                    wait_until(
                        lambda replica=replica, slug=slug, edited=edited: target_at(replica, slug) == edited,  # type: ignore[misc]
                        within_s=SEEN_S,
                        what=f"the edit is seen while slots move; it is {target_at(replica, slug)}, not {edited}",
                    )
            print(f"{len(moving)} slots moved, {edits} edits seen; {len(writer.acknowledged)} links made")
        writer.wait_for(20, within_s=10)
        load.wait_for(200)
        for path in list(cold_paths(COLD + LATE))[COLD:]:
            assert served.api.get(path).status_code == 302, "it is read from where it is now"
    assert load.cuts == []
    assert not load.others, load.others
    assert cold.statuses <= {302, 503}, "a link that exists was said not to"
    print(f"{len(cold.seen)} links read, {sum(seen.status == 503 for seen in cold.seen)} of them refused")
    assert cold.statuses == {302}
    assert writer.refused == 0
    writer.check()
    for slug in HOT:
        answered = load.answers[f"/{slug}"]
        assert served.counted(slug, at_least=answered) == answered
    for seen in (*cold.seen[:20], *cold.seen[-20:]):
        assert (
            served.counted(seen.path[1:], at_least=1) == 1
            if seen is cold.seen[0]
            else served.clicks(seen.path[1:]) == 1
        )
    out, errors = served.command_line("doctor", "--repair").communicate(timeout=60)
    assert "all lists and slugs are right" in out, out + errors
    assert served.stop() == other.stop() == 0

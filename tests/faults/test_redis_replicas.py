"""Two replicas of the service on one Redis, each with a journal of its own: one set of links, one count."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.processes import wait_until
from tests.faults.served import Served, segments
from tests.faults.test_live_stream import leave, watch
from tests.store.redis_servers import RedisServer, single_server

pytestmark = pytest.mark.faults

SEEN_S = 1.0
"""After that every replica knows of an edit."""


@pytest.fixture
def store() -> Iterator[RedisServer]:
    """Run a Redis of the test's own."""
    with single_server() as server:
        yield server


@pytest.fixture
def replicas(store: RedisServer, make_served: MakeServed) -> tuple[Served, Served]:
    """Start two services on it."""
    first, second = (make_served(settings={"STORE_URL": store.url}) for _ in range(2))
    first.start()
    second.start()
    return first, second


def target_at(served: Served, slug: str) -> str | None:
    """Return where a link leads, None: nowhere."""
    answer = served.api.get(f"/{slug}", follow_redirects=False)
    return answer.headers["location"] if answer.status_code == 302 else None


def wait_for_drains(*services: Served) -> None:
    """Return when nothing waits in any journal."""

    def all_empty() -> bool:
        return all(
            served.metrics()["shortly_drain_lag_seconds"] == 0 == served.metrics()["shortly_drain_lag_bytes"]
            for served in services
        )

    wait_until(all_empty, within_s=30, what="the journals are empty", every_s=0.3)


def test_a_link_lives_on_both_replicas_and_its_edits_are_seen_at_once(replicas: tuple[Served, Served]) -> None:
    first, second = replicas
    assert second.api.get("/abc").status_code == 404
    first.make_link("abc")
    wait_until(lambda: target_at(second, "abc") is not None, within_s=SEEN_S, what="the second one knows it")
    assert target_at(first, "abc") == target_at(second, "abc") == "https://example.com/"
    assert second.post_link("abc").status_code == 409

    with Load(first.port, ["/abc"], connections=2) as here, Load(second.port, ["/abc"], connections=2) as there:
        here.wait_for(200)
        there.wait_for(200)
        for number, editor in enumerate((first, second) * 3):
            target = f"https://example.com/{number}"
            version = editor.api.get("/api/v1/links/abc").headers.get("etag")
            answer = editor.api.patch(
                "/api/v1/links/abc", json={"target": target}, headers={"if-match": version} if version else {}
            )
            assert answer.status_code == 200, answer.text
            assert target_at(editor, "abc") == target, "who edits sees it at once"
            edited_at = time.monotonic()
            for served in replicas:
                wait_until(
                    lambda served=served, target=target: target_at(served, "abc") == target,  # type: ignore[misc]
                    within_s=SEEN_S,
                    what="all replicas lead there",
                )
            print(f"seen everywhere after {(time.monotonic() - edited_at) * 1000:.0f} ms")
    assert not here.others
    assert not there.others

    assert first.api.delete("/api/v1/links/abc").status_code == 204
    wait_until(lambda: second.api.get("/abc").status_code == 410, within_s=SEEN_S, what="it is gone everywhere")
    assert first.api.get("/abc").status_code == 410


def test_both_replicas_count_into_one_number(replicas: tuple[Served, Served]) -> None:
    first, second = replicas
    first.make_link("abc")
    first.make_link("def")
    with (
        Load(first.port, ["/abc", "/def", "/abc"], connections=4) as here,
        Load(second.port, ["/abc"], connections=4) as there,
    ):
        here.wait_for(3000)
        there.wait_for(3000)
        for served, own in ((first, here), (second, there)):
            wait_until(
                lambda served=served, own=own: served.clicks("abc") > own.answers["/abc"],  # type: ignore[misc]
                within_s=20,
                what="more than its own clicks are in the number, while they come",
            )
    assert here.cuts == there.cuts == []
    assert not here.others
    assert not there.others
    wait_for_drains(first, second)
    for slug in ("abc", "def"):
        answered = here.answers[f"/{slug}"] + there.answers[f"/{slug}"]
        assert first.counted(slug, at_least=answered) == answered
        assert second.clicks(slug) == answered
        stats = second.api.get(f"/api/v1/links/{slug}/stats")
        assert stats.status_code == 200, stats.text
        assert stats.json()["clicks"] == answered, stats.text
    assert first.stop() == second.stop() == 0
    assert segments(first.data_dir) == segments(second.data_dir) == []


@pytest.mark.parametrize("clicked", [0, 1])
def test_a_click_on_one_replica_comes_live_to_who_watches_any(replicas: tuple[Served, Served], clicked: int) -> None:
    replicas[0].make_link("abc")
    opened = [*watch(replicas[0]), *watch(replicas[1])]
    httpx2.get(
        replicas[clicked].url("abc"), follow_redirects=False, headers={"User-Agent": "Mozilla/5.0 Firefox/150.0"}
    )
    for _, lines in opened:
        assert any(line == "event: news" for line in lines)
        assert ",1,0]]" in next(lines)
    leave(opened)


def test_a_click_limit_holds_over_both_replicas(replicas: tuple[Served, Served]) -> None:
    first, second = replicas
    first.make_link("few", max_clicks=500)
    with Load(first.port, ["/few"], connections=8) as here, Load(second.port, ["/few"], connections=8) as there:
        wait_until(lambda: here.others[410] > 100 and there.others[410] > 100, within_s=20, what="it is used up")
    assert here.answered + there.answered == 500
    assert min(here.answered, there.answered) > 0, "only one of them was asked"
    assert set(here.others) == set(there.others) == {410}


def test_a_rate_limit_holds_over_both_replicas(store: RedisServer, make_served: MakeServed) -> None:
    first, second = (make_served(settings={"STORE_URL": store.url, "LIMIT_CREATE": "20/hour"}) for _ in range(2))
    first.start()
    second.start()
    second.api.headers["authorization"] = first.api.headers["authorization"]  # one and the same caller
    made = dict.fromkeys((first, second), 0)
    for number in range(30):
        for served in (first, second):
            answer = served.post_link(f"made-{number}-{served.port}")
            assert answer.status_code in (201, 429), answer.text
            made[served] += answer.status_code == 201
    told = [event for served in (first, second) for event in served.told() if "alone" in event]
    assert not told, "the machine was too busy for this test: a replica counted alone"
    assert list(made.values()) == [10, 10]
    assert answer.json()["code"] == "rate_limited"
    assert int(answer.headers["retry-after"]) > 3000

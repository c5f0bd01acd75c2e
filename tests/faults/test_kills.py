"""SIGKILL of a worker, of the supervisor, and of all of them: every answered redirect is counted, none twice."""

from __future__ import annotations

import socket
import time

import pytest
from tests.faults.load import Load
from tests.faults.processes import is_alive, kill, wait_until
from tests.faults.served import Served, segments, stored_clicks
from tests.faults.wrk import Wrk

pytestmark = pytest.mark.faults


def check_counts(served: Served, load: Load, *, workers_lost: int) -> None:
    """Hold the promise: at least what was answered, at most what was in flight at the kills on top."""
    answered, in_flight = load.answered, len(load.cuts)
    assert not load.others
    # Twice: who connects again while the kernel takes the dead worker's socket apart is cut once more.
    assert in_flight <= 2 * load.connections * workers_lost
    clicks = served.counted("abc", at_least=answered)
    assert answered <= clicks <= answered + in_flight
    assert served.metrics()["shortly_clicks_dropped_total"] == 0
    assert served.stop() == 0
    assert stored_clicks(served.data_dir, "abc") == clicks
    assert segments(served.data_dir) == []


def test_clicks_survive_workers_that_are_killed(served: Served) -> None:
    supervisor = served.supervisor
    with Load(served.port, ["/abc"]) as load:
        load.wait_for(1000)
        for _ in range(4):
            victim = served.workers()[0]
            kill(victim)
            wait_until(lambda gone=victim: not is_alive(gone), within_s=5, what="the worker is dead")  # type: ignore[misc]
            served.wait_until_ready()
            load.wait_for(500)
    assert served.supervisor == supervisor
    assert is_alive(supervisor)
    assert load.cuts, "no kill met a request in flight"
    check_counts(served, load, workers_lost=4)


def test_a_worker_may_be_killed_as_soon_as_it_is_there_again_and_again(served: Served) -> None:
    supervisor, survivor = served.supervisor, served.workers()[1]
    with Load(served.port, ["/abc"]) as load:
        load.wait_for(500)
        for _ in range(6):
            (victim,) = [pid for pid in served.workers() if pid != survivor]
            kill(victim)
            wait_until(
                lambda gone=victim: len(set(served.workers()) - {survivor, gone}) == 1,  # type: ignore[misc]
                within_s=10,
                what="the worker is replaced",
                details=served.tail,
            )
        served.wait_until_ready()
        load.wait_for(500)
    assert served.supervisor == supervisor
    assert is_alive(supervisor)
    assert survivor in served.workers()
    check_counts(served, load, workers_lost=6)


def test_workers_that_cannot_serve_end_the_service(served: Served) -> None:
    (served.data_dir / "links.db").write_bytes(b"no database " * 1000)
    for victim in served.workers():
        kill(victim)
    assert served.wait_for_end(within_s=120) == 1
    assert "workers end as soon as they are started; giving up" in served.told()


def test_workers_end_with_their_supervisor_and_a_restart_goes_on(served: Served) -> None:
    with Load(served.port, ["/abc"]) as load, socket.create_connection(("127.0.0.1", served.port)):
        for _ in range(3):
            load.wait_for(1000)
            workers = served.workers()
            assert len(workers) == 2
            killed_at = time.monotonic()
            kill(served.supervisor)
            wait_until(
                lambda orphans=workers: not any(map(is_alive, orphans)),  # type: ignore[misc]
                within_s=8,
                what="the workers have ended by themselves",
            )
            print(f"the workers outlived their supervisor by {time.monotonic() - killed_at:.2f} s")
            served.start()
        load.wait_for(500)
    check_counts(served, load, workers_lost=6)


def test_a_restart_does_not_wait_for_the_workers_of_a_dead_supervisor(served: Served) -> None:
    with Load(served.port, ["/abc"]) as load:
        load.wait_for(1000)
        kill(served.supervisor)
        served.start()
        load.wait_for(500)
    check_counts(served, load, workers_lost=2)


def test_clicks_survive_when_all_are_killed(served: Served) -> None:
    with Load(served.port, ["/abc"]) as load:
        for _ in range(4):
            load.wait_for(1000)
            served.kill_all()
            served.start()
        load.wait_for(500)
    assert load.cuts, "no kill met a request in flight"
    check_counts(served, load, workers_lost=8)


def test_wrk_loses_no_click_to_kills(served: Served) -> None:
    answered = in_flight = 0

    def kill_a_worker() -> None:
        kill(served.workers()[0])

    def kill_the_supervisor() -> None:
        kill(served.supervisor)
        wait_until(lambda: not served.processes(), within_s=8, what="all have ended")
        served.start()

    def kill_all() -> None:
        served.kill_all()
        served.start()

    for strike in (kill_a_worker, kill_the_supervisor, kill_all):
        wrk = Wrk(served.url("abc"), connections=32, seconds=3)
        time.sleep(1)  # wrk says nothing before its end
        strike()
        seen = wrk.finish()
        served.wait_until_ready()
        print(strike.__name__, seen)
        assert seen.answers > 1000
        assert seen.failed == seen.timeouts == 0
        answered += seen.answers
        in_flight += wrk.connections * 3  # of both workers when they ended, and when wrk did
    clicks = served.counted("abc", at_least=answered)
    assert answered <= clicks <= answered + in_flight
    assert served.stop() == 0

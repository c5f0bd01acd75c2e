"""SIGTERM and Ctrl-C under load: what is in flight is answered, what was answered is counted, the exit code is 0."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable

import pytest
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.processes import is_alive, wait_until
from tests.faults.served import STOP_S, TARGET, Served, segments, stored_clicks
from tests.faults.wrk import Wrk

pytestmark = pytest.mark.faults


def terminate(served: Served) -> None:
    """Do what container platforms and systemd do."""
    os.kill(served.supervisor, signal.SIGTERM)


def press_ctrl_c(served: Served) -> None:
    """Do what a terminal does: SIGINT to the whole foreground process group."""
    os.killpg(served.supervisor, signal.SIGINT)


@pytest.mark.parametrize("end", [terminate, press_ctrl_c])
def test_no_request_in_flight_is_broken_by_a_stop(served: Served, end: Callable[[Served], None]) -> None:
    workers = served.workers()
    with Load(served.port, ["/abc"], connections=32) as load:
        load.wait_for(2000)
        signalled_at = time.monotonic()
        end(served)
        code = served.wait_for_end(within_s=STOP_S)
        ended_after_s = time.monotonic() - signalled_at
    print(f"ended after {ended_after_s:.2f} s, {len(load.cuts)} requests came too late")
    assert code == 0, served.tail()
    assert not any(map(is_alive, workers))
    assert not load.others
    assert [cut for cut in load.cuts if cut.torn or cut.sent_at < signalled_at] == []
    assert stored_clicks(served.data_dir, "abc") == load.answered
    assert segments(served.data_dir) == []


def test_a_request_whose_body_is_still_on_its_way_is_answered(served: Served) -> None:
    body = json.dumps({"target": TARGET, "slug": "late"}).encode()
    head = (
        f"POST /api/v1/links HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {served.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as late:
        late.sendall(head + body[:10])
        wait_until(lambda: served.api.get("/health/live").status_code == 200, within_s=5, what="it answers others")
        terminate(served)
        wait_until(lambda: "Stopping worker" in served.tail(), within_s=5, what="the workers are asked to end")
        late.sendall(body[10:])
        answer = late.recv(65536)
    assert answer.startswith(b"HTTP/1.1 201 "), answer
    assert served.wait_for_end(within_s=STOP_S) == 0
    assert stored_clicks(served.data_dir, "late") == 0


def test_a_stop_does_not_wait_for_idle_connections(served: Served) -> None:
    idle = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(20)]
    try:
        for connection in idle[10:]:
            connection.sendall(b"GET /abc HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 302 ")
        terminate(served)
        assert served.wait_for_end(within_s=8) == 0
    finally:
        for connection in idle:
            connection.close()
    assert stored_clicks(served.data_dir, "abc") == 10


def test_wrk_sees_no_broken_answer_at_a_stop(served: Served) -> None:
    wrk = Wrk(served.url("abc"), connections=32, seconds=3)
    time.sleep(1)
    assert served.stop() == 0
    seen = wrk.finish()
    assert seen.answers > 1000
    assert seen.failed == 0
    assert stored_clicks(served.data_dir, "abc") == seen.answers


def test_a_hangup_changes_nothing_and_loses_no_request(served: Served) -> None:
    before = served.processes()
    with Load(served.port, ["/abc"], connections=32) as load:
        for _ in range(3):
            load.wait_for(load.answered + 300)
            os.kill(served.supervisor, signal.SIGHUP)
        wait_until(lambda: "SIGHUP changes nothing" in served.tail(), within_s=10, what="it is told")
        load.wait_for(load.answered + 300)
    assert (load.cuts, load.refused, dict(load.others)) == ([], 0, {})
    assert served.processes() == before
    assert served.counted("abc", at_least=load.answered) == load.answered
    assert served.stop() == 0


def test_a_stop_right_after_the_start_is_orderly(make_served: MakeServed) -> None:
    for wait_s in (0.05, 0.3, 0.6, 1.0):
        served = make_served(workers=2)
        served.launch()
        time.sleep(wait_s)
        terminate(served)
        assert served.wait_for_end(within_s=8) in (0, -signal.SIGTERM), served.tail()

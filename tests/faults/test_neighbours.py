"""Two services on the same data: both serve, one drains, and the other takes over."""

from __future__ import annotations

import os

import pytest
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.processes import kill, wait_until
from tests.faults.served import Served, segments, stored_clicks

pytestmark = pytest.mark.faults


def holds_the_drain(served: Served) -> bool:
    """Say whether this service's supervisor has the drain's lock."""
    lock = os.stat(served.data_dir / "journal" / "drain.lock")
    with open("/proc/locks") as locks:
        holders = [line.split() for line in locks if f":{lock.st_ino} " in line]
    return any(fields[1] == "FLOCK" and int(fields[4]) == served.supervisor for fields in holders)


def test_two_services_on_the_same_data_count_exactly_and_take_over(make_served: MakeServed) -> None:
    first = make_served()
    first.start()
    first.make_link("abc")
    second = make_served(data_dir=first.data_dir)
    second.workers_wanted = 2  # of the node
    second.start()
    second.make_link("def")
    wait_until(lambda: holds_the_drain(first), within_s=5, what="the first one drains")
    assert not holds_the_drain(second)
    assert second.api.get("/abc").status_code == first.api.get("/def").status_code == 302

    with Load(first.port, ["/abc"], connections=8) as here, Load(second.port, ["/abc"], connections=8) as there:
        here.wait_for(1000)
        there.wait_for(1000)
        assert not holds_the_drain(second)
        for pid in first.processes():
            kill(pid)
        wait_until(lambda: holds_the_drain(second), within_s=5, what="the second one takes over")
        there.wait_for(1000)
        here.stopping = True
    answered = here.answered + there.answered + 1
    assert there.cuts == []
    clicks = second.counted("abc", at_least=answered)
    assert answered <= clicks <= answered + len(here.cuts)

    first.workers_wanted = 2
    first.start()
    assert not holds_the_drain(first)
    with Load(first.port, ["/abc"], connections=4) as load:
        load.wait_for(1000)
        assert second.stop() == 0
        wait_until(lambda: holds_the_drain(first), within_s=5, what="the first one takes over again")
    assert load.cuts == []
    assert first.stop() == 0
    assert stored_clicks(first.data_dir, "abc") == clicks + load.answered
    assert segments(first.data_dir) == []

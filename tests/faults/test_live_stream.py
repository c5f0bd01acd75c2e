"""The live stream of a real server: clicks arrive while it is open, and nothing that ends waits for it."""

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import pytest
from tests.faults.processes import is_alive, kill, wait_until
from tests.faults.served import Served

pytestmark = pytest.mark.faults

Opened = tuple[AbstractContextManager[httpx2.Response, bool | None], Iterator[str]]
"""A stream, and the lines that come."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    service = Served(tmp_path, workers=2)
    try:
        service.start()
        yield service
    finally:
        service.close()


def watch(served: Served) -> list[Opened]:
    """Open streams on all workers, and read what each says first."""
    streams = [served.api.stream("GET", "/api/v1/live") for _ in range(4)]
    opened: list[Opened] = [(stream, stream.__enter__().iter_lines()) for stream in streams]
    for _, lines in opened:
        assert any(line == "event: hour" for line in lines)
        assert '"moments":[]' in next(lines)
    return opened


def leave(opened: list[Opened]) -> None:
    """Close the clients' side."""
    for stream, _ in opened:
        stream.__exit__(None, None, None)


def test_a_click_is_seen_by_all_who_watch_and_a_stop_does_not_wait_for_them(served: Served) -> None:
    served.make_link("abc")
    opened = watch(served)
    httpx2.get(served.url("abc"), follow_redirects=False, headers={"User-Agent": "Mozilla/5.0 Firefox/150.0"})
    for _, lines in opened:
        assert any(line == "event: news" for line in lines)
        assert ",1,0]]" in next(lines)
    began = time.monotonic()
    assert served.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 10
    for _, lines in opened:
        assert list(lines)[-1:] in ([], [""])  # an end, no break
    leave(opened)


def test_workers_whose_supervisor_is_gone_do_not_wait_for_who_watches(served: Served) -> None:
    opened = watch(served)
    workers = served.workers()
    kill(served.supervisor)
    wait_until(lambda: not any(map(is_alive, workers)), within_s=8, what="the workers have ended by themselves")
    leave(opened)

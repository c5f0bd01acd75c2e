"""The live stream of a real server: clicks arrive while it is open, and a stop waits for it as for any request."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.faults.served import Served

from shortly.serve import FINISH_S

pytestmark = pytest.mark.faults


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    service = Served(tmp_path, workers=2)
    try:
        service.start()
        yield service
    finally:
        service.close()


def test_a_click_is_seen_by_all_who_watch_and_the_stop_waits_no_longer_than_for_others(served: Served) -> None:
    served.make_link("abc")
    streams = [served.api.stream("GET", "/api/v1/live") for _ in range(4)]
    answers = [stream.__enter__() for stream in streams]
    lines = [answer.iter_lines() for answer in answers]
    for each in lines:
        assert any(line == "event: hour" for line in each)
        assert '"moments":[]' in next(each)
    httpx2.get(served.url("abc"), follow_redirects=False, headers={"User-Agent": "Mozilla/5.0 Firefox/150.0"})
    for each in lines:
        assert any(line == "event: news" for line in each)
        assert ",1,0]]" in next(each)
    began = time.monotonic()
    assert served.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < FINISH_S + 10  # streams are requests in flight, and get as long as any
    for stream in streams:
        stream.__exit__(None, None, None)

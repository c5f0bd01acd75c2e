"""The same service under uvicorn, where each worker brings a drain along."""

from __future__ import annotations

import sys

import pytest
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.processes import kill
from tests.faults.served import Served, segments, stored_clicks

pytestmark = pytest.mark.faults

UVICORN = (
    *(sys.executable, "-m", "uvicorn", "--factory", "shortly.app:create_app"),
    *("--port", "{port}", "--workers", "2", "--no-access-log"),
)


@pytest.fixture
def uvicorn(make_served: MakeServed) -> Served:
    """Start it with two workers and the link ``abc``."""
    served = make_served(workers=2, command=UVICORN)
    served.start()
    served.make_link("abc")
    return served


def test_uvicorn_counts_exactly_and_stops_orderly(uvicorn: Served) -> None:
    with Load(uvicorn.port, ["/abc"]) as load:
        load.wait_for(1500)
    assert (load.cuts, load.refused, dict(load.others)) == ([], 0, {})
    assert uvicorn.counted("abc", at_least=load.answered) == load.answered
    with Load(uvicorn.port, ["/abc"]) as late:
        late.wait_for(500)
        assert uvicorn.stop() == 0
    assert not late.others
    assert not any(cut.torn for cut in late.cuts)
    assert stored_clicks(uvicorn.data_dir, "abc") == load.answered + late.answered
    assert segments(uvicorn.data_dir) == []


def test_uvicorn_loses_no_click_to_kills(uvicorn: Served) -> None:
    with Load(uvicorn.port, ["/abc"]) as load:
        load.wait_for(500)
        kill(uvicorn.workers()[0])
        load.wait_for(500)
        uvicorn.kill_all()
        uvicorn.start()
        load.wait_for(500)
    assert not load.others
    clicks = uvicorn.counted("abc", at_least=load.answered)
    assert load.answered <= clicks <= load.answered + len(load.cuts)

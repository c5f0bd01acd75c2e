"""Many connections at once: nobody is refused, nobody waits too long."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import asdict

from bench.bare import TARGET
from bench.links import SINCE, fill
from bench.samples import ms, number
from bench.servers import Shortly
from bench.stage import LOAD_CORE, SERVER_CORE, Run
from bench.table import Row
from shortly.links.link import Link

CONNECTIONS = 1_000


def measure(run: Run) -> Iterator[Row]:
    """Load one worker with a thousand connections."""
    data = run.new_folder("connections")
    fill(data, [Link(slug="bench", target=TARGET, created_at=SINCE, updated_at=SINCE)])
    with Shortly(data, core=SERVER_CORE, drain_core=run.drain_core) as server:
        got = server.load("/bench", core=LOAD_CORE, connections=CONNECTIONS, seconds=run.size(15, 2))
        server.wait_until_drained()
        lost = server.answered - server.clicks_in_store()
    yield Row(
        stage="connections",
        what=f"{CONNECTIONS:,} connections: errors and timeouts",
        measured=f"{got.bad_status + got.broken} and {got.timeouts}; {number(got.rate)}/s, p99 {ms(got.p99_s)}, "
        f"max {ms(got.max_s)}, {max(0, lost)} clicks lost",
        target="none",
        met=not got.errors and lost <= 0,
        data=asdict(got),
    )

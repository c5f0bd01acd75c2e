"""A million links in Redis: how long they take to import, how much memory they need, how soon lists answer."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from msgspec.structs import asdict

from bench.api import new_key
from bench.links import slug_of
from bench.redis_links import load
from bench.redis_server import RedisServer
from bench.samples import ms, number, percentile
from bench.servers import Shortly
from bench.stage import LOAD_CORE, SERVER_CORE, Run
from bench.stages.lists import PAGES, ask
from bench.table import Row
from shortly.cli.bulk import AT_ONCE
from shortly.links.pieces import PIECES

LOAD_S = 180
"""For a million."""
PAGE_S = 0.030


def measure(run: Run) -> Iterator[Row]:
    """Tell how the links were loaded, by this run or the one that made the cached ones, and ask for pages of them."""
    if run.profile:
        few = run.size(50_000, 5_000)
        load(run.new_folder("profiled"), few, server_core=LOAD_CORE, core=SERVER_CORE, profile=True)
    loaded = run.links_in_redis.loaded
    count = loaded.links
    allowed_s = LOAD_S * count / 1_000_000
    when = "" if run.links_in_redis.fresh else f", by an earlier run at a load average of {loaded.load_average:.2f}"
    yield Row(
        stage="redis_links",
        what=f"import of {count:,} links through LinkService, {PIECES} pieces of {AT_ONCE:,} at once as "
        "`shortly import` has them, one process and one server",
        measured=f"{loaded.seconds:.1f} s; {loaded.processor_s:.1f} s and {loaded.server_s:.1f} s of their processors"
        f"{when}",
        target=f"under {allowed_s:g} s",
        met=loaded.seconds < allowed_s,
        data=asdict(loaded),
    )
    yield Row(
        stage="redis_links",
        what="memory of a link with its index",
        measured=f"{number(loaded.memory / count)} bytes",
    )
    with RedisServer(run.large_redis, core=LOAD_CORE) as redis:
        data = run.new_folder("redis-lists")
        key = new_key(data, store_url=redis.url)
        with Shortly(data, core=SERVER_CORE, path=f"/{slug_of(0)}", settings={"STORE_URL": redis.url}) as server:
            took_s = ask(server.port, key, pages=run.size(PAGES, 3))
    for what, of in took_s.items():
        slow_s = percentile(of, 95)
        yield Row(
            stage="redis_links",
            what=f"page of 50 of {count:,} links: {what}",
            measured=f"median {ms(median(of))}, p95 {ms(slow_s)}",
            target=f"p95 under {ms(PAGE_S)}",
            met=slow_s < PAGE_S,
            data={"took_s": of},
        )

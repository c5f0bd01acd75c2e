"""What a redirect costs that has to ask Redis, beside redis-benchmark asking the same server for one key."""

from __future__ import annotations

import random
from collections.abc import Iterator
from statistics import median

from msgspec.structs import asdict

from bench.links import slug_of, write_paths
from bench.redis_server import RedisServer
from bench.samples import ms, number, ratio
from bench.servers import Shortly, clicks_in_store
from bench.stage import LOAD_CORE, SERVER_CORE, Run, say
from bench.stages.redirect import CONNECTIONS, counted
from bench.table import Row
from bench.wrk import Load
from shortly.settings import load_settings
from shortly.store.redis import keys

DRAWS = 1_000_000
GETS = 300_000
TARGET = 8_000
OF_GETS = 0.1


def measure(run: Run) -> Iterator[Row]:
    """Let a worker that remembers nothing and redis-benchmark take turns: both on one core, the server on another."""
    count = run.links_in_redis.loaded.links
    chance = random.Random(3)
    paths = write_paths(run.folder / "uniform-paths", chance.choices(range(count), k=run.size(DRAWS, 50_000)))
    path = f"/{slug_of(0)}"
    loads: list[Load] = []
    gets: list[float] = []
    with RedisServer(run.large_redis, core=run.drain_core) as redis:
        settings = {"STORE_URL": redis.url, "CACHE_LINKS": "0"}
        data = run.new_folder("misses")
        before = clicks_in_store(load_settings({"data_dir": data, **settings}))  # other stages have asked, too
        with Shortly(data, core=SERVER_CORE, drain_core=run.drain_core, path=path, settings=settings) as server:
            for nth in range(-1, run.rounds):  # the first round is to warm up
                got = server.load(path, core=LOAD_CORE, seconds=run.round_s, paths=paths)
                server.wait_until_drained()
                rate = redis.benchmark(
                    keys.redirection("", slug_of(0)),
                    requests=run.size(GETS, 30_000),
                    connections=CONNECTIONS,
                    core=SERVER_CORE,
                )
                if nth >= 0:
                    loads.append(got)
                    gets.append(rate)
                    say(f"redis_misses, round {nth + 1} of {run.rounds}: {number(got.rate)}/s, {number(rate)} GET/s")
            yield from rows(loads, gets, count)
            yield counted(server, stage="redis_misses", before=before)


def rows(loads: list[Load], gets: list[float], count: int) -> Iterator[Row]:
    """Yield what the rounds say."""
    rates = [one.rate for one in loads]
    errors = sum(one.errors for one in loads)
    yield Row(
        stage="redis_misses",
        what=f"redirect that asks Redis (CACHE_LINKS=0), {CONNECTIONS} connections, evenly over {count:,} links",
        measured=f"{number(median(rates))}/s, p99 {ms(median(one.p99_s for one in loads))}, {errors} errors",
        target=f"at least {number(TARGET)}/s, no errors",
        met=median(rates) >= TARGET and not errors,
        data={"loads": [asdict(one) for one in loads]},
    )
    of_gets = ratio(rates, gets)
    yield Row(
        stage="redis_misses",
        what=f"the same by redis-benchmark's GET of one key, {CONNECTIONS} connections, on the same core",
        measured=f"{of_gets}: {number(median(rates))}/s of {number(median(gets))}/s",
        target=f"at least {OF_GETS}",
        met=of_gets.middle >= OF_GETS,
        data={"gets": gets},
    )

"""What a remembered link costs with Redis as the store, beside SQLite in the same rounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from msgspec.structs import asdict

from bench.bare import TARGET
from bench.links import SINCE, fill
from bench.redis_server import RedisServer
from bench.samples import ms, number, ratio
from bench.servers import Shortly
from bench.stage import LOAD_CORE, SERVER_CORE, Run, say
from bench.stages.redirect import CONNECTIONS, WRK_IS_THE_LIMIT, counted
from bench.table import Row
from bench.wrk import BROWSER, Load
from shortly.links.link import Link

OF_SQLITE = 0.9


def measure(run: Run) -> Iterator[Row]:
    """Let both take turns with the one link that they know."""
    links = [Link(slug="bench", target=TARGET, created_at=SINCE, updated_at=SINCE)]
    folders = {"sqlite": run.new_folder("sqlite"), "redis": run.new_folder("redis")}
    loads: dict[str, list[Load]] = {name: [] for name in folders}
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(run.new_folder("redis-server"), core=run.drain_core))
        settings = {"sqlite": {}, "redis": {"STORE_URL": redis.url}}
        servers = {}
        for name, folder in folders.items():
            fill(folder, links, store_url=settings[name].get("STORE_URL"))
            servers[name] = stack.enter_context(
                Shortly(folder, core=SERVER_CORE, drain_core=run.drain_core, settings=settings[name])
            )
        for nth in range(-1, run.rounds):  # the first round fills memories
            for name, server in servers.items():
                got = server.load("/bench", core=LOAD_CORE, seconds=run.round_s, headers=BROWSER)
                for each in servers.values():
                    each.wait_until_drained()
                if nth >= 0:
                    loads[name].append(got)
            if nth >= 0:
                rates = ", ".join(f"{name} {number(of[-1].rate)}/s" for name, of in loads.items())
                say(f"redis_redirect, round {nth + 1} of {run.rounds}: {rates}")
        yield compared(loads)
        yield counted(servers["redis"], stage="redis_redirect")


def compared(loads: dict[str, list[Load]]) -> Row:
    """Return the row about the rounds."""
    rates = {name: [one.rate for one in of] for name, of in loads.items()}
    p99 = {name: median(one.p99_s for one in of) for name, of in loads.items()}
    limited = [name for name, of in loads.items() if median(one.busy for one in of) > WRK_IS_THE_LIMIT]
    note = f" (wrk was the limit of {' and '.join(limited)})" if limited else ""
    of_sqlite = ratio(rates["redis"], rates["sqlite"])
    errors = sum(one.errors for of in loads.values() for one in of)
    return Row(
        stage="redis_redirect",
        what=f"redirect of a remembered link, {CONNECTIONS} connections, a browser's headers: of SQLite",
        measured=f"{of_sqlite}: {number(median(rates['redis']))}/s of {number(median(rates['sqlite']))}/s{note}, "
        f"p99 {ms(p99['redis'])} by {ms(p99['sqlite'])}, {errors} errors",
        target=f"at least {OF_SQLITE}, no errors",
        met=of_sqlite.middle >= OF_SQLITE and not errors,
        data={name: [asdict(one) for one in of] for name, of in loads.items()},
    )

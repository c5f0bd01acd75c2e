"""What a redirect costs, beside the bare application on the same server and nginx; and whether each was counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, nullcontext
from statistics import median

from msgspec.structs import asdict

from bench.attribution import print_attribution
from bench.bare import TARGET
from bench.links import SINCE, fill
from bench.samples import ms, number, ratio
from bench.servers import Bare, Nginx, Server, Shortly
from bench.stage import LOAD_CORE, SERVER_CORE, Run, say
from bench.table import Row
from bench.wrk import BROWSER, Load
from shortly.links.link import Link

CONNECTIONS = 64
WRK_IS_THE_LIMIT = 0.95
"""Share of its core that wrk uses when it cannot ask any faster."""
OF_BARE, OF_NGINX, P99_OF_BARE = 0.8, 0.2, 4.0
UNDRAINED = "ours, undrained"
"""The same server while its supervisor, whose thread the drain is, has been stopped."""


def measure(run: Run) -> Iterator[Row]:
    """Let the three take turns, first with wrk's short request and then with a browser's."""
    if run.profile:
        print_attribution(run)
    data = run.new_folder("redirect")
    fill(data, [Link(slug="bench", target=TARGET, created_at=SINCE, updated_at=SINCE)])
    with ExitStack() as stack:
        ours = stack.enter_context(Shortly(data, core=SERVER_CORE, drain_core=run.drain_core))
        bare = stack.enter_context(Bare(run.new_folder("bare"), core=SERVER_CORE))
        nginx = stack.enter_context(Nginx(run.new_folder("nginx"), core=SERVER_CORE))
        servers: dict[str, Server] = {"bare": bare, "ours": ours, UNDRAINED: ours, "nginx": nginx}
        for server in servers.values():
            server.load("/bench", core=LOAD_CORE, seconds=min(2, run.round_s))
        for kind, headers in (("wrk's own", {}), ("a browser's", BROWSER)):
            yield from compare(run, servers, ours, kind, headers)
        yield counted(ours)


def compare(
    run: Run, servers: Mapping[str, Server], ours: Shortly, kind: str, headers: Mapping[str, str]
) -> Iterator[Row]:
    """Measure all servers with the same headers in turns."""
    loads: dict[str, list[Load]] = {name: [] for name in servers}
    for nth in range(run.rounds):
        for name, server in servers.items():
            ours.wait_until_drained()  # what the drain has left to do must not slow anybody else down
            with ours.process.paused() if name == UNDRAINED else nullcontext():
                loads[name].append(server.load("/bench", core=LOAD_CORE, seconds=run.round_s, headers=headers))
        got = ", ".join(f"{name} {number(of[-1].rate)}/s" for name, of in loads.items())
        say(f"redirect, {kind} headers, round {nth + 1} of {run.rounds}: {got}")
    data = {name: [asdict(one) for one in of] for name, of in loads.items()}
    rates = {name: [one.rate for one in of] for name, of in loads.items()}
    slowest = {name: [one.p99_s for one in of] for name, of in loads.items()}
    middle = {name: number(median(of)) for name, of in rates.items()}
    of_bare, of_nginx = ratio(rates["ours"], rates["bare"]), ratio(rates["ours"], rates["nginx"])
    p99 = ratio(slowest["ours"], slowest["bare"])
    busy = {name: median(one.busy for one in of) for name, of in loads.items()}
    limited = [name for name, share in busy.items() if share > WRK_IS_THE_LIMIT]
    note = f" (wrk was the limit of {' and '.join(limited)})" if limited else ""
    title = f"redirect, {CONNECTIONS} connections, {kind} headers"
    yield Row(
        stage="redirect",
        what=f"{title}: of bare ASGI",
        measured=f"{of_bare}: {middle['ours']}/s of {middle['bare']}/s{note}",
        target=f"at least {OF_BARE}",
        met=of_bare.middle >= OF_BARE,
        data=data,
    )
    undrained = ratio(rates[UNDRAINED], rates["bare"])
    yield Row(
        stage="redirect",
        what="the same while the drain waits, as if it had no neighbour",
        measured=f"{undrained}: {middle[UNDRAINED]}/s of {middle['bare']}/s",
    )
    yield Row(
        stage="redirect",
        what=f"{title}: of nginx",
        measured=f"{of_nginx}: {middle['ours']}/s of {middle['nginx']}/s{note}",
        target=f"at least {OF_NGINX}",
        met=of_nginx.middle >= OF_NGINX,
    )
    yield Row(
        stage="redirect",
        what=f"{title}: p99 by bare ASGI's",
        measured=f"{p99}: {ms(median(slowest['ours']))} by {ms(median(slowest['bare']))}",
        target=f"under {P99_OF_BARE:.0f}",
        met=p99.middle < P99_OF_BARE,
    )


def counted(ours: Shortly, *, stage: str = "redirect", before: int = 0) -> Row:
    """Compare what clients received with what the statistics say, after everything was folded.

    ``before``: clicks that the store had when the server was started.
    """
    lag_s = ours.wait_until_drained()
    counters = ours.counters()
    stored = ours.clicks_in_store() - before
    surplus = stored - ours.answered
    exact = stored == counters["answered"] == counters["written"] and 0 <= surplus <= ours.may_miss
    return Row(
        stage=stage,
        what="clicks counted of those answered meanwhile",
        measured=f"{number(stored)} of {number(ours.answered)}, {counters['dropped']} dropped",
        target=f"none lost, at most {ours.may_miss} more (under way when wrk stopped)",
        met=exact and not counters["dropped"],
        data={"stored": stored, "received": ours.answered, "last_lag_s": lag_s, **counters},
    )

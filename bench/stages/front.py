"""What is left of a redirect's rate behind nginx, beside the bare application behind the same nginx."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from msgspec.structs import asdict

from bench.bare import TARGET
from bench.front import Front
from bench.links import SINCE, fill
from bench.samples import ms, number, ratio
from bench.servers import Bare, Shortly
from bench.stage import LOAD_CORE, SERVER_CORE, Run, say
from bench.table import Row
from bench.wrk import BROWSER, Load
from shortly.links.link import Link

OF_BARE = 0.6
SETTINGS = {"TRUSTED_PROXIES": "127.0.0.1/32"}


def measure(run: Run) -> Iterator[Row]:
    """Let both take turns, nginx and what is behind it on one core."""
    data = run.new_folder("front")
    fill(data, [Link(slug="bench", target=TARGET, created_at=SINCE, updated_at=SINCE)])
    loads: dict[str, list[Load]] = {"ours": [], "bare": []}
    with ExitStack() as stack:
        ours = stack.enter_context(Shortly(data, core=SERVER_CORE, drain_core=run.drain_core, settings=SETTINGS))
        bare = stack.enter_context(Bare(run.new_folder("bare"), core=SERVER_CORE))
        fronts = {
            name: stack.enter_context(Front(run.new_folder(f"nginx-{name}"), server, core=SERVER_CORE, path="/bench"))
            for name, server in (("ours", ours), ("bare", bare))
        }
        for front in fronts.values():
            front.load("/bench", core=LOAD_CORE, seconds=min(2, run.round_s))
        for nth in range(run.rounds):
            for name, front in fronts.items():
                ours.wait_until_drained()
                loads[name].append(front.load("/bench", core=LOAD_CORE, seconds=run.round_s, headers=BROWSER))
            got = ", ".join(f"{name} {number(of[-1].rate)}/s" for name, of in loads.items())
            say(f"behind nginx, round {nth + 1} of {run.rounds}: {got}")
    rates = {name: [one.rate for one in of] for name, of in loads.items()}
    compared = ratio(rates["ours"], rates["bare"])
    errors = sum(one.errors for of in loads.values() for one in of)
    p99 = ms(median(one.p99_s for one in loads["ours"]))
    yield Row(
        stage="front",
        what="redirect behind nginx on one core, a browser's headers: of bare ASGI behind the same nginx",
        measured=f"{compared}: {number(median(rates['ours']))}/s of {number(median(rates['bare']))}/s, "
        f"p99 {p99}, {errors} errors",
        target=f"at least {OF_BARE}",
        met=compared.middle >= OF_BARE and not errors,
        data={name: [asdict(one) for one in of] for name, of in loads.items()},
    )

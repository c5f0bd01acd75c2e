"""Whether redirects get slower when there are many links, of which some are asked for far more often than others.

Measured twice: as it is, and while the drain waits, which on two cores would take of wrk's what it needs for so many
links.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from statistics import median

from msgspec.structs import asdict

from bench.links import fill, new_links, popular, slug_of, write_paths
from bench.process import memory_of
from bench.samples import mb, number, ratio
from bench.servers import Shortly
from bench.stage import LOAD_CORE, SERVER_CORE, Run, say
from bench.table import Row
from bench.wrk import Load

FEW = 1_000
DRAWS = 2_000_000
"""More than wrk gets through, so that it does not ask for the same again, which would all be remembered."""
WARM_UP_S = 10
TARGET = 0.8


def measure(run: Run) -> Iterator[Row]:
    """Let a server with few links and one with many take turns."""
    many = run.many_links.count
    draws = run.size(DRAWS, 100_000)
    few_folder = run.new_folder("few")
    fill(few_folder, new_links(FEW))
    paths = {count: write_paths(run.folder / f"paths-{count}", popular(count, draws)) for count in (FEW, many)}
    folders = {FEW: few_folder, many: run.large_folder}
    drained: dict[int, list[Load]] = {FEW: [], many: []}
    undrained: dict[int, list[Load]] = {FEW: [], many: []}
    path = f"/{slug_of(0)}"
    with (
        Shortly(folders[FEW], core=SERVER_CORE, drain_core=run.drain_core, path=path) as small,
        Shortly(folders[many], core=SERVER_CORE, drain_core=run.drain_core, path=path) as large,
    ):
        servers = {FEW: small, many: large}
        for count, server in servers.items():  # fill memories
            server.load(path, core=LOAD_CORE, seconds=run.size(WARM_UP_S, 1), paths=paths[count])
            server.wait_until_drained()
        for _ in range(run.rounds):
            for loads, drain in ((undrained, False), (drained, True)):
                for count, server in servers.items():
                    with nullcontext() if drain else server.process.paused():
                        got = server.load(path, core=LOAD_CORE, seconds=run.round_s, paths=paths[count])
                    loads[count].append(got)
                    server.wait_until_drained()
            say(f"{in_turn(undrained)}; with the drain {in_turn(drained)}")
        memory = memory_of(large.process.worker())
        lost = large.answered - large.clicks_in_store()
    title = f"redirect with {many:,} links (Zipf) by {FEW:,} links"
    yield row(f"{title}, while the drain waits", undrained, lost, target=TARGET)
    yield row(f"{title}, with the drain beside wrk", drained, lost)
    yield Row(
        stage="link_count",
        what="memory of the worker after that (RSS, PSS)",
        measured=f"{mb(memory.rss)}, {mb(memory.pss)}",
        data=asdict(memory),
    )


def in_turn(loads: Mapping[int, Sequence[Load]]) -> str:
    """Return what the last round was."""
    return ", ".join(f"{count:,} links {number(of[-1].rate)}/s" for count, of in loads.items())


def row(what: str, loads: Mapping[int, Sequence[Load]], lost: int, target: float | None = None) -> Row:
    """Return the rounds as a line of the table."""
    few, many = ([one.rate for one in of] for of in loads.values())
    compared = ratio(many, few)
    errors = sum(one.errors for of in loads.values() for one in of)
    good = not errors and lost <= 0
    return Row(
        stage="link_count",
        what=what,
        measured=f"{compared}: {number(median(many))}/s by {number(median(few))}/s, {errors} errors, "
        f"{max(0, lost)} clicks lost",
        target="" if target is None else f"at least {target}",
        met=None if target is None else compared.middle >= target and good,
        data={str(count): [asdict(one) for one in of] for count, of in loads.items()},
    )

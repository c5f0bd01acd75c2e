"""Whether redirects get slower when there are many links, of which some are asked for far more often than others."""

from __future__ import annotations

from collections.abc import Iterator
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
    loads: dict[int, list[Load]] = {FEW: [], many: []}
    path = f"/{slug_of(0)}"
    with (
        Shortly(folders[FEW], core=SERVER_CORE, drain_core=run.drain_core, path=path) as small,
        Shortly(folders[many], core=SERVER_CORE, drain_core=run.drain_core, path=path) as large,
    ):
        servers = {FEW: small, many: large}
        for nth in range(-1, run.rounds):  # the first round fills memories
            for count, server in servers.items():
                seconds = run.round_s if nth >= 0 else run.size(WARM_UP_S, 1)
                got = server.load(path, core=LOAD_CORE, seconds=seconds, paths=paths[count])
                server.wait_until_drained()
                if nth >= 0:
                    loads[count].append(got)
            if nth >= 0:
                say(", ".join(f"{count:,} links: {number(of[-1].rate)}/s" for count, of in loads.items()))
        memory = memory_of(large.process.worker())
        lost = large.answered - large.clicks_in_store()
    rates = {count: [one.rate for one in of] for count, of in loads.items()}
    compared = ratio(rates[many], rates[FEW])
    errors = sum(one.errors for of in loads.values() for one in of)
    yield Row(
        stage="link_count",
        what=f"redirect with {many:,} links (Zipf) by {FEW:,} links",
        measured=f"{compared}: {number(median(rates[many]))}/s by {number(median(rates[FEW]))}/s, {errors} errors, "
        f"{max(0, lost)} clicks lost",
        target=f"at least {TARGET}",
        met=compared.middle >= TARGET and not errors and lost <= 0,
        data={str(count): [asdict(one) for one in of] for count, of in loads.items()},
    )
    yield Row(
        stage="link_count",
        what="memory of the worker after that (RSS, PSS)",
        measured=f"{mb(memory.rss)}, {mb(memory.pss)}",
        data=asdict(memory),
    )

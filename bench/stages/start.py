"""How soon a started server redirects, and how much memory a worker that does nothing has."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from statistics import median

from msgspec.structs import asdict

from bench.links import slug_of
from bench.process import memory_of
from bench.samples import mb
from bench.servers import Shortly
from bench.stage import SERVER_CORE, Run
from bench.table import Row

STARTS = 5
IDLE_S = 3
START_S, MEMORY_BYTES = 2.0, 120_000_000


def measure(run: Run) -> Iterator[Row]:
    """Start a server with many links again and again, its database out of the kernel's memory each time."""
    folder = run.large_folder
    path = f"/{slug_of(run.many_links.count // 2)}"
    took_s: list[float] = []
    for nth in range(run.size(STARTS, 2)):
        forget_pages(folder)
        started = time.perf_counter()
        with Shortly(folder, core=SERVER_CORE, path=path) as server:
            took_s.append(time.perf_counter() - started)
            if nth == 0:
                time.sleep(IDLE_S)
                worker, supervisor = memory_of(server.process.worker()), memory_of(server.process.pid)
    yield Row(
        stage="start",
        what=f"first redirect after the start, {run.many_links.count:,} links: slowest of {len(took_s)}",
        measured=f"{max(took_s):.2f} s (median {median(took_s):.2f} s)",
        target=f"within {START_S:.0f} s",
        met=max(took_s) <= START_S,
        data={"took_s": took_s},
    )
    yield Row(
        stage="start",
        what="idle memory of one worker (RSS, PSS)",
        measured=f"{mb(worker.rss)}, {mb(worker.pss)}",
        target=f"under {mb(MEMORY_BYTES)}",
        met=worker.rss < MEMORY_BYTES,
        data=asdict(worker),
    )
    yield Row(
        stage="start",
        what="idle memory of the supervisor with the drain (RSS, PSS)",
        measured=f"{mb(supervisor.rss)}, {mb(supervisor.pss)}",
        data=asdict(supervisor),
    )


def forget_pages(folder: os.PathLike[str]) -> None:
    """Ask the kernel to forget what it remembers of a folder's files; nobody has them open."""
    for entry in os.scandir(folder):
        if entry.is_file():
            file = os.open(entry.path, os.O_RDONLY)
            try:
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)

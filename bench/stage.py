"""What every stage is handed, and the form that all of them have."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from bench.links import LinkDatabase
from bench.redis_links import RedisLinks
from bench.table import Row

SERVER_CORE, LOAD_CORE = 0, 1


class Run:
    """One run of the benchmark.

    Args:
        folder: For the files of this run; empty, removed afterwards.
        cache: For what the next run can use again.
        quick: Everything small and short, to see that it works.
        profile: Show where the time goes instead of only how much it is.
    """

    def __init__(self, folder: Path, cache: Path, *, quick: bool, profile: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.profile = profile
        self._cache = cache
        self._folders = 0

    @property
    def drain_core(self) -> int:
        """Where the drain runs: a core of its own if there is a third one, else beside the load generator."""
        return min(set(os.sched_getaffinity(0)) - {SERVER_CORE, LOAD_CORE}, default=LOAD_CORE)

    @property
    def rounds(self) -> int:
        """How often what is compared takes turns; often and briefly, since other guests of a machine come and go."""
        return 1 if self.quick else 13

    @property
    def round_s(self) -> float:
        """How long each of them runs in a round."""
        return 1 if self.quick else 2

    def size(self, full: int, quick: int) -> int:
        """Return the size of something: the real one, or a small one in a quick run."""
        return quick if self.quick else full

    def new_folder(self, name: str) -> Path:
        """Return a folder that nobody uses yet."""
        self._folders += 1
        path = self.folder / f"{self._folders:02d}-{name}"
        path.mkdir()
        return path

    @cached_property
    def many_links(self) -> LinkDatabase:
        """A million links, made by the first run and kept for the next one."""
        return LinkDatabase.cached(self._cache, self.size(1_000_000, 20_000), say)

    @cached_property
    def large_folder(self) -> Path:
        """A data folder with a copy of these links, which stages may use one after the other."""
        folder = self.new_folder("large")
        shutil.copyfile(self.many_links.path, folder / self.many_links.path.name)
        os.sync()  # now, and not while something is measured
        return folder

    @cached_property
    def links_in_redis(self) -> RedisLinks:
        """The same links as a server keeps them on the disk."""
        size = self.size(1_000_000, 20_000)
        return RedisLinks.cached(self._cache, size, say, server_core=LOAD_CORE, core=SERVER_CORE)

    @cached_property
    def large_redis(self) -> Path:
        """A folder with a copy of that, for a server; stages may use it one after the other."""
        folder = self.new_folder("large-redis")
        shutil.copytree(self.links_in_redis.folder, folder, dirs_exist_ok=True)
        os.sync()
        return folder


Stage = Callable[[Run], Iterator[Row]]


def say(text: str) -> None:
    """Tell the person who waits what is going on."""
    print(f"bench: {text}", file=sys.stderr, flush=True)

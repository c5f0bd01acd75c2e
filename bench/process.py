"""Processes that are pinned to a core, and that end with the benchmark, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from msgspec import Struct

ROOT = Path(__file__).resolve().parent.parent
STOP_S = 40
"""Time that a server has to finish and drain."""


class Failed(Exception):
    """Something that is measured does not work; the message says what."""


class Memory(Struct, frozen=True):
    """Of one process, in bytes."""

    rss: int
    pss: int
    """Like ``rss``, with shared pages divided by the number of processes that share them."""


class Process:
    """A program on one core, in a process group of its own; it gets SIGTERM when the benchmark dies."""

    def __init__(self, command: Sequence[str | Path], *, core: int, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(core), *command],
                cwd=ROOT,
                env={**{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        self.pid = self._popen.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def check(self) -> None:
        """Raise ``Failed`` with the end of the log when the process has ended."""
        if self._popen.poll() is not None:
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise Failed(f"{self._log.stem} ended with {self._popen.returncode}:\n{tail}")

    def wait(self, seconds: float) -> None:
        """Wait for the end; raise ``Failed`` when it does not come in time or is not a good one."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self._log.stem} did not end within {seconds:.0f} s") from None
        if self._popen.returncode:
            self.check()

    def stop(self) -> None:
        """End the process and wait; one that has ended already is left alone."""
        if self._popen.poll() is not None:
            return
        self._popen.terminate()
        try:
            self._popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep this process, and none of its children, from running."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def worker(self) -> int:
        """Return the process id of the one worker that this supervisor started."""
        for task in Path(f"/proc/{self.pid}/task").iterdir():  # each thread has children of its own
            for child in (task / "children").read_text(encoding="ascii").split():
                if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():  # Python's own
                    return int(child)
        raise Failed(f"{self._log.stem} has no worker")

    def move(self, core: int) -> None:
        """Move this process, and none of its children, to another core."""
        for task in os.listdir(f"/proc/{self.pid}/task"):
            os.sched_setaffinity(int(task), {core})


def memory_of(pid: int) -> Memory:
    """Return how much memory a process has."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, kib, _ = line.split()
        sizes[name] = int(kib) * 1024
    return Memory(sizes["Rss:"], sizes["Pss:"])

"""Processes that a test started, found by a mark in their environment and ended one by one, by their ids."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

MARK = "SHORTLY_FAULT_TEST"
"""Variable that children inherit, whoever their parent is by now."""


def wait_until(
    condition: Callable[[], bool],
    *,
    within_s: float,
    what: str,
    every_s: float = 0.02,
    details: Callable[[], str] = str,
) -> None:
    """Return as soon as the condition holds; ``AssertionError`` with ``what`` and ``details`` when time is over."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}\n{details()}"
        time.sleep(every_s)


def family_of(mark: str) -> list[int]:
    """Return the ids of living processes that carry the mark, oldest first; zombies are dead."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0") and is_alive(int(entry.name)):
                    found.append((_started_at(entry), int(entry.name)))
            except OSError:  # ended, or somebody else's
                continue
    return [pid for _, pid in sorted(found)]


def is_alive(pid: int) -> bool:
    """Say whether the process still runs; one that nobody has reaped yet does not."""
    try:
        return _stat(Path(f"/proc/{pid}"))[0] not in ("Z", "X")
    except OSError:
        return False


def command_of(pid: int) -> str:
    """Return the command line, empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to one process; one that has ended already is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def kill_family(mark: str) -> None:
    """Kill everything that carries the mark, and what it started meanwhile."""
    deadline = time.monotonic() + 10
    while pids := family_of(mark):
        assert time.monotonic() < deadline, f"processes that cannot be killed: {pids}"
        for pid in pids:
            kill(pid)
        time.sleep(0.01)


def _stat(process: Path) -> list[str]:
    """Return the fields of ``stat`` behind the name, the state first."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def _started_at(process: Path) -> int:
    return int(_stat(process)[19])

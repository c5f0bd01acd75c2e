"""What a reader must know before the numbers: the machine, the versions, and what one machine cannot show."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import apsw

import shortly


def caveats(*, quick: bool, drain_core: int) -> list[str]:
    """Return sentences for the top of the table."""
    lines = []
    if quick:
        lines.append("This was a quick run, a check that everything works. Its numbers mean nothing.")
    cores = sorted(os.sched_getaffinity(0))
    lines.append(
        f"{processor()}, {len(cores)} cores, {memory_gib():.0f} GiB, Linux {platform.release()}, "
        f"load average at the start {os.getloadavg()[0]:.2f}."
    )
    lines.append(
        f"Shortly {shortly.__version__}, Python {platform.python_version()}, Granian {version('granian')}, "
        f"uvloop {version('uvloop')}, SQLite {apsw.sqlite_lib_version()}, {redis_version()}, {nginx_version()}, "
        f"{wrk_version()}."
    )
    lines.append(
        "Server and load generator share this one machine and talk over its loopback. Servers run on core 0 alone, "
        "load generators on core 1 alone: trust ratios of one run, and take absolute numbers for this machine's."
    )
    if drain_core == 1:
        lines.append(
            "The drain, which folds clicks while redirects are measured, runs on core 1 beside wrk, at the low "
            "priority that it always has. The bare server and nginx have nothing like it: this counts against Shortly."
        )
    else:
        lines.append(f"The drain, which folds clicks while redirects are measured, runs on core {drain_core}.")
    return lines


def processor() -> str:
    """Return what the processor calls itself."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def memory_gib() -> float:
    """Return the size of the main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def nginx_version() -> str:
    """Return such as ``nginx 1.22.1``."""
    answer = subprocess.run(["nginx", "-v"], check=False, capture_output=True, text=True)
    return (answer.stderr or answer.stdout).strip().rpartition(":")[2].strip().replace("/", " ")


def redis_version() -> str:
    """Return such as ``redis-server 7.0.15``."""
    answer = subprocess.run(["redis-server", "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"v=(\S+)", answer.stdout)
    return f"redis-server {found[1]}" if found else "redis-server"


def wrk_version() -> str:
    """Return such as ``wrk 4.1.0``."""
    answer = subprocess.run(["wrk", "-v"], check=False, capture_output=True, text=True)
    found = re.search(r"wrk \S*?(\d+(?:\.\d+)+)", answer.stdout + answer.stderr)
    return f"wrk {found[1]}" if found else "wrk"

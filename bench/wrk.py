"""wrk, one thread of it, and what it says."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bench.process import Failed

SCRIPT = Path(__file__).with_suffix(".lua")

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9,de;q=0.8",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://news.ycombinator.com/",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "cross-site",
    "Upgrade-Insecure-Requests": "1",
}
"""What a browser sends with a click."""


class Load(Struct, frozen=True):
    """What one run of wrk got."""

    requests: int
    """Answers; those that were under way at the end are not among them."""
    duration_s: float
    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float
    bad_status: int
    """Answers of 400 and above."""
    broken: int
    """Connections that were refused or broke."""
    timeouts: int
    busy: float = 0.0
    """Share of the time that wrk itself was computing; near 1, wrk was the limit and not the server."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.duration_s

    @property
    def errors(self) -> int:
        """Everything that went wrong."""
        return self.bad_status + self.broken + self.timeouts


def load(
    url: str,
    *,
    core: int,
    connections: int = 64,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    paths: Path | None = None,
    skip: int = 0,
) -> Load:
    """Ask for a URL, or for the paths that a file lists behind the first ``skip``, as fast as the server answers."""
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    command += ["-s", str(SCRIPT), url, *(["--", str(paths), str(skip)] if paths else [])]
    began_s = seconds_of_children()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as wrk:
        try:
            output, _ = wrk.communicate()
        except BaseException:
            wrk.kill()
            raise
    last = output.strip().rpartition("\n")[2]
    if wrk.returncode or not last.startswith("{"):
        raise Failed(f"wrk failed: {output.strip()}")
    got = msgspec.json.decode(last, type=Load)
    return replace(got, busy=(seconds_of_children() - began_s) / got.duration_s)


def seconds_of_children() -> float:
    """Return the processor time of all programs that this process has started and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

"""wrk, and what it says it saw."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import NamedTuple


class Seen(NamedTuple):
    """What one run of wrk reports."""

    answers: int
    """Answers that came in full."""
    failed: int
    """Those among them that were neither 2xx nor 3xx."""
    connect_errors: int
    read_errors: int
    write_errors: int
    timeouts: int


class Wrk:
    """A run of wrk that goes on while a test does something; closed-loop, one thread."""

    def __init__(self, url: str, *, connections: int, seconds: int) -> None:
        program = shutil.which("wrk")
        assert program, "wrk is missing: scripts/system-packages.sh wrk installs it"
        self.connections = connections
        self._process = subprocess.Popen(
            [program, "-t1", f"-c{connections}", f"-d{seconds}s", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._seconds = seconds

    def finish(self) -> Seen:
        """Wait for its end and return its summary."""
        out, _ = self._process.communicate(timeout=self._seconds + 20)
        assert self._process.returncode == 0, out
        requests = re.search(r"^ *(\d+) requests in ", out, re.MULTILINE)
        assert requests, out
        failed = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
        connect, read, write, timeout = map(int, errors.groups()) if errors else (0, 0, 0, 0)
        return Seen(int(requests[1]), int(failed[1]) if failed else 0, connect, read, write, timeout)

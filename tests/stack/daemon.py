"""Servers of Debian's packages beside the containers, each for as long as a test needs it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.stack.engine import NEEDED, ROOT, run

PATIENCE_S = 30.0


def need(*programs: str) -> None:
    """Have these programs on the machine; where they cannot be had, say that the delivery was not tried."""
    found = run(ROOT / "scripts" / "system-packages.sh", *programs)
    if found.returncode != 0:
        (pytest.fail if NEEDED in os.environ else pytest.skip)(f"the delivery was NOT tried: {found.stderr}")


@contextmanager
def listening(port: int, log: Path, *command: str | Path) -> Iterator[None]:
    """Run a server while the block runs, once it listens on a port of the loopback; its words go to ``log``."""
    with log.open("wb") as words:
        process = subprocess.Popen(command, stdout=words, stderr=words)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)

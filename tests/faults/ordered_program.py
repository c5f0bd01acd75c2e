"""A program beside the test that is given orders and reports on each: one line of JSON there, one back."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class OrderedProgram:
    """A module of the tests, running until closed."""

    def __init__(self, module: str) -> None:
        """``module``: such as ``tests.faults.drain_program``."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=dict(os.environ, PYTHONPATH=str(ROOT)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def order(self, order: Mapping[str, Any]) -> None:
        """Have it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()

    def has_reported(self, *, within_s: float) -> bool:
        """Wait for the report, but not longer than this."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], within_s)[0])

    def report(self) -> Any:
        """Wait for the report and return it."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

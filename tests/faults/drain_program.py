"""A drain in a process of its own that kills itself before a given step, or is killed after a given time.

Takes an order a line on stdin and answers each with a line on stdout, both JSON. Every order is carried out by a fork,
which spares it the imports. A step is whatever can be seen from outside: an operation on a file of the journal
(Python's audit events) or a statement on ``clicks.db`` (APSW's trace) that does more than set a connection up; one
statement for several rows is one step.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import apsw

from shortly.clicks import drain as drain_module
from shortly.clicks.drain import Drain
from shortly.clicks.enrich import Enricher
from shortly.logs import configure_logging
from shortly.store.sqlite import SqliteStore

FILE_EVENTS = frozenset({"open", "os.remove", "os.rmdir", "os.scandir", "os.listdir", "os.rename", "os.truncate"})
MAX_S = 60.0


class Order(TypedDict):
    """What to do."""

    data_dir: str
    batch: int
    """Visits in a batch."""
    kill_at: int | None
    """The step (from 1) that is not done any more; 0 and more steps than there are: all are done."""
    kill_after_s: float | None


class Report(TypedDict):
    """What became of it."""

    exit_code: int
    """0: drained; negative: the signal that ended it."""
    steps: list[str]
    """Those that were begun, the one that met the kill included."""


class Steps:
    """Counts steps and ends the process at one of them."""

    def __init__(self, journal_dir: Path, kill_at: int, log: Path) -> None:
        self._journal_dir = str(journal_dir)
        self._kill_at = kill_at
        self._log = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        self._last = ""
        self._count = 0
        sys.addaudithook(self._on_event)
        apsw.connection_hooks.append(self._trace)

    def _begin(self, step: str) -> None:
        if step == self._last:
            return
        self._last = step
        self._count += 1
        os.write(self._log, f"{step}\n".encode())
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILE_EVENTS and str(arguments[0]).startswith(self._journal_dir):
            self._begin(f"{event} {os.path.relpath(arguments[0], self._journal_dir)}")

    def _trace(self, connection: apsw.Connection) -> None:
        if connection.db_filename("main").endswith("clicks.db"):
            connection.exec_trace = self._on_statement

    def _on_statement(self, _: apsw.Cursor, sql: str, __: object) -> bool:
        if not sql.startswith("PRAGMA"):
            self._begin(" ".join(sql.split())[:60])
        return True


async def drain(order: Order, enricher: Enricher) -> bool:
    """Drain the journal of a data folder until nothing is left."""
    data_dir = Path(order["data_dir"])
    drain_module.BATCH_VISITS = order["batch"]
    async with SqliteStore(data_dir) as store:
        return await Drain(data_dir / "journal", store, enricher).finish(MAX_S)


def carry_out(order: Order, enricher: Enricher) -> Report:
    """Fork, drain there, and tell how that ended."""
    log = Path(order["data_dir"]).with_suffix(".steps")
    pid = os.fork()
    if pid == 0:
        if order["kill_at"] is not None:
            Steps(Path(order["data_dir"]) / "journal", order["kill_at"], log)
        drained = asyncio.run(drain(order, enricher))
        os._exit(0 if drained else 1)
    if order["kill_after_s"] is not None:
        time.sleep(order["kill_after_s"])
        os.kill(pid, signal.SIGKILL)  # not reaped yet, so the id is still its own
    _, status = os.waitpid(pid, 0)
    return Report(
        exit_code=os.waitstatus_to_exitcode(status),
        steps=log.read_text().splitlines() if order["kill_at"] is not None else [],
    )


def orders() -> Iterator[Order]:
    """Yield what comes in."""
    for line in sys.stdin:
        yield json.loads(line)


def main() -> None:
    """Carry out one order after the other until stdin ends."""
    configure_logging("error", "json")  # on stderr; stdout holds the reports alone
    enricher = Enricher(None)
    enricher.prepare()  # once, and not after each fork
    for order in orders():
        print(json.dumps(carry_out(order, enricher)), flush=True)


if __name__ == "__main__":
    main()

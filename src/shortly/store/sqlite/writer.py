"""The one thread of a process that writes a database, and its group commit.

One COMMIT, and one wait for the disk, serves everything that came in during the last one. Each operation runs under
its own SAVEPOINT, so that one that fails leaves its neighbours alone; callers hear back after the COMMIT only.
An operation on many rows has a transaction of its own and no SAVEPOINT, for which SQLite would write down each page
that it changes once more.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import apsw
import structlog

from shortly.errors import StorageFull, StoreDamaged, StoreUnavailable
from shortly.store.sqlite.changes import ChangeCounter
from shortly.store.sqlite.connection import connect, store_errors

log = structlog.get_logger()

T = TypeVar("T")
Operation = Callable[[apsw.Connection], T]

GROUP_ROWS = 2000
"""Rows after which a group is committed although more is waiting."""
ALONE_ROWS = 50
"""Rows from which on an operation is a group of its own."""
CHECKPOINT_PAGES = 4000
"""Pages of 4 KiB in the WAL after which they are copied into the database."""
CACHE_KIB = 64 * 1024
WAL_LEFT_BYTES = 64 * 1024 * 1024
"""Size that the WAL file is cut down to after a burst."""


class Job(NamedTuple):
    """An operation on its way through the thread."""

    operation: Operation[Any]
    rows: int
    edits: bool
    future: asyncio.Future[Any]


class Outcome(NamedTuple):
    """What became of a job: its result, or the error that its caller shall see."""

    job: Job
    result: Any
    error: BaseException | None


class Writer:
    """Opened and closed on one event loop, whose tasks it serves."""

    def __init__(self, path: Path, changes: Path) -> None:
        """Take the database's path and that of its change counter."""
        self._path = path
        self._changes_path = changes
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._next: Job | None = None
        self._thread: threading.Thread | None = None

    async def open(self) -> None:
        """Connect and start the thread; raises as ``connect`` does."""
        self._loop = asyncio.get_running_loop()
        self._connection = connect(self._path)
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB:d}")
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES:d}").fetchall()
        self._connection.execute(f"PRAGMA journal_size_limit = {WAL_LEFT_BYTES:d}").fetchall()
        self._connection.execute("PRAGMA temp_store = MEMORY")  # what a statement with triggers may have to take back
        with store_errors():
            self._changes = ChangeCounter(self._changes_path)
        self._thread = threading.Thread(target=self._run, name=f"writer of {self._path.name}", daemon=True)
        self._thread.start()

    async def finish(self) -> None:
        """Finish what is under way and end the thread; later writes raise ``StoreUnavailable``."""
        await asyncio.sleep(0)  # tasks that were about to write when this was called do so now
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    def close(self) -> None:
        """Disconnect a finished writer; as the last connection of all it empties the WAL into the database."""
        self._changes.close()
        self._connection.close()

    async def write(self, operation: Operation[T], *, rows: int = 1, edits: bool = False) -> T:
        """Run the operation in the thread and return its result once it is committed.

        A caller that is cancelled does not stop it. The operation must begin and end no transaction.

        Args:
            operation: Called with the connection, inside a transaction and a savepoint of its own.
            rows: About how many rows it writes.
            edits: Whether it changes or removes what a process may remember.

        Raises:
            StorageFull, StoreUnavailable: Nothing was written.
        """
        if self._thread is None:
            raise StoreUnavailable
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(Job(operation, rows, edits, future))
        return await future

    def _run(self) -> None:
        more = True
        while more:
            jobs, more = self._next_group()
            if jobs:
                outcomes = self._commit_group(jobs)
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    self._loop.call_soon_threadsafe(_tell, outcomes)

    def _next_group(self) -> tuple[list[Job], bool]:
        """Wait for a job and take what else is there; False: no more will come."""
        jobs: list[Job] = []
        rows = 0
        with suppress(Empty):
            while rows < GROUP_ROWS:
                job, self._next = self._next or self._queue.get(block=not jobs), None
                if job is None:
                    return jobs, False
                if job.rows >= ALONE_ROWS:
                    if not jobs:
                        return [job], True
                    self._next = job
                    break
                jobs.append(job)
                rows += job.rows
        return jobs, True

    def _commit_group(self, jobs: Sequence[Job]) -> list[Outcome]:
        edits = any(job.edits for job in jobs)
        changing: AbstractContextManager[None] = self._changes.changing() if edits else nullcontext()
        try:
            with changing, store_errors(self._connection):
                return self._transact(jobs)
        except (StorageFull, StoreDamaged, StoreUnavailable) as refused:
            return [Outcome(job, None, type(refused)()) for job in jobs]
        except Exception as broken:
            log.exception("group commit failed", database=self._path.name)
            return [Outcome(job, None, broken) for job in jobs]

    def _transact(self, jobs: Sequence[Job]) -> list[Outcome]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._attempt(job) for job in jobs] if len(jobs) > 1 else [self._attempt_alone(*jobs)]
            if self._connection.in_transaction or not outcomes[0].error:
                self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return outcomes

    def _attempt_alone(self, job: Job) -> Outcome:
        """Run the only job of a transaction, which is over when that fails."""
        try:
            return Outcome(job, job.operation(self._connection), None)
        except (apsw.FullError, apsw.IOError, apsw.BusyError):
            raise
        except Exception as error:
            self._roll_back()
            return Outcome(job, None, error)

    def _attempt(self, job: Job) -> Outcome:
        self._connection.execute("SAVEPOINT job")
        try:
            result = job.operation(self._connection)
        except (apsw.FullError, apsw.IOError, apsw.BusyError):
            raise  # the machine's troubles are the whole group's
        except Exception as error:
            if not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            return Outcome(job, None, error)
        self._connection.execute("RELEASE job")
        return Outcome(job, result, None)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # a full disk may have ended it already
            self._connection.execute("ROLLBACK")


def _tell(outcomes: Sequence[Outcome]) -> None:
    """Answer the callers that still wait; runs on the event loop."""
    for job, result, error in outcomes:
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)

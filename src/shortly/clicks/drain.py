"""The drain: follows the journals of all workers of this node, and folds their clicks into the store exactly once.

A batch is folded together with the position it ends at, so a drain that dies anywhere and starts again goes on where
the store says it was. A segment's file is deleted after its last click was folded, and only then its position is
forgotten: the other way round, a drain killed in between would find the file without a position and fold it again.
What a kill leaves behind this way is a position without a file, some bytes that nobody looks at.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import random
import struct
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import structlog

from shortly.accounts.people import FIRST_WORKSPACE
from shortly.clicks.click import Click, decode_click
from shortly.clicks.enrich import Enricher
from shortly.clicks.fold import DAY_MS
from shortly.clicks.journal import ALIVE, WorkerFolder, worker_folders
from shortly.clicks.segment import SegmentReader
from shortly.clicks.store import Batch, FoldStore
from shortly.clicks.visit import Visit
from shortly.errors import ShortlyError

log = structlog.get_logger(__name__)

LOCK = "drain.lock"
POLL_S = 0.1
"""How long a drain that found nothing waits before it looks again."""
STAND_BY_S = 1.0
MAX_BACK_OFF_S = 5.0
HOUSEKEEPING_S = 3600.0
BATCH_VISITS = 40_000
"""About 1.2 s of work and 80 MB, for a drain that is behind; the larger, the less each click costs."""
READ_BYTES = 1 << 18
TURN = 64
"""Clicks that are read before what else goes on has its turn: about a millisecond."""
MAX_AT_MS = (1 << 43) - 1
"""In the year 2248; a later click is a damaged one."""


class DrainStore(FoldStore, Protocol):
    """What the drain needs of the store: the fold, and word of links whose counts have been kept long enough."""

    async def trashed_links(self, before_ms: int) -> Sequence[Any]:
        """See ``Store``; the links are handed back as they are."""

    async def delete_links(self, links: Sequence[Any]) -> Sequence[Any]:
        """See ``LinkStore``."""

    async def gone_links(self, before_ms: int) -> list[int]:
        """See ``Store``."""

    async def forget_links(self, link_ids: list[int]) -> None:
        """See ``Store``."""


class Drain:
    """One per node; further ones stand by. Runs on an event loop and in a thread of its own, since folding blocks it.

    Args:
        journal_dir: The folder of all workers' journals; made when missing.
        store: Opened on the same loop.
        enricher: Used by this drain alone.
        visit_retention_days: How long raw visits are kept.
        deleted_retention_days: How long the counts of deleted links are kept.
        restore_hours: How long deleted links can be restored.
        clock: Unix seconds.
    """

    def __init__(
        self,
        journal_dir: Path,
        store: DrainStore,
        enricher: Enricher,
        *,
        visit_retention_days: int = 90,
        deleted_retention_days: int = 30,
        restore_hours: int = 24,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal_dir = journal_dir
        self._store = store
        self._enricher = enricher
        self._visit_retention_ms = visit_retention_days * DAY_MS
        self._deleted_retention_ms = deleted_retention_days * DAY_MS
        self._restore_ms = restore_hours * 3_600_000
        self._clock = clock
        self._positions: dict[str, int] | None = None
        self._ahead: _Reading | None = None
        """What was read while the batch before it was folded."""
        self._deleted: list[str] = []
        self._failures = 0
        self._failure = ""
        self._unreadable: set[str] = set()
        self._oldest_ms: int | None = None
        self.draining = False
        """Whether this drain holds the lock; False: it stands by."""
        self.folded = 0
        """Visits folded by this drain."""
        self.corrupt = 0
        """Damaged records found; one that broke the chain of records hides those behind it in its segment."""
        self.lag_bytes = 0
        """Journal bytes that may hold clicks not yet folded; an upper bound, because segments are preallocated."""
        self.last_fold_ms = 0.0
        """How long the store took for the last batch."""

    @property
    def lag_s(self) -> float:
        """Age of the oldest click that is known and not folded yet, in seconds; 0: none."""
        oldest_ms = self._oldest_ms
        return 0.0 if oldest_ms is None else max(0.0, self._clock() - oldest_ms / 1000)

    # --- the loop --------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, *, finish_s: float = 10.0) -> None:
        """Drain until told to stop, then drain what is left, for ``finish_s`` seconds at most."""
        lock = await self._take_lock(stop, finish_s)
        if lock is None:
            return
        self.draining = True
        housekeeping = asyncio.create_task(self._keep_house())
        try:
            while not stop.is_set():
                records = await self._try_once()
                if not records:
                    await _wait(stop, POLL_S if records == 0 else self._back_off_s())
            await self.finish(finish_s)
        finally:
            housekeeping.cancel()
            with suppress(asyncio.CancelledError):
                await housekeeping
            self.draining = False
            os.close(lock)

    async def finish(self, timeout_s: float) -> bool:
        """Drain until nothing is left, and return True, or False when the time is over first."""
        deadline = time.monotonic() + timeout_s
        while (records := await self._try_once()) != 0:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                log.warning("clicks stay in the journal until the next start", lag_bytes=self.lag_bytes)
                return False
            if records is None:
                await asyncio.sleep(min(self._back_off_s(), left_s))
        return True

    async def _take_lock(self, stop: asyncio.Event, finish_s: float) -> int | None:
        """Return the locked file, which dies with the process, or None when told to stop while another drain had it.

        Told to stop, it waits until that other one has drained the dead workers' journals (those of its own process
        are closed by then) or makes room, because that one may have been told to stop, too, and have had its last look.
        """
        self._journal_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._journal_dir / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        give_up_at = None
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not stop.is_set():
                    await _wait(stop, STAND_BY_S)
                    continue
                give_up_at = give_up_at or time.monotonic() + finish_s
                if time.monotonic() > give_up_at or not dead_segments(self._journal_dir):
                    os.close(lock)
                    return None
                await asyncio.sleep(POLL_S)
            else:
                return lock

    async def _try_once(self) -> int | None:
        """Do ``drain_once``; None after a failure, which is logged when it is another one than the last time."""
        try:
            records = await self.drain_once()
        except Exception as failure:  # whatever it is, the clicks are safe in the journal, and the next try may succeed
            self._failures += 1
            self._positions = None  # whether the last batch was folded is for the store to say
            if self._failure != repr(failure):
                self._failure = repr(failure)
                unexpected = not isinstance(failure, ShortlyError)
                log.error("clicks wait in the journal", reason=str(failure), exc_info=unexpected)
            return None
        if self._failures:
            log.info("clicks are being folded again", failures=self._failures)
            self._failures, self._failure = 0, ""
        return records

    def _back_off_s(self) -> float:
        longest = min(MAX_BACK_OFF_S, POLL_S * (1 << min(self._failures, 10)))
        return longest * random.uniform(0.5, 1)  # noqa: S311  # spreads the drains of many nodes

    # --- one batch -------------------------------------------------------------------------------------------

    async def drain_once(self) -> int:
        """Fold a batch of what has been written, oldest workers first, and delete what is done with.

        Returns:
            How many records it got through, at most about ``BATCH_VISITS``; 0: there are no more for now.

        Raises:
            StoreUnavailable, StorageFull: Nothing was folded; the same clicks come again the next time.
        """
        if self._positions is None:
            self._positions, self._ahead = dict(await self._store.positions()), None
        reading, self._ahead = self._ahead, None
        with collector_paused():
            if reading is None:
                reading = await self._read(self._positions)
            self.lag_bytes = reading.bytes_left
            self._oldest_ms = reading.oldest_ms
            if reading.batches:
                await self._fold(reading, self._positions)
        for name, position, damage in reading.damages:
            self.corrupt += 1
            log.error("a journal record is damaged", segment=name, position=position, damage=damage)
        await self._delete(reading)
        return reading.records

    async def _fold(self, reading: _Reading, positions: dict[str, int]) -> None:
        """Fold a batch, and move ``positions``; behind a full one, read the next while the store works on this one."""
        started = time.perf_counter()
        folding = asyncio.create_task(self._store.fold(reading.batches))
        try:
            if reading.records >= BATCH_VISITS:
                ends = {batch.segment: batch.end for batch in reading.batches}
                self._ahead = await self._read(positions | ends, without=reading.finished)
        finally:
            await _settled(folding)
            if folding.cancelled() or folding.exception() is not None:
                self._ahead = None
        await folding
        self.last_fold_ms = (time.perf_counter() - started) * 1000
        newest_ms = 0
        for batch in reading.batches:
            positions[batch.segment] = batch.end
            self.folded += len(batch.visits)
            if batch.visits:
                newest_ms = max(newest_ms, batch.visits[-1][1].at_ms)
        self._oldest_ms = newest_ms if reading.bytes_left and newest_ms else None

    async def _read(self, positions: Mapping[str, int], *, without: Container[str] = ()) -> _Reading:
        """Return the batch that begins at these positions; ``without`` segments that are about to be deleted."""
        reading = _Reading(positions, worker_folders(self._journal_dir))
        for folder in reading.folders:
            for nth, segment in enumerate(folder.segments):
                name = folder.name_of(segment)
                if name not in without:
                    complete = not folder.alive or nth < len(folder.segments) - 1
                    await self._read_segment(reading, name, segment, complete)
        return reading

    async def _read_segment(self, reading: _Reading, name: str, path: Path, complete: bool) -> None:
        """Read what a segment has to add to a batch that is not full; ``complete``: nobody will write to it again."""
        position = start = reading.positions.get(name, 0)
        visits: list[tuple[int, Visit]] = []
        ended = False
        visit_of = self._enricher.visit_of
        try:
            with SegmentReader(path) as reader:
                while reading.records < BATCH_VISITS and not ended:
                    chunk = reader.read(position, READ_BYTES)
                    for position, payload in chunk.records:
                        if len(visits) % TURN == 0:
                            await asyncio.sleep(0)
                        try:
                            visits.append((position, visit_of(checked_click(payload, reader.layout))))
                        except (struct.error, ValueError) as damage:
                            reading.damages.append((name, position, str(damage)))
                    reading.records += len(chunk.records)
                    ended = chunk.closed or chunk.torn or not chunk.records
                if ended and (chunk.closed or complete):
                    reading.finished[name] = path
                    if chunk.torn:
                        reading.damages.append((name, position, "no whole record here, what follows is lost"))
                if not ended:
                    reading.bytes_left += reader.size - position
        except FileNotFoundError:
            return
        except OSError as failure:
            if name not in self._unreadable:
                self._unreadable.add(name)
                log.error("a journal segment cannot be read", segment=name, reason=failure.strerror)
        if position > start:
            reading.batches.append(Batch(segment=name, start=start, end=position, visits=visits))
            if visits:
                reading.saw(visits[0][1].at_ms)

    async def _delete(self, reading: _Reading) -> None:
        """Delete the files of segments that were folded to their ends, then forget their positions, in this order."""
        for name, path in reading.finished.items():
            path.unlink(missing_ok=True)
            self._deleted.append(name)
        for folder in reading.folders:
            if not folder.alive and all(folder.name_of(segment) in reading.finished for segment in folder.segments):
                (folder.path / ALIVE).unlink(missing_ok=True)
                with suppress(OSError):  # somebody put a file of his own there
                    folder.path.rmdir()
        if self._deleted and self._positions is not None:
            await self._store.forget_segments(self._deleted)
            for name in self._deleted:
                self._positions.pop(name, None)
            self._deleted.clear()

    # --- housekeeping ----------------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        """Prune once an hour, beginning now; runs between the batches."""
        while True:
            try:
                await self.prune()
            except ShortlyError as failure:
                log.warning("old clicks could not be deleted", reason=str(failure))
            except Exception:
                log.exception("old clicks could not be deleted")
            await asyncio.sleep(HOUSEKEEPING_S)

    async def prune(self) -> None:
        """Delete what has been kept long enough: deleted links, their counts, raw visits, visitor hashes."""
        now_ms = int(self._clock() * 1000)
        while trashed := await self._store.trashed_links(now_ms - self._restore_ms):
            outcomes = await self._store.delete_links(trashed)  # by version: one that is restored meanwhile stays
            if all(outcome is not None for outcome in outcomes):
                break
        gone: list[int] | None = None
        while gone is None or gone:
            gone = await self._store.gone_links(now_ms - self._deleted_retention_ms)
            await self._store.prune(now_ms=now_ms, visits_before_ms=now_ms - self._visit_retention_ms, gone_links=gone)
            if gone:
                await self._store.forget_links(gone)


class _Reading:
    """What one look at the journals found."""

    def __init__(self, positions: Mapping[str, int], folders: Sequence[WorkerFolder]) -> None:
        self.positions = positions
        self.folders = folders
        self.batches: list[Batch] = []
        self.finished: dict[str, Path] = {}
        """Segments that nothing will be added to, and that have been read to the end."""
        self.damages: list[tuple[str, int, str]] = []
        """Segment, position, what is wrong there."""
        self.records = 0
        self.bytes_left = 0
        self.oldest_ms: int | None = None

    def saw(self, at_ms: int) -> None:
        """Note the time of a click that is not folded yet."""
        self.oldest_ms = at_ms if self.oldest_ms is None else min(self.oldest_ms, at_ms)


def dead_segments(journal_dir: Path) -> bool:
    """Say whether a worker that has ended left anything behind that is not drained yet."""
    return any(not folder.alive and folder.segments for folder in worker_folders(journal_dir))


def checked_click(payload: bytes, layout: int) -> Click:
    """Return the click; raise ``struct.error`` or ``ValueError`` for a record that is whole and yet holds none."""
    click = decode_click(payload, layout)
    if not 0 < click.link_id < 1 << 63 or click.workspace < FIRST_WORKSPACE or click.at_ms > MAX_AT_MS:
        raise ValueError(f"link {click.link_id} cannot have been clicked at {click.at_ms} ms")
    return click


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking through a batch again and again while it grows.

    A batch makes some 100,000 containers and no cycle; looking for one took a quarter of the drain's time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


async def _settled(task: asyncio.Task[None]) -> None:
    """Wait until a task is over, however it ends; cancelled, cancel it."""
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but not longer than this."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()

"""The click journal: each HTTP worker's own folder of preallocated, memory-mapped segments.

A click is in the kernel's hands as soon as ``append`` returns: it survives the death of the process, and after at most
``sync_ms`` the loss of power. Layout under the journal folder, one folder a worker process::

    <worker>/alive           locked (flock) by the worker for as long as it lives
    <worker>/00000000.seg    segments in order, see ``segment``
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import mmap
import os
import shutil
import threading
import time
from pathlib import Path
from typing import NamedTuple, Self
from zlib import crc32

import structlog

from shortly.clicks.segment import END, FRAME, HEADER, MAGIC, SUFFIX

log = structlog.get_logger(__name__)

RETRY_S = 0.5
"""How long a full journal refuses clicks before it looks for room again."""
ALIVE = "alive"


class Journal:
    """The writing side, used by one worker's event loop and by nobody else."""

    def __init__(self, journal_dir: Path, *, segment_bytes: int, max_bytes: int, sync_ms: int) -> None:
        self._journal_dir = journal_dir
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._sync_s = sync_ms / 1000
        self.written = 0
        """Clicks written down by this process."""
        self.dropped = 0
        """Clicks refused because the disk or the journal was full."""
        self._reported = (0, 0)
        self._alive: int | None = None
        self._map: mmap.mmap | None = None
        self._position = 0
        self._limit = -1
        self._sequence = 0
        self._retry_at = 0.0
        self._refusing = False
        self._unsynced: list[int] = []
        self._synced_position = 0
        self._sync_lock = threading.Lock()
        self._one_sync = threading.Lock()
        self._stop = threading.Event()
        self._waiting: asyncio.Future[None] | None = None
        self._syncing: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        """Make this worker's folder, and start to sync in the background.

        A full disk does not keep a worker from redirecting: the folder is made with the first click that finds room.
        """
        self._journal_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._make_folder()
        except OSError as full:
            if full.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
        if self._sync_s:
            threading.Thread(target=self._sync_regularly, name="journal-sync", daemon=True).start()
        return self

    def _make_folder(self) -> None:
        """Make this worker's folder and lock it."""
        name = f"{time.time_ns():016x}-{os.getpid()}"
        unlocked = self._journal_dir / f".{name}"
        unlocked.mkdir(mode=0o700)
        alive = None
        try:
            alive = os.open(unlocked / ALIVE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(alive, fcntl.LOCK_EX)
            # Only now can the drain see it: a folder without a lock is a dead worker's.
            self.folder = unlocked.rename(self._journal_dir / name)
        except BaseException:
            if alive is not None:
                os.close(alive)
            shutil.rmtree(unlocked, ignore_errors=True)
            raise
        self._alive = alive

    def __exit__(self, *_: object) -> None:
        """Close the last segment, sync, and let go of the folder; the drain removes it when it is folded."""
        self._stop.set()
        self._finish_segment()
        self._limit = -1
        self._retry_at = float("inf")
        self.sync()
        if self._alive is not None:
            os.close(self._alive)

    def take_counts(self) -> tuple[int, int]:
        """Return how many clicks were written and dropped since the last call."""
        counts = self.written - self._reported[0], self.dropped - self._reported[1]
        self._reported = self.written, self.dropped
        return counts

    @property
    def refusing(self) -> bool:
        """Whether the last click was dropped."""
        return self._refusing

    def append(self, payload: bytes) -> bool:
        """Write one click down, or count it as dropped and return False; never waits for the disk."""
        record = FRAME.pack(len(payload), crc32(payload)) + payload
        start = self._position
        end = start + len(record)
        if end > self._limit:
            if not self._roll(len(record)):
                self.dropped += 1
                return False
            start = self._position
            end = start + len(record)
        self._map[start:end] = record  # type: ignore[index]  # a segment is mapped whenever there is a limit
        self._position = end
        self.written += 1
        return True

    def _roll(self, needed: int) -> bool:
        """Close the segment and open the next one; False when there is no room for it, or for the payload in any."""
        now = time.monotonic()
        if now < self._retry_at or HEADER + needed + len(END) > self._segment_bytes:
            return False
        try:
            if self._journal_bytes() + self._segment_bytes > self._max_bytes:
                raise OSError(f"the journal holds JOURNAL_MAX_MB ({self._max_bytes >> 20} MiB) already")
            if self._alive is None:
                self._make_folder()
            fd, mapped = self._new_segment()
        except OSError as full:
            self._retry_at = now + RETRY_S
            if not self._refusing:
                self._refusing = True
                log.error("clicks are being dropped", reason=full.strerror or str(full), dropped=self.dropped + 1)
            return False
        if self._refusing:
            self._refusing = False
            log.warning("clicks are being written down again", dropped=self.dropped)
        self._finish_segment()
        with self._sync_lock:
            self._unsynced.append(fd)
            self._synced_position = 0
        self._map = mapped
        self._position = HEADER
        self._limit = self._segment_bytes - len(END)
        return True

    def _journal_bytes(self) -> int:
        """Return the size of all segments of all workers; files may go away meanwhile."""
        total = 0
        with contextlib.suppress(FileNotFoundError):
            for worker in os.scandir(self._journal_dir):
                if worker.is_dir():
                    with contextlib.suppress(FileNotFoundError):
                        for file in os.scandir(worker.path):
                            with contextlib.suppress(FileNotFoundError):
                                total += file.stat().st_size
        return total

    def _new_segment(self) -> tuple[int, mmap.mmap]:
        """Preallocate and map the next segment.

        ``posix_fallocate`` and not ``ftruncate``: writing to a mapped hole of a full disk would kill the process
        with SIGBUS.
        """
        path = self.folder / f"{self._sequence:08d}{SUFFIX}"
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, self._segment_bytes)
            mapped = mmap.mmap(fd, self._segment_bytes)
        except BaseException:
            os.close(fd)
            path.unlink()
            raise
        mapped[: len(MAGIC)] = MAGIC
        self._sequence += 1
        return fd, mapped

    def _finish_segment(self) -> None:
        if self._map is not None:
            self._map[self._position : self._position + len(END)] = END
            self._map.close()
            self._map = None

    # --- durability against the loss of power ----------------------------------------------------------------

    def sync(self) -> None:
        """Wait until everything appended before this call is on the disk."""
        with self._one_sync:
            self._sync()

    def _sync(self) -> None:
        with self._sync_lock:
            position = self._position
            fds = list(self._unsynced)
            last_is_open = self._map is not None
            if not fds or (len(fds) == 1 and last_is_open and position == self._synced_position):
                return
        for fd in fds:
            os.fsync(fd)
        with self._sync_lock:
            for fd in fds[:-1] if last_is_open else fds:
                self._unsynced.remove(fd)
                os.close(fd)
            if self._unsynced[-1:] == fds[-1:]:
                self._synced_position = position

    async def synced(self) -> None:
        """Like ``sync``, without blocking the loop; callers that wait at the same time share one sync."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
            if self._syncing is None:
                self._syncing = asyncio.create_task(self._sync_for_waiters())
        await asyncio.shield(self._waiting)

    async def _sync_for_waiters(self) -> None:
        while (waiting := self._waiting) is not None:
            self._waiting = None
            try:
                await asyncio.to_thread(self.sync)
            except OSError as failure:
                log.error("the click journal could not be synced", reason=failure.strerror)
            waiting.set_result(None)
        self._syncing = None

    def _sync_regularly(self) -> None:
        while not self._stop.wait(self._sync_s):
            try:
                self.sync()
            except OSError as failure:
                log.error("the click journal could not be synced", reason=failure.strerror)


class WorkerFolder(NamedTuple):
    """A worker's folder as the drain sees it."""

    path: Path
    alive: bool
    """Whether its worker may still write; looked up before ``segments``, so that False means they are complete."""
    segments: list[Path]
    """In the order they were written."""

    def name_of(self, segment: Path) -> str:
        """Return the segment's name, unique for ever."""
        return f"{self.path.name}/{segment.stem}"


def worker_folders(journal_dir: Path) -> list[WorkerFolder]:
    """Return the folders of all workers, dead ones too, oldest first."""
    try:
        paths = sorted(entry for entry in journal_dir.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []
    folders = []
    for path in paths:
        alive = is_locked(path / ALIVE)
        if path.name.startswith("."):  # died between making its folder and showing it: nothing was written
            if not alive and time.time() - path.stat().st_mtime > 60:
                shutil.rmtree(path, ignore_errors=True)
            continue
        folders.append(WorkerFolder(path, alive, sorted(path.glob(f"*{SUFFIX}"))))
    return folders


def is_locked(path: Path) -> bool:
    """Return whether a living process holds the lock file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)

"""A counter that all processes of a node share through mapped memory, so that none redirects by an outdated memory.

Writers of edits hold the file's ``flock`` around their whole transaction and make the counter odd before it begins
and even after it ended. A reader that finds the number it saw last, an even one, knows without a system call that no
edit has been committed since. A writer that dies leaves an odd number, and its lock falls: whoever gets the lock then
makes the number even, and a new one. The number need not survive a reboot: neither do the memories.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shortly.errors import StoreUnavailable

LOCK_TIMEOUT_S = 5.0
REPAIR_EVERY_S = 0.05
SIZE = 8


class ChangeCounter:
    """One opening of the counter's file; a writer and a reader need one each, because ``flock`` belongs to it."""

    def __init__(self, path: Path) -> None:
        """Open the file and make it where it is missing; raises ``OSError``."""
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(self._file, 0, SIZE)  # a sparse file would raise SIGBUS on a full disk
            self._map = mmap.mmap(self._file, SIZE)
        except BaseException:
            os.close(self._file)
            raise
        self.number = memoryview(self._map).cast("Q")
        """``number[0]`` is the counter: one aligned load or store of 8 bytes."""
        self._next_repair = 0.0

    def close(self) -> None:
        """Unmap and close, which gives the lock up."""
        self.number.release()
        self._map.close()
        os.close(self._file)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep all readers off their memories while the block runs, and other writers of edits out.

        Raises:
            StoreUnavailable: Another process has held the lock for ``LOCK_TIMEOUT_S``.
        """
        self._lock()
        try:
            start = self.number[0] + 1
            self.number[0] = start | 1  # a dead writer's odd number becomes another odd one
            try:
                yield
            finally:
                self.number[0] = (start | 1) + 1
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def repair(self) -> None:
        """Make an odd number even if its writer is dead; tries at most once per ``REPAIR_EVERY_S``, never waits."""
        now = time.monotonic()
        if now < self._next_repair:
            return
        self._next_repair = now + REPAIR_EVERY_S
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            if self.number[0] & 1:
                self.number[0] += 1
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _lock(self) -> None:
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreUnavailable from None
                time.sleep(0.0005)

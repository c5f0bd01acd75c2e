"""A database whose changed pages are read again and again, while others write it and none of them waits.

Each look holds a read transaction, so SQLite keeps what it sees as it is for that long. Between two looks nothing is
held: the log is emptied as ever. Which pages may have changed is told by the log's frames since the last look, those
of the generation before included as long as they are there. Where they are not, as after a burst of writes between two
looks or while nobody looked, all pages are compared with the digests of what is known. So nothing is ever missed; it
only takes longer then.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import apsw

from shortly.backup.following.wal import Wal, follows
from shortly.errors import StoreUnavailable
from shortly.store.sqlite.connection import connect, store_errors

TRIES = 1000
"""A look must begin between two commits of others, which are a millisecond apart at the least."""
PIECE = 1 << 20


class Covered(NamedTuple):
    """How far into the log everything is known."""

    generation: bytes | None
    """None: nothing was ever written into it."""
    frames: int


class Log(NamedTuple):
    """How the log is at one moment."""

    generation: bytes | None
    frames: int
    """Committed ones."""
    copied: int
    """Those of them that are in the database, too."""


class FollowedDatabase:
    """The database at ``path``, which must be there.

    Its file is opened beside SQLite and stays open for as long as the process follows: closing it would drop the locks
    that SQLite holds on it.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._counting = connect(path, readonly=True)
        self._reading = connect(path, readonly=True)
        with store_errors(self._reading):
            self.page_bytes = int(self._reading.pragma("page_size"))
            self._counting.execute("SELECT 1 FROM sqlite_schema").fetchall()  # before that it knows of no log
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._wal = Wal(path.with_name(path.name + "-wal"), self.page_bytes)
        self.digests = array("Q")
        """Of each page as it is known; 0: it is not."""
        self._covered: Covered | None = None
        self._frame_of: dict[int, int] = {}
        """Page -> its last frame, up to where ``_indexed`` says."""
        self._indexed: Covered | None = None
        self.compared = 0
        """Looks that had to go through all pages."""

    def close(self) -> None:
        """Close everything, what SQLite has locked first."""
        self._reading.close()
        self._counting.close()
        self._wal.close()
        os.close(self._file)

    def forget(self) -> None:
        """Know nothing any more, so that the next look finds all pages."""
        self.digests = array("Q")
        self._covered = None

    def know(self, digests: bytes) -> None:
        """Know the pages' digests from before, so that the next look finds what differs from them."""
        self.digests = array("Q", digests)
        self._covered = None

    @contextmanager
    def look(self) -> Iterator[Look]:
        """Hold the database as it is; what was found is known when all of it was taken.

        Raises:
            StoreUnavailable: It cannot be read now.
        """
        with store_errors(self._reading):
            log = self._begin()
            try:
                yield Look(self, log, int(self._reading.pragma("page_count")))
            finally:
                self._reading.execute("ROLLBACK")

    def _begin(self) -> Log:
        """Begin to read at a moment between two commits, so that it is certain which frames are seen."""
        for _ in range(TRIES):
            generation, frames, _ = self._log()
            self._reading.execute("BEGIN")
            try:
                self._reading.execute("SELECT 1 FROM sqlite_schema").fetchall()
                log, again = (
                    self._log(),
                    self._log(),
                )  # one that begins anew between its two answers differs from itself
            except BaseException:
                self._reading.execute("ROLLBACK")
                raise
            if frames >= 0 and log == again and (log.generation, log.frames) == (generation, frames):
                return log
            self._reading.execute("ROLLBACK")
        raise StoreUnavailable

    def _log(self) -> Log:
        """Ask how far the log goes; the header is the same before and after, or it is of no use."""
        generation = self._wal.generation()
        frames, copied = self._counting.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
        if self._wal.generation() != generation:
            return Log(None, -1, -1)  # like no other
        return Log(generation, frames, copied)

    # --- what a look asks -----------------------------------------------------------------------------------------

    def touched(self, log: Log) -> set[int] | None:
        """Return the pages that may differ from what is known; None: it could be any."""
        known, generation = self._covered, log.generation
        if known is None:
            return None
        if known == (generation, log.frames):
            return set()
        if known.generation is None or generation is None:
            return None
        if generation == known.generation and log.frames > known.frames:
            pages = self._wal.frames(generation, known.frames + 1, log.frames).pages
            if len(pages) < log.frames - known.frames:
                return None
        elif (generation == known.generation and log.frames == 0) or follows(generation, known.generation):
            rest = self._wal.frames(known.generation, known.frames + 1)
            written = self._wal.frames(generation, 1).pages if generation != known.generation else []
            # Frames that nobody has seen were cut off, perhaps, by who made the file shorter, or written over.
            if rest.may_miss or len(written) < log.frames:
                return None
            # All that came later, however few the log has by now: it may have begun anew once more, with no header yet.
            pages = rest.pages + written
        else:
            return None
        # Where all is copied already the log may begin anew at any moment, also while it is read here.
        return set(pages) if self._wal.generation() == generation else None

    def contents(self, pages: Iterator[int] | list[int] | range, log: Log) -> Iterator[tuple[int, bytes]]:
        """Yield pages as the look sees them: out of the log where they are not copied yet, else out of the database."""
        frame_of: dict[int, int] = {}
        if log.generation is not None and log.copied < log.frames:  # else SQLite protects the database, not the log
            self._index(log.generation, log.frames)
            frame_of = self._frame_of
        for page in pages:
            frame = frame_of.get(page)
            offset = (page - 1) * self.page_bytes
            data = os.pread(self._file, self.page_bytes, offset) if frame is None else self._wal.page(frame)
            yield page, data.ljust(self.page_bytes, b"\0")  # a page that was given free at once was never written

    def _index(self, generation: bytes, frames: int) -> None:
        indexed = self._indexed
        if indexed is None or indexed.generation != generation or indexed.frames > frames:
            self._frame_of.clear()
            indexed = Covered(generation, 0)
        found = self._wal.frames(generation, indexed.frames + 1, frames).pages
        if len(found) != frames - indexed.frames:
            self._indexed = None
            raise StoreUnavailable
        self._frame_of.update((page, number) for number, page in enumerate(found, indexed.frames + 1))
        self._indexed = Covered(generation, frames)

    def cover(self, log: Log, *, compared: bool) -> None:
        """Take a look for done."""
        if log.frames or compared:  # else the log has begun anew, and its header is still of the generation before
            self._covered = Covered(log.generation, log.frames)


class Look:
    """One moment of a database."""

    def __init__(self, database: FollowedDatabase, log: Log, pages: int) -> None:
        """``pages``: how many the database has."""
        self.database = database
        self.pages = pages
        self._log = log
        self._touched = database.touched(log)

    def changed(self) -> Iterator[tuple[int, bytes]]:
        """Yield the pages that differ from what is known, and their numbers from 1 on, in order."""
        database, touched = self.database, self._touched
        digests = database.digests
        del digests[self.pages :]
        digests.extend(bytes_of_zeros(self.pages - len(digests)))
        numbers = range(1, self.pages + 1) if touched is None else sorted(n for n in touched if n <= self.pages)
        for page, data in database.contents(numbers, self._log):
            digest = int.from_bytes(blake2b(data, digest_size=8).digest(), "big")
            if digests[page - 1] != digest:
                digests[page - 1] = digest
                yield page, data
        database.compared += touched is None
        database.cover(self._log, compared=touched is None)


def bytes_of_zeros(count: int) -> array[int]:
    """Return as many unknown digests."""
    return array("Q", bytes(8 * count))

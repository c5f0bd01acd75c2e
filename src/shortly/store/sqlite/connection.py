"""Connections to SQLite, all set up the same way, and its errors in Shortly's own words.

A trap that shapes this package: closing *any* file descriptor of a file drops all POSIX locks that the process holds
on it, SQLite's too. So nothing here, in tests or in tools may open a live database, its ``-wal`` or its ``-shm`` with
Python's ``open``; copies are made with SQLite's backup API. The one exception is ``backup/following/pages``, in a
process that has no other connection, which keeps what it opens until SQLite has let go.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import apsw
import structlog

from shortly.errors import InvalidSettings, StorageFull, StoreDamaged, StoreUnavailable

log = structlog.get_logger()

BUSY_TIMEOUT_MS = 5000
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
REPAIRED = frozenset({(3, 44, 6), (3, 50, 7)})
"""Releases inside the range of the WAL-reset bug (3.7.0 to 3.51.2) that have the repair."""


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    """Open a database; one that is missing is made (for its owner alone, mode 0600) unless ``readonly`` is asked for.

    WAL, ``synchronous=FULL``, foreign keys on, no memory map, waits at most ``BUSY_TIMEOUT_MS`` for a lock.
    A connection may move between threads but serves one at a time.

    Raises:
        InvalidSettings: The SQLite library in use can corrupt databases in WAL mode.
        StoreUnavailable, StorageFull: The file cannot be opened or made.
        StoreDamaged: It is no database.
    """
    refuse_wal_reset_bug(apsw.sqlite_lib_version())
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    with store_errors():
        if not readonly:
            _create_private(path)
        connection = apsw.Connection(str(path), flags=flags)
    try:
        with store_errors(connection):
            _set_up(connection, readonly=readonly)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def store_errors(connection: apsw.Connection | None = None) -> Iterator[None]:
    """Turn SQLite's errors about the machine into our own; others pass unchanged.

    The inside detail is logged and stays out of the message. ``connection`` tells a full disk from a broken one where
    SQLite itself reports no more than an I/O error.
    """
    try:
        yield
    except apsw.FullError as full:
        log.error("storage full", detail=str(full))
        raise StorageFull from full
    except (apsw.IOError, apsw.CantOpenError) as broken:
        number = connection.system_errno if connection is not None else 0
        log.error("storage I/O error", detail=str(broken), errno=number)
        raise (StorageFull if number in NO_ROOM else StoreUnavailable)() from broken
    except (apsw.BusyError, apsw.LockedError, apsw.ReadOnlyError) as away:
        log.error("store unavailable", detail=str(away))
        raise StoreUnavailable from away
    except (apsw.NotADBError, apsw.CorruptError) as damaged:
        log.error("store damaged", detail=str(damaged))
        raise StoreDamaged from damaged
    except OSError as broken:
        log.error("storage error", detail=str(broken), errno=broken.errno)
        raise (StorageFull if broken.errno in NO_ROOM else StoreUnavailable)() from broken


@cache
def refuse_wal_reset_bug(version: str) -> None:
    """Raise ``InvalidSettings`` for a SQLite release that can lose committed pages when its WAL restarts."""
    parts = tuple(int(part) for part in version.split("."))
    if (3, 7, 0) <= parts <= (3, 51, 2) and parts not in REPAIRED:
        raise InvalidSettings(
            f"The SQLite library in use is {version}, which can corrupt databases; 3.51.3 or newer is needed."
        )


def _create_private(path: Path) -> None:
    """Make the file readable by its owner alone; ``-wal`` and ``-shm`` take their modes from it."""
    with suppress(FileExistsError):  # O_EXCL: an existing database must not be opened and closed here, see above
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _set_up(connection: apsw.Connection, *, readonly: bool) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    # Plans must not depend on bound values: else SQLite compiles a statement anew whenever another value is bound.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    if not readonly:
        _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA trusted_schema = OFF")


def _use_wal(connection: apsw.Connection) -> None:
    """Switch a fresh database to WAL; two processes doing so at once may get BUSY despite the timeout, so try again."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)

"""Writes a database until it is killed, in every way that moves its log: ``python writing_program.py PATH SEED``."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import apsw

from shortly.store.sqlite.connection import connect

CHECKPOINTS = (apsw.SQLITE_CHECKPOINT_PASSIVE, apsw.SQLITE_CHECKPOINT_RESTART, apsw.SQLITE_CHECKPOINT_TRUNCATE)


def main(path: Path, seed: int) -> None:
    """Insert, change, delete, roll back, spill, and empty the log, for ever."""
    chance = random.Random(seed)
    connection = connect(path)
    connection.execute(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = 20; PRAGMA journal_size_limit = 1000000"
    ).fetchall()
    connection.set_busy_timeout(60_000)
    connection.wal_autocheckpoint(chance.choice((30, 100, 400)))
    while True:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(chance.choice((1, 1, 3, 10, 60))):  # the longest do not fit into the cache: uncommitted frames
            key = chance.randrange(3000)
            if chance.random() < 0.7:
                text = chance.randbytes(chance.choice((20, 300, 9000))).hex()
                connection.execute("INSERT OR REPLACE INTO t VALUES (?, ?)", (key, text))
            else:
                connection.execute("DELETE FROM t WHERE id BETWEEN ? AND ?", (key, key + chance.randrange(40)))
        connection.execute("ROLLBACK" if chance.random() < 0.1 else "COMMIT")
        if chance.random() < 0.02:
            try:
                connection.wal_checkpoint(mode=chance.choice(CHECKPOINTS))
            except apsw.BusyError:
                continue
        if chance.random() < 0.005:
            connection.execute("PRAGMA incremental_vacuum").fetchall()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

"""Each look at a database that others write finds exactly what changed, whatever they do to its log."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shortly.backup.following.pages import FollowedDatabase, Look
from shortly.store.sqlite.connection import connect

PROGRAM = Path(__file__).with_name("writing_program.py")


class Mirror:
    """The database as the pages that were found make it."""

    def __init__(self, path: Path) -> None:
        self.followed = FollowedDatabase(path)
        self.contents = bytearray()
        self.taken = 0

    def take(self) -> None:
        """Look, and compare with what SQLite itself says of the same moment."""
        with self.followed.look() as look:
            self.apply(look)
            assert wrong_pages(self.contents, self.followed._reading.serialize("main"), self.followed.page_bytes) == []

    def apply(self, look: Look) -> None:
        """Write what was found to its places."""
        size = self.followed.page_bytes
        del self.contents[look.pages * size :]
        self.contents.extend(bytes(look.pages * size - len(self.contents)))
        for page, data in look.changed():
            self.contents[(page - 1) * size : page * size] = data
            self.taken += 1


def wrong_pages(ours: bytes | bytearray, right: bytes, size: int) -> list[int]:
    """Return the pages that differ; what they hold would be no help to anybody."""
    places = range(0, max(len(ours), len(right)), size)
    return [start // size + 1 for start in places if ours[start : start + size] != right[start : start + size]]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "t.db"
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM").fetchall()
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT) STRICT; CREATE INDEX i ON t (text)")
    return path


@pytest.fixture
def mirror(database: Path) -> Iterator[Mirror]:
    mirror = Mirror(database)
    yield mirror
    mirror.followed.close()


def start(database: Path, seed: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, str(PROGRAM), str(database), str(seed)])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_no_page_is_missed_while_processes_write_and_are_killed(database: Path, mirror: Mirror, seed: int) -> None:
    chance = random.Random(seed)
    writers = [start(database, seed * 10 + number) for number in range(2)]
    looks = 0
    try:
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            mirror.take()
            looks += 1
            time.sleep(chance.choice((0, 0, 0.002, 0.02, 0.2)))
            if chance.random() < 0.03:
                number = chance.randrange(len(writers))
                writers[number].kill()
                writers[number].wait()
                writers[number] = start(database, chance.randrange(10**6))
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    mirror.take()
    compared = mirror.followed.compared
    print(f"{looks} looks, {compared} of them compared everything, {mirror.taken} pages taken")
    assert 1 < compared < looks  # both ways were gone


def test_what_was_committed_between_two_looks_is_found_without_comparing(database: Path, mirror: Mirror) -> None:
    with closing(connect(database)) as writer:
        writer.execute("INSERT INTO t VALUES (1, 'one')")
        mirror.take()
        before = mirror.followed.compared
        for number in range(2, 400):
            writer.execute("INSERT INTO t VALUES (?1, printf('%04000d', ?1))", (number,))
            mirror.take()
        taken = mirror.taken
        mirror.take()
        assert mirror.taken == taken  # nothing happened
        assert mirror.followed.compared - before <= 2  # a log that is longer than ever before ends with the file


def test_a_database_at_rest_is_compared_once(database: Path, mirror: Mirror) -> None:
    for _ in range(5):
        mirror.take()
    assert mirror.followed.compared == 1


def test_frames_that_were_overwritten_before_anybody_saw_them_are_made_up_for(database: Path, mirror: Mirror) -> None:
    with closing(connect(database)) as writer:
        writer.wal_autocheckpoint(0)
        for number in range(50):
            writer.execute("INSERT INTO t VALUES (?, hex(randomblob(2000)))", (number,))
        mirror.take()
        for _ in range(2):
            for number in range(100):
                writer.execute("INSERT OR REPLACE INTO t VALUES (?, hex(randomblob(2000)))", (number,))
            writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        writer.execute("DELETE FROM t WHERE id = 7")
        mirror.take()
    assert mirror.followed.compared == 2


def test_what_came_just_before_the_log_began_anew_is_found_without_comparing(database: Path, mirror: Mirror) -> None:
    with closing(connect(database)) as writer:
        writer.wal_autocheckpoint(0)
        for number in range(60):  # the file is long now: what comes later ends before older frames
            writer.execute("INSERT INTO t VALUES (?, hex(randomblob(2000)))", (number,))
        writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        for number in range(20):
            writer.execute("INSERT OR REPLACE INTO t VALUES (?, hex(randomblob(2000)))", (number,))
        mirror.take()
        writer.execute("INSERT OR REPLACE INTO t VALUES (55, 'the last of this generation')")
        writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        writer.execute("INSERT OR REPLACE INTO t VALUES (56, 'the first of the next')")
        mirror.take()
    assert mirror.followed.compared == 1


def test_frames_that_somebody_wrote_over_who_then_rolled_back_are_made_up_for(database: Path, mirror: Mirror) -> None:
    with closing(connect(database)) as writer:
        writer.wal_autocheckpoint(0)
        writer.execute("PRAGMA cache_size = 10").fetchall()  # more is written into the log before its transaction ends
        for number in range(300):
            writer.execute("INSERT INTO t VALUES (?, hex(randomblob(2000)))", (number,))
        writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        writer.execute("UPDATE t SET text = 'seen' WHERE id = 1")
        mirror.take()
        for number in range(2, 30):
            writer.execute("UPDATE t SET text = 'not seen yet' WHERE id = ?", (number,))
        writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        writer.execute("BEGIN")
        for number in (*range(100, 200), *range(100, 200)):  # pages that were written before are written over
            writer.execute("UPDATE t SET text = hex(randomblob(2000)) WHERE id = ?", (number,))
        writer.execute("ROLLBACK")
        mirror.take()

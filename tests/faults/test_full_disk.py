"""A disk that fills up under load and is cleared again: redirects never stop, and every click is counted or dropped."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import apsw
import httpx2
import pytest
from tests.faults.conftest import MakeServed
from tests.faults.load import Load
from tests.faults.processes import is_alive, kill, wait_until
from tests.faults.served import Served, segments, stored_clicks

from shortly.counters import read_counters

pytestmark = pytest.mark.faults

DISK_MIB = 160


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system of its own: ext4 in a file, where even a folder takes room, or else one in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(DISK_MIB << 20)
    attempts = (
        ["sh", "-c", 'mkfs.ext4 -q "$0" && mount -o loop "$0" "$1"', str(image), str(folder)],
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}M", "shortly-faults", str(folder)],
    )
    refusals = []
    for attempt in attempts:
        done = subprocess.run(attempt, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
        refusals.append(done.stderr.strip())
    else:
        pytest.skip(f"A FULL DISK IS NOT TRIED: this needs the right to mount (root): {'; '.join(refusals)}")
    print(f"a disk by {attempt[0:3]} after {refusals}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    image.unlink()


class Ballast:
    """Takes all room that a disk has, and whatever is given back on it, until it is thrown off."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "ballast"
        self._off = threading.Event()
        self._thread = threading.Thread(target=self._keep_full, name="ballast", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._off.set()
        self._thread.join(10)
        self._path.unlink()

    def _keep_full(self) -> None:
        file = os.open(self._path, os.O_CREAT | os.O_WRONLY)
        size = 0
        while not self._off.wait(0.005):
            step = 1 << 24
            while step >= 4096:
                try:
                    os.posix_fallocate(file, size, step)
                    size += step
                except OSError as full:
                    if full.errno != errno.ENOSPC:
                        raise
                    step //= 2
        os.close(file)


@pytest.fixture
def on_disk(disk: Path, make_served: MakeServed) -> Served:
    """Start a service of two workers on the small disk."""
    served = make_served(workers=2, data_dir=disk / "data", settings={"JOURNAL_SEGMENT_MB": "1"})
    served.start()
    served.make_link("abc")
    return served


def dropped(served: Served) -> float:
    """Return how many clicks found no room so far."""
    return served.metrics()["shortly_clicks_dropped_total"]


def wait_until_full(served: Served) -> None:
    """Return when clicks are dropped, by at least one worker."""
    wait_until(lambda: dropped(served) > 0, within_s=40, what="clicks are dropped", details=served.tail, every_s=0.1)


def test_a_full_disk_refuses_links_and_drops_clicks_but_never_redirects(disk: Path, on_disk: Served) -> None:
    served = on_disk
    served.make_link("few", max_clicks=3)
    processes = served.processes()
    with Load(served.port, ["/abc"], connections=8) as load:
        load.wait_for(500)
        with Ballast(disk):
            wait_until_full(served)
            assert "clicks are being dropped" in served.told()
            wait_until(lambda: served.post_link("new").status_code != 201, within_s=5, what="links are refused")
            for refused in (
                served.post_link("newer"),
                served.api.patch("/api/v1/links/abc", json={"title": "x" * 500}),
                served.api.delete("/api/v1/links/abc"),
            ):
                assert refused.status_code == 507, refused.text
                assert refused.headers["content-type"] == "application/problem+json"
                assert refused.json()["code"] == "storage_full"
            assert served.api.get("/few").status_code == 503
            assert served.api.get("/health/ready").status_code == 503
            assert served.api.get("/health/live").status_code == 200
            before = dropped(served)
            load.wait_for(1000)
            wait_until(lambda: dropped(served) > before, within_s=5, what="further clicks are dropped", every_s=0.1)
        wait_until(lambda: served.post_link("newest").status_code == 201, within_s=10, what="links can be made again")
        wait_until(lambda: served.api.get("/health/ready").status_code == 200, within_s=10, what="it is ready again")
        wait_until(
            lambda: "clicks are being written down again" in served.told(), within_s=10, what="clicks are counted again"
        )
        load.wait_for(1000)
    assert served.api.get("/few").status_code == 302
    assert load.cuts == []
    assert load.refused == 0
    assert not load.others
    assert load.slowest_s < 5
    assert served.processes() == processes, "a process died"
    assert served.stop() == 0

    for name in ("links.db", "clicks.db"):
        assert check_integrity(served.data_dir / name) == "ok"
    counted = stored_clicks(served.data_dir, "abc")
    of_both = counted + stored_clicks(served.data_dir, "few")
    assert of_both + read_counters(served.data_dir / "counters")["clicks_dropped"] == load.answered + 1
    assert segments(served.data_dir) == []

    served.start()
    assert served.clicks("abc") == counted
    assert served.api.get("/newest").status_code == 302
    assert served.api.get("/newer").status_code == 404
    assert served.counted("newest", at_least=1) == 1


def test_a_worker_that_dies_while_the_disk_is_full_is_replaced(disk: Path, on_disk: Served) -> None:
    served = on_disk
    supervisor = served.supervisor
    with Load(served.port, ["/abc"], connections=8) as load:
        load.wait_for(500)
        with Ballast(disk):
            wait_until_full(served)
            victim = served.workers()[0]
            kill(victim)
            wait_until(lambda: not is_alive(victim), within_s=5, what="the worker is dead")
            wait_until(
                lambda: workers_serving(served) == 2,
                within_s=10,
                what="another worker serves",
                details=served.tail,
            )
            load.wait_for(1000)
            assert len(served.workers()) == 2
        already = served.clicks("abc")
        wait_until(lambda: served.clicks("abc") > already, within_s=20, what="clicks are counted again", every_s=0.1)
    assert (load.refused, dict(load.others)) == (0, {})
    assert len(load.cuts) <= 2 * load.connections  # who connects while a dead worker's socket goes is cut once more
    assert is_alive(supervisor)
    assert served.stop() == 0
    assert stored_clicks(served.data_dir, "abc") <= load.answered + len(load.cuts)
    assert segments(served.data_dir) == []


def workers_serving(served: Served) -> int:
    """Return how many workers say that they serve; 0 for a request that went down with the dead one."""
    try:
        return int(served.metrics()["shortly_workers_running"])
    except httpx2.TransportError:
        return 0


def check_integrity(database: Path) -> str:
    """Return what SQLite thinks of a database."""
    connection = apsw.Connection(str(database))
    try:
        return str(connection.execute("PRAGMA integrity_check").get)
    finally:
        connection.close()

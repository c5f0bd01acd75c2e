"""The drain killed before every single step, and at any moment: no click twice, none lost."""

from __future__ import annotations

import asyncio
import fcntl
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.faults.drain_program import Order, Report
from tests.faults.ordered_program import OrderedProgram
from tests.faults.served import segments

from shortly.clicks.click import Click, encode_click
from shortly.clicks.journal import ALIVE, Journal, worker_folders
from shortly.clicks.store import EVERY_LINK
from shortly.store.sqlite import SqliteStore

pytestmark = pytest.mark.faults

LINKS = (1, 2, 3)
IN_THIS_ORDER = (
    "open {closed}/alive",
    "open {closed}/00000000.seg",
    "BEGIN IMMEDIATE",
    "INTO positions",
    "INTO link_hours",
    "INTO totals",
    "INTO visits",
    "COMMIT",
    "os.remove {closed}/00000000.seg",
    "os.remove {closed}/alive",
    "os.rmdir {closed}",
    "DELETE FROM positions",
    "COMMIT",
    "os.remove {died}/00000001.seg",
    "os.rmdir {died}",
)
"""Parts of steps that must be among those tried, so that a drain that works otherwise tomorrow is noticed."""


class DrainProgram(OrderedProgram):
    """The program of that name, running."""

    def __init__(self) -> None:
        super().__init__("tests.faults.drain_program")

    def drain(
        self, data_dir: Path, *, batch: int, kill_at: int | None = None, kill_after_s: float | None = None
    ) -> Report:
        """Drain the folder's journal, or be killed over it."""
        self.order(Order(data_dir=str(data_dir), batch=batch, kill_at=kill_at, kill_after_s=kill_after_s))
        report: Report = self.report()
        return report


@pytest.fixture(scope="module")
def program() -> Iterator[DrainProgram]:
    """Start the program."""
    with closing(DrainProgram()) as running:
        yield running


def write_clicks(data_dir: Path, clicks: int, *, segment_bytes: int = 4096) -> Path:
    """Write so many clicks down, on all links in turn, as a worker that then closes; return its folder."""
    with Journal(data_dir / "journal", segment_bytes=segment_bytes, max_bytes=1 << 30, sync_ms=0) as journal:
        for nth in range(clicks):
            assert journal.append(click_on(LINKS[nth % len(LINKS)], nth))
        return journal.folder


def click_on(link_id: int, nth: int) -> bytes:
    """Return a journal record's payload; times lie in two hours, visitors come back."""
    return encode_click(
        Click(
            at_ms=1_790_000_000_000 + nth % 2 * 3_600_000 + nth,
            link_id=link_id,
            outcome=0,
            private=False,
            visitor=(nth % 7 + 1).to_bytes(8, "big"),
            country="DE",
            network="203.0.113.0",
            referrer="https://example.org/page",
            user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            language="de",
            query="utm_source=letter",
        )
    )


def write_clicks_and_die(data_dir: Path, clicks: int) -> Path:
    """Do the same in a process that kills itself with its last segment open; return its folder."""
    worker = multiprocessing.get_context("spawn").Process(target=write_and_die, args=(data_dir, clicks))
    worker.start()
    worker.join(30)
    assert worker.exitcode == -signal.SIGKILL
    return next(f.path for f in worker_folders(data_dir / "journal") if f.path.name.endswith(f"-{worker.pid}"))


def write_and_die(data_dir: Path, clicks: int) -> None:
    """Write clicks down as a worker that does not live to close its journal."""
    with Journal(data_dir / "journal", segment_bytes=4096, max_bytes=1 << 30, sync_ms=0) as journal:
        for nth in range(clicks):
            journal.append(click_on(LINKS[nth % len(LINKS)], nth))
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def kept_alive(worker: Path) -> Iterator[None]:
    """Hold a worker's lock, as if it lived."""
    lock = os.open(worker / ALIVE, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


async def make_databases(data_dir: Path) -> None:
    """Bring both databases to their newest form once, for all copies."""
    async with SqliteStore(data_dir):
        pass


async def counted(data_dir: Path) -> dict[str, int]:
    """Return the number of clicks as every table has it."""
    async with SqliteStore(data_dir) as store:
        totals = await store.totals([EVERY_LINK, *LINKS])
        hours = await store.hours(EVERY_LINK, 0, 1 << 40)
        tally = await store.tally(EVERY_LINK, 0, 1 << 40)
        visits = [
            len((await store.visits(link_id, since_ms=0, until_ms=1 << 50, limit=100_000)).items) for link_id in LINKS
        ]
    return {
        "links": sum(totals[link_id].clicks for link_id in LINKS),
        "all": totals[EVERY_LINK].clicks,
        "hours": sum(total.clicks for total in hours.values()),
        "countries": tally.dimensions["country"]["DE"],
        "visits": sum(visits),
    }


def all_are(clicks: int) -> dict[str, int]:
    """Return what ``counted`` returns when nothing is lost and nothing counted twice."""
    return dict.fromkeys(("links", "all", "hours", "countries", "visits"), clicks)


def test_a_drain_killed_before_any_step_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, program: DrainProgram
) -> None:
    prepared = tmp_path / "prepared"
    asyncio.run(make_databases(prepared))
    folders = {
        "closed": write_clicks(prepared, 40).name,
        "died": write_clicks_and_die(prepared, 30).name,
        "alive": write_clicks_and_die(prepared, 10).name,
    }
    clicks = 80
    assert len(segments(prepared)) >= 5

    def attempt(kill_at: int) -> Report:
        """Drain a copy with a kill before this step, then again without; check all counts."""
        copy = tmp_path / "copy"
        shutil.copytree(prepared, copy)
        with kept_alive(copy / "journal" / folders["alive"]):
            report = program.drain(copy, batch=25, kill_at=kill_at)
            assert folders["alive"] in [path.parent.name for path in segments(copy)]
        assert program.drain(copy, batch=25)["exit_code"] == 0
        assert asyncio.run(counted(copy)) == all_are(clicks), f"killed before {report['steps'][-1]!r}"
        assert segments(copy) == []
        assert worker_folders(copy / "journal") == []
        shutil.rmtree(copy)
        return report

    steps = attempt(0)["steps"]
    remaining = iter(steps)
    for wanted in IN_THIS_ORDER:
        part = wanted.format(**folders)
        assert any(part in step for step in remaining), f"{part!r} is not in this order in {steps}"
    started = time.monotonic()
    for kill_at in range(1, len(steps) + 1):
        report = attempt(kill_at)
        assert report["exit_code"] == -signal.SIGKILL
        assert report["steps"] == steps[:kill_at]
    print(f"killed before each of {len(steps)} steps in {time.monotonic() - started:.1f} s")


def test_a_drain_killed_again_and_again_at_any_moment_counts_every_click_once(
    tmp_path: Path, program: DrainProgram
) -> None:
    chance = random.Random(20)
    clicks = killed = 0
    while killed < 20:
        write_clicks(tmp_path, 10_000, segment_bytes=1 << 19)
        clicks += 10_000
        while program.drain(tmp_path, batch=1000, kill_after_s=chance.uniform(0.02, 0.15 + killed / 100))["exit_code"]:
            killed += 1
    assert program.drain(tmp_path, batch=1000)["exit_code"] == 0
    assert asyncio.run(counted(tmp_path)) == all_are(clicks)
    assert segments(tmp_path) == []

"""The drain over real journals and a real store: each click once, whatever dies and whatever lies in the way."""

import asyncio
import os
import random
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shortly.clicks import drain as drain_module
from shortly.clicks.click import Click, encode_click
from shortly.clicks.drain import Drain
from shortly.clicks.enrich import Enricher
from shortly.clicks.journal import Journal
from shortly.clicks.segment import FRAME
from shortly.clicks.store import EVERY_LINK, Batch, Total, every_link
from shortly.clicks.visit import Visit
from shortly.errors import StoreUnavailable
from shortly.store.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

AT = 1_790_000_000_000
SMALL = 1 << 14


@pytest.fixture(scope="module")
def enricher() -> Iterator[Enricher]:
    """One enricher for all tests; they run one after the other."""
    enricher = Enricher(None)
    yield enricher
    enricher.close()


class FlakyStore(SqliteStore):
    """A store that fails when the test says so."""

    away = False
    before_commit_returns: Callable[[], None] = staticmethod(lambda: None)

    async def positions(self) -> Any:
        """Fail while away."""
        if self.away:
            raise StoreUnavailable
        return await super().positions()

    async def fold(self, batches: Sequence[Batch]) -> None:
        """Fail while away, before anything was written."""
        if self.away:
            raise StoreUnavailable
        await super().fold(batches)
        self.before_commit_returns()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FlakyStore]:
    """An empty store, open."""
    async with FlakyStore(tmp_path / "data") as store:
        yield store


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    """The folder of the journals."""
    return tmp_path / "journal"


@pytest.fixture
def drain(journals: Path, store: FlakyStore, enricher: Enricher) -> Drain:
    """A drain of these journals into this store."""
    return Drain(journals, store, enricher)


def journal(folder: Path) -> Journal:
    """Return a worker's journal with segments of some hundred clicks."""
    return Journal(folder, segment_bytes=SMALL, max_bytes=1 << 30, sync_ms=0)


def payload(link_id: int = 1, *, at_ms: int = AT, user_agent: str = "") -> bytes:
    """Return a click as the redirect writes it down."""
    return encode_click(Click(at_ms, link_id, 0, False, bytes(8), "", "", "", user_agent, "", ""))


@asynccontextmanager
async def running(drain: Drain) -> AsyncIterator[asyncio.Event]:
    """Run the drain, and stop it at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(drain.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def files(folder: Path) -> list[str]:
    """Return what lies under a folder, the drain's lock apart."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != "drain.lock")


async def test_clicks_of_all_workers_are_folded(journals: Path, store: FlakyStore, drain: Drain) -> None:
    with journal(journals) as one, journal(journals) as two:
        for nth in range(1000):
            one.append(payload(1 + nth % 3))
            two.append(payload(7, user_agent="curl/8.5.0"))
        assert await drain.drain_once() == 2000
        assert await drain.drain_once() == 0
        one.append(payload(1))
        assert await drain.drain_once() == 1
    assert await store.totals([1, 2, 7, EVERY_LINK]) == {
        1: Total(335),
        2: Total(333),
        7: Total(1000, 1000),
        EVERY_LINK: Total(2001, 1000),
    }
    assert drain.folded == 2001
    assert drain.corrupt == 0


def older_payload(link_id: int) -> bytes:
    """Return a click as it was written down before there were workspaces."""
    texts = (b"203.0.113.0", b"https://a.example/", b"Firefox/130.0", b"en", b"utm_source=news")
    fixed = struct.pack("<QQBB8s2sBHHHH", AT, link_id, 0, 0, b"visitor1", b"DE", *map(len, texts))
    return fixed + b"".join(texts)


async def test_what_the_version_before_wrote_down_is_folded_as_it_was_meant(
    journals: Path, store: FlakyStore, drain: Drain
) -> None:
    """A segment that was begun and closed before an update, half of it folded."""
    folder = journals / "0000000000000001-1"
    folder.mkdir(parents=True)
    records = [FRAME.pack(len(older), zlib.crc32(older)) + older for older in map(older_payload, (1, 1, 2, 300))]
    segment = b"SHORTLY1" + bytes(8) + b"".join(records) + b"\xff\xff\xff\xff\0\0\0\0"
    (folder / "00000000.seg").write_bytes(segment.ljust(SMALL, b"\0"))
    half = 16 + len(records[0])
    name = f"{folder.name}/00000000"
    await store.fold([Batch(segment=name, start=0, end=half, visits=[(half, Visit(at_ms=AT, link_id=1))])])
    with journal(journals) as today:
        today.append(encode_click(Click(AT, 9, 0, False, b"visitor1", "", "", "", "", "", "", workspace=2)))
        assert await drain.drain_once() == 4
    expected = {1: Total(2), 2: Total(1), 300: Total(1), 9: Total(1), EVERY_LINK: Total(4), every_link(2): Total(1)}
    assert await store.totals(list(expected)) == expected
    (visit,) = (await store.visits(300, since_ms=0, until_ms=AT * 2, limit=9)).items
    assert (visit.visitor, visit.country, visit.referrer, visit.browser, visit.language, visit.utm_source) == (
        b"visitor1", "DE", "a.example", "Firefox", "en", "news",
    )  # fmt: skip
    assert drain.corrupt == 0


async def test_what_a_newer_version_wrote_down_is_left_for_it(journals: Path, store: FlakyStore, drain: Drain) -> None:
    with journal(journals) as writing:
        writing.append(payload())
    (segment,) = journals.glob("*/*.seg")
    written = segment.read_bytes()
    segment.write_bytes(b"SHORTLY3" + written[8:])
    assert await drain.drain_once() == 0
    assert segment.exists()
    segment.write_bytes(written)
    assert await drain.drain_once() == 1


async def test_a_click_on_no_workspace_is_damage(journals: Path, store: FlakyStore, drain: Drain) -> None:
    with journal(journals) as writing:
        writing.append(encode_click(Click(AT, 9, 0, False, bytes(8), "", "", "", "", "", "", workspace=0)))
        await drain.drain_once()
    assert drain.corrupt == 1
    assert await store.totals([1, 9, EVERY_LINK]) == {}


async def test_what_is_folded_is_deleted_and_what_is_written_to_is_not(
    journals: Path, store: FlakyStore, drain: Drain
) -> None:
    with journal(journals) as writing:
        for _ in range(2000):
            writing.append(payload())
        last = max(path.name for path in writing.folder.iterdir() if path.suffix == ".seg")
        assert last > "00000002.seg"
        while await drain.drain_once():
            pass
        assert sorted(os.listdir(writing.folder)) == [last, "alive"]
        assert len(await store.positions()) == 1
    assert await drain.drain_once() == 0
    assert files(journals) == []
    assert await store.positions() == {}
    assert await store.totals([1]) == {1: Total(2000)}


async def test_what_was_read_while_a_fold_failed_comes_again_and_counts_once(
    journals: Path, store: FlakyStore, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"BATCH_VISITS": 50, "READ_BYTES": 2048, "MAX_BACK_OFF_S": 0.001}.items():
        monkeypatch.setattr(drain_module, name, value)
    failures = iter(["before", "after", "", "after", "", "", "before", ""])
    fold = SqliteStore.fold
    folded: list[int] = []

    async def flaky(batches: Sequence[Batch]) -> None:
        failure = next(failures, "")
        await asyncio.sleep(0.01)  # so that the next batch is read
        if failure != "before":
            await fold(store, batches)
            folded.append(sum(len(batch.visits) for batch in batches))
        if failure:
            raise StoreUnavailable

    monkeypatch.setattr(store, "fold", flaky)
    with journal(journals) as writing:
        for nth in range(1000):
            writing.append(payload(nth % 7 + 1))
        damaged = min(path for path in writing.folder.iterdir() if path.suffix == ".seg")
    content = bytearray(damaged.read_bytes())
    content[-2000] ^= 1  # in one of its last records
    damaged.write_bytes(content)
    assert await drain.finish(10)
    totals = await store.totals([EVERY_LINK, *range(1, 8)])
    counted = totals.pop(EVERY_LINK).clicks
    assert counted == sum(total.clicks for total in totals.values())
    assert 950 < counted < 1000  # but for what was damaged
    assert drain.folded < counted == sum(folded)  # some folds had been done when they failed
    assert drain.corrupt == 1
    assert files(journals) == []
    assert await store.positions() == {}


async def test_a_drain_that_starts_anew_goes_on_where_the_last_one_was(
    journals: Path, store: FlakyStore, drain: Drain, enricher: Enricher
) -> None:
    with journal(journals) as writing:
        for nth in range(5):
            writing.append(payload())
            await Drain(journals, store, enricher).drain_once()
            assert await store.totals([1]) == {1: Total(nth + 1)}


async def test_a_fold_whose_answer_was_lost_is_not_repeated(journals: Path, store: FlakyStore, drain: Drain) -> None:
    def lose_answer() -> None:
        store.before_commit_returns = lambda: None
        raise StoreUnavailable

    with journal(journals) as writing:
        writing.append(payload())
        store.before_commit_returns = lose_answer
        async with running(drain):
            await until(lambda: drain.folded or store.before_commit_returns is not lose_answer)
            writing.append(payload())
            await until(lambda: drain.folded == 1)
    assert await store.totals([1]) == {1: Total(2)}


async def test_a_store_that_is_away_is_logged_once_and_the_clicks_wait(
    journals: Path, store: FlakyStore, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "MAX_BACK_OFF_S", 0.02)
    tries = 0

    async def fold(batches: Sequence[Batch]) -> None:
        nonlocal tries
        tries += 1
        await FlakyStore.fold(store, batches)

    monkeypatch.setattr(store, "fold", fold)
    with journal(journals) as writing, capture_logs() as logs:
        async with running(drain):
            await until(lambda: drain.draining)
            store.away = True
            for _ in range(300):
                writing.append(payload())
            await until(lambda: tries)
            await asyncio.sleep(0.1)
            assert drain.folded == 0
            store.away = False
            await until(lambda: drain.folded == 300)
    told = [(entry["log_level"], entry["event"]) for entry in logs if "clicks" in entry["event"]]
    assert told == [("error", "clicks wait in the journal"), ("info", "clicks are being folded again")]
    assert await store.totals([1]) == {1: Total(300)}


async def test_the_lag_is_the_age_of_the_oldest_click_that_waits(
    journals: Path, store: FlakyStore, enricher: Enricher
) -> None:
    drain = Drain(journals, store, enricher, clock=lambda: AT / 1000 + 60)
    with journal(journals) as writing:
        for late in range(3):
            writing.append(payload(at_ms=AT + late * 1000))
        store.away = True
        drain._positions = {}
        with pytest.raises(StoreUnavailable):
            await drain.drain_once()
        assert drain.lag_s == 60
        store.away = False
        await drain.drain_once()
        assert drain.lag_s == 0
        assert drain.lag_bytes == 0
        assert drain.last_fold_ms > 0


async def test_junk_in_a_segment_costs_the_rest_of_that_segment_only(
    journals: Path, store: FlakyStore, drain: Drain
) -> None:
    with journal(journals) as writing:
        for _ in range(1000):
            writing.append(payload())
        segments = sorted(writing.folder.glob("*.seg"))
    record = FRAME.size + len(payload())
    with segments[1].open("r+b") as file:
        file.seek(16 + 3 * record + 20)
        file.write(b"junk")
    per_segment = (SMALL - 16 - 8) // record
    with capture_logs() as logs:
        while await drain.drain_once():
            pass
    assert await store.totals([1]) == {1: Total(1000 - (per_segment - 3))}
    assert drain.corrupt == 1
    assert len([entry for entry in logs if entry["log_level"] == "error"]) == 1
    assert files(journals) == []


@pytest.mark.parametrize("junk", [b"", b"\xff" * 5000, random.Random(1).randbytes(5000), b"SHORTLY1" + b"\1" * 100])
async def test_a_segment_of_nothing_but_junk_is_put_away(
    journals: Path, store: FlakyStore, drain: Drain, junk: bytes
) -> None:
    (journals / "dead").mkdir(parents=True)
    (journals / "dead" / "00000000.seg").write_bytes(junk)
    with journal(journals) as writing:
        writing.append(payload())
    assert await drain.drain_once() == 1
    assert await drain.drain_once() == 0
    assert files(journals) == []
    assert await store.totals([EVERY_LINK]) == {EVERY_LINK: Total(1)}


@pytest.mark.parametrize("strange", [b"x", payload(0), payload(2**63), payload(2**64 - 1), payload(at_ms=2**43)])
async def test_a_record_that_holds_no_click_is_skipped_alone(
    journals: Path, store: FlakyStore, drain: Drain, strange: bytes
) -> None:
    with journal(journals) as writing:
        for record in (payload(), strange, payload()):
            writing.append(record)
        assert await drain.drain_once() == 3
        assert await drain.drain_once() == 0
    assert drain.corrupt == 1
    assert await store.totals([1, EVERY_LINK]) == {1: Total(2), EVERY_LINK: Total(2)}


async def test_a_record_that_is_being_written_is_waited_for(journals: Path, store: FlakyStore, drain: Drain) -> None:
    with journal(journals) as writing:
        writing.append(payload())
        (segment,) = writing.folder.glob("*.seg")
        whole = FRAME.size + len(payload())
        writing.append(payload())
        with segment.open("r+b") as file:
            file.seek(16 + whole)
            frame = file.read(FRAME.size)
            file.seek(16 + whole)
            file.write(frame[:4] + b"\0\0\0\0")
            file.flush()
            assert await drain.drain_once() == 1
            assert await drain.drain_once() == 0
            assert drain.corrupt == 0
            file.seek(16 + whole)
            file.write(frame)
            file.flush()
            assert await drain.drain_once() == 1
    assert await store.totals([1]) == {1: Total(2)}


async def test_a_second_drain_stands_by_until_the_first_one_ends(
    journals: Path, store: FlakyStore, drain: Drain, enricher: Enricher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "STAND_BY_S", 0.02)
    second = Drain(journals, store, enricher)
    with journal(journals) as writing:
        async with running(drain) as stop:
            await until(lambda: drain.draining)
            async with running(second):
                for _ in range(200):
                    writing.append(payload())
                await until(lambda: drain.folded == 200)
                assert not second.draining
                stop.set()
                await until(lambda: second.draining)
                writing.append(payload())
                await until(lambda: second.folded == 1)
    assert await store.totals([1]) == {1: Total(201)}


async def test_told_to_stop_it_drains_what_is_left(journals: Path, store: FlakyStore, drain: Drain) -> None:
    stop = asyncio.Event()
    with journal(journals) as writing:
        task = asyncio.create_task(drain.run(stop))
        await until(lambda: drain.draining)
        for _ in range(30_000):
            writing.append(payload())
        stop.set()
        await task
    assert await store.totals([1]) == {1: Total(30_000)}


async def test_told_to_stop_while_the_store_is_away_it_ends_in_time(
    journals: Path, store: FlakyStore, drain: Drain
) -> None:
    with journal(journals) as writing:
        writing.append(payload())
        store.away = True
        started = time.monotonic()
        assert not await drain.finish(0.3)
        assert time.monotonic() - started < 2
        store.away = False
        assert await drain.finish(5)
    assert await store.totals([1]) == {1: Total(1)}


async def test_housekeeping_deletes_old_visits_and_gone_links(
    journals: Path, store: FlakyStore, enricher: Enricher, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, forgotten = [[1], []], []

    async def gone_links(before_ms: int) -> list[int]:
        assert before_ms == AT - 30 * 86_400_000
        return gone.pop(0)

    async def forget_links(link_ids: list[int]) -> None:
        forgotten.extend(link_ids)

    monkeypatch.setattr(store, "gone_links", gone_links)
    monkeypatch.setattr(store, "forget_links", forget_links)
    drain = Drain(journals, store, enricher, visit_retention_days=1, clock=lambda: AT / 1000)
    with journal(journals) as writing:
        for link_id in (1, 2):
            writing.append(payload(link_id, at_ms=AT - 2 * 86_400_000))
            writing.append(payload(link_id, at_ms=AT - 1))
        await drain.drain_once()
    await drain.prune()
    assert forgotten == [1]
    assert await store.totals([1, 2]) == {2: Total(2)}
    assert len((await store.visits(EVERY_LINK, since_ms=0, until_ms=AT * 2, limit=9)).items) == 1


DRAINING = """
import asyncio, sys
from pathlib import Path
from shortly.clicks import drain
from shortly.clicks.enrich import Enricher
from shortly.store.sqlite import SqliteStore
drain.BATCH_VISITS, drain.READ_BYTES, drain.POLL_S = 50, 2048, 0.001
async def main(folder):
    enricher = Enricher(None)
    enricher.prepare()  # which takes a while; the kills are meant for what follows
    async with SqliteStore(folder / "data") as store:
        print("draining", flush=True)
        await drain.Drain(folder / "journal", store, enricher).run(asyncio.Event())
asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.slow
async def test_a_drain_killed_again_and_again_counts_each_click_once(tmp_path: Path, enricher: Enricher) -> None:
    chance = random.Random()
    journals, given = tmp_path / "journal", 10_000
    with journal(journals) as writing:
        written = kills = 0
        while written < given or kills < 6:
            process = subprocess.Popen([sys.executable, "-c", DRAINING, str(tmp_path)], stdout=subprocess.PIPE)
            assert process.stdout is not None
            while process.stdout.readline() != b"draining\n":
                assert process.poll() is None
            deadline = time.monotonic() + chance.uniform(0.3, 0.9)
            while time.monotonic() < deadline and written < given:
                for _ in range(10):
                    writing.append(payload(1 + written % 100))
                    written += 1
                time.sleep(0.001)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
            kills += 1
    async with SqliteStore(tmp_path / "data") as store:
        drain = Drain(journals, store, enricher)
        already = (await store.totals([EVERY_LINK])).get(EVERY_LINK, Total()).clicks
        assert await drain.finish(30)
        assert already > 0, "no drain lived long enough to fold anything"
        links = range(1, 101)
        assert await store.totals([*links, EVERY_LINK]) == {link: Total(given // 100) for link in links} | {
            EVERY_LINK: Total(given)
        }
        hour = AT // 3_600_000
        assert (await store.tally(1, hour, hour + 1)).clicks == given // 100
        assert drain.corrupt == 0
    assert files(journals) == []


STEPPING = """
import asyncio, os, sys
from pathlib import Path
import apsw
from shortly.clicks.click import Click, encode_click
from shortly.clicks.drain import Drain
from shortly.clicks.enrich import Enricher
from shortly.clicks.journal import Journal
from shortly.store.sqlite import SqliteStore
from shortly.store.sqlite.clicks import ClickTables

folder, enricher, steps_left = Path(sys.argv[1]), Enricher(None), 0
enricher.prepare()  # once, and not after each fork

def step(*_):
    global steps_left
    steps_left -= 1
    if steps_left == 0:
        os._exit(9)  # like SIGKILL: nothing is tidied up

def stepping(do):
    def done(*arguments, **options):
        step()
        answer = do(*arguments, **options)
        step()
        return answer
    return done

connect = ClickTables._connect_writer
def connect_stepping(self):
    writer = connect(self)
    writer.trace_v2(apsw.SQLITE_TRACE_STMT, step)
    return writer
ClickTables._connect_writer = connect_stepping
Path.unlink, Path.rmdir = stepping(Path.unlink), stepping(Path.rmdir)
ClickTables.fold = stepping(ClickTables.fold)

async def drain():
    async with SqliteStore(folder / "data") as store:
        draining = Drain(folder / "journal", store, enricher)
        while await draining.drain_once():
            pass

async def count():
    async with SqliteStore(folder / "data") as store:
        hour = 1_790_000_000_000 // 3_600_000
        tally = await store.tally(1, hour, hour + 1)
        print((await store.totals([1]))[1].clicks, tally.clicks, len(await store.positions()))

def drain_in_child(steps):
    global steps_left
    child = os.fork()
    if child == 0:
        steps_left = steps
        asyncio.run(drain())
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

written, killed_after, ended = 0, 0, 9
while ended == 9:
    with Journal(folder / "journal", segment_bytes=4096, max_bytes=1 << 30, sync_ms=0) as journal:
        for nth in range(60):
            written += journal.append(encode_click(Click(1_790_000_000_000, 1, 0, 0, b"visitor1", *[""] * 6)))
    killed_after += 1
    ended = drain_in_child(killed_after)
    assert drain_in_child(0) == 0
print(killed_after, written)
asyncio.run(count())
"""


@pytest.mark.slow
def test_a_drain_killed_between_any_two_steps_counts_each_click_once(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", STEPPING, str(tmp_path)], check=True, capture_output=True, text=True, timeout=60
    )
    first, second = told.stdout.splitlines()[-2:]
    steps, written = map(int, first.split())
    clicks, tallied, positions = map(int, second.split())
    assert steps > 30, "the steps were not all seen"
    assert (clicks, tallied) == (written, written)
    assert positions < steps  # at most one left behind by each kill between deleting and forgetting
    assert files(tmp_path / "journal") == []

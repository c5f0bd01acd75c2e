"""The click journal: what is written is read, by whoever, whenever, and nothing else is."""

import os
import random
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortly.accounts.people import MAX_WORKSPACES
from shortly.clicks.click import Click, decode_click, encode_click
from shortly.clicks.journal import Journal, worker_folders
from shortly.clicks.segment import END, FRAME, HEADER, SegmentReader

SMALL = 1 << 14


def journal(folder: Path, *, segment_bytes: int = SMALL, max_bytes: int = 1 << 30, sync_ms: int = 0) -> Journal:
    return Journal(folder, segment_bytes=segment_bytes, max_bytes=max_bytes, sync_ms=sync_ms)


def read_all(folder: Path) -> list[bytes]:
    return [payload for worker in worker_folders(folder) for segment in worker.segments for payload in read(segment)]


def read(segment: Path) -> Iterator[bytes]:
    with SegmentReader(segment) as reader:
        position = 0
        while records := reader.read(position, 4096).records:
            yield from (payload for _, payload in records)
            position = records[-1][0]


def test_what_is_appended_is_read_back_in_order_across_segments(tmp_path: Path) -> None:
    payloads = [random.Random(n).randbytes(n % 700) for n in range(1, 500)]
    with journal(tmp_path) as writing:
        assert all(writing.append(payload) for payload in payloads)
        assert read_all(tmp_path) == payloads
        assert len(worker_folders(tmp_path)[0].segments) > 5
    assert read_all(tmp_path) == payloads


def test_a_click_can_be_read_by_another_process_before_the_journal_is_closed(tmp_path: Path) -> None:
    with journal(tmp_path) as writing:
        writing.append(b"first")
        (worker,) = worker_folders(tmp_path)
        assert worker.alive
        with SegmentReader(worker.segments[0]) as reader:
            chunk = reader.read(0)
            assert [payload for _, payload in chunk.records] == [b"first"]
            assert not chunk.closed
            writing.append(b"second")
            later = reader.read(chunk.records[-1][0])
            assert [payload for _, payload in later.records] == [b"second"]


def test_a_closed_journal_says_so_and_its_worker_counts_as_dead(tmp_path: Path) -> None:
    with journal(tmp_path) as writing:
        writing.append(b"only")
    (worker,) = worker_folders(tmp_path)
    assert not worker.alive
    with SegmentReader(worker.segments[0]) as reader:
        assert reader.read(0).closed


def test_clicks_of_a_killed_worker_are_all_there(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from shortly.clicks.journal import Journal\n"
        f"j = Journal(Path(sys.argv[1]), segment_bytes={SMALL}, max_bytes=1 << 30, sync_ms=1000).__enter__()\n"
        "n = 0\n"
        "while True:\n"
        "    j.append(b'%d' % n); n += 1\n"
        "    if n % 100 == 0: print(n, flush=True)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    acknowledged = [int(worker.stdout.readline()) for _ in range(50)][-1]
    worker.send_signal(signal.SIGKILL)
    acknowledged = max([acknowledged, *map(int, worker.stdout.read().split()[:-1])])
    worker.communicate()
    found = [int(payload) for payload in read_all(tmp_path)]
    assert found == list(range(len(found)))
    assert len(found) >= acknowledged
    assert not worker_folders(tmp_path)[0].alive


def test_a_full_journal_refuses_and_counts_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shortly.clicks.journal.RETRY_S", 0.0)
    with journal(tmp_path, max_bytes=3 * SMALL) as writing:
        payload = b"x" * 1000
        while writing.append(payload):
            pass
        assert writing.refusing
        assert writing.written > 20
        dropped = writing.dropped
        assert not writing.append(payload)
        assert writing.dropped == dropped + 1
        worker_folders(tmp_path)[0].segments[0].unlink()
        assert writing.append(payload)
        assert not writing.refusing


def test_a_full_disk_refuses_clicks_and_leaves_no_broken_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with journal(tmp_path) as writing:
        writing.append(b"before")
        monkeypatch.setattr(os, "posix_fallocate", no_room)
        while writing.append(b"y" * 1000):
            pass
        assert writing.refusing
        assert len(worker_folders(tmp_path)[0].segments) == 1
    assert read_all(tmp_path)[0] == b"before"


def test_a_payload_larger_than_a_segment_is_refused_and_the_next_one_is_not(tmp_path: Path) -> None:
    with journal(tmp_path) as writing:
        assert not writing.append(b"z" * SMALL)
        assert writing.append(b"small")
    assert read_all(tmp_path) == [b"small"]


def test_a_record_is_invisible_until_its_frame_is_whole(tmp_path: Path) -> None:
    segment = tmp_path / "00000000.seg"
    payload = b"half written"
    frame = FRAME.pack(len(payload), zlib.crc32(payload))
    whole = b"\0" * HEADER + frame + payload + b"\0" * 64
    for written in range(len(frame)):
        torn = whole[: HEADER + written] + b"\0" * (len(frame) - written) + whole[HEADER + len(frame) :]
        segment.write_bytes(torn)
        with SegmentReader(segment) as reader:
            assert reader.read(0).records == [], written
    segment.write_bytes(whole)
    with SegmentReader(segment) as reader:
        assert [payload for _, payload in reader.read(0).records] == [payload]


@given(st.binary(max_size=200))
def test_junk_is_torn_or_nothing_but_never_a_record_or_an_exception(junk: bytes) -> None:
    path = Path(f"/dev/shm/shortly-junk-{os.getpid()}.seg")
    try:
        path.write_bytes(b"\0" * HEADER + junk + b"\0" * 16)
        with SegmentReader(path) as reader:
            for _, payload in reader.read(0).records:
                assert FRAME.pack(len(payload), zlib.crc32(payload)) in junk
    finally:
        path.unlink(missing_ok=True)


def test_an_end_mark_is_an_end_even_as_the_last_bytes_of_the_file(tmp_path: Path) -> None:
    segment = tmp_path / "00000000.seg"
    segment.write_bytes(b"\0" * HEADER + END)
    with SegmentReader(segment) as reader:
        assert reader.read(0).closed


@pytest.mark.anyio
async def test_waiting_for_the_disk_covers_what_was_appended_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync
    with journal(tmp_path) as writing:

        def counting(fd: int) -> None:
            real(fd)
            synced.append(writing.written)

        monkeypatch.setattr(os, "fsync", counting)
        for n in range(1, 6):
            writing.append(b"x")
            await writing.synced()
            assert synced[-1] >= n


LATIN = st.text(st.characters(max_codepoint=255), max_size=300)


@given(
    st.builds(
        Click,
        at_ms=st.integers(0, 2**63),
        link_id=st.integers(1, 2**63 - 1),
        outcome=st.integers(0, 5),
        private=st.booleans(),
        visitor=st.binary(min_size=8, max_size=8),
        country=st.sampled_from(["", "DE", "us"]),
        network=st.sampled_from(["", "203.0.113.0", "2001:db8:1::"]),
        referrer=LATIN,
        user_agent=LATIN,
        language=LATIN.map(lambda text: text[:128]),
        query=LATIN,
        workspace=st.integers(1, MAX_WORKSPACES),
    )
)
def test_a_click_survives_its_encoding(click: Click) -> None:
    assert decode_click(encode_click(click)) == click

"""Counters of the node: they never fall, pile up or count a dead process's gauges."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from shortly.counters import (
    COUNTERS,
    ENDED_UNASKED,
    GAUGES,
    GAUGES_AT,
    INDEX,
    SERVING,
    SLOT_BYTES,
    Counters,
    read_counters,
)


def count_and_hang(folder: Path, counted: "multiprocessing.synchronize.Event") -> None:
    with Counters(folder) as counters:
        counters.add("redirects_302", 5)
        counters.set("workers_running", 1)
        counters.set(SERVING, 1)
        counted.set()
        signal.pause()


def test_counts_of_all_processes_add_up_and_survive_a_kill(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    counted = spawn.Event()
    other = spawn.Process(target=count_and_hang, args=(tmp_path, counted))
    with Counters(tmp_path) as mine:
        mine.add("redirects_302", 2)
        mine.set("workers_running", 1)
        other.start()
        assert counted.wait(20)
        assert read_counters(tmp_path)["redirects_302"] == 7
        assert read_counters(tmp_path)["workers_running"] == 2
        assert other.pid is not None
        os.kill(other.pid, signal.SIGKILL)
        other.join()
        assert read_counters(tmp_path)["redirects_302"] == 7
        assert read_counters(tmp_path)["workers_running"] == 1
        assert read_counters(tmp_path)[ENDED_UNASKED] == 1


def test_a_service_that_was_killed_is_told_of_once_and_one_that_was_stopped_never(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    for times in (1, 2):
        counted = spawn.Event()
        service = spawn.Process(target=count_and_hang, args=(tmp_path, counted))
        service.start()
        assert counted.wait(20)
        assert read_counters(tmp_path)[ENDED_UNASKED] == times - 1
        assert service.pid is not None
        os.kill(service.pid, signal.SIGKILL)
        service.join()
        assert read_counters(tmp_path)[ENDED_UNASKED] == times  # before anybody starts in its place
    for _ in range(2):
        with Counters(tmp_path) as counters:
            counters.set(SERVING, 1)
            assert read_counters(tmp_path)[ENDED_UNASKED] == 2
            counters.set(SERVING, 0)
    assert read_counters(tmp_path)[ENDED_UNASKED] == 2


def test_the_next_process_goes_on_in_the_slot_of_a_dead_one(tmp_path: Path) -> None:
    for _ in range(5):
        with Counters(tmp_path) as counters:
            counters.add("clicks_written")
            counters.set("drain_lag_bytes", 9)
    assert read_counters(tmp_path)["clicks_written"] == 5
    assert read_counters(tmp_path)["drain_lag_bytes"] == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_is_counted_before_anybody_counts(tmp_path: Path) -> None:
    assert set(read_counters(tmp_path / "missing").values()) == {0}
    (tmp_path / "000").write_bytes(b"short")
    assert set(read_counters(tmp_path).values()) == {0}


def test_a_full_disk_leaves_counting_to_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with Counters(tmp_path) as counters:
        counters.add("clicks_written")
    assert counters.values[INDEX["clicks_written"]] == 1


def test_every_name_has_a_place_of_its_own_within_the_slot() -> None:
    assert len(set(INDEX.values())) == len(COUNTERS) + len(GAUGES)
    assert len(COUNTERS) <= GAUGES_AT
    assert max(INDEX.values()) < SLOT_BYTES // 8

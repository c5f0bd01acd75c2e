"""Counters of the whole node, whatever the number of its processes.

Each process owns one small memory-mapped file (a slot) of 64-bit counters and adds to it without a system call. A slot
outlives its process: the next one goes on counting in it, so that sums never fall, files never pile up, and reading
is adding up a handful of pages. The slot's lock (flock) ends with the process that held it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path
from typing import Self

REDIRECTS = {status: f"redirects_{status}" for status in (200, 204, 301, 302, 307, 308, 403, 404, 405, 410, 503)}
"""HTTP status that the redirect answered -> counter."""
LATER_REDIRECTS = {451: "redirects_451"}
PASSWORD_ANSWERS = {303: "redirects_303", 429: "redirects_429"}
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
SERVING, ENDED_UNASKED = "serving", "services_ended_unasked"
"""1 from a service's start until it was told to stop; and how many left it at that, being killed or out of power."""
REQUEST_BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
"""Upper bounds of the API's duration histogram; one more bucket holds the rest."""

COUNTERS = (
    *REDIRECTS.values(),
    "clicks_written",
    "clicks_dropped",
    "clicks_folded",
    "clicks_corrupt",
    *(f"api_requests_{status_class}" for status_class in STATUS_CLASSES),
    *(f"api_request_ms_le_{bound}" for bound in REQUEST_BUCKETS_MS),
    "api_request_ms_le_inf",
    "api_request_us_sum",
    "rate_limited",
    *LATER_REDIRECTS.values(),
    "workers_restarted",
    *PASSWORD_ANSWERS.values(),
    ENDED_UNASKED,
    "link_checks",
    "link_checks_failed",
    "links_broken",
)
"""Names that only grow; new ones go to the end, so that slots of an earlier version stay right."""
REDIRECTS |= LATER_REDIRECTS | PASSWORD_ANSWERS
GAUGES = ("drain_lag_ms", "drain_lag_bytes", "drain_running", "workers_running", SERVING)
"""Names that describe a living process; those of dead ones do not count."""

SLOT_BYTES = 4096
GAUGES_AT = 448
INDEX = {name: place for place, name in enumerate(COUNTERS)} | {
    name: GAUGES_AT + place for place, name in enumerate(GAUGES)
}
MAX_SLOTS = 1000


class Counters:
    """The slot of this process. ``values[INDEX[name]] += 1`` counts; the redirect does just that."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd: int | None = None
        self.values = memoryview(bytearray(SLOT_BYTES)).cast("Q")

    def __enter__(self) -> Self:
        """Take the first slot that no living process has."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(MAX_SLOTS):
            fd = os.open(self._folder / f"{number:03d}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.posix_fallocate(fd, 0, SLOT_BYTES)
            except BlockingIOError:
                os.close(fd)
                continue
            except OSError:  # the disk is full: count in memory only
                os.close(fd)
                return self
            self._fd = fd
            self._map = mmap.mmap(fd, SLOT_BYTES)
            self.values = memoryview(self._map).cast("Q")
            self.values[INDEX[ENDED_UNASKED]] += self.values[INDEX[SERVING]]  # whose slot it was never stopped
            for gauge in GAUGES:
                self.values[INDEX[gauge]] = 0
            return self
        raise RuntimeError(f"more than {MAX_SLOTS} processes count in {self._folder}")

    def __exit__(self, *_: object) -> None:
        """Give the slot back with what it holds."""
        if self._fd is not None:
            mapped, self.values = self.values, memoryview(bytearray(self.values)).cast("Q")
            mapped.release()
            self._map.close()  # it holds a duplicate of the file, and with it the lock
            os.close(self._fd)
            self._fd = None

    def add(self, name: str, amount: int = 1) -> None:
        """Add to a counter."""
        self.values[INDEX[name]] += amount

    def set(self, name: str, value: int) -> None:
        """Set a counter or gauge that this process alone knows; never below zero."""
        self.values[INDEX[name]] = max(0, value)


def read_counters(folder: Path) -> dict[str, int]:
    """Return every counter summed over all slots, and every gauge over those of living processes."""
    sums = dict.fromkeys((*COUNTERS, *GAUGES), 0)
    try:
        slots = sorted(folder.iterdir())
    except FileNotFoundError:
        return sums
    for slot in slots:
        with slot.open("rb") as file:
            living = False
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # first: nobody takes the slot while it is read
            except BlockingIOError:
                living = True
            data = file.read(SLOT_BYTES)
            if len(data) < SLOT_BYTES:
                continue
            values = memoryview(data).cast("Q")
            for name in (*COUNTERS, *GAUGES) if living else COUNTERS:
                sums[name] += values[INDEX[name]]
            if not living:
                sums[ENDED_UNASKED] += values[INDEX[SERVING]]
    return sums

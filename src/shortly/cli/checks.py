"""What ``doctor`` looks at: each check says how things stand and, where they do not stand well, what to do."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import apsw
from msgspec import Struct

from shortly.clicks.click import decode_click
from shortly.clicks.drain import LOCK
from shortly.clicks.journal import is_locked, worker_folders
from shortly.clicks.segment import SegmentReader
from shortly.clicks.store import EVERY_LINK
from shortly.counters import read_counters
from shortly.links.link import LinkQuery
from shortly.settings import Settings
from shortly.store import Store
from shortly.store.sqlite.connection import refuse_wal_reset_bug
from shortly.store.sqlite.migrate import schema_version

MIB = 1 << 20
TOLERANCE = timedelta(minutes=1)
"""How far ahead of this clock a stored time may be."""
LAG_S = 60
"""Age of a click in the journal from which on something is slow."""
SAMPLE_BYTES = 1 << 16

State = Literal["ok", "warning", "problem"]


class Check(Struct, frozen=True):
    """One finding."""

    name: str
    state: State
    message: str
    advice: str = ""
    """What to do; empty when nothing is to be done."""


def check_settings(settings: Settings) -> Iterator[Check]:
    """Look for settings that contradict one another or open a door."""
    base = urlsplit(settings.base_url)
    local = base.hostname in ("localhost", "127.0.0.1", "::1")
    if local and (base.port or 80) != settings.port:
        yield Check(
            "address",
            "warning",
            f"Short links begin with {settings.base_url}, but Shortly listens on port {settings.port}.",
            "Set BASE_URL to the address that visitors use.",
        )
    else:
        yield Check("address", "ok", f"Short links begin with {settings.base_url}.")
    if any(network.prefixlen == 0 for network in settings.trusted_networks):
        yield Check(
            "proxies",
            "problem",
            "TRUSTED_PROXIES covers every address, so that any visitor can pretend to be another.",
            "Name the proxies' own networks only.",
        )
    elif base.scheme == "https" and not settings.trusted_proxies:
        yield Check(
            "proxies",
            "warning",
            "BASE_URL is https, so a proxy stands in front, but TRUSTED_PROXIES is empty: all visitors seem to be one.",
            "Set TRUSTED_PROXIES to the proxy's address or network.",
        )
    elif settings.country_header and not settings.trusted_proxies:
        yield Check(
            "proxies",
            "warning",
            "COUNTRY_HEADER is believed from trusted proxies only, and TRUSTED_PROXIES is empty.",
            "Set TRUSTED_PROXIES, or leave COUNTRY_HEADER unset.",
        )
    else:
        yield Check("proxies", "ok", f"{len(settings.trusted_proxies) or 'No'} trusted networks.")
    if settings.geoip_path is not None and not os.access(settings.geoip_path, os.R_OK):
        yield Check(
            "geoip",
            "problem",
            f"The file {str(settings.geoip_path)!r} of GEOIP_PATH cannot be read.",
            "Put the database there, or leave GEOIP_PATH unset.",
        )


def check_sqlite(_: Settings) -> Iterator[Check]:
    """Look at the SQLite library."""
    version = apsw.sqlite_lib_version()
    refuse_wal_reset_bug(version)
    yield Check("sqlite", "ok", f"SQLite {version}.")


def check_folder(settings: Settings) -> Iterator[Check]:
    """Look at the data folder: is it there, ours, private, and is there room?"""
    folder = settings.data_dir
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            yield Check("folder", "ok", f"The folder {str(folder)!r} is made at the first start.")
        else:
            yield Check(
                "folder",
                "problem",
                f"The folder {str(folder)!r} is not there, and cannot be made in {str(parent)!r}.",
                "Make it, and give it to the user that runs Shortly; or set DATA_DIR.",
            )
        return
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Check(
            "folder",
            "problem",
            f"This user cannot write in {str(folder)!r}.",
            "Give the folder to the user that runs Shortly; or set DATA_DIR.",
        )
        return
    open_to_others = [
        path
        for path in (folder, *folder.glob("*.db"), folder / "journal")
        if path.exists() and path.stat().st_mode & 0o077
    ]
    if open_to_others:
        yield Check(
            "folder",
            "warning",
            f"Other users can look into {str(open_to_others[0])!r}.",
            f"chmod -R go= {folder}",
        )
    else:
        yield Check("folder", "ok", f"The folder {str(folder.absolute())!r} is this user's alone.")
    yield from check_disk(settings)


def check_disk(settings: Settings) -> Iterator[Check]:
    """Look for room, and whether it can be set aside in advance."""
    free = shutil.disk_usage(settings.data_dir).free
    left = f"{free // MIB} MiB are free."
    if free < (settings.workers + 1) * settings.journal_segment_mb * MIB + 16 * MIB:
        yield Check("disk", "problem", f"{left} New links are refused and clicks dropped soon.", "Make room.")
    elif free < settings.journal_max_mb * MIB:
        yield Check(
            "disk",
            "warning",
            f"{left} The journal may grow to {settings.journal_max_mb} MiB.",
            "Make room, or lower JOURNAL_MAX_MB.",
        )
    else:
        yield Check("disk", "ok", left)
    with tempfile.TemporaryFile(dir=settings.data_dir) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, SAMPLE_BYTES)
            reserved = os.fstat(file.fileno()).st_blocks * 512 >= SAMPLE_BYTES
        except OSError:
            reserved = False
    if reserved:
        yield Check("fallocate", "ok", "The file system sets room aside for the journal.")
    else:
        yield Check(
            "fallocate",
            "problem",
            "The file system cannot set room aside (posix_fallocate): a full disk would kill workers.",
            "Move DATA_DIR to a local file system such as ext4 or XFS.",
        )


def check_schema(settings: Settings) -> Iterator[Check]:
    """Compare the databases' schemas with this version's."""
    for name in ("links", "clicks"):
        current, newest = schema_version(settings.data_dir / f"{name}.db", name)
        if current > newest:
            yield Check(
                f"{name}.db",
                "problem",
                f"Schema {current} was written by a newer version; this one knows {newest}.",
                "Install the newer version, or restore the backup made before the upgrade.",
            )
        elif current == 0:
            yield Check(f"{name}.db", "ok", "Is made at the first start.")
        elif current < newest:
            yield Check(
                f"{name}.db", "warning", f"Schema {current}; this version brings {newest}.", "Run 'shortly migrate'."
            )
        else:
            yield Check(f"{name}.db", "ok", f"Schema {current}.")


def check_drops(settings: Settings) -> Iterator[Check]:
    """Look for clicks that were lost."""
    counts = read_counters(settings.counters_dir)
    dropped, corrupt = counts["clicks_dropped"], counts["clicks_corrupt"]
    if dropped or corrupt:
        yield Check(
            "lost clicks",
            "warning",
            f"{dropped} clicks found no room, {corrupt} journal records were damaged, since this folder was made.",
            "Look for 'clicks are being dropped' in the log; make room, or raise JOURNAL_MAX_MB.",
        )
    else:
        yield Check("lost clicks", "ok", "None.")


async def check_store(settings: Settings, store: Store) -> AsyncIterator[Check]:
    """Write and read, and compare the clock with what is stored."""
    began = time.perf_counter()
    await store.ping()
    yield Check("store", "ok", f"Wrote and read in {(time.perf_counter() - began) * 1000:.0f} ms.")
    now = datetime.now(UTC)
    newest = (await store.list_links(LinkQuery(limit=1, now=now))).items
    hour = int(now.timestamp()) // 3600
    clicks_ahead = await store.hours(EVERY_LINK, hour + 2, hour + 24 * 366)
    if (newest and newest[0].created_at > now + TOLERANCE) or clicks_ahead:
        yield Check(
            "clock",
            "problem",
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, but there are links or clicks from later.",
            "Set the clock (timedatectl set-ntp true).",
        )
    else:
        yield Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC.")


async def repair_store(_: Settings, store: Store) -> AsyncIterator[Check]:
    """Prove lists and slugs right, or mend them; the embedded store changes them together with their links."""
    from shortly.store.redis import RedisStore

    if not isinstance(store, RedisStore):
        yield Check("repair", "ok", "The embedded store has nothing that could differ.")
        return
    report = await store.repair()
    if report.clean:
        yield Check("repair", "ok", f"{report.links} links: all lists and slugs are right.")
    else:
        yield Check(
            "repair",
            "ok",
            f"{report.links} links. Mended: {report.links_indexed} links that lists did not know as they are, "
            f"{report.entries_dropped} entries of lists without a link, {report.slugs_restored} slugs that led "
            f"nowhere, {report.slugs_freed} slugs without a link, {report.clicks_corrected} numbers of clicks.",
        )


async def check_journal(settings: Settings, store: Store) -> AsyncIterator[Check]:
    """Look at the clicks that wait, and whether somebody drains them."""
    draining = is_locked(settings.journal_dir / LOCK)
    positions = await store.positions()
    waiting_bytes, oldest_ms, stale = 0, None, 0
    for folder in worker_folders(settings.journal_dir):
        stale += not folder.alive
        for segment in folder.segments:
            size, first_ms = undrained(segment, positions.get(folder.name_of(segment), 0))
            waiting_bytes += size
            oldest_ms = min(filter(None, (oldest_ms, first_ms)), default=None)
    age_s = 0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000)
    waiting = f"{waiting_bytes} bytes of clicks wait" + (f", the oldest for {age_s:.0f} s." if waiting_bytes else ".")
    if not waiting_bytes or (draining and age_s < LAG_S):
        yield Check("journal", "ok", waiting)
    elif draining:
        yield Check("journal", "warning", waiting, "Look into the log for what keeps the drain from folding.")
    else:
        yield Check("journal", "warning", waiting, "Start 'shortly serve'; it folds them.")
    if stale and not draining:
        yield Check(
            "stale journals",
            "warning",
            f"{stale} folders of workers that have ended are left.",
            "Start 'shortly serve'; it folds and removes them.",
        )
    yield Check("drain", "ok", "Running." if draining else "Not running; 'shortly serve' is off.")


def undrained(segment: Path, position: int) -> tuple[int, int | None]:
    """Return how many bytes of whole records follow the position, and the time of the first (unix milliseconds)."""
    try:
        reader = SegmentReader(segment)
    except FileNotFoundError:  # drained and deleted just now
        return 0, None
    size, first_ms = 0, None
    with reader:
        try:
            while records := reader.read(position).records:
                if first_ms is None:
                    first_ms = decode_click(records[0][1], reader.layout).at_ms
                size += sum(len(payload) for _, payload in records)
                position = records[-1][0]
        except OSError:  # nobody but a newer version can say how many there are
            return reader.size, first_ms
    return size, first_ms

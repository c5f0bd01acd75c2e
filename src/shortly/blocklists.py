"""Keeps the compiled blocklist of this node up to date, in a thread: downloads lists, and compiles what changed."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import threading
import time
from hashlib import blake2b
from pathlib import Path

import structlog

from shortly.abuse.blocklist import compile_lists, compiled_from, digest_of
from shortly.errors import ShortlyError
from shortly.outbound.client import Limits, Outbound
from shortly.settings import Settings
from shortly.wiring import outbound_client

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
RETRY_S = 600.0
"""After a list could not be downloaded."""
NICENESS = 15
DOWNLOAD = Limits(max_bytes=128 << 20, deadline_s=300)


class BlocklistKeeper:
    """Starts and ends the work; while another process of the node does it, this one stands by.

    Args:
        settings: The installation's.
        outbound: Downloads lists; None: as the settings ask for.
    """

    def __init__(self, settings: Settings, outbound: Outbound | None = None) -> None:
        self._settings = settings
        self._outbound = outbound
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._retry_at: dict[str, float] = {}

    def start(self) -> None:
        """Begin; does nothing where no lists are set."""
        if self._settings.has_blocklists:
            self._thread = threading.Thread(target=self._run, name="blocklists", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """End; a download on its way is left alone and ends with the process."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1)
            self._thread = None

    def refresh(self) -> None:
        """Download what is due, and compile what changed; once."""
        settings = self._settings
        if not settings.has_blocklists:
            return
        copies = [(url, copy_of(settings.blocklist_dir, url)) for url in settings.blocklist_urls]
        due = [(url, copy) for url, copy in copies if self._is_due(url, copy)]
        if due:
            asyncio.run(self._download(due))
        sources = [*settings.blocklist_files, *(copy for _, copy in copies)]
        digest = digest_of(sources)
        if compiled_from(settings.blocklist_path) != digest:
            started = time.monotonic()
            hosts = compile_lists(sources, settings.blocklist_path, digest)
            log.info("blocklist compiled", hosts=hosts, seconds=round(time.monotonic() - started, 2))

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # not on every system a thread has a niceness of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        lock: int | None = None
        while not self._stop.is_set():
            try:
                if lock is None:
                    lock = take_lock(self._settings.blocklist_dir)
                if lock is not None:
                    self.refresh()
            except Exception:
                log.exception("the blocklist could not be brought up to date; the last one still counts")
            self._stop.wait(LOOK_EVERY_S)
        if lock is not None:
            os.close(lock)

    def _is_due(self, url: str, copy: Path) -> bool:
        if time.time() < self._retry_at.get(url, 0.0):
            return False
        try:
            return time.time() - copy.stat().st_mtime >= self._settings.blocklist_refresh_h * 3600
        except OSError:
            return True

    async def _download(self, due: list[tuple[str, Path]]) -> None:
        outbound = self._outbound or outbound_client(self._settings)
        for number, (url, copy) in enumerate(due):
            if self._stop.is_set():
                return
            try:
                answer = await outbound.get(url, limits=DOWNLOAD)
                if answer.status != 200:
                    raise OSError(f"status {answer.status}")
                keep(answer.body, copy)
            except (ShortlyError, OSError) as error:
                self._retry_at[url] = time.time() + RETRY_S
                why = str(error) if isinstance(error, ShortlyError) else type(error).__name__
                log.warning("a blocklist could not be downloaded; the copy kept still counts", list=number, why=why)


def copy_of(folder: Path, url: str) -> Path:
    """Return where the list at this address is kept, for restarts and while it cannot be downloaded."""
    return folder / f"{blake2b(url.encode(), digest_size=8).hexdigest()}.txt"


def keep(body: bytes, copy: Path) -> None:
    """Write a downloaded list, in one step."""
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = copy.with_suffix(".new")
    fresh.write_bytes(body)
    fresh.replace(copy)


def take_lock(folder: Path) -> int | None:
    """Return the open lock file; None while another process has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock

"""The drain of this node, run in a thread with an event loop and a store of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading

import structlog

from shortly.clicks.drain import Drain
from shortly.clicks.enrich import Enricher
from shortly.counters import Counters
from shortly.settings import Settings
from shortly.store import open_store

log = structlog.get_logger(__name__)

FINISH_S = 20
"""Time to fold what is left at the end; whatever is not folded then waits for the next start."""
NICENESS = 15
"""Of the drain's thread: where cores are short, visitors come first, and clicks wait in the journal."""
RETRY_S = 5.0
REPORT_EVERY_S = 0.5


class Drainer:
    """Starts and ends a node's drain; one that another process of the node runs already makes this one stand by."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._finishing = threading.Event()
        self.folded = 0
        """Clicks folded since the start."""

    def start(self) -> None:
        """Begin to drain."""
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Fold everything that is left, for at most ``FINISH_S``, and end; a second call does nothing."""
        if self._thread is None:
            return
        self._finishing.set()
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(FINISH_S + 5)
        self._thread = None

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # not on every system a thread has a niceness of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        asyncio.run(self._keep_draining())

    async def _keep_draining(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        if self._finishing.is_set():  # told so before there was anything to tell
            self._stop.set()
        while True:  # at least once: a service that is stopped right after its start has clicks, too
            try:
                await self._drain(self._stop)
            except Exception:
                log.exception("the drain failed; clicks wait in the journal")
            if self._finishing.is_set():
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), RETRY_S)

    async def _drain(self, stop: asyncio.Event) -> None:
        """Drain until told to stop."""
        settings = self._settings
        enricher = Enricher(settings.geoip_path)
        async with open_store(settings) as store:
            drain = Drain(
                settings.journal_dir,
                store,
                enricher,
                visit_retention_days=settings.visit_retention_days,
                deleted_retention_days=settings.deleted_retention_days,
                restore_hours=settings.restore_hours,
            )
            with Counters(settings.counters_dir) as counters:
                report = Report(drain, counters)
                reporting = asyncio.create_task(report.keep_up())
                try:
                    await drain.run(stop, finish_s=FINISH_S)
                finally:
                    reporting.cancel()
                    report.once()
                    self.folded += drain.folded


class Report:
    """Moves a drain's numbers to where ``/metrics`` finds them."""

    def __init__(self, drain: Drain, counters: Counters) -> None:
        self._drain = drain
        self._counters = counters
        self._folded = 0
        self._corrupt = 0

    async def keep_up(self) -> None:
        """Report again and again, until cancelled."""
        while True:
            self.once()
            await asyncio.sleep(REPORT_EVERY_S)

    def once(self) -> None:
        """Report what happened since the last time, and how things stand."""
        drain = self._drain
        self._counters.add("clicks_folded", drain.folded - self._folded)
        self._counters.add("clicks_corrupt", drain.corrupt - self._corrupt)
        self._folded, self._corrupt = drain.folded, drain.corrupt
        self._counters.set("drain_running", int(drain.draining))
        self._counters.set("drain_lag_bytes", drain.lag_bytes)
        self._counters.set("drain_lag_ms", int(drain.lag_s * 1000))

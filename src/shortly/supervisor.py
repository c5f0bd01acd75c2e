"""The server's main process: a worker that ends unasked is replaced, however often that happens."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable
from typing import Any

import structlog
from granian.server.mp import MPServer, WorkerProcess

from shortly.supervised import LEAVE

log = structlog.get_logger(__name__)

YOUNG_S = 10.0
PAUSES_S = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
"""Before a worker is replaced, by how many in its place ended within ``YOUNG_S``, one after the other."""
STARTED_S = 60.0
"""A worker that ends by itself before that was not able to start; on a busy machine this takes a while to find out."""
MOST_FAILURES = 3
"""Workers in one place that were not able to start, one after the other."""
LOOK_EVERY_S = 1.0
"""Even where nobody said that something happened."""


class Place:
    """One of the places that a worker has, and how those in it ended of late."""

    def __init__(self) -> None:
        self.died_young = 0
        self.failed = 0
        self.due = math.inf
        """When a successor is to be started; ``time.monotonic``."""

    def note_end(self, *, lived_s: float, code: int, now: float) -> None:
        """Take in how a worker ended; a negative code is the signal that ended it."""
        self.died_young = self.died_young + 1 if lived_s < YOUNG_S else 0
        self.failed = self.failed + 1 if lived_s < STARTED_S and code >= 0 else 0
        self.due = now + PAUSES_S[min(self.died_young, len(PAUSES_S) - 1)]


class Supervisor(MPServer):
    """Granian, but for what it does about workers that end unasked.

    Granian gives up as soon as a worker ends twice within seconds, whoever ended it. Here one that a signal ended
    (an operator's, or that of a kernel out of memory) always gets a successor, after pauses that grow. Where workers
    end by themselves again and again they cannot serve: that ends the service, so that whoever runs it hears of it.
    """

    on_end: Callable[[], None] = staticmethod(lambda: None)
    """Called when a worker has ended unasked and will be replaced."""

    def _spawn_worker(self, *arguments: Any, **named: Any) -> WorkerProcess:
        worker: WorkerProcess = super()._spawn_worker(*arguments, **named)
        worker.terminate = lambda: let_go(worker)  # type: ignore[method-assign]
        return worker

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        places = [Place() for _ in range(self.workers)]
        while not self.interrupt_signal:
            soonest = min(place.due for place in places)
            self.main_loop_interrupt.wait(max(0.0, min(LOOK_EVERY_S, soonest - time.monotonic())))
            self.main_loop_interrupt.clear()
            if self.interrupt_signal:
                break
            if self.reload_signal:
                self.reload_signal = False  # its successors would not be heard before Granian ends their predecessors
                log.warning("SIGHUP changes nothing: settings are read at the start, so restart instead")
            while self.interrupt_children:
                number = self.interrupt_children.pop()
                self._note_end(self.wrks[number], places[number])
            for number, place in enumerate(places):
                if place.due <= time.monotonic():
                    place.due = math.inf
                    self._respawn_workers([number], spawn_target, target_loader)
        self.interrupt_children.clear()  # who is told to end while a worker is being replaced has not failed

    def _note_end(self, worker: WorkerProcess, place: Place) -> None:
        """Plan the successor, or raise ``SystemExit`` when there have been too many."""
        worker.join()  # type: ignore[no-untyped-call]
        now, code = time.monotonic(), worker.inner.exitcode
        place.note_end(lived_s=now - worker.birth, code=code, now=now)
        if place.failed == MOST_FAILURES:
            log.error("workers end as soon as they are started; giving up", worker=worker.idx + 1, exit_code=code)
            self.shutdown(exit_code=1)  # type: ignore[no-untyped-call]
        self.on_end()
        log.error("a worker ended unasked", worker=worker.idx + 1, exit_code=code, next_in_s=round(place.due - now, 1))


def let_go(worker: WorkerProcess) -> None:
    """Tell a worker to finish, the streams first that would go on for ever."""
    worker.interrupt_by_parent = True
    if worker.is_alive():  # type: ignore[no-untyped-call]
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.inner.pid, LEAVE)

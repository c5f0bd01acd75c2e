"""Asks the targets of all links now and then, in a thread: visitors never wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from datetime import timedelta

import structlog

from shortly.accounts.registry import Registry
from shortly.counters import Counters
from shortly.errors import ShortlyError
from shortly.links.rounds import Rounds, Turn
from shortly.settings import Settings
from shortly.store.opening import open_place
from shortly.wiring import link_checks

log = structlog.get_logger(__name__)

FIRST_S = 60.0
"""After the start, which has better things to do."""
IDLE_S = 30.0
"""Before it is looked again whether there is something to do."""
LEAST_S = 1.0
"""Between two turns."""
TROUBLE_S = 300.0
"""Before the next try, when nothing can be reached."""
TURNS = 6
"""In a minute, when there is much to do."""
NICENESS = 15


class LinkChecker:
    """Starts and ends the work; of all processes and replicas of an installation one does it at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin, in a while; does nothing where links are not to be checked."""
        if self._settings.link_check_days:
            self._thread = threading.Thread(target=self._run, name="link checks", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """End; what is under way is given up, and asked again by whoever goes on."""
        self._stop.set()
        if self._thread is None:
            return
        if self._loop is not None and self._work is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._work.cancel)
        self._thread.join(5)
        self._thread = None

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # not on every system a thread has a niceness of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        if not self._stop.wait(FIRST_S):
            with contextlib.suppress(asyncio.CancelledError):
                asyncio.run(self._keep_checking())

    async def _keep_checking(self) -> None:
        self._loop, self._work = asyncio.get_running_loop(), asyncio.current_task()
        while not self._stop.is_set():
            try:
                await self._check()
            except ShortlyError as failure:
                log.warning("links cannot be checked now", reason=str(failure))
            except Exception:
                log.exception("the checks of links failed")
            await asyncio.sleep(TROUBLE_S)

    async def _check(self) -> None:
        """Go round until something fails."""
        settings = self._settings
        async with open_place(settings.redis_address or settings.data_dir, settings) as store:
            registry = Registry(store)
            rounds = Rounds(
                store,
                registry,
                link_checks(settings, store, registry),
                every=timedelta(days=settings.link_check_days),
                most=max(1, settings.link_checks_per_minute // TURNS),
            )
            with Counters(settings.counters_dir) as counters:
                while True:
                    turn = await rounds.turn()
                    report(turn, counters)
                    await asyncio.sleep(pause_s(turn, settings.link_checks_per_minute))


def report(turn: Turn, counters: Counters) -> None:
    """Count what was done, and say it where it is news."""
    counters.add("link_checks", turn.asked)
    counters.add("link_checks_failed", turn.failed)
    counters.add("links_broken", turn.broken)
    if turn.cut_off:
        log.warning("no target answers, so this machine may be cut off; nothing is concluded", asked=turn.asked)
    elif turn.asked:
        log.info("links checked", asked=turn.asked, failed=turn.failed, newly_broken=turn.broken)


def pause_s(turn: Turn, per_minute: int) -> float:
    """Return the seconds until the next turn, so that no more targets are asked than may be."""
    if turn.cut_off:
        return TROUBLE_S
    return IDLE_S if turn.idle else max(LEAST_S, turn.asked * 60 / per_minute)

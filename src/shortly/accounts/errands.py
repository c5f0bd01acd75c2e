"""Work that an answer does not wait for, bounded in number, and finished or given up when the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

from shortly.errors import ShortlyError

log = structlog.get_logger(__name__)

MAX_ERRANDS = 64
FINISH_S = 5.0


class Errands:
    """Errands under way in this process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Let the work be done; when too much is under way already it is dropped, and that is logged."""
        if len(self._tasks) >= MAX_ERRANDS:
            work.close()
            log.warning("too much is under way; an errand was dropped", under_way=len(self._tasks))
            return
        task = asyncio.create_task(self._run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, within_s: float = FINISH_S) -> None:
        """Wait for what is under way, for a while, and give up the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in list(self._tasks):
            task.cancel()

    async def _run(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except ShortlyError as refusal:
            log.warning("an errand failed", code=refusal.code)
        except Exception:
            log.exception("an errand failed unexpectedly")

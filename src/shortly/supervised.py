"""How a worker stays with its supervisor; the supervisor reads this, too, and nothing of what workers load."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable

SUPERVISOR = "SHORTLY_SUPERVISOR"
"""Variable in which the supervisor leaves its process id."""
LEAVE = signal.SIGUSR1
"""Tells a worker to end its streams, which have no end of their own, and then to finish as after SIGTERM."""
PR_SET_PDEATHSIG = 1


def stay_with(supervisor: int) -> None:
    """Leave orderly when the supervisor dies, even by SIGKILL, and only when it says so: not at a Ctrl-C by itself."""
    os.setpgrp()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, LEAVE)
    if os.getppid() != supervisor:
        raise SystemExit("the supervisor is gone")


def leave_after(end_streams: Callable[[], Awaitable[None]]) -> None:
    """Finish on ``LEAVE``, from now on; until then it simply ends the process, which serves nobody yet.

    A server waits for the answers that are under way before it tells the application that it stops, which is too
    late for those that only the application can end.
    """
    loop = asyncio.get_running_loop()
    leaving: list[asyncio.Task[None]] = []

    async def leave() -> None:
        await end_streams()
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_signal_handler(LEAVE, lambda: leaving.append(loop.create_task(leave())))

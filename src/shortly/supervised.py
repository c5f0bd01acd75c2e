"""How a worker stays with its supervisor; the supervisor reads this, too, and nothing of what workers load."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

SUPERVISOR = "SHORTLY_SUPERVISOR"
"""Variable in which the supervisor leaves its process id."""
PR_SET_PDEATHSIG = 1


def stay_with(supervisor: int) -> None:
    """Leave orderly when the supervisor dies, even by SIGKILL, and only when it says so: not at a Ctrl-C by itself."""
    os.setpgrp()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        raise SystemExit("the supervisor is gone")

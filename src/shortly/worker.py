"""A worker process of ``shortly serve``, as the server spawns it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from shortly.app import build
from shortly.logs import configure_logging
from shortly.redirect.redirect import ASGIApp
from shortly.settings import load_settings

SUPERVISOR = "SHORTLY_SUPERVISOR"
"""Variable in which the supervisor leaves its process id."""
PR_SET_PDEATHSIG = 1


def create_worker() -> ASGIApp:
    """Return the service without a drain: the supervisor's thread does that for all workers."""
    stay_with(int(os.environ[SUPERVISOR]))
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    return build(settings, drainer=None).__call__  # the method, which the server calls quicker than the object


def stay_with(supervisor: int) -> None:
    """Leave orderly when the supervisor dies, even by SIGKILL, and only when it says so: not at a Ctrl-C by itself."""
    os.setpgrp()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        raise SystemExit("the supervisor is gone")

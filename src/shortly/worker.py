"""A worker process of ``shortly serve``, as the server spawns it."""

from __future__ import annotations

import os

from shortly.logs import configure_logging
from shortly.redirect.redirect import ASGIApp
from shortly.service import build
from shortly.settings import load_settings
from shortly.supervised import SUPERVISOR, stay_with


def create_worker() -> ASGIApp:
    """Return the service without a drain: the supervisor's thread does that for all workers."""
    stay_with(int(os.environ[SUPERVISOR]))
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    return build(settings).__call__  # the method, which the server calls quicker than the object

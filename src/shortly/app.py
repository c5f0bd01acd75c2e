"""The HTTP service for any ASGI server: what the supervisor does for its workers is done here by the process itself."""

from __future__ import annotations

from shortly.blocklists import BlocklistKeeper
from shortly.checker import LinkChecker
from shortly.drainer import Drainer
from shortly.logs import configure_logging
from shortly.redirect.redirect import ASGIApp
from shortly.service import build
from shortly.settings import Settings, load_settings


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Return the whole service for any ASGI server; each of its processes drains the journal when no other does."""
    settings = settings or load_settings()
    configure_logging(settings.log_level, settings.log_format)
    return build(settings, drainer=Drainer(settings), keepers=[BlocklistKeeper(settings), LinkChecker(settings)])

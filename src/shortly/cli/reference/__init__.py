"""The reference pages, written from the code itself, so that they cannot tell anything else: see ``docs/reference``."""

from __future__ import annotations

from pathlib import Path

from shortly.cli.reference.api_page import api_page
from shortly.cli.reference.cli_page import cli_page
from shortly.cli.reference.settings_page import settings_page

PAGES = {"settings.md": settings_page, "cli.md": cli_page, "api.md": api_page}


def write_pages(folder: Path) -> None:
    """Write every page into the folder, which is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


def stale_pages(folder: Path) -> list[str]:
    """Return the names of the pages that are missing, or differ from what would be written."""
    return [
        name
        for name, page in PAGES.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != page()
    ]

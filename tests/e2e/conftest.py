"""A real server with the built web app, and Debian's Chromium to look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tests.e2e.site import FLAGS, Site
from tests.store.redis_servers import RedisServer

from shortly.api.web_app import FOLDER


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the browser once."""
    program = shutil.which("chromium")
    if program is None or not (FOLDER / "index.html").exists():
        pytest.fail("chromium or the built web app is missing; type: make test-browser")
    expect.set_options(timeout=15_000)  # as long as two busy cores may need
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(chromium: Browser, tmp_path: Path) -> Iterator[Site]:
    """Serve on SQLite."""
    with Site(chromium, tmp_path) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "redis"])
def site_on_each_store(request: Any, chromium: Browser, tmp_path: Path) -> Iterator[Site]:
    """Serve on SQLite, and on Redis."""
    if request.param == "sqlite":
        with Site(chromium, tmp_path) as opened:
            yield opened
        return
    server = RedisServer(tmp_path / "redis")
    server.start()
    try:
        with Site(chromium, tmp_path, {"STORE_URL": server.url, "JWT_SECRET": "x" * 40}) as opened:
            yield opened
    finally:
        server.kill()

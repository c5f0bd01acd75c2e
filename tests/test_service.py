"""A process with a supervisor: redirects first, and everything else as soon as it is there."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from shortly import behind
from shortly.accounts.registry import Registry
from shortly.service import build
from shortly.settings import Settings, load_settings
from shortly.store import open_store
from shortly.supervised import SUPERVISOR
from shortly.wiring import link_service, served_domains

Ask = Callable[[str], Coroutine[Any, Any, int]]

pytestmark = pytest.mark.anyio


@pytest.fixture
async def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return those of an installation with one link, as a supervisor's worker sees them."""
    monkeypatch.setenv(SUPERVISOR, str(os.getpid()))
    chosen = load_settings({"data_dir": tmp_path})
    async with open_store(chosen) as store:
        links = link_service(chosen, store, served_domains(chosen, Registry(store)))
        await links.create({"target": "https://example.com/", "slug": "abc"})
    return chosen


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Ask]:
    """Open a worker's service in this process; the function asks for a path and returns the status."""
    app = build(settings)
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan", "state": {}}, told.get, heard.put))
    await told.put({"type": "lifespan.startup"})
    assert (await heard.get())["type"] == "lifespan.startup.complete"

    async def ask(path: str) -> int:
        answer: asyncio.Queue[Any] = asyncio.Queue()
        scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "scheme": "http", "root_path": "", "state": {}}
        scope |= {"method": "GET", "path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}
        scope |= {"server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 5)}
        await app(scope, asyncio.Queue().get, answer.put)
        status: int = answer.get_nowait()["status"]
        return status

    try:
        yield ask
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await life
    assert (await heard.get())["type"] == "lifespan.shutdown.complete"


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Put together what is behind the redirect only when this is set."""
    event, put_together = threading.Event(), behind.put_together

    def wait_and_put_together(front: Any) -> behind.Behind:
        assert event.wait(60)
        return put_together(front)

    monkeypatch.setattr(behind, "put_together", wait_and_put_together)
    return event


async def test_links_redirect_before_the_api_is_there_which_requests_wait_for(
    settings: Settings, go_on: threading.Event
) -> None:
    async with serve(settings) as ask:
        assert await ask("/abc") == 302
        paths = ["/health/ready", "/abc+", "/api/v1/links", "/nothing"]
        early: list[asyncio.Task[int]] = [asyncio.create_task(ask(path)) for path in paths]
        assert await early.pop() == 404  # not a link, which nobody else needs to be asked for
        assert await ask("/abc") == 302
        assert not any(task.done() for task in early)
        go_on.set()
        assert await asyncio.gather(*early) == [200, 200, 401]
        assert await ask("/health") == 200


async def test_one_that_ends_before_everything_is_there_ends_well(settings: Settings, go_on: threading.Event) -> None:
    async with serve(settings) as ask:
        assert await ask("/abc") == 302
        asyncio.get_running_loop().call_later(0.1, go_on.set)


async def test_a_worker_without_an_api_ends(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> behind.Behind:
        raise MemoryError

    signals: list[int] = []
    monkeypatch.setattr(behind, "put_together", fail)
    monkeypatch.setattr("shortly.service.signal.raise_signal", signals.append)
    async with serve(settings) as ask:
        with pytest.raises(MemoryError):
            await ask("/health/live")
        assert await ask("/abc") == 302
    assert signals == [15]

"""Titles for new links, through the front door: fetched from a real server, into a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.outbound.servers import moved, ok, serving

from shortly.accounts.registry import Registry
from shortly.links.link import Link
from shortly.links.service import LinkService
from shortly.outbound.client import Outbound
from shortly.outbound.rules import OutboundRules
from shortly.outbound.titles import MAX_WAITING, Titles
from shortly.settings import load_settings
from shortly.store import open_store
from shortly.wiring import link_service, served_domains

pytestmark = pytest.mark.anyio
NOW = datetime.now(UTC)
PAGE = ok(b"<title>A page</title>", "Content-Type: text/html; charset=utf-8")


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio."""
    return "asyncio"


@asynccontextmanager
async def naming(folder: Path, *, allow: str = "127.0.0.1") -> AsyncIterator[tuple[LinkService, Titles]]:
    """Open a store, links on it, and what gives them titles."""
    settings = load_settings({"data_dir": folder})
    store = open_store(settings)
    titles = Titles(store, Outbound(OutboundRules(ports=None, allow=[allow])))
    async with store, titles:
        yield link_service(settings, store, served_domains(settings, Registry(store)), on_new=titles.wish), titles


async def test_a_new_link_gets_the_title_of_its_page(tmp_path: Path) -> None:
    async with serving(PAGE) as server, naming(tmp_path) as (links, titles):
        made = await links.create({"target": server.url(), "slug": "ab"})
        assert made.title == ""  # the answer did not wait
        await titles.settled()
        named = await links.get("ab")
        assert (named.title, named.version) == ("A page", made.version + 1)
        assert named.updated_at >= made.updated_at


async def test_a_title_that_was_given_is_kept_and_no_server_is_asked(tmp_path: Path) -> None:
    async with serving(PAGE) as server, naming(tmp_path) as (links, titles):
        await links.create({"target": server.url(), "slug": "ab", "title": "Mine"})
        await titles.settled()
        assert (await links.get("ab")).title == "Mine"
    assert not server.heads


@pytest.mark.parametrize(
    "changes",
    [{"title": "Mine"}, {"target": "https://example.com/"}, {"title": "Mine", "tags": ["a"]}],
    ids=["title", "target", "more"],
)
async def test_an_edit_in_the_meantime_wins(tmp_path: Path, changes: dict[str, object]) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go_on.wait()
        writer.write(PAGE)

    async with serving(speak) as server, naming(tmp_path) as (links, titles):
        await links.create({"target": server.url(), "slug": "ab"})
        await asked.wait()
        edited = await links.edit("ab", changes)
        go_on.set()
        await titles.settled()
        assert await links.get("ab") == edited


async def test_an_edit_of_something_else_in_the_meantime_is_kept(tmp_path: Path) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go_on.wait()
        writer.write(PAGE)

    async with serving(speak) as server, naming(tmp_path) as (links, titles):
        await links.create({"target": server.url(), "slug": "ab"})
        await asked.wait()
        await links.edit("ab", {"notes": "kept"})
        go_on.set()
        await titles.settled()
        link = await links.get("ab")
        assert (link.title, link.notes) == ("A page", "kept")


async def test_another_link_that_took_the_slug_is_left_alone(tmp_path: Path) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go_on.wait()
        writer.write(PAGE)

    async with serving(speak) as server, naming(tmp_path) as (links, titles):
        await links.create({"target": server.url(), "slug": "ab"})
        await asked.wait()
        await links.delete("ab")
        await links.create({"target": server.url(), "slug": "ab", "title": "Other"})
        go_on.set()
        await titles.settled()
        assert (await links.get("ab")).title == "Other"


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"<title>x</title>", "Content-Type: text/plain"),
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\r\n<title>x</title>",
        ok(b"<p>", "Content-Type: text/html"),
        b"garbage",
        moved("http://169.254.169.254/latest/meta-data/"),
    ],
)
async def test_a_server_without_a_title_leaves_the_link_as_it_is(tmp_path: Path, answer: bytes) -> None:
    async with serving(answer) as server, naming(tmp_path) as (links, titles):
        made = await links.create({"target": server.url(), "slug": "ab"})
        await titles.settled()
        assert await links.get("ab") == made


async def test_a_target_inside_is_not_asked(tmp_path: Path) -> None:
    async with serving(PAGE) as server, naming(tmp_path, allow="192.0.2.1") as (links, titles):
        made = await links.create({"target": server.url(), "slug": "ab"})
        await titles.settled()
        assert await links.get("ab") == made
    assert not server.heads


async def test_many_new_links_all_get_titles_a_few_at_a_time(tmp_path: Path) -> None:
    running = most = 0

    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        writer.write(PAGE)

    async with serving(speak) as server, naming(tmp_path) as (links, titles):
        made = await links.create_many([{"target": server.url(f"/{n}"), "slug": f"slug{n}"} for n in range(30)])
        assert all(isinstance(link, Link) for link in made)
        await titles.settled()
        assert [(await links.get(f"slug{n}")).title for n in range(30)] == ["A page"] * 30
    assert most <= 4


async def test_wishes_beyond_a_bound_are_forgotten(tmp_path: Path) -> None:
    link = Link(slug="ab", target="http://127.0.0.1:9/", created_at=NOW, updated_at=NOW)
    store = open_store(load_settings({"data_dir": tmp_path}))
    titles = Titles(store, Outbound())
    for _ in range(MAX_WAITING + 10):
        titles.wish(link)  # nobody works yet: it must neither fail nor grow
    assert titles._waiting.qsize() == MAX_WAITING


async def test_stopping_does_not_wait_for_slow_servers(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5), serving(speak) as server, naming(tmp_path) as (links, _):
        await links.create({"target": server.url(), "slug": "ab"})
        await asked.wait()

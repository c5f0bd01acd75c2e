"""The thread that asks the targets of links, on real data and real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.outbound.servers import serving

from shortly import checker
from shortly.accounts.registry import Registry
from shortly.checker import IDLE_S, LEAST_S, TROUBLE_S, LinkChecker, pause_s
from shortly.counters import read_counters
from shortly.links.checks import LinkCheck
from shortly.links.rounds import Turn
from shortly.settings import Settings, load_settings
from shortly.store import open_store
from shortly.wiring import link_service, served_domains

pytestmark = pytest.mark.anyio
PATIENCE_S = 30
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "FIRST_S", 0.0)
    monkeypatch.setattr(checker, "IDLE_S", 0.05)


def settings_of(folder: Path, port: int, **further: object) -> Settings:
    return load_settings({"data_dir": folder, "outbound_allow": "127.0.0.1", "outbound_ports": str(port), **further})


async def until(done: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await done():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_targets_are_asked_and_what_came_of_it_is_kept_and_counted(tmp_path: Path) -> None:
    async def speak(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(NOT_FOUND if "/gone" in head else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(speak) as server:
        settings = settings_of(tmp_path, server.port)
        async with open_store(settings) as store:
            registry = Registry(store)
            links = link_service(settings, store, served_domains(settings, registry))
            gone = await links.create({"target": server.url("/gone")})
            await links.create({"target": server.url("/fine")})
            working = LinkChecker(settings)
            working.start()
            try:

                async def counted() -> bool:
                    return read_counters(settings.counters_dir)["link_checks"] == 2

                await until(counted)
            finally:
                await asyncio.to_thread(working.finish)
            (check,) = await registry.page(LinkCheck)
            assert (check.id, check.said, check.status, check.failures) == (gone.id, "bad_status", 404, 1)
            counts = read_counters(settings.counters_dir)
            assert (counts["link_checks_failed"], counts["links_broken"]) == (1, 0)
    assert sorted(head.split(" HTTP")[0] for head in server.heads) == ["GET /gone", "HEAD /fine", "HEAD /gone"]


async def test_it_ends_although_a_server_is_silent(tmp_path: Path) -> None:
    async def speak(_: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving(speak) as server:
        settings = settings_of(tmp_path, server.port)
        async with open_store(settings) as store:
            links = link_service(settings, store, served_domains(settings, Registry(store)))
            await links.create({"target": server.url()})
            working = LinkChecker(settings)
            working.start()

            async def asked() -> bool:
                return bool(server.heads)

            await until(asked)
            started = time.monotonic()
            await asyncio.to_thread(working.finish)
            assert time.monotonic() - started < 4
            assert await Registry(store).page(LinkCheck) == []


def test_nobody_is_asked_where_links_are_not_to_be_checked(tmp_path: Path) -> None:
    working = LinkChecker(settings_of(tmp_path, 80, link_check_days=0))
    working.start()
    assert working._thread is None
    working.finish()


@pytest.mark.parametrize(
    ("turn", "per_minute", "seconds"),
    [
        (Turn(asked=10), 60, 10),
        (Turn(asked=1), 1, 60),
        (Turn(asked=0), 60, LEAST_S),
        (Turn(idle=True), 60, 0.05),
        (Turn(asked=6, cut_off=True), 60, TROUBLE_S),
    ],
)
def test_turns_are_as_far_apart_as_the_setting_says(turn: Turn, per_minute: int, seconds: float) -> None:
    assert pause_s(turn, per_minute) == seconds
    assert IDLE_S > LEAST_S

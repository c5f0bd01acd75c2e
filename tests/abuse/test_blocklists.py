"""The lists of a node: downloaded, kept, compiled, and seen by every process."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.outbound.servers import ok, serving

from shortly import blocklists
from shortly.abuse.blocklist import Blocklist
from shortly.blocklists import BlocklistKeeper, copy_of, take_lock
from shortly.outbound.client import Outbound
from shortly.outbound.rules import OutboundRules
from shortly.settings import Settings, load_settings

pytestmark = pytest.mark.anyio


def keeper_of(settings: Settings) -> BlocklistKeeper:
    return BlocklistKeeper(settings, Outbound(OutboundRules(ports=None, allow=["127.0.0.1"])))


async def test_a_list_is_downloaded_when_it_is_due_and_kept_for_restarts(tmp_path: Path) -> None:
    async with serving(ok(b"0.0.0.0 evil.example\n")) as server:
        settings = load_settings(
            {"data_dir": tmp_path, "blocklist_urls": server.url("/hosts"), "blocklist_refresh_h": 2}
        )
        found = Blocklist(settings.blocklist_path)
        await asyncio.to_thread(keeper_of(settings).refresh)
        assert found.blocks("evil.example")
        await asyncio.to_thread(keeper_of(settings).refresh)
        assert len(server.heads) == 1
        copy = copy_of(settings.blocklist_dir, settings.blocklist_urls[0])
        two_hours_ago = time.time() - 7200
        os.utime(copy, (two_hours_ago, two_hours_ago))
        await asyncio.to_thread(keeper_of(settings).refresh)
        assert len(server.heads) == 2
    settings.blocklist_path.unlink()
    await asyncio.to_thread(keeper_of(settings).refresh)  # the server is gone, the copy is not
    assert Blocklist(settings.blocklist_path).blocks("evil.example")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"junk", b""])
async def test_a_list_that_cannot_be_downloaded_leaves_the_last_one_and_is_not_asked_for_at_once(
    tmp_path: Path, answer: bytes
) -> None:
    async with serving(answer) as server:
        settings = load_settings({"data_dir": tmp_path, "blocklist_urls": server.url("/secret-token")})
        copy = copy_of(settings.blocklist_dir, settings.blocklist_urls[0])
        blocklists.keep(b"evil.example\n", copy)
        os.utime(copy, (0, 0))
        keeper = keeper_of(settings)
        with capture_logs() as logs:
            await asyncio.to_thread(keeper.refresh)
            await asyncio.to_thread(keeper.refresh)
        assert len(server.heads) == 1
    assert Blocklist(settings.blocklist_path).blocks("evil.example")
    warnings = [line for line in logs if line["log_level"] == "warning"]
    assert len(warnings) == 1
    assert "secret-token" not in str(logs)


async def test_a_list_on_the_inside_is_never_asked_for(tmp_path: Path) -> None:
    async with serving(ok(b"evil.example\n")) as server:
        settings = load_settings({"data_dir": tmp_path, "blocklist_urls": server.url()})
        await asyncio.to_thread(BlocklistKeeper(settings).refresh)
        assert not server.heads
    assert len(Blocklist(settings.blocklist_path)) == 0


async def test_one_process_of_the_node_does_the_work_and_another_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocklists, "LOOK_EVERY_S", 0.01)
    (tmp_path / "list").write_text("evil.example\n")
    settings = load_settings({"data_dir": tmp_path, "blocklist_files": str(tmp_path / "list")})
    first = take_lock(settings.blocklist_dir)
    assert first is not None
    assert take_lock(settings.blocklist_dir) is None
    keeper = keeper_of(settings)
    keeper.start()
    try:
        assert not settings.blocklist_path.exists()
        os.close(first)
        async with asyncio.timeout(10):
            while not Blocklist(settings.blocklist_path).blocks("evil.example"):
                await asyncio.sleep(0.01)
    finally:
        keeper.finish()
    assert take_lock(settings.blocklist_dir) is not None

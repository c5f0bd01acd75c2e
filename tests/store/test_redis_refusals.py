"""What a server refuses is one clear error and a log line with the server's word, as docs/redis.md says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog.testing
from tests.store.redis_servers import RedisServer, single_server
from tests.store.test_redis_client import COUNT, opened

from shortly.errors import StoreUnavailable
from shortly.store.redis.client import Client

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PATIENCE_S = 10
KEY = "n:{5f}"


def full_disk(server: RedisServer) -> None:
    """Let the server find out that it cannot write its snapshot."""
    (server.folder / "dump.rdb").mkdir()  # nothing can take the place of a folder
    server.command("CONFIG", "SET", "save", "3600 1000000")
    server.command("BGSAVE")
    deadline = time.monotonic() + PATIENCE_S
    while "rdb_last_bgsave_status': 'err" not in str(server.command("INFO", "persistence")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def disk_with_room(server: RedisServer) -> None:
    """Let the server write again."""
    (server.folder / "dump.rdb").rmdir()
    server.command("BGSAVE")


def other_rights(server: RedisServer) -> None:
    """Take a right from the user that Shortly comes as."""
    server.command("ACL", "SETUSER", "default", "-evalsha", "-eval")


def rights_again(server: RedisServer) -> None:
    """Give it back."""
    server.command("ACL", "SETUSER", "default", "+@all")


def two_replicas(server: RedisServer) -> None:
    """Let the server ask for replicas that it does not have."""
    server.command("CONFIG", "SET", "min-replicas-to-write", "2")


def no_replicas(server: RedisServer) -> None:
    """Let it do without."""
    server.command("CONFIG", "SET", "min-replicas-to-write", "0")


async def count(client: Client) -> int:
    """Write something."""
    return int(await client.run(COUNT, [KEY], [1]))


@pytest.mark.parametrize(
    ("word", "change", "mend"),
    [
        ("MISCONF", full_disk, disk_with_room),
        ("NOPERM", other_rights, rights_again),
        ("NOREPLICAS", two_replicas, no_replicas),
    ],
)
async def test_a_server_that_refuses_is_told_of_by_its_word_and_served_again_when_it_is_mended(
    word: str, change: Callable[[RedisServer], None], mend: Callable[[RedisServer], None]
) -> None:
    with single_server() as server:
        async with opened(server.url, track=False) as client:
            assert await count(client) == 1
            change(server)
            with structlog.testing.capture_logs() as lines, pytest.raises(StoreUnavailable):
                await count(client)
            (line,) = [line for line in lines if line["event"] == "the store does not answer as it should"]
            assert word in line["detail"]
            mend(server)
            assert await eventually(client) == 2


async def test_a_changed_password_is_told_of_when_the_connection_is_made_anew() -> None:
    with single_server() as server:
        async with opened(server.url, track=False) as client:
            assert await count(client) == 1
            before = server.password
            server.command("CONFIG", "SET", "requirepass", "another")
            server.password = "another"
            server.command("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "yes")
            with structlog.testing.capture_logs() as lines:
                for _ in range(2):  # the first one meets the end of the old connection
                    with pytest.raises(StoreUnavailable):
                        await count(client)
            assert any("WRONGPASS" in line.get("detail", "") for line in lines), lines
            assert "another" not in str(lines)
            server.command("CONFIG", "SET", "requirepass", before)
            server.password = before
            assert await eventually(client) == 2


async def eventually(client: Client) -> int:
    """Write as soon as the server takes it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await count(client)
        except StoreUnavailable:
            assert time.monotonic() < deadline


def test_the_table_of_troubles_knows_the_words() -> None:
    table = (Path(__file__).parents[2] / "docs" / "redis.md").read_text(encoding="utf-8")
    for word in ("MISCONF", "NOPERM", "NOREPLICAS", "WRONGPASS"):
        assert f"`{word}`" in table

"""A thousand connections at once, and hundreds that say nothing."""

from __future__ import annotations

import asyncio
import resource
import select
import socket
import time
from contextlib import ExitStack

import pytest
from tests.faults.load import Load
from tests.faults.served import Served

from shortly.serve import HEADER_TIMEOUT_MS

pytestmark = pytest.mark.faults

CONNECTIONS = 1000
ROUNDS = 3
HALF_A_REQUEST = b"GET /abc HTTP/1.1\r\nhost: loc"


@pytest.fixture(autouse=True)
def many_files() -> None:
    """Allow this process as many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 256
    assert hard == resource.RLIM_INFINITY or hard >= wanted, f"the limit on open files is {hard}"
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def test_a_thousand_connections_are_all_answered(served: Served) -> None:
    async def visit(start: asyncio.Event, connected: asyncio.Semaphore) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        connected.release()
        await start.wait()
        slowest = 0.0
        for _ in range(ROUNDS):
            sent_at = time.monotonic()
            writer.write(b"GET /abc HTTP/1.1\r\nhost: localhost\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 302 ")
            slowest = max(slowest, time.monotonic() - sent_at)
        writer.close()
        await writer.wait_closed()
        return slowest

    async def visit_all() -> list[float]:
        start, connected = asyncio.Event(), asyncio.Semaphore(0)
        async with asyncio.timeout(30), asyncio.TaskGroup() as visitors:
            visits = [visitors.create_task(visit(start, connected)) for _ in range(CONNECTIONS)]
            for _ in range(CONNECTIONS):
                await connected.acquire()
            start.set()  # all are open; now all ask at once
        return [visit.result() for visit in visits]

    slowest = max(asyncio.run(visit_all()))
    print(f"the slowest answer took {slowest:.2f} s")
    assert slowest < 5
    assert served.counted("abc", at_least=CONNECTIONS * ROUNDS) == CONNECTIONS * ROUNDS


def test_silent_connections_stop_nobody_and_are_closed(served: Served) -> None:
    limit_s = HEADER_TIMEOUT_MS / 1000
    with ExitStack() as opened:
        began = time.monotonic()
        silent = []
        for nth in range(200):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=5))
            if nth % 2:
                connection.sendall(HALF_A_REQUEST)
            silent.append(connection)
        with Load(served.port, ["/abc"]) as load:
            load.wait_for(1000)
        assert load.slowest_s < 2
        assert (load.cuts, load.refused, dict(load.others)) == ([], 0, {})
        assert time.monotonic() - began < limit_s, "the others were asked while the silent ones were connected"
        while silent:
            left_s = began + limit_s + 5 - time.monotonic()
            assert left_s > 0, f"{len(silent)} silent connections are still open"
            for connection in select.select(silent, [], [], left_s)[0]:
                if not received(connection):
                    silent.remove(connection)
        print(f"all were closed after {time.monotonic() - began:.1f} s")
        assert time.monotonic() - began > limit_s / 2, "closed too early for slow visitors"
    assert served.counted("abc", at_least=load.answered) == load.answered


def received(connection: socket.socket) -> bytes:
    """Return what came; nothing when the other side has closed."""
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""

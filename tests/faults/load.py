"""Visitors who know what became of every request of theirs: answered in full, or cut."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self

from tests.faults.processes import wait_until

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
LEAVES = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
PATIENCE_S = 15.0
"""How long the last answers may take when a load ends."""


class Cut(NamedTuple):
    """A request that was sent and did not get its whole answer."""

    path: str
    sent_at: float
    """``time.monotonic``."""
    torn: bool
    """A part of the answer came."""


class Load:
    """Keep-alive connections in a thread of their own, each asking for one path after the other, and reconnecting.

    Args:
        port: On the loopback interface.
        paths: Asked for in turn.
        connections: Requests in flight at any moment.
    """

    def __init__(self, port: int, paths: Sequence[str], *, connections: int = 16) -> None:
        self.port = port
        self.connections = connections
        self.answers: Counter[str] = Counter()
        """Path -> 302 answers that came in full."""
        self.others: Counter[int] = Counter()
        """Status -> other answers."""
        self.cuts: list[Cut] = []
        self.refused = 0
        """Connections that could not be made."""
        self.slowest_s = 0.0
        self.stopping = False
        self._paths = itertools.cycle(paths)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Let every visitor wait for the answer under way, and send no more."""
        self.stopping = True
        self._thread.join(PATIENCE_S + 10)
        assert not self._thread.is_alive(), "the load does not end"

    @property
    def answered(self) -> int:
        """How many 302 answers came in full."""
        return self.answers.total()

    def wait_for(self, answers: int, *, within_s: float = 20.0) -> None:
        """Return when this many more answers came."""
        wanted = self.answered + answers
        wait_until(lambda: self.answered >= wanted, within_s=within_s, what=f"{answers} more answers")

    def next_path(self) -> str:
        """Return what to ask for now."""
        return next(self._paths)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._visit_all())
        finally:
            self._loop.close()

    async def _visit_all(self) -> None:
        await asyncio.gather(*(self._visit() for _ in range(self.connections)))

    async def _visit(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.stopping:
            try:
                _, visitor = await loop.create_connection(lambda: Visitor(self), "127.0.0.1", self.port)
            except OSError:
                self.refused += 1
                await asyncio.sleep(0.01)
                continue
            await visitor.leave()


class Visitor(asyncio.Protocol):
    """One connection: a request as soon as the last one was answered."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._path: str | None = None
        self._received = b""
        self._sent_at = 0.0
        self._gone = asyncio.get_running_loop().create_future()

    async def leave(self) -> None:
        """Wait until the connection is closed, by either side; cut it when an answer is overdue at the end."""
        while not self._gone.done():
            await asyncio.wait([self._gone], timeout=0.5)
            if self._load.stopping and time.monotonic() - self._sent_at > PATIENCE_S:
                self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Count an answer that is complete, and ask again."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        head += b"\r\n"
        length = LENGTH.search(head)
        if len(body) < (int(length[1]) if length else 0):
            return
        status = STATUS.match(head)
        assert status is not None
        assert self._path is not None
        if status[1] == b"302":
            self._load.answers[self._path] += 1
        else:
            self._load.others[int(status[1])] += 1
        self._load.slowest_s = max(self._load.slowest_s, time.monotonic() - self._sent_at)
        self._path = None
        self._received = b""
        if LEAVES.search(head):
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        """Note the request that will not be answered any more, if there is one."""
        if self._path is not None:
            self._load.cuts.append(Cut(self._path, self._sent_at, bool(self._received)))
        if not self._gone.done():
            self._gone.set_result(None)

    def _ask(self) -> None:
        if self._load.stopping:
            self._transport.close()
            return
        self._path = self._load.next_path()
        self._sent_at = time.monotonic()
        self._transport.write(b"GET %s HTTP/1.1\r\nhost: localhost\r\n\r\n" % self._path.encode())

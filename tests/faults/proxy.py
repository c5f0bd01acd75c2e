"""A TCP proxy between a service and its Redis, which delays what passes, or cuts the line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.faults.served import free_port

T = TypeVar("T")


class Proxy:
    """Hands on what comes to ``port``, from a thread of its own; what is set applies to open connections, too.

    Args:
        target: Port on the loopback interface.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.delay_s = 0.0
        """How much later each piece arrives, in each direction."""
        self.dropping = False
        """Nothing arrives any more, and nobody is told; new connections are accepted."""
        self._target = target
        self._refusing = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._accept, "127.0.0.1", self.port))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        self._refusing = True
        self._do(self._break())

    def heal(self) -> None:
        """Hand everything on again, at once; connections on which something was dropped or is late are broken."""
        if self.dropping or self.delay_s:
            self._do(self._break())
        self._refusing = self.dropping = False
        self.delay_s = 0.0

    def _do(self, step: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(5)

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._break()

    async def _break(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                ways = [
                    asyncio.ensure_future(self._hand_on(reader, forth)),
                    asyncio.ensure_future(self._hand_on(back, writer)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
            finally:
                forth.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while piece := await reader.read(65_536):
                if self.dropping:
                    continue
                if self.delay_s:
                    loop.call_later(self.delay_s, writer.write, piece)
                else:
                    writer.write(piece)

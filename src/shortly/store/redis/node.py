"""One server: its connections, the scripts it has, and whether it is worth asking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from shortly.redis_address import Address
from shortly.store.redis.breaker import Breaker
from shortly.store.redis.scripts import Command
from shortly.store.redis.wire import Lost, Wire, connect

CALL_CONNECTIONS = 32
"""Connections of one process to one server at most; a durable write keeps one while it waits for replicas."""
READ_CONNECTIONS = 4
"""Those for redirects, which writes never wait for nor keep waiting."""


class Node:
    """A server, used from one event loop."""

    def __init__(self, address: Address, host: str = "", port: int = 0, *, sentinel: bool = False) -> None:
        """``address`` says how to be let in, ``host`` and ``port`` where, unless it is a Unix socket."""
        self.host = host
        self.port = port
        self.breaker = Breaker()
        self.loaded: set[str] = set()
        """Hashes of the scripts that the server is believed to have."""
        self._address = address
        self._sentinel = sentinel
        self._calls = Pool(self.connect, CALL_CONNECTIONS, on_break=self.loaded.clear)
        self._reads = Pool(self.connect, READ_CONNECTIONS, on_break=self.loaded.clear)

    def __str__(self) -> str:
        return self._address.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands in one write on one connection and return their replies, refused ones as ``Refusal``.

        Cancelling it closes the connection, so no reply can reach somebody else.

        Raises:
            Lost: There are no replies.
        """
        return await self._calls.exchange(commands)

    async def read(self, commands: Sequence[Command]) -> list[Any]:
        """As ``pipeline``, for redirects."""
        return await self._reads.exchange(commands)

    async def connect(self) -> Wire:
        """Return a new connection that is the caller's own.

        Raises:
            Lost: There is none.
        """
        return await connect(self._address, self.host, self.port, sentinel=self._sentinel)

    async def hang_up(self) -> None:
        """Close the connections that nobody uses; a new one may lead to another server of the same name."""
        await self._calls.hang_up()
        await self._reads.hang_up()

    async def close(self) -> None:
        """Close all connections; those in use as soon as they are given back."""
        await self._calls.close()
        await self._reads.close()


class Pool:
    """Up to ``size`` connections to one server; the last one used is the next one used."""

    def __init__(
        self, connect: Callable[[], Coroutine[Any, Any, Wire]], size: int, *, on_break: Callable[[], None]
    ) -> None:
        """``on_break`` is called when a connection broke: the server may have been restarted."""
        self._connect = connect
        self._size = size
        self._on_break = on_break
        self._idle: list[Wire] = []
        self._room = asyncio.Semaphore(size)
        self._connecting: set[asyncio.Task[Wire]] = set()
        self._closed = False

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """See ``Node.pipeline``."""
        async with self._room:
            wire = await self._take()
            try:
                replies = await wire.exchange(commands)
            except BaseException:
                self._on_break()
                await wire.close()
                raise
            await self._keep(wire)
            return replies

    async def hang_up(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()

    async def close(self) -> None:
        """Close what is idle now, and the others as soon as they are."""
        self._closed = True
        for task in list(self._connecting):
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        await self.hang_up()

    async def _take(self) -> Wire:
        while self._idle:
            wire = self._idle.pop()
            if await wire.is_clean:
                return wire
            await wire.close()
            self._on_break()
        if self._closed:
            raise Lost("the connections to this server are closed", sent=False)
        connecting = asyncio.create_task(self._connect())
        self._connecting.add(connecting)
        try:
            wire = await asyncio.shield(connecting)
        except asyncio.CancelledError:  # too slow for this caller; the next one finds it connected
            connecting.add_done_callback(self._keep_late)
            raise
        except BaseException:
            self._connecting.discard(connecting)
            raise
        self._connecting.discard(connecting)
        return wire

    async def _keep(self, wire: Wire) -> None:
        if self._closed or len(self._idle) >= self._size:
            await wire.close()
        else:
            self._idle.append(wire)

    def _keep_late(self, connecting: asyncio.Task[Wire]) -> None:
        self._connecting.discard(connecting)
        if connecting.cancelled() or connecting.exception() is not None:
            return
        keeping = asyncio.ensure_future(self._keep(connecting.result()))
        keeping.add_done_callback(lambda done: done.cancelled() or done.exception())

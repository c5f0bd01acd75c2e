"""What servers say about keys that changed, so that memory may be believed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable

import structlog

from shortly.store.redis.node import Node
from shortly.store.redis.wire import Lost, Push, Refusal, Wire

log = structlog.get_logger(__name__)

PING_EVERY_S = 0.5
LEASE_S = 1.0
"""How long memory may be believed after the last sign of life."""
PAUSE_S = 0.1
"""Between tries to connect."""


class Tracking:
    """One connection to each server, on which it names each changed key of some prefixes.

    A PING and its answer prove that everything said before has arrived, and are good for ``LEASE_S`` from the moment
    the PING was sent; so a dead connection, a hanging server and a hanging process all end the belief by themselves.
    """

    def __init__(self, prefixes: Iterable[str], on_invalidate: Callable[[str | None], None]) -> None:
        """``on_invalidate`` gets the name of a key, or None: everything may have changed."""
        self.ok_until = -math.inf
        """When the last server's word ends, in the event loop's seconds; -inf before the first one."""
        self._command = ("CLIENT", "TRACKING", "ON", "BCAST", *(part for name in prefixes for part in ("PREFIX", name)))
        self._on_invalidate = on_invalidate
        self._leases: dict[Node, float] = {}
        self._listeners: dict[Node, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._told: set[Node] = set()

    def follow(self, nodes: Iterable[Node]) -> None:
        """Listen to these servers, and no longer to others."""
        wanted = set(nodes)
        now = asyncio.get_running_loop().time()
        since = min(self.ok_until, now)  # for how long memory is out of date goes on being known
        for node in self._leases.keys() - wanted:
            self._listeners.pop(node).cancel()
            del self._leases[node]
            self._told.discard(node)
        for node in wanted - self._leases.keys():
            self._leases[node] = since
            self._listeners[node] = asyncio.create_task(self._keep_listening(node))
        self._settle()

    async def wait(self) -> None:
        """Wait until all servers are listened to."""
        while self.ok_until <= asyncio.get_running_loop().time():
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        """Listen no longer."""
        listeners = list(self._listeners.values())
        for task in listeners:
            task.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
        self._listeners.clear()
        self._leases.clear()
        self.ok_until = -math.inf

    async def _keep_listening(self, node: Node) -> None:
        while True:
            try:
                async with asyncio.timeout(LEASE_S):
                    wire = await self._start(node)
                try:
                    node.breaker.succeeded()
                    self._note(node, None)
                    self._on_invalidate(None)
                    await self._listen(node, wire)
                finally:
                    await wire.close()
            except (Lost, TimeoutError) as lost:
                self._note(node, str(lost) or f"{node}: no answer")
            await asyncio.sleep(PAUSE_S)

    async def _start(self, node: Node) -> Wire:
        wire = await node.connect()
        try:
            for reply in await wire.exchange([self._command, ("PING",)]):  # while it loads, it refuses PING alone
                if isinstance(reply, Refusal):
                    raise Lost(f"{node}: {reply.kind} {reply.text}", sent=True)
        except BaseException:
            await wire.close()
            raise
        return wire

    async def _listen(self, node: Node, wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        asked = silent = 0
        ping_at = sent_at = loop.time()
        while True:
            now = loop.time()
            if now >= ping_at:
                ping_at = now + PING_EVERY_S
                if not asked:
                    await wire.send(("PING",))
                    asked, sent_at = 1, now
            message = await wire.receive(ping_at - now)
            if message is None:
                silent += asked
                if silent > 1:  # once may be this process's own delay
                    raise Lost(f"{node}: no answer to PING", sent=True)
                continue
            silent = 0
            if isinstance(message, Push):
                self._take(message)
            else:
                asked = 0
                self._leases[node] = sent_at + LEASE_S
                self._settle()

    def _take(self, push: Push) -> None:
        if push.parts[0] != b"invalidate":
            return
        if push.parts[1] is None:  # FLUSHALL, FLUSHDB
            self._on_invalidate(None)
            return
        for key in push.parts[1]:
            self._on_invalidate(key.decode("utf-8", "replace"))

    def _settle(self) -> None:
        self.ok_until = min(self._leases.values(), default=min(self.ok_until, asyncio.get_running_loop().time()))
        self._changed.set()

    def _note(self, node: Node, trouble: str | None) -> None:
        """Log the first trouble with a server and its end, not what lies between."""
        if trouble is not None and node not in self._told:
            self._told.add(node)
            log.warning("a server does not say what changes; links are read from it each time", detail=trouble[:300])
        elif trouble is None and node in self._told:
            self._told.discard(node)
            log.info("the server says what changes again", detail=str(node))

"""What many redirects ask of one server in the same moment, asked at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from shortly.errors import StoreUnavailable
from shortly.store.redis.node import READ_CONNECTIONS, Node
from shortly.store.redis.scripts import Command
from shortly.store.redis.wire import Lost, Refusal

BATCH = 512
"""Keys that travel together at most."""
Text = bytes | None
Waiting = dict[str, list[asyncio.Future[Text | StoreUnavailable]]]


class Batcher:
    """Reads texts of one server: all of one tick, or what gathered while ``READ_CONNECTIONS`` batches were away."""

    def __init__(
        self, node: Node, *, clustered: bool, deadline_s: float, moved: Callable[[str, Refusal, Node], Node]
    ) -> None:
        """``deadline_s`` is for each key; ``moved`` returns where a ``MOVED`` or ``ASK`` for a key points to."""
        self._node = node
        self._clustered = clustered
        self._deadline_s = deadline_s
        self._moved = moved
        self._loop = asyncio.get_running_loop()
        self._waiting: Waiting = {}
        self._scheduled = False
        self._away: set[asyncio.Task[None]] = set()
        self._due: deque[tuple[float, asyncio.Future[Text | StoreUnavailable]]] = deque()
        """By when each must be answered, the next one first; one timer for all, because one for each takes longer than
        all else that is done here for a key."""
        self._timer: asyncio.TimerHandle | None = None

    def get(self, key: str) -> asyncio.Future[Text | StoreUnavailable]:
        """Return the text at a key, or None, or why there is no answer in time; never raises in the future.

        Raises:
            UnicodeEncodeError: The key has lone surrogates.
        """
        key.encode()
        future: asyncio.Future[Text | StoreUnavailable] = self._loop.create_future()
        now = self._loop.time()
        if self._node.breaker.refuses(now):
            future.set_result(StoreUnavailable())
            return future
        self._waiting.setdefault(key, []).append(future)
        self._due.append((now + self._deadline_s, future))
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._deadline_s, self._expire)
        if not self._scheduled and len(self._away) < READ_CONNECTIONS:
            self._scheduled = True
            self._loop.call_soon(self._leave)
        return future

    async def close(self) -> None:
        """Answer all who wait with ``StoreUnavailable``."""
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._away):
            task.cancel()
        await asyncio.gather(*self._away, return_exceptions=True)
        _answer(self._waiting, {})
        self._waiting = {}

    def _expire(self) -> None:
        """Answer those whose time is up, and come back for the next one that still waits."""
        self._timer = None
        now = self._loop.time()
        while self._due and (self._due[0][0] <= now or self._due[0][1].done()):
            _, future = self._due.popleft()
            if not future.done():
                future.set_result(StoreUnavailable())
        if self._due:
            self._timer = self._loop.call_at(self._due[0][0], self._expire)

    def _leave(self) -> None:
        """Send off what waits."""
        self._scheduled = False
        if not self._waiting:
            return
        if not self._node.breaker.allows(self._loop.time()):
            refused, self._waiting = self._waiting, {}
            _answer(refused, {})
            return
        if len(self._waiting) <= BATCH:
            batch, self._waiting = self._waiting, {}
        else:
            batch = {key: self._waiting.pop(key) for key in list(self._waiting)[:BATCH]}
        task = self._loop.create_task(self._travel(batch))
        self._away.add(task)
        task.add_done_callback(self._return)
        if self._waiting and len(self._away) < READ_CONNECTIONS:
            self._leave()

    def _return(self, task: asyncio.Task[None]) -> None:
        self._away.discard(task)
        if not self._scheduled:
            self._leave()

    async def _travel(self, batch: Waiting) -> None:
        texts: dict[str, Text] = {}
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._read(list(batch), texts)
        except (Lost, TimeoutError):
            if not texts:
                self._node.breaker.failed(self._loop.time())
        else:
            self._node.breaker.succeeded()  # it answered at once, be it that it has no answers now
        finally:
            _answer(batch, texts)

    async def _read(self, keys: list[str], texts: dict[str, Text]) -> None:
        """Put what is found into ``texts``; what is missing there afterwards is not known."""
        if self._clustered:
            replies = await self._node.read([("GET", key) for key in keys])
        else:
            (values,) = await self._node.read([("MGET", *keys)])
            replies = values if isinstance(values, list) else [values] * len(keys)
        elsewhere: dict[Node, list[tuple[str, bool]]] = defaultdict(list)
        for key, reply in zip(keys, replies, strict=True):
            if not isinstance(reply, Refusal):
                texts[key] = reply
            elif reply.kind in ("MOVED", "ASK"):
                elsewhere[self._moved(key, reply, self._node)].append((key, reply.kind == "ASK"))
        for node, moved in elsewhere.items():  # a slot moves: rare, and at most a few nodes
            await _read_moved(node, moved, texts)


async def _read_moved(node: Node, moved: list[tuple[str, bool]], texts: dict[str, Text]) -> None:
    commands: list[Command] = []
    for key, asking in moved:
        commands += [("ASKING",) if asking else ("PING",), ("GET", key)]
    for (key, _), reply in zip(moved, (await node.read(commands))[1::2], strict=True):
        if not isinstance(reply, Refusal):
            texts[key] = reply


def _answer(batch: Waiting, texts: dict[str, Any]) -> None:
    for key, futures in batch.items():
        for future in futures:
            if not future.done():
                future.set_result(texts[key] if key in texts else StoreUnavailable())

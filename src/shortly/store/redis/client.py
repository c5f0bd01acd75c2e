"""The servers as one: atomic steps, plain reads and batched reads, each with a deadline, on one server or many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog

from shortly.errors import InvalidSettings, ShortlyError, StoreEmptied, StoreUnavailable
from shortly.redis_address import Address
from shortly.store.redis import keys as key_names
from shortly.store.redis.batching import Batcher
from shortly.store.redis.delivery import AWAY, PASSING, Call, Delivery
from shortly.store.redis.node import READ_CONNECTIONS, Node
from shortly.store.redis.scripts import Argument, Command, Script
from shortly.store.redis.topology import Topology, topology_of
from shortly.store.redis.tracking import LEASE_S, Tracking
from shortly.store.redis.wire import Lost, Refusal

log = structlog.get_logger(__name__)

READ_DEADLINE_S = 0.25
"""For a redirect's reads, waiting for a connection included."""
CALL_DEADLINE_S = 5.0
"""For everything else, all tries included."""
PATIENT_DEADLINE_S = 30.0
"""The same for who has many links to write: a server that has no time now is waited for."""
PAUSE_S = 0.05
"""Between tries."""
REFRESH_EVERY_S = 1.0
"""How often to ask who has what, apart from every trouble."""


class Client:
    """What the engine knows of Redis; used from one event loop, opened and closed once.

    Replies are as RESP3 has them: maps are dicts, texts are bytes, scores are floats. Arguments are sent as UTF-8; one
    with lone surrogates raises ``UnicodeEncodeError``. A script or command that is wrong raises ``RuntimeError``.
    """

    def __init__(
        self,
        address: Address,
        *,
        wait_replicas: int = 0,
        wait_ms: int = 1000,
        wait_fsync: bool = False,
        track: bool = True,
    ) -> None:
        """Take where the servers are and what ``run_durably`` waits for; ``track`` False: nothing is remembered."""
        self.on_invalidate: Callable[[str | None], None] = lambda _: None
        """Called with the name of a key of ``keys.TRACKED`` that changed, or None: everything may have changed."""
        self.on_redirect: Callable[[str], None] = lambda _: None
        """Called with the name of a key that is read where another server points to, whose changes may not be told."""
        self.lost = False
        """Data are gone: nothing is read or written, but for an examination, though the servers answer."""
        self._address = address
        self._wait_replicas = wait_replicas
        self._wait_ms = wait_ms
        self._wait_fsync = wait_fsync
        self._topology: Topology = topology_of(address)
        self._batchers: dict[Node, Batcher] = {}
        self._tracking = Tracking(key_names.TRACKED, lambda key: self.on_invalidate(key)) if track else None
        self._refreshing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._told: set[str] = set()
        """The words of servers' refusals that were logged since all was well; "": other trouble."""

    async def open(self) -> None:
        """Connect.

        Raises:
            InvalidSettings: The server did not accept the user name or the password, or cannot do what is asked.
            StoreUnavailable: No server answered in ``CALL_DEADLINE_S``.
        """
        try:
            async with asyncio.timeout(CALL_DEADLINE_S):
                while not await self._is_connected():  # noqa: ASYNC110
                    await asyncio.sleep(PAUSE_S)
        except TimeoutError:
            await self._topology.close()
            raise StoreUnavailable from None
        except BaseException:
            await self._topology.close()
            raise
        self._note(None)
        self._watching = asyncio.create_task(self._watch())
        if self._tracking is not None:
            self._tracking.follow(self._topology.nodes())
            with suppress(TimeoutError):
                async with asyncio.timeout(LEASE_S):
                    await self._tracking.wait()

    async def close(self) -> None:
        """Close all connections; reads under way end in ``StoreUnavailable``."""
        tasks = [task for task in (self._watching, self._refreshing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._tracking is not None:
            await self._tracking.close()
        for batcher in self._batchers.values():
            await batcher.close()
        self._batchers.clear()
        await self._topology.close()

    # --- memory --------------------------------------------------------------------------------------------------

    def tracking_ok(self, now: float) -> bool:
        """Return whether every change made before ``now`` less a second has been told; event loop's seconds."""
        return self._tracking is not None and now < self._tracking.ok_until

    def tracking_down_s(self, now: float) -> float:
        """Return for how many seconds that has not been so; 0 while it is, infinity when it never was."""
        return max(0.0, now - self._tracking.ok_until) if self._tracking is not None else float("inf")

    # --- reads for redirects -------------------------------------------------------------------------------------

    def get_soon(self, key: str, *, examining: bool = False) -> asyncio.Future[bytes | StoreUnavailable | None]:
        """Return the text at a key, or None, or why it did not come in ``READ_DEADLINE_S``; the future never raises.

        What is asked in one tick of the loop travels together; nothing is tried again. ``examining``: even while data
        are lost.
        """
        batcher = self._batcher_of(key)
        if batcher is not None and (examining or not self.lost):
            return batcher.get(key)
        failed: asyncio.Future[bytes | StoreUnavailable | None] = asyncio.get_running_loop().create_future()
        failed.set_result(StoreUnavailable() if batcher is None else StoreEmptied())
        return failed

    async def get_many(self, keys: Sequence[str], *, examining: bool = False) -> list[bytes | None]:
        """Return the texts at these keys, of any slots, see ``get_soon``.

        Raises:
            StoreUnavailable: Not all of them came.
        """
        found = [await text for text in [self.get_soon(key, examining=examining) for key in keys]]
        texts: list[bytes | None] = []
        for text in found:
            if isinstance(text, StoreUnavailable):
                raise text
            texts.append(text)
        return texts

    # --- everything else -----------------------------------------------------------------------------------------

    async def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        examining: bool = False,
        patient: bool = False,
    ) -> Any:
        """Run a script on keys of one slot; one atomic step. ``examining``: even while data are lost; ``patient``: wait
        for ``PATIENT_DEADLINE_S``.

        Raises:
            StoreUnavailable: It was not run, or no answer says whether it was.
            StorageFull: The server has no room.
        """
        return _value(*await self._send([_call_of(script, keys, args)], examining=examining, patient=patient))

    async def run_durably(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run a script and wait until as many replicas, and disks, have it as the settings ask for.

        Raises:
            StoreUnavailable: As ``run``, or too few have it in time; it may be kept or lost.
            StorageFull: The server has no room.
        """
        return _value(*await self._send([_call_of(script, keys, args)], durable=True))

    async def ask(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run a script that changes nothing, which is tried again as ``read`` is.

        Raises:
            StoreUnavailable: No answer in ``CALL_DEADLINE_S``, all tries included.
        """
        return _value(*await self._send([_call_of(script, keys, args)], repeatable=True))

    async def run_many(
        self,
        calls: Sequence[tuple[Script, Sequence[str], Sequence[Argument]]],
        *,
        durable: bool = False,
        patient: bool = False,
    ) -> list[Any | ShortlyError]:
        """Run scripts, each with an outcome of its own: what it returned, or the error ``run`` would have raised.

        One pipeline for each node; scripts of one slot run in order, unless the slot moves to another node or the
        server forgets its scripts at this very moment. ``patient``: see ``run``.
        """
        outcomes = await self._send([_call_of(*call) for call in calls], durable=durable, patient=patient)
        return [outcome if isinstance(outcome, ShortlyError) else _value(outcome) for outcome in outcomes]

    async def read(self, *command: Argument | float) -> Any:
        """Return the reply of a command that changes nothing and whose first argument is its key.

        Raises:
            StoreUnavailable: No answer in ``CALL_DEADLINE_S``, all tries included.
        """
        return _value(*await self._send([Call(str(command[1]), command)], repeatable=True))

    async def read_many(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies of several such commands, of any slots; one pipeline for each node.

        Raises:
            StoreUnavailable: Not all of them were answered.
        """
        calls = [Call(str(command[1]), command) for command in commands]
        return [_value(outcome) for outcome in await self._send(calls, repeatable=True)]

    async def texts(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the texts at these keys, of any slots, even while data are lost.

        Raises:
            StoreUnavailable: Not all of them were read.
        """
        commands: list[Command] = [("GET", key) for key in keys] if self._topology.clustered else [("MGET", *keys)]
        calls = [Call(str(command[1]), command) for command in commands]
        found = [_value(outcome) for outcome in await self._send(calls, repeatable=True, examining=True)]
        return found if self._topology.clustered else list(found[0])

    async def ask_each(self, *command: Argument) -> list[tuple[str, Any]]:
        """Return what each primary replies to a command without a key, and its name; refused ones as ``Refusal``.

        Raises:
            StoreUnavailable: One of them does not answer.
        """
        try:
            async with asyncio.timeout(CALL_DEADLINE_S):
                return [(str(node), (await node.pipeline([command]))[0]) for node in self._topology.nodes()]
        except (TimeoutError, Lost):
            raise StoreUnavailable from None

    async def scan(self, pattern: str) -> AsyncIterator[list[str]]:
        """Yield the keys that match a pattern, some hundred at once, those of all primaries; for repairs only.

        A key that is there all the time is yielded at least once, unless its slot moves meanwhile.

        Raises:
            StoreUnavailable: One of the primaries does not answer.
        """
        for node in self._topology.nodes():
            cursor: int | bytes = 0
            while True:
                try:
                    async with asyncio.timeout(CALL_DEADLINE_S):
                        (reply,) = await node.pipeline([("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)])
                except (TimeoutError, Lost):
                    raise StoreUnavailable from None
                if isinstance(reply, Refusal):
                    raise StoreUnavailable
                cursor, found = reply
                yield [key.decode() for key in found]
                if not int(cursor):
                    break

    # --- inside --------------------------------------------------------------------------------------------------

    def _batcher_of(self, key: str) -> Batcher | None:
        node = self._topology.node_of(key)
        if node is None:
            self._refresh_soon()
            return None
        batcher = self._batchers.get(node)
        if batcher is None:
            batcher = self._batchers[node] = Batcher(
                node, clustered=self._topology.clustered, deadline_s=READ_DEADLINE_S, moved=self._moved
            )
        return batcher

    async def _send(
        self,
        calls: Sequence[Call],
        *,
        durable: bool = False,
        repeatable: bool = False,
        examining: bool = False,
        patient: bool = False,
    ) -> list[Any]:
        """Bring all calls to their nodes until each has an outcome or the time is up."""
        if self.lost and not examining:
            return [StoreEmptied() for _ in calls]
        delivery = Delivery(calls, wait=self._wait_command() if durable else None, repeatable=repeatable)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENT_DEADLINE_S if patient else CALL_DEADLINE_S):
                while delivery.due:
                    trouble = await self._go_round(delivery)
                    self._note(trouble)
                    if trouble is not None and delivery.due:
                        await asyncio.sleep(PAUSE_S)
                        await self._refresh()
        return delivery.outcomes

    async def _go_round(self, delivery: Delivery) -> str | None:
        """Try what is due, once; return what is wrong, if something is."""
        groups = delivery.groups(self._topology.node_of)
        if not groups:
            return "no server has this part of the data"
        if len(groups) == 1:  # the usual case, without a task of its own
            return await self._visit(*next(iter(groups.items())), delivery)
        troubles = await asyncio.gather(*(self._visit(*group, delivery) for group in groups.items()))
        return next((trouble for trouble in troubles if trouble is not None), None)

    async def _visit(self, node: Node, indices: list[int], delivery: Delivery) -> str | None:
        commands, places = delivery.commands(node, indices)
        try:
            replies = await node.pipeline(commands)
        except Lost as lost:
            delivery.lose(indices, sent=lost.sent)
            return str(lost)
        if delivery.redirect(indices, places, replies, lambda refusal: self._node_at(refusal, node)):
            self._refresh_soon()
        trouble = delivery.take(node, indices, places, replies)
        if trouble is None:
            return None
        if trouble.kind == "READONLY":
            await node.hang_up()
        return f"{node}: {trouble.kind} {trouble.text}"

    def _wait_command(self) -> Command | None:
        if self._wait_fsync:
            return ("WAITAOF", 1, self._wait_replicas, self._wait_ms)
        return ("WAIT", self._wait_replicas, self._wait_ms) if self._wait_replicas else None

    # --- who has what --------------------------------------------------------------------------------------------

    async def _is_connected(self) -> bool:
        """Look for the servers and greet each, by all connections that redirects use: no visitor waits for those."""
        try:
            await self._topology.refresh()
            for node in self._topology.nodes():
                await node.pipeline([("PING",)])
                await asyncio.gather(*(node.read([("PING",)]) for _ in range(READ_CONNECTIONS)))
                if self._wait_fsync:
                    _check_fsync(*await node.pipeline([("WAITAOF", 1, 0, 1)]))
        except Lost as lost:
            self._note(str(lost))
            if lost.denied:
                raise InvalidSettings("STORE_URL: the server does not accept this user name and password.") from None
            return False
        return bool(self._topology.nodes())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_EVERY_S)
            await self._refresh()

    async def _refresh(self) -> None:
        """Ask the servers who has what, or wait for who is asking already."""
        self._refresh_soon()
        if self._refreshing is not None:
            await asyncio.shield(self._refreshing)

    def _refresh_soon(self) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh_now())

    async def _refresh_now(self) -> None:
        try:
            changed = await self._topology.refresh()
        except Lost as lost:
            self._note(str(lost))
            return
        if changed:
            nodes = self._topology.nodes()
            log.info("the servers of the store changed", servers=[str(node) for node in nodes])
            for node in self._batchers.keys() - set(nodes):
                await self._batchers.pop(node).close()
            if self._tracking is not None:
                self._tracking.follow(nodes)

    def _moved(self, key: str, refusal: Refusal, node: Node) -> Node:
        self.on_redirect(key)
        if refusal.kind == "MOVED":
            self._refresh_soon()
        return self._node_at(refusal, node)

    def _node_at(self, refusal: Refusal, node: Node) -> Node:
        return self._topology.node_at(refusal.host or node.host, refusal.port)

    def _note(self, trouble: str | None) -> None:
        """Log the first trouble, a word of the server's that was not heard yet, and the end."""
        if trouble is not None:
            word = next((part for part in trouble.split() if part in AWAY or part in PASSING), "")
            if not self._told or word not in self._told | {""}:
                log.warning("the store does not answer as it should", store=str(self._address), detail=trouble[:300])
            self._told.add(word)
        elif self._told:
            log.info("the store answers again", store=str(self._address))
            self._told.clear()


def _call_of(script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Call:
    return Call(keys[0], script.command(keys, args), script)


def _check_fsync(reply: Any) -> None:
    if isinstance(reply, Refusal):
        raise InvalidSettings(
            "REDIS_WAIT_FSYNC: the server has no append-only file, or no WAITAOF, which Redis 7.2 and Valkey have."
        )


def _value(outcome: Any) -> Any:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome

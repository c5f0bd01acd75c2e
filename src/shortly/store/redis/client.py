"""The servers as one: atomic steps, plain reads and batched reads, each with a deadline, on one server or many."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from shortly.errors import InvalidSettings, ShortlyError, StorageFull, StoreUnavailable
from shortly.store.redis.address import Address
from shortly.store.redis.node import Lost, Node, Refusal
from shortly.store.redis.scripts import Argument, Command, Script
from shortly.store.redis.topology import Topology, topology_of

log = structlog.get_logger(__name__)

READ_DEADLINE_S = 0.25
"""For a redirect's reads, waiting for a connection included."""
CALL_DEADLINE_S = 5.0
"""For everything else, all tries included."""
PAUSE_S = 0.05
"""Between tries."""

REDIRECTED = frozenset({"MOVED", "ASK"})
PASSING = frozenset({"TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "READONLY", "NOREPLICAS", "NOSCRIPT"})
"""The server ran nothing, and may run it soon, or another server may."""
FULL = frozenset({"OOM"})
AWAY = frozenset({"NOAUTH", "WRONGPASS", "NOPERM", "MISCONF", "BUSY", "UNKILLABLE"})
"""The server runs nothing until somebody looks after it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command, by the key that says who runs it."""

    key: str
    command: Command
    script: Script | None = None


class Client:
    """What the engine knows of Redis; used from one event loop, opened and closed once.

    Replies are as RESP3 has them (maps are dicts, texts are bytes, no score is a text). No redis-py error leaves it.
    """

    def __init__(self, address: Address, *, wait_replicas: int = 0, wait_ms: int = 1000) -> None:
        """Take where the servers are and what ``run_durably`` waits for; connects at ``open``."""
        self.on_invalidate: Callable[[str | None], None] = lambda _: None
        """Called with the name of a key that changed, or None: everything may have changed."""
        self._address = address
        self._wait_replicas = wait_replicas
        self._wait_ms = wait_ms
        self._topology: Topology = topology_of(address)
        self._trouble: str | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            InvalidSettings: The server did not accept the user name or the password.
            StoreUnavailable: No server answered in ``CALL_DEADLINE_S``.
        """
        try:
            async with asyncio.timeout(CALL_DEADLINE_S):
                while not await self._connected():  # noqa: ASYNC110
                    await asyncio.sleep(PAUSE_S)
        except TimeoutError:
            raise StoreUnavailable from None

    async def close(self) -> None:
        """Close all connections."""
        await self._topology.close()

    # --- reads for redirects -------------------------------------------------------------------------------------

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the texts at these keys, of any slots; what is asked in one tick of the loop travels together.

        Raises:
            StoreUnavailable: Not all of them came within ``READ_DEADLINE_S``; nothing is tried again.
        """
        try:
            async with asyncio.timeout(READ_DEADLINE_S):
                return await self.read_many([("GET", key) for key in keys])
        except TimeoutError:
            raise StoreUnavailable from None

    # --- everything else -----------------------------------------------------------------------------------------

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run a script on keys of one slot; one atomic step.

        Raises:
            StoreUnavailable: It was not run, or no answer says whether it was.
            StorageFull: The server has no room.
        """
        (outcome,) = await self._send([_call_of(script, keys, args)], durable=False, repeatable=False)
        return _value(outcome)

    async def run_durably(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run a script and wait until as many replicas have it as the settings ask for.

        Raises:
            StoreUnavailable: As ``run``, or too few replicas have it in time; it may be kept or lost.
            StorageFull: The server has no room.
        """
        (outcome,) = await self._send([_call_of(script, keys, args)], durable=True, repeatable=False)
        return _value(outcome)

    async def run_many(
        self, calls: Sequence[tuple[Script, Sequence[str], Sequence[Argument]]], *, durable: bool = False
    ) -> list[Any | ShortlyError]:
        """Run scripts, each with an outcome of its own: what it returned, or the error ``run`` would have raised.

        One pipeline for each node; scripts of one slot run in order unless the slot moves at this moment.
        """
        outcomes = await self._send([_call_of(*call) for call in calls], durable=durable, repeatable=False)
        return [outcome if isinstance(outcome, ShortlyError) else _value(outcome) for outcome in outcomes]

    async def read(self, *command: Argument | float) -> Any:
        """Return the reply of a command that changes nothing and whose first argument is its key.

        Raises:
            StoreUnavailable: No answer in ``CALL_DEADLINE_S``, all tries included.
        """
        (outcome,) = await self._send([Call(str(command[1]), command)], durable=False, repeatable=True)
        return _value(outcome)

    async def read_many(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies of several such commands, of any slots; one pipeline for each node.

        Raises:
            StoreUnavailable: Not all of them were answered.
        """
        calls = [Call(str(command[1]), command) for command in commands]
        return [_value(outcome) for outcome in await self._send(calls, durable=False, repeatable=True)]

    # --- inside --------------------------------------------------------------------------------------------------

    async def _connected(self) -> bool:
        try:
            await self._topology.refresh()
            for node in self._topology.nodes():
                await node.pipeline([("PING",)])
        except Lost as lost:
            self._note(str(lost))
            if lost.denied:
                raise InvalidSettings("STORE_URL: the server does not accept this user name and password.") from None
            return False
        self._note(None)
        return True

    async def _send(self, calls: Sequence[Call], *, durable: bool, repeatable: bool) -> list[Any]:
        """Bring all calls to their nodes until each has an outcome or the time is up."""
        outcomes: list[Any] = [None] * len(calls)
        due: dict[int, Node | None] = dict.fromkeys(range(len(calls)))
        delivery = _Delivery(calls, outcomes, due, self._wait_commands() if durable else (), repeatable)
        with suppress(TimeoutError):
            async with asyncio.timeout(CALL_DEADLINE_S):
                while due:
                    await self._round(delivery)
        for index in due:
            outcomes[index] = StoreUnavailable()
        return outcomes

    async def _round(self, delivery: _Delivery) -> None:
        groups: dict[Node, list[int]] = defaultdict(list)
        for index, named in delivery.due.items():
            node = named or self._topology.node_of(delivery.calls[index].key)
            if node is not None:
                groups[node].append(index)
        if len(groups) == 1:  # the usual case, without a task of its own
            ((node, indices),) = groups.items()
            troubles = [await self._visit(node, indices, delivery)]
        else:
            troubles = await asyncio.gather(*(self._visit(*group, delivery) for group in groups.items()))
        if not delivery.due:
            self._note(None)
            return
        trouble = next(filter(None, troubles), None if groups else "no server has this part of the data")
        if trouble is not None:
            self._note(trouble)
            await asyncio.sleep(PAUSE_S)
            with suppress(Lost):
                await self._topology.refresh()

    async def _visit(self, node: Node, indices: list[int], delivery: _Delivery) -> str | None:
        """Try some calls on a node; return what is wrong with it, if something is."""
        commands, places = delivery.commands(node, indices)
        try:
            replies = await node.pipeline(commands)
        except Lost as lost:
            if lost.sent and not delivery.repeatable:
                for index in indices:
                    delivery.settle(index, StoreUnavailable())
            return str(lost)
        return self._take_replies(node, replies, places, delivery)

    def _take_replies(self, node: Node, replies: list[Any], places: dict[int, int], delivery: _Delivery) -> str | None:
        trouble = None
        kept = delivery.is_kept(replies)
        for index, place in places.items():
            reply = replies[place]
            script = delivery.calls[index].script
            if not isinstance(reply, Refusal):
                if script is not None:
                    node.loaded.add(script.sha)
                delivery.settle(index, reply if kept else StoreUnavailable())
                trouble = trouble if kept else f"{node}: too few replicas have what was written"
            elif reply.kind in REDIRECTED:
                delivery.redirect(index, self._topology.node_at(reply.host or node.host, reply.port), reply.kind)
            elif reply.kind in PASSING:
                delivery.due[index] = None
                if reply.kind == "NOSCRIPT" and script is not None:
                    node.loaded.discard(script.sha)
                else:
                    trouble = f"{node}: {reply.kind} {reply.text}"
            else:
                delivery.settle(index, _error_of(reply))
                trouble = f"{node}: {reply.kind} {reply.text}" if reply.kind in AWAY else trouble
        return trouble

    def _wait_commands(self) -> tuple[Command, ...]:
        return (("WAIT", self._wait_replicas, self._wait_ms),) if self._wait_replicas else ()

    def _note(self, trouble: str | None) -> None:
        """Log the first trouble and its end, not what lies between."""
        if trouble is not None and self._trouble is None:
            log.warning("the store does not answer as it should", store=str(self._address), detail=trouble[:300])
        elif trouble is None and self._trouble is not None:
            log.info("the store answers again", store=str(self._address))
        self._trouble = trouble


class _Delivery:
    """Calls on their way: which have an outcome, and where the others go next."""

    def __init__(
        self,
        calls: Sequence[Call],
        outcomes: list[Any],
        due: dict[int, Node | None],
        wait: tuple[Command, ...],
        repeatable: bool,
    ) -> None:
        self.calls = calls
        self.due = due
        self.repeatable = repeatable
        self._outcomes = outcomes
        self._wait = wait
        self._asking: set[int] = set()

    def commands(self, node: Node, indices: list[int]) -> tuple[list[Command], dict[int, int]]:
        """Return what to send to the node, and the place of each call's reply."""
        scripts = {call.script.sha: call.script for index in indices if (call := self.calls[index]).script is not None}
        commands: list[Command] = [
            ("SCRIPT LOAD", script.text) for sha, script in scripts.items() if sha not in node.loaded
        ]
        places = {}
        for index in indices:
            if index in self._asking:
                commands.append(("ASKING",))
            places[index] = len(commands)
            commands.append(self.calls[index].command)
        commands += self._wait
        return commands, places

    def is_kept(self, replies: list[Any]) -> bool:
        """Return whether as many replicas have everything as was asked for."""
        return not self._wait or (isinstance(replies[-1], int) and replies[-1] >= int(self._wait[0][1]))

    def settle(self, index: int, outcome: Any) -> None:
        """Note how a call ended."""
        self._outcomes[index] = outcome
        del self.due[index]

    def redirect(self, index: int, node: Node, kind: str) -> None:
        """Send a call to another node next time."""
        self.due[index] = node
        self._asking.discard(index)
        if kind == "ASK":
            self._asking.add(index)


def _call_of(script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Call:
    return Call(keys[0], script.command(keys, args), script)


def _error_of(refusal: Refusal) -> Exception:
    if refusal.kind in FULL or (refusal.kind == "MISCONF" and "space" in refusal.text):
        return StorageFull()
    if refusal.kind in AWAY:
        return StoreUnavailable()
    return RuntimeError(f"Redis refused a command: {refusal.kind} {refusal.text}"[:500])  # a mistake of ours


def _value(outcome: Any) -> Any:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome

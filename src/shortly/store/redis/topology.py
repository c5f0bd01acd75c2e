"""Which server has which keys."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from shortly.redis_address import Address
from shortly.store.redis.keys import slot_of
from shortly.store.redis.node import Node
from shortly.store.redis.scripts import Command
from shortly.store.redis.wire import Lost, Refusal

ASK_DEADLINE_S = 1.0
"""For each server that is asked who has what; all are asked at once."""
SLOTS = 16384
Place = tuple[str, int]


class Topology(Protocol):
    """The servers that take writes; of a Cluster, the primaries."""

    clustered: bool
    """Keys of several slots cannot be in one command."""

    async def refresh(self) -> bool:
        """Ask the servers who has what; True when something changed.

        Raises:
            Lost: Nobody who was asked knows.
        """

    def node_of(self, key: str) -> Node | None:
        """Return who has the key; None while nobody has."""

    def node_at(self, host: str, port: int) -> Node:
        """Return the server at this place, which a server named."""

    def nodes(self) -> list[Node]:
        """Return all of them; none while nobody knows."""

    async def close(self) -> None:
        """Close all connections."""


def topology_of(address: Address) -> Topology:
    """Return the topology of an address, which ``refresh`` looks at first."""
    if address.kind == "cluster":
        return Cluster(address)
    return Sentinels(address) if address.kind == "sentinel" else Single(address)


class Single:
    """One server."""

    clustered = False

    def __init__(self, address: Address) -> None:
        host, port = address.hosts[0] if address.hosts else ("", 0)
        self._node = Node(address, host, port)

    async def refresh(self) -> bool:
        """See ``Topology``; a name is resolved anew at every connection."""
        return False

    def node_of(self, key: str) -> Node | None:
        """See ``Topology``."""
        return self._node

    def node_at(self, host: str, port: int) -> Node:
        """See ``Topology``; a single server never says so."""
        return self._node

    def nodes(self) -> list[Node]:
        """See ``Topology``."""
        return [self._node]

    async def close(self) -> None:
        """See ``Topology``."""
        await self._node.close()


class Sentinels:
    """The primary that most sentinels name."""

    clustered = False

    def __init__(self, address: Address) -> None:
        self._address = address
        self._sentinels = [Node(address, host, port, sentinel=True) for host, port in address.hosts]
        self._primary: Node | None = None

    async def refresh(self) -> bool:
        """See ``Topology``; whom the sentinels name becomes the primary when it says of itself that it is."""
        command: Command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._address.service or "")
        answers = await _ask(self._sentinels, [command])
        votes = Counter((_text(reply[0]), int(reply[1])) for _, (reply,) in answers if isinstance(reply, list))
        for host, port in (place for place, _ in votes.most_common()):
            if self._primary is not None and (host, port) == (self._primary.host, self._primary.port):
                return False
            found = Node(self._address, host, port)
            roles = await _ask([found], [("ROLE",)])
            if roles and isinstance(role := roles[0][1][0], list) and role[0] == b"master":
                previous, self._primary = self._primary, found
                if previous is not None:
                    await previous.close()
                return True
            await found.close()
        refusals = [reply for _, (reply,) in answers if isinstance(reply, Refusal)]
        detail = f"{refusals[0].kind} {refusals[0].text}" if refusals else "no sentinel names a primary that is one"
        raise Lost(detail, sent=False, denied=bool(refusals) and refusals[0].kind in ("NOAUTH", "WRONGPASS", "NOPERM"))

    def node_of(self, key: str) -> Node | None:
        """See ``Topology``."""
        return self._primary

    def node_at(self, host: str, port: int) -> Node:
        """See ``Topology``; a server without Cluster mode never says so."""
        raise LookupError(f"{host}:{port} is no primary of sentinels")

    def nodes(self) -> list[Node]:
        """See ``Topology``."""
        return [] if self._primary is None else [self._primary]

    async def close(self) -> None:
        """See ``Topology``."""
        for node in (*self._sentinels, *self.nodes()):
            await node.close()


class Cluster:
    """The primaries of a Cluster by slot, as the most recent view of those says that can reach the others."""

    clustered = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._seeds = [Node(address, host, port) for host, port in address.hosts]
        self._nodes: dict[Place, Node] = {}
        self._owners: list[Node | None] = [None] * SLOTS
        self._ranges: list[tuple[int, int, Place]] = []

    async def refresh(self) -> bool:
        """See ``Topology``; the given addresses are asked when no node known since then has a whole view."""
        answers = await self._views(self._nodes.values())
        if not answers or not answers[-1][0]:
            answers = sorted([*answers, *await self._views(self._seeds)], key=lambda view: view[:2])
        if not answers:
            raise Lost("no node of the Cluster answers", sent=False)
        _, _, ranges = answers[-1]
        if ranges == self._ranges:
            return False
        owners: list[Node | None] = [None] * SLOTS
        for start, end, (host, port) in ranges:
            owners[start : end + 1] = [self.node_at(host, port)] * (end + 1 - start)
        self._owners, self._ranges = owners, ranges
        gone = self._nodes.keys() - {place for _, _, place in ranges}
        for node in [self._nodes.pop(place) for place in gone]:
            await node.close()
        return True

    def node_of(self, key: str) -> Node | None:
        """See ``Topology``."""
        return self._owners[slot_of(key)]

    def node_at(self, host: str, port: int) -> Node:
        """See ``Topology``."""
        node = self._nodes.get((host, port))
        if node is None:
            node = self._nodes[host, port] = Node(self._address, host, port)
        return node

    def nodes(self) -> list[Node]:
        """See ``Topology``."""
        return [self._nodes[place] for place in dict.fromkeys(place for _, _, place in self._ranges)]

    async def close(self) -> None:
        """See ``Topology``."""
        for node in (*self._seeds, *self._nodes.values()):
            await node.close()

    async def _views(self, nodes: Iterable[Node]) -> list[tuple[bool, int, list[tuple[int, int, Place]]]]:
        """Return whether each node finds the Cluster whole, its epoch and its slots; the best one last."""
        views = []
        for node, (info, slots) in await _ask(list(nodes), [("CLUSTER", "INFO"), ("CLUSTER", "SLOTS")]):
            if isinstance(info, bytes) and isinstance(slots, list) and slots:
                fields = dict(line.partition(":")[::2] for line in info.decode().splitlines())
                epoch = int(fields.get("cluster_current_epoch", 0))
                views.append((fields.get("cluster_state") == "ok", epoch, _ranges_of(slots, node)))
        return sorted(views, key=lambda view: view[:2])


def _ranges_of(slots: list[Any], node: Node) -> list[tuple[int, int, Place]]:
    """Return the first and last slot of each range and where its primary is; "" and ? mean: where you asked."""
    ranges = []
    for start, end, primary, *_ in slots:
        host = _text(primary[0] or b"")
        ranges.append((start, end, (host if host not in ("", "?") else node.host, int(primary[1]) or node.port)))
    return sorted(ranges)


async def _ask(nodes: Sequence[Node], commands: list[Command]) -> list[tuple[Node, list[Any]]]:
    """Return the replies of those that answer in time.

    Raises:
        Lost: None does, and one of them did not accept the user or the password.
    """

    async def ask(node: Node) -> list[Any]:
        async with asyncio.timeout(ASK_DEADLINE_S):
            return await node.pipeline(commands)

    answers = await asyncio.gather(*(ask(node) for node in nodes), return_exceptions=True)
    found = []
    denial: Lost | None = None
    for node, answer in zip(nodes, answers, strict=True):
        if not isinstance(answer, BaseException):
            found.append((node, answer))
        elif isinstance(answer, Lost):
            denial = answer if answer.denied else denial
        elif not isinstance(answer, TimeoutError):
            raise answer
    if denial is not None and not found:
        raise denial
    return found


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

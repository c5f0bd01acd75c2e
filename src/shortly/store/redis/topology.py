"""Which server has which keys."""

from __future__ import annotations

from typing import Protocol

from shortly.store.redis.address import Address
from shortly.store.redis.node import Node


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
        """Return all of them."""

    async def close(self) -> None:
        """Close all connections."""


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


def topology_of(address: Address) -> Topology:
    """Return the topology of an address, not yet asked for."""
    return Single(address)

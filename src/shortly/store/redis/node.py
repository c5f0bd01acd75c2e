"""One server and the connections to it. The only module that knows redis-py."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis._parsers import _AsyncHiredisParser
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.driver_info import DriverInfo
from redis.exceptions import AskError, AuthenticationError, NoPermissionError, RedisError, ResponseError

from shortly import __version__
from shortly.store.redis.address import Address
from shortly.store.redis.scripts import Command

CONNECTIONS = 32
"""Connections that one process has to one server at most."""
CONNECT_DEADLINE_S = 3.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error reply: its first word, such as ``NOSCRIPT``, and the text behind it."""

    kind: str
    text: str
    host: str = ""
    """Where ``MOVED`` and ``ASK`` point to; "" is the host that answered."""
    port: int = 0


class Lost(Exception):
    """No connection, or it broke."""

    def __init__(self, detail: str, *, sent: bool, denied: bool = False) -> None:
        """``sent``: the server may have run the commands; ``denied``: it did not accept the user or the password."""
        super().__init__(detail)
        self.sent = sent
        self.denied = denied


class Parser(_AsyncHiredisParser):
    """Takes LOADING for an answer, which redis-py takes for a broken connection."""

    EXCEPTION_CLASSES = {**_AsyncHiredisParser.EXCEPTION_CLASSES, "LOADING": ResponseError}  # noqa: RUF012


class Node:
    """A server, used from one event loop. Replies are as RESP3 has them: maps are dicts, texts are bytes."""

    def __init__(self, address: Address, host: str = "", port: int = 0, *, sentinel: bool = False) -> None:
        """``address`` says how to be let in, ``host`` and ``port`` where, unless it is a Unix socket."""
        self.host = host
        self.port = port
        self.loaded: set[str] = set()
        """Hashes of the scripts that the server is believed to have."""
        self._address = address
        self._sentinel = sentinel
        self._idle: list[AbstractConnection] = []
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._closed = False

    def __str__(self) -> str:
        return self._address.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands in one write on one connection and return their replies, refused ones as ``Refusal``.

        Cancelling it closes the connection, so no reply can reach somebody else.

        Raises:
            Lost: There are no replies.
        """
        connection = await self._take()
        sent = False
        try:
            packed = connection.pack_commands(commands)
            sent = True
            await connection.send_packed_command(packed, check_health=False)
            replies = [await _reply(connection) for _ in commands]
        except RedisError as error:
            await self._drop(connection)
            self._forget()
            raise Lost(f"{self}: {error}", sent=sent) from None
        except BaseException:
            await self._drop(connection)
            raise
        await self._give_back(connection)
        return replies

    async def connect(self) -> AbstractConnection:
        """Return a new connection that is the caller's own, to be closed by ``disconnect(nowait=True)``.

        Raises:
            Lost: There is none.
        """
        connection = self._connection()
        try:
            async with asyncio.timeout(CONNECT_DEADLINE_S):
                await connection.connect()  # type: ignore[no-untyped-call]
        except TimeoutError:
            await connection.disconnect(nowait=True)
            raise Lost(f"{self}: no answer in {CONNECT_DEADLINE_S:g} s", sent=False) from None
        except (RedisError, OSError) as error:
            await connection.disconnect(nowait=True)
            denied = isinstance(error, AuthenticationError | NoPermissionError)
            raise Lost(f"{self}: {error}", sent=False, denied=denied) from None
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def close(self) -> None:
        """Close all connections; those in use as soon as they are given back."""
        self._closed = True
        self._forget()
        while self._idle:
            await self._idle.pop().disconnect(nowait=True)

    async def _take(self) -> AbstractConnection:
        await self._room.acquire()
        try:
            while self._idle:
                connection = self._idle.pop()
                if connection.is_connected and not await connection.can_read():  # a closed one has its end to read
                    return connection
                await connection.disconnect(nowait=True)
                self._forget()
            return await self._connect_in_peace()
        except BaseException:
            self._room.release()
            raise

    async def _connect_in_peace(self) -> AbstractConnection:
        """Connect; one that a caller's deadline was too short for goes on, and is there for the next caller."""
        connecting = asyncio.create_task(self.connect())
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(self._keep)
            raise

    def _keep(self, connecting: asyncio.Task[AbstractConnection]) -> None:
        if connecting.cancelled() or connecting.exception() is not None:
            return
        if self._closed or len(self._idle) >= CONNECTIONS:
            closing = asyncio.ensure_future(connecting.result().disconnect(nowait=True))
            closing.add_done_callback(lambda done: done.cancelled() or done.exception())
        else:
            self._idle.append(connecting.result())

    async def _give_back(self, connection: AbstractConnection) -> None:
        self._room.release()
        if self._closed:
            await connection.disconnect(nowait=True)
        else:
            self._idle.append(connection)

    async def _drop(self, connection: AbstractConnection) -> None:
        self._room.release()
        await connection.disconnect(nowait=True)

    def _forget(self) -> None:
        """The server may have been restarted, and know no scripts."""
        self.loaded.clear()

    def _connection(self) -> AbstractConnection:
        address = self._address
        options: dict[str, Any] = {
            "username": address.sentinel_username if self._sentinel else address.username,
            "password": address.sentinel_password if self._sentinel else address.password,
            "db": 0 if self._sentinel else address.db,
            "protocol": 3,
            "parser_class": Parser,
            "socket_timeout": None,  # callers have deadlines
            "socket_connect_timeout": CONNECT_DEADLINE_S,
            "driver_info": DriverInfo(name="shortly", lib_version=__version__),
        }
        if address.path is not None:
            return UnixDomainSocketConnection(path=address.path, **options)
        options |= {"host": self.host, "port": self.port}
        if address.tls is None:
            return Connection(**options)
        return SSLConnection(
            ssl_ca_certs=address.tls.ca, ssl_certfile=address.tls.cert, ssl_keyfile=address.tls.key, **options
        )


async def _reply(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except AskError as moved:  # MOVED, too
        kind = moved.status_code or "MOVED"
        return Refusal(kind, str(moved), host=moved.node_addr[0], port=moved.node_addr[1])
    except ResponseError as error:
        text = str(error)
        return Refusal(error.status_code or text.partition(" ")[0], text)

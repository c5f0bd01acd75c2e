"""One connection to one server. The only module that knows redis-py."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hiredis import pack_command
from redis._parsers import _AsyncHiredisParser
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.driver_info import DriverInfo
from redis.exceptions import AskError, AuthenticationError, NoPermissionError, RedisError, ResponseError

from shortly import __version__
from shortly.redis_address import Address, Tls
from shortly.store.redis.scripts import Command

CONNECT_DEADLINE_S = 3.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error reply: its first word, such as ``NOSCRIPT``, and the text."""

    kind: str
    text: str
    host: str = ""
    """Where ``MOVED`` and ``ASK`` point to; "" is the host that answered."""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Push:
    """What the server says unasked, its kind first."""

    parts: list[Any]


class Lost(Exception):
    """No connection, or it broke."""

    def __init__(self, detail: str, *, sent: bool, denied: bool = False) -> None:
        """``sent``: the server may have run the commands; ``denied``: it did not accept the user or the password."""
        super().__init__(detail)
        self.sent = sent
        self.denied = denied


class Parser(_AsyncHiredisParser):
    """Takes LOADING for an answer, which redis-py takes for a broken connection, and hands pushes on."""

    EXCEPTION_CLASSES = {**_AsyncHiredisParser.EXCEPTION_CLASSES, "LOADING": ResponseError}  # noqa: RUF012

    async def handle_push_response(self, response: Any, **_: Any) -> Push:
        """Return the push to whom asked for pushes; everybody else never sees it."""
        return Push(response)


class Wire:
    """An open connection, RESP3: maps are dicts, texts are bytes. Without deadlines of its own."""

    def __init__(self, connection: AbstractConnection, name: str) -> None:
        """Made by ``connect``; ``name`` is the server's, for errors."""
        self._connection = connection
        self._name = name

    @property
    async def is_clean(self) -> bool:
        """Nothing is to be read; a connection that the server has closed has its end to read."""
        return self._connection.is_connected and not await self._connection.can_read()

    async def exchange(self, commands: Iterable[Command]) -> list[Any]:
        """Send commands in one write and return their replies, refused ones as ``Refusal``.

        One that raises or is cancelled leaves the connection unusable.

        Raises:
            Lost: There are no replies.
            UnicodeEncodeError: An argument has lone surrogates; nothing was sent.
        """
        packed = [_packed(command) for command in commands]
        try:
            await self._connection.send_packed_command(b"".join(packed), check_health=False)
            return [await self._reply() for _ in packed]
        except RedisError as error:
            raise Lost(f"{self._name}: {error}", sent=True) from None

    async def send(self, command: Command) -> None:
        """Send a command whose reply ``receive`` will return.

        Raises:
            Lost: The connection is broken.
        """
        try:
            await self._connection.send_packed_command(_packed(command), check_health=False)
        except RedisError as error:
            raise Lost(f"{self._name}: {error}", sent=True) from None

    async def receive(self, timeout_s: float) -> Any:
        """Return the next reply or ``Push``, or None when none comes in time.

        Raises:
            Lost: The connection is broken.
        """
        try:
            return await self._connection.read_response(timeout=timeout_s, push_request=True)
        except RedisError as error:
            raise Lost(f"{self._name}: {error}", sent=True) from None

    async def close(self) -> None:
        """Close without waiting for the server."""
        await self._connection.disconnect(nowait=True)

    async def _reply(self) -> Any:
        try:
            return await self._connection.read_response()
        except AskError as moved:  # MOVED, too
            host, port = moved.node_addr
            return Refusal(moved.status_code or "MOVED", str(moved), host=host, port=port)
        except ResponseError as error:
            text = str(error)
            return Refusal(error.status_code or text.partition(" ")[0], text)


async def connect(address: Address, host: str, port: int, *, sentinel: bool = False) -> Wire:
    """Connect and sign in; ``address`` says how, ``host`` and ``port`` where, unless it is a Unix socket.

    Raises:
        Lost: That did not work within ``CONNECT_DEADLINE_S``.
    """
    name = address.path or (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    try:
        connection = _connection(address, host, port, sentinel=sentinel)
    except OSError as error:  # a certificate's file is gone, or holds none
        raise Lost(f"{name}: {error}", sent=False) from None
    try:
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            await connection.connect()  # type: ignore[no-untyped-call]
    except TimeoutError:
        await connection.disconnect(nowait=True)
        raise Lost(f"{name}: no answer in {CONNECT_DEADLINE_S:g} s", sent=False) from None
    except (RedisError, OSError) as error:
        await connection.disconnect(nowait=True)
        denied = isinstance(error, AuthenticationError | NoPermissionError)
        word = getattr(error, "status_code", None)  # WRONGPASS and the like, which the message lacks
        raise Lost(f"{name}: {f'{word} ' if word else ''}{error}", sent=False, denied=denied) from None
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    return Wire(connection, name)


def _connection(address: Address, host: str, port: int, *, sentinel: bool) -> AbstractConnection:
    options: dict[str, Any] = {
        "username": address.sentinel_username if sentinel else address.username,
        "password": address.sentinel_password if sentinel else address.password,
        "db": 0 if sentinel else address.db,
        "protocol": 3,
        "parser_class": Parser,
        "socket_timeout": None,  # callers have deadlines
        "socket_connect_timeout": CONNECT_DEADLINE_S,
        "driver_info": DriverInfo(name="shortly", lib_version=__version__),
    }
    if address.path is not None:
        return UnixDomainSocketConnection(path=address.path, **options)
    options |= {"host": host, "port": port}
    if address.tls is None:
        return Connection(**options)
    connection = SSLConnection(**options)
    connection.ssl_context.context = trust_of(address.tls)
    return connection


def trust_of(tls: Tls) -> ssl.SSLContext:
    """Return whom to trust and how to identify oneself, read anew when a file has changed.

    Shared by all connections: reading the machine's authorities takes a tenth of a second, in which nobody is served.
    """
    return _trust(tls, tuple(os.stat(file).st_mtime_ns for file in (tls.ca, tls.cert, tls.key) if file is not None))


@lru_cache(maxsize=16)
def _trust(tls: Tls, _: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    return context


def _packed(command: Command) -> bytes:
    packed: bytes = pack_command(command)  # type: ignore[arg-type]  # its types forget the dots of tuple[..., ...]
    return packed

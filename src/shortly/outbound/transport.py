"""One guarded exchange: resolve once, check every address, connect to a checked one, and read no more than allowed.

``GuardedTransport`` is an httpx2 transport. Each request gets a connection of its own, so nothing that one answer
leaves behind meets the next, and the limits are counted on the wire, where headers, chunk sizes and answers before the
answer count too. It has no proxies: a proxy would resolve names by itself.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2

from shortly.errors import NoAnswer, OutboundFailed, OutboundRefused
from shortly.outbound.resolver import Resolve, resolve
from shortly.outbound.rules import OutboundRules

HEADER_ROOM = 256 << 10
"""Bytes on the wire beside the body: headers, chunk sizes, the handshake's own."""
CONNECT_S = 5.0
"""How long one address is tried; then the next."""
MAX_ADDRESSES = 4


class Budget:
    """What one exchange may still take: seconds until a deadline, and bytes from the wire."""

    def __init__(self, deadline_s: float, max_bytes: int) -> None:
        self._until = time.monotonic() + deadline_s
        self._bytes = max_bytes

    def seconds(self) -> float:
        """Return the time that is left, or raise ``OutboundFailed``."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise OutboundFailed("The other server took too long.", "too_slow")
        return left

    def take(self, count: int) -> None:
        """Count bytes that came in, or raise ``OutboundFailed``."""
        self._bytes -= count
        if self._bytes < 0:
            raise OutboundFailed("The other server's answer is too large.")


class MeteredStream(httpcore2.AsyncNetworkStream):
    """A connection whose every read and write is charged to the budget."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what there is, up to ``max_bytes``."""
        data = await self._stream.read(max_bytes, self._within(timeout))
        self._budget.take(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of the buffer."""
        await self._stream.write(buffer, self._within(timeout))

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Go on encrypted."""
        stream = await self._stream.start_tls(ssl_context, server_hostname, self._within(timeout))
        return MeteredStream(stream, self._budget)

    def get_extra_info(self, info: str) -> Any:
        """Return what is known about the socket."""
        return self._stream.get_extra_info(info)

    def _within(self, timeout: float | None) -> float:
        left = self._budget.seconds()
        return left if timeout is None else min(timeout, left)


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to checked addresses alone."""

    def __init__(self, rules: OutboundRules, resolver: Resolve, budget: Budget) -> None:
        self._rules = rules
        self._resolve = resolver
        self._budget = budget
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve the name, once; check all of its addresses; connect to the first that answers."""
        self._rules.check_port(port)
        try:
            found = await asyncio.wait_for(self._resolve(host, port), self._budget.seconds())
        except TimeoutError:
            raise OutboundFailed("The other server's name could not be looked up in time.", "too_slow") from None
        except OSError:
            raise OutboundFailed("The other server's name is not known.", "unknown_name") from None
        *rest, last = self._rules.check_addresses(host, found)[:MAX_ADDRESSES]
        for address in rest:
            try:
                return await self._connect(address, port, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._connect(last, port, local_address, socket_options)

    async def _connect(
        self, address: str, port: int, local: str | None, options: Iterable[httpcore2.SOCKET_OPTION] | None
    ) -> httpcore2.AsyncNetworkStream:
        timeout = min(CONNECT_S, self._budget.seconds())
        return MeteredStream(await self._network.connect_tcp(address, port, timeout, local, options), self._budget)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        """Refuse: a socket file is never another server."""
        raise OutboundRefused

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport for requests to servers that the rules allow; for ``httpx2.AsyncClient(transport=...)``, too.

    Args:
        rules: Which servers may be asked.
        resolver: Turns names into addresses.
        tls: How certificates are verified; None: against this machine's authorities (and ``SSL_CERT_FILE``).
        deadline_s: How long one exchange may take in all, without what a redirect leads to.
        max_bytes: Largest body, as it comes on the wire.

    A request may bring its own limits in the extensions ``deadline_s`` and ``max_bytes``.

    Raises:
        OutboundRefused: When requests go where they must not go.
        OutboundFailed: There is no proper answer, or a limit is reached.
    """

    def __init__(
        self,
        rules: OutboundRules,
        *,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        deadline_s: float = 10,
        max_bytes: int = 1 << 20,
    ) -> None:
        self._rules = rules
        self._resolve = resolver
        self._tls = tls
        self._deadline_s = deadline_s
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and return the answer with its body still to be read."""
        self._rules.check_url(str(request.url))
        if self._tls is None and request.url.scheme == "https":
            self._tls = httpx2.create_ssl_context()
        budget = Budget(
            float(request.extensions.get("deadline_s", self._deadline_s)),
            int(request.extensions.get("max_bytes", self._max_bytes)) + HEADER_ROOM,
        )
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=GuardedBackend(self._rules, self._resolve, budget),
        )
        try:
            with spoken_plainly():
                answer = await pool.handle_async_request(
                    httpcore2.Request(
                        request.method,
                        httpcore2.URL(
                            scheme=request.url.raw_scheme,
                            host=request.url.raw_host,
                            port=request.url.port,
                            target=request.url.raw_path,
                        ),
                        headers=request.headers.raw,
                        content=request.stream,
                    )
                )
        except BaseException:
            await pool.aclose()
            raise
        return httpx2.Response(answer.status, headers=answer.headers, stream=Body(answer, pool))


class Body(httpx2.AsyncByteStream):
    """An answer's body, whose connection is closed with it."""

    def __init__(self, answer: httpcore2.Response, pool: httpcore2.AsyncConnectionPool) -> None:
        self._answer = answer
        self._pool = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        with spoken_plainly():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        """Close the connection, whatever is left of the body."""
        await self._answer.aclose()
        await self._pool.aclose()


@contextmanager
def spoken_plainly() -> Iterator[None]:
    """Turn the errors of connections into ``OutboundFailed``, whose sentences tell nothing of the network inside."""
    try:
        yield
    except httpcore2.TimeoutException:
        raise OutboundFailed("The other server took too long.", "too_slow") from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as failure:
        why: NoAnswer = "certificate" if has_bad_certificate(failure) else "no_answer"
        raise OutboundFailed("The other server did not answer properly.", why) from None


def has_bad_certificate(failure: BaseException | None) -> bool:
    """Say whether a certificate that is not accepted is behind a failure."""
    while failure is not None and not isinstance(failure, ssl.SSLCertVerificationError):
        failure = failure.__cause__ or failure.__context__
    return failure is not None

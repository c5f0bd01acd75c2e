"""The one client through which Shortly asks other servers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from shortly import __version__
from shortly.errors import OutboundFailed, OutboundRefused, ShortlyError
from shortly.outbound.resolver import Resolve, resolve
from shortly.outbound.rules import OutboundRules

if TYPE_CHECKING:  # they take a tenth of a worker's start, and most workers never ask anybody
    import httpx2

    from shortly.outbound.transport import GuardedTransport

log = structlog.get_logger("shortly.outbound")

MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
AT_ONCE = 8
USER_AGENT = f"Shortly/{__version__}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take, all its redirects included."""

    max_bytes: int = 1 << 20
    """Largest body, unpacked."""
    deadline_s: float = 10
    redirects: int = MAX_REDIRECTS
    """Hops after the first; 0: a redirect is the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What another server said; any status."""

    status: int
    url: str
    """Where it came from, after redirects."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    whole: bool = True
    """False: ``body`` is the beginning only, as was asked for."""


class Outbound:
    """Asks other servers, within limits, and never one on the inside.

    Nothing is remembered between requests: no cookies, no connections. Proxies and passwords in the environment are
    not looked at.

    Args:
        rules: Which servers may be asked.
        resolver: Turns names into addresses.
        tls: How certificates are verified; None: against this machine's authorities.
        at_once: Requests on their way at the same time; others wait for their turn within their deadline.
    """

    def __init__(
        self,
        rules: OutboundRules | None = None,
        *,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._rules = rules or OutboundRules()
        self._resolver = resolver
        self._tls = tls
        self._transport: GuardedTransport | None = None
        self._turns = asyncio.Semaphore(at_once)

    @property
    def transport(self) -> GuardedTransport:
        """The guarded transport, for a library that brings its own ``httpx2.AsyncClient``."""
        from shortly.outbound.transport import GuardedTransport

        if self._transport is None:
            self._transport = GuardedTransport(self._rules, resolver=self._resolver, tls=self._tls)
        return self._transport

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        beginning: bool = False,
    ) -> Answer:
        """Fetch an address, following redirects, each of which is checked like the first.

        Args:
            url: Absolute http(s) URL.
            headers: Further request headers; they are left out after a redirect to another origin.
            limits: Time, size and hops.
            beginning: Take the beginning of a body that is too large instead of refusing it.

        Raises:
            OutboundRefused: The address, or one that it leads to, may not be asked.
            OutboundFailed: There was no answer, it broke off, was too large, took too long, or led on too often.
        """
        return await self._ask("GET", url, headers or {}, None, limits or Limits(), beginning=beginning)

    async def post(
        self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Answer:
        """Send a body; a redirect is an answer and not followed. Raises as ``get`` does."""
        return await self._ask("POST", url, headers or {}, content, limits or Limits(), beginning=False)

    async def delete(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Answer:
        """Ask for something to be deleted; a redirect is an answer and not followed. Raises as ``get`` does."""
        return await self._ask("DELETE", url, headers or {}, None, limits or Limits(), beginning=False)

    async def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        limits: Limits,
        *,
        beginning: bool,
    ) -> Answer:
        await asyncio.to_thread(import_module, "shortly.outbound.transport")  # the first time that takes a while
        import httpx2

        host = ""
        try:
            here = httpx2.URL(self._rules.check_url(url))
            host = here.host
            async with asyncio.timeout(limits.deadline_s), self._turns:
                for _ in range(limits.redirects + 1):
                    request = build_request(method, here, headers, content, limits)
                    answer = await self._exchange(request, limits.max_bytes, beginning=beginning)
                    location = answer.headers.get("location")
                    if method != "GET" or not limits.redirects or not location or answer.status not in REDIRECTS:
                        return answer
                    there = httpx2.URL(self._rules.check_url(str(here.join(location))))
                    if here.scheme == "https" and there.scheme != "https":
                        raise OutboundRefused
                    if origin_of(here) != origin_of(there):
                        headers = {}
                    here = there
        except ShortlyError as refusal:
            log.info("outbound request failed", host=host[:255], code=refusal.code, why=str(refusal))
            raise
        except TimeoutError:
            raise OutboundFailed("The other server took too long.") from None
        except httpx2.InvalidURL:
            raise OutboundRefused from None
        except httpx2.DecodingError:
            raise OutboundFailed("The other server did not answer properly.") from None
        raise OutboundFailed("The other server led on too often.")

    async def _exchange(self, request: httpx2.Request, max_bytes: int, *, beginning: bool) -> Answer:
        response = await self.transport.handle_async_request(request)
        response.request = request
        try:
            if response.headers.get("content-encoding", "").strip().lower() not in ENCODINGS:
                raise OutboundFailed("The other server's answer is packed in a way that was not asked for.")
            body = bytearray()
            moved = response.status_code in REDIRECTS and "location" in response.headers
            if not moved:
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > max_bytes:
                        break
            whole = len(body) <= max_bytes
            if not whole and not beginning:
                raise OutboundFailed("The other server's answer is too large.")
            return Answer(
                status=response.status_code,
                url=str(request.url),
                headers={name.lower(): value for name, value in response.headers.items()},
                body=bytes(body[:max_bytes]),
                whole=whole,
            )
        finally:
            await response.aclose()

    async def __aenter__(self) -> Self:
        """Return the client; there is nothing to open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: every connection was closed with its answer."""


def build_request(
    method: str, url: httpx2.URL, headers: Mapping[str, str], content: bytes | None, limits: Limits
) -> httpx2.Request:
    """Return a request that brings its limits with it."""
    import httpx2

    return httpx2.Request(
        method,
        url,
        headers={
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            **headers,
            "Accept-Encoding": "gzip, deflate",
            "Connection": "close",
        },
        content=content,
        extensions={"deadline_s": limits.deadline_s, "max_bytes": limits.max_bytes},
    )


def origin_of(url: httpx2.URL) -> tuple[str, str, int | None]:
    """Return what tells one server from another."""
    return url.scheme, url.host, url.port

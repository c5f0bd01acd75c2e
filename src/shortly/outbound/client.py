"""The one client through which Shortly asks other servers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

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
FOLLOWING = ("GET", "HEAD")
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
AT_ONCE = 8
USER_AGENT = f"Shortly/{__version__}"

Part = Literal["all", "beginning", "none"]
"""What is read of an answer's body; "beginning": of one that is too large. Without "none" that is refused."""
Turn = Callable[[str], Awaitable[None]]
"""Waits until a host may be asked; what that takes is no part of a request's time."""


async def no_wait(_: str) -> None:
    """Wait for nothing."""


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
        user_agent: What the client calls itself.
        turn: Awaited before each request and each redirect.
    """

    def __init__(
        self,
        rules: OutboundRules | None = None,
        *,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        at_once: int = AT_ONCE,
        user_agent: str = USER_AGENT,
        turn: Turn = no_wait,
    ) -> None:
        self._rules = rules or OutboundRules()
        self._resolver = resolver
        self._tls = tls
        self._transport: GuardedTransport | None = None
        self._turns = asyncio.Semaphore(at_once)
        self._user_agent = user_agent
        self._turn = turn

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
        return await self._ask("GET", url, headers or {}, None, limits or Limits(), "beginning" if beginning else "all")

    async def status_of(self, method: Literal["HEAD", "GET"], url: str, *, limits: Limits | None = None) -> int:
        """Return the status that an address answers with in the end, reading no body. Follows and raises as ``get``
        does."""
        return (await self._ask(method, url, {}, None, limits or Limits(), "none")).status

    async def post(
        self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Answer:
        """Send a body; a redirect is an answer and not followed. Raises as ``get`` does."""
        return await self._ask("POST", url, headers or {}, content, limits or Limits(), "all")

    async def delete(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Answer:
        """Ask for something to be deleted; a redirect is an answer and not followed. Raises as ``get`` does."""
        return await self._ask("DELETE", url, headers or {}, None, limits or Limits(), "all")

    async def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        limits: Limits,
        part: Part,
    ) -> Answer:
        await asyncio.to_thread(import_module, "shortly.outbound.transport")  # the first time that takes a while
        import httpx2

        host = ""
        try:
            here = httpx2.URL(self._rules.check_url(url))
            host = here.host
            async with asyncio.timeout(limits.deadline_s) as deadline, self._turns:
                for _ in range(limits.redirects + 1):
                    await self._wait_for(here.host, deadline)
                    request = build_request(method, here, {"User-Agent": self._user_agent, **headers}, content, limits)
                    answer = await self._exchange(request, limits.max_bytes, part)
                    location = answer.headers.get("location")
                    follows = method in FOLLOWING and limits.redirects > 0
                    if not follows or not location or answer.status not in REDIRECTS:
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
            raise OutboundFailed("The other server took too long.", "too_slow") from None
        except httpx2.InvalidURL:
            raise OutboundRefused from None
        except httpx2.DecodingError:
            raise OutboundFailed("The other server did not answer properly.") from None
        raise OutboundFailed("The other server led on too often.", "led_on")

    async def _wait_for(self, host: str, deadline: asyncio.Timeout) -> None:
        """Wait for the host's turn, and let the deadline wait, too."""
        loop = asyncio.get_running_loop()
        left_s = (deadline.when() or 0) - loop.time()
        deadline.reschedule(None)
        await self._turn(host)
        deadline.reschedule(loop.time() + left_s)

    async def _exchange(self, request: httpx2.Request, max_bytes: int, part: Part) -> Answer:
        response = await self.transport.handle_async_request(request)
        response.request = request
        try:
            packed = response.headers.get("content-encoding", "").strip().lower()
            if part != "none" and packed not in ENCODINGS:
                raise OutboundFailed("The other server's answer is packed in a way that was not asked for.")
            body = bytearray()
            moved = response.status_code in REDIRECTS and "location" in response.headers
            if not moved and part != "none":
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > max_bytes:
                        break
            whole = len(body) <= max_bytes
            if not whole and part == "all":
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

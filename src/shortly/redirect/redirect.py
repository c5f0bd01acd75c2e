"""The one raw ASGI callable in front of everything: a short link is answered here, the rest is handed on.

On its way a request for a remembered link meets no network, no disk, no lock and no await but the server's own
``send``; the click is in the mapped journal before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from hashlib import blake2b
from time import time, time_ns
from types import MappingProxyType
from typing import Any, Protocol

from shortly.clicks.click import (
    FIXED,
    MAX_LANGUAGE,
    MAX_QUERY,
    MAX_REFERRER,
    MAX_USER_AGENT,
    SHORT,
    Outcome,
)
from shortly.clicks.journal import Journal
from shortly.counters import INDEX, REDIRECTS, Counters
from shortly.errors import ShortlyError
from shortly.links.link import Redirection
from shortly.links.slug import SlugRules
from shortly.links.store import RedirectionStore
from shortly.redirect.answer import Headers, Prepared, headers_of, prepare, refusal_of, with_query
from shortly.redirect.pages import Form, Page, Pages, Shown
from shortly.redirect.visitor import NOBODY, Addresses, Visitors, network_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
RawHeaders = Iterable[tuple[bytes, bytes]]

EMPTY: Message = {"type": "http.response.body", "body": b""}
COUNTER = {status: INDEX[name] for status, name in REDIRECTS.items()}
WITH_FALLBACK = frozenset({Outcome.EXPIRED, Outcome.EXHAUSTED, Outcome.DISABLED})
REDIRECTED = int(Outcome.REDIRECTED)
PREVIEW = "+"
"""What follows a slug to ask where it leads; no slug ends in it."""
QR_ENDING = "/qr"
"""What ``/{slug}/qr`` ends in; no slug does, see ``RESERVED_ENDINGS``."""
PREFETCH = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
"""Headers in which browsers say that they fetch ahead; the quick way below asks for each by name."""


class Lock(Protocol):
    """What stands before links that have a password."""

    async def is_open(self, redirection: Redirection, headers: RawHeaders) -> bool:
        """Say whether a request comes from a browser in which the link's password was given."""

    async def answer(self, redirection: Redirection, scope: Scope, receive: Receive) -> Form:
        """Return the page that asks for the password, or what becomes of one that was sent."""


class Redirect:
    """Answers requests for short links.

    Args:
        store: Where links are looked up; opened and closed by whoever made it.
        journal: Where clicks are written down.
        slugs: Which paths may be slugs.
        addresses: How the visitor's address is found.
        visitors: How visitors are told apart.
        counters: Where answers are counted.
        rest: The application that everything else is handed to.
        domains: Header ``Host`` -> the host, of those with slugs of their own; all others have those of ``BASE_URL``.
            Whoever made it keeps it up to date.
        country_header: Lower-case name of the header in which a trusted proxy names the country, or empty.
        honour_dnt: Keep nothing but the count of visitors who ask not to be tracked.
        wait_for_disk: Answer a counted click only when it is on the disk.
        strict_transport: ``Strict-Transport-Security`` of every answer, or empty.
        shown: The pages for visitors who are not redirected.
        preview: Answers a slug with ``PREVIEW`` behind it; None: there is no such link.
        lock: Lets visitors through who know a link's password; None: it lets nobody through.
    """

    def __init__(
        self,
        *,
        store: RedirectionStore,
        journal: Journal,
        slugs: SlugRules,
        addresses: Addresses,
        visitors: Visitors,
        counters: Counters,
        rest: ASGIApp,
        domains: Mapping[bytes, str] = MappingProxyType({}),
        country_header: str = "",
        honour_dnt: bool = False,
        wait_for_disk: bool = False,
        strict_transport: str = "",
        shown: Shown | None = None,
        preview: ASGIApp | None = None,
        lock: Lock | None = None,
    ) -> None:
        self._store = store
        self._remembered = store.remembered
        self._journal = journal
        self._append = journal.append
        self._slugs = slugs
        self._addresses = addresses
        self._trusts_any = addresses.trusts_any
        self._salt_of = visitors.salt_of
        self._counters = counters
        self._rest = rest
        self._domains = domains
        self._country_header = country_header.lower().encode()
        self._honour_dnt = honour_dnt
        self._wait_for_disk = wait_for_disk
        self._shown = shown or Shown(Pages())
        self._preview = preview
        self._lock = lock
        self._further: Headers = (
            ((b"strict-transport-security", strict_transport.encode()),) if strict_transport else ()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request: resolve, write the click down, answer."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        path: str = scope["path"]
        headers = dict(scope["headers"])
        domain = self._domains.get(headers.get(b"host", b"").lower(), "") if self._domains else ""
        redirection = self._remembered(domain, path[1:])
        if redirection is None:
            slug = self._slugs.slug_of(path)
            if slug is None:
                await self._rest(scope, receive, send)
                return
            try:
                redirection = await self._store.get_redirection(domain, slug)
            except ShortlyError:
                await self._answer_page(self._shown.pages.unavailable, scope, headers, send)
                return
            if redirection is None:
                if self._preview is not None and slug.endswith(PREVIEW):
                    await self._preview(scope, receive, send)
                    return
                if path.endswith(QR_ENDING):
                    await self._rest(scope, receive, send)
                    return
                await self._answer_page(self._shown.pages.not_found, scope, headers, send)
                return
        prepared: Prepared | None = redirection.prepared
        if prepared is None:
            prepared = redirection.prepared = prepare(redirection, self._further)
        if (
            prepared.plain
            and scope["method"] == "GET"
            and not (
                b"sec-purpose" in headers or b"purpose" in headers or b"x-purpose" in headers or b"x-moz" in headers
            )
        ):
            self._write(redirection, REDIRECTED, scope, headers)
            if self._wait_for_disk:
                await self._journal.synced()
            self._counters.values[prepared.counter] += 1
            await send({"type": "http.response.start", "status": prepared.status, "headers": prepared.headers})
            await send(EMPTY)
            return
        await self._answer(redirection, prepared, scope, headers, receive, send)

    async def _answer(
        self,
        redirection: Redirection,
        prepared: Prepared,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a request that needs a second look: at the method, the clock, the count or the query."""
        method, pages = scope["method"], self._shown.pages
        refused = refusal_of(redirection, int(time() * 1000))
        asks = refused is Outcome.PROTECTED and self._lock is not None
        if method not in ("GET", "HEAD") and not prepared.any_method and not (asks and method == "POST"):
            await self._answer_page(pages.not_allowed, scope, headers, send)
            return
        ahead = is_prefetch(headers)
        counts = method == "GET" and not ahead
        if asks and self._lock is not None:
            if method == "POST" or not await self._lock.is_open(redirection, scope["headers"]):
                if counts:
                    self._write(redirection, int(Outcome.PROTECTED), scope, headers)
                await self._send_form(await self._lock.answer(redirection, scope, receive), scope, send)
                return
            refused = None
        if refused is None and redirection.max_clicks is not None:
            if ahead or method == "HEAD":
                await self._answer_page(pages.no_prefetch if ahead else pages.uncounted, scope, headers, send)
                return
            try:
                left = await self._store.take_click(
                    redirection.link_id, redirection.domain, redirection.slug, redirection.max_clicks
                )
            except ShortlyError:
                await self._answer_page(pages.unavailable, scope, headers, send)
                return
            refused = None if left else Outcome.EXHAUSTED
        if counts:
            self._write(redirection, REDIRECTED if refused is None else int(refused), scope, headers)
            if self._wait_for_disk:
                await self._journal.synced()
        status, headers_out = prepared.status, prepared.headers
        if refused is None:
            if redirection.forward_query and scope["query_string"]:
                target = with_query(redirection.target, scope["query_string"])
                headers_out = headers_of(target, redirection) + self._further
        elif redirection.fallback_target and refused in WITH_FALLBACK:
            status = 302
            headers_out = headers_of(redirection.fallback_target, redirection, temporary=True) + self._further
        else:
            page = pages.of_outcome[refused] if redirection.ban is None else pages.of_ban[redirection.ban]
            await self._answer_page(page, scope, headers, send)
            return
        self._counters.values[COUNTER[status]] += 1
        await send({"type": "http.response.start", "status": status, "headers": headers_out})
        await send(EMPTY)

    async def _answer_page(self, page: Page, scope: Scope, headers: dict[bytes, bytes], send: Send) -> None:
        await self._send_form(page.for_request(headers), scope, send)

    async def _send_form(self, form: Form, scope: Scope, send: Send) -> None:
        start, body = form
        self._counters.values[COUNTER[start["status"]]] += 1
        await send({**start, "headers": [*start["headers"], *self._further]} if self._further else start)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _write(self, redirection: Redirection, outcome: int, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Write a click down: ``encode_click``, straight from the request and without the calls in between."""
        at_ms = time_ns() // 1_000_000
        if self._honour_dnt and (headers.get(b"dnt") == b"1" or headers.get(b"sec-gpc") == b"1"):
            whose = redirection.link_id, redirection.workspace
            self._append(FIXED.pack(at_ms, *whose, outcome, 1, NOBODY, b"", 0, 0, 0, 0, 0))
            return
        client = scope["client"]
        address: str = client[0] if client else ""
        country = b""
        if self._trusts_any and self._addresses.trusts(address):
            address = self._addresses.behind_proxies(address, headers.get(b"x-forwarded-for"))
            if self._country_header:
                country = headers.get(self._country_header, b"")
        user_agent = headers.get(b"user-agent", b"")
        referrer = headers.get(b"referer", b"")
        language = headers.get(b"accept-language", b"")
        query = scope["query_string"]
        if len(user_agent) + len(referrer) + len(language) + len(query) > SHORT:
            user_agent, referrer = user_agent[:MAX_USER_AGENT], referrer[:MAX_REFERRER]
            language, query = language[:MAX_LANGUAGE], query[:MAX_QUERY]
        network = network_of(address)
        visitor = blake2b(self._salt_of(at_ms) + address.encode() + b" " + user_agent).digest()  # as ``hash_of``
        self._append(
            b"".join(
                (
                    FIXED.pack(
                        at_ms,
                        redirection.link_id,
                        redirection.workspace,
                        outcome,
                        0,
                        visitor,
                        country,
                        len(network),
                        len(referrer),
                        len(user_agent),
                        len(language),
                        len(query),
                    ),
                    network,
                    referrer,
                    user_agent,
                    language,
                    query,
                )
            )
        )


def is_prefetch(headers: dict[bytes, bytes]) -> bool:
    """Say whether a browser fetches ahead of a click that may never come."""
    return any(b"prefetch" in headers.get(name, b"") or b"preview" in headers.get(name, b"") for name in PREFETCH)

"""Where a short link leads, for those who look before they go: ``/{slug}+``, which counts as no click.

In front of the API like the redirect, since short links answer to any host. Nothing here is a link to the target
itself: whoever goes on goes by the short link, and is counted there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote, urlencode, urlsplit

from msgspec import structs

from shortly.abuse.lookalike import suspicion_of, unicode_host
from shortly.abuse.rates import RateLimits, network_of
from shortly.api.limits import refusal_headers
from shortly.api.origin import address_of
from shortly.api.paths import normal
from shortly.clicks.click import Outcome
from shortly.errors import LinkNotFound, ShortlyError, UnknownDomain
from shortly.links.link import Link, LinkState, state_of
from shortly.links.service import LinkService
from shortly.redirect.answer import Start
from shortly.redirect.languages import Texts, language_of
from shortly.redirect.pages import Page, Shown, headers_for
from shortly.redirect.redirect import PREVIEW, WITH_FALLBACK, Receive, Scope, Send
from shortly.redirect.visitor import Addresses
from shortly.settings import Settings

REFUSED: Mapping[LinkState, Outcome] = {
    "disabled": Outcome.DISABLED,
    "expired": Outcome.EXPIRED,
    "scheduled": Outcome.SCHEDULED,
}
MAX_SHOWN = 1_000
"""Characters of a target that are shown."""


class Preview:
    """ASGI application of all preview pages.

    Args:
        links: Finds the links.
        shown: The public pages, in the present branding.
        limits: How many one address may see.
        addresses: Finds out who asks.
        settings: The installation's.
        clock: Returns the present moment, aware.
    """

    def __init__(
        self,
        links: LinkService,
        shown: Shown,
        limits: RateLimits,
        addresses: Addresses,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._links = links
        self._shown = shown
        self._limits = limits
        self._addresses = addresses
        self._settings = settings
        self._clock = clock
        transport = settings.strict_transport
        self._further = [(b"strict-transport-security", transport.encode())] if transport else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = dict(scope["headers"])
        standing = await self._limits.count("page", network_of(address_of(scope, self._addresses)))
        if standing is not None and standing.refused:
            start, body = self._shown.pages.too_many.for_request(headers)
            start = {**start, "headers": [*start["headers"], *refusal_headers(standing)]}
        else:
            start, body = await self._answer(scope["method"], scope["path"], headers)
        await send({**start, "headers": [*start["headers"], *self._further]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> tuple[Start, bytes]:
        pages = self._shown.pages
        if method not in ("GET", "HEAD"):
            return pages.not_allowed.for_request(headers)
        try:
            link = await self._find(path[1:].removesuffix(PREVIEW), headers.get(b"host", b"").decode("latin-1"))
        except LinkNotFound:
            return pages.not_found.for_request(headers)
        except ShortlyError:
            return pages.unavailable.for_request(headers)
        found = self._target_of(link)
        if isinstance(found, Page):
            return found.for_request(headers)
        language = language_of(headers.get(b"accept-language", b""))
        texts = pages.languages[language]
        html = pages.look.html(language, texts, texts.preview_title, self._body(link, found, texts))
        answer_headers: list[tuple[bytes, bytes]] = [
            *headers_for(pages.look.policy),
            (b"content-language", language.encode()),
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(html)),
        ]
        return {"type": "http.response.start", "status": 200, "headers": answer_headers}, html

    async def _find(self, slug: str, host: str) -> Link:
        try:
            return await self._links.get(normal(slug), domain=host)
        except UnknownDomain:  # as the redirect has it: other hosts have the slugs of BASE_URL
            return await self._links.get(normal(slug))

    def _target_of(self, link: Link) -> str | Page:
        """Return what visitors would be led to, or the page that they would get instead."""
        pages = self._shown.pages
        if link.ban is not None:
            return pages.of_ban[link.ban.status]
        refused = REFUSED.get(state_of(structs.replace(link, archived=False), 0, self._clock()))
        if refused is None:
            return link.target
        if link.fallback_target and refused in WITH_FALLBACK:
            return link.fallback_target
        return pages.of_outcome[refused]

    def _body(self, link: Link, target: str, texts: Texts) -> Iterator[str]:
        short = self._links.short_url(link, self._settings.base_url)
        shown = f"<b>{escape(short.partition('://')[2])}</b>"
        hidden = texts.preview_protected if link.password_hash else texts.preview_limited if link.max_clicks else ""
        yield f'<p class="soft">{escape(texts.preview_to).replace("{short}", shown)}</p>'
        if hidden:
            yield f'<p class="target">{escape(hidden)}</p>'
        else:
            yield f'<p class="target" dir="ltr">{title_of(link)}{escape(shortened(readable_url(target)))}</p>'
            for warning in self._warnings(link, target, texts):
                yield f'<p class="warn">{escape(warning)}</p>'
            if link.rules or link.variants:
                yield f'<p class="soft">{escape(texts.preview_varies)}</p>'
        report = f"/report?{urlencode({'link': short})}"
        yield f'<p><a class="go" rel="nofollow" href="/{quote(link.slug)}">{escape(texts.go_on)}</a></p>'
        yield f'<p><a rel="nofollow" href="{escape(report)}">{escape(texts.report_link)}</a></p>'

    def _warnings(self, link: Link, target: str, texts: Texts) -> Iterator[str]:
        host = host_of(target)
        if self._links.is_blocked(link):
            yield texts.warn_blocked
        if suspicion_of(host):
            yield texts.warn_look_alike
        if "xn--" in host:
            yield texts.real_name.format(host=host)
        if target.startswith("http:"):
            yield texts.warn_unencrypted


def title_of(link: Link) -> str:
    """Return the link's title as HTML."""
    return f"<b>{escape(link.title)}</b>" if link.title else ""


def host_of(target: str) -> str:
    """Return the host of a target, or nothing where its scheme has none."""
    try:
        return urlsplit(target).hostname or ""
    except ValueError:
        return ""


def readable_url(target: str) -> str:
    """Return the target with its host as people read it; look-alikes stay in punycode, where they look like nothing."""
    host = host_of(target)
    return target if suspicion_of(host) else target.replace(host, unicode_host(host), 1)


def shortened(text: str) -> str:
    """Return the text, with an ellipsis in the place of what is beyond ``MAX_SHOWN``."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"

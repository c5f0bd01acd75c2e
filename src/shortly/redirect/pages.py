"""The pages that visitors get instead of a redirect: small, without scripts, readable by machines when they ask.

All of them are made ahead, in every language, whenever the branding changes; a request only chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any

import msgspec

from shortly.branding.branding import DEFAULT, Branding
from shortly.clicks.click import Outcome
from shortly.redirect.languages import ENGLISH, Texts, language_of, read_texts
from shortly.redirect.look import Look

ISOLATION = (
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
    ),
)
"""Keeps our pages apart from those of others, and from what devices can do."""

Headers = list[tuple[bytes, bytes]]
Form = tuple[dict[str, Any], bytes]
"""An ASGI start message and the body."""


def headers_for(policy: str) -> Headers:
    """Return what every public page says to browsers."""
    return [
        (b"cache-control", b"no-store"),
        (b"x-robots-tag", b"noindex"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"vary", b"accept, accept-language"),
        (b"content-security-policy", policy.encode()),
        *ISOLATION,
    ]


class Page:
    """One answer in all its forms: HTML in each language, and ``application/problem+json`` (RFC 9457) in English.

    Args:
        look: The frame around it.
        languages: The texts of each language.
        status: The HTTP status.
        code: The kind of problem, for programs.
        name: Which text it shows; its heading is the text of this name and ``_title``.
        headers: Further ones.
    """

    def __init__(
        self,
        look: Look,
        languages: Mapping[str, Texts],
        status: HTTPStatus,
        code: str,
        name: str,
        *,
        headers: Headers | None = None,
    ) -> None:
        self.status = status.value
        common = [*headers_for(look.policy), *(headers or [])]
        self._html: dict[str, Form] = {}
        for language, texts in languages.items():
            title, text = getattr(texts, f"{name}_title"), getattr(texts, name)
            html = look.html(language, texts, title, (f'<p class="soft">{escape(text)}</p>',))
            self._html[language] = self._form(
                [*common, (b"content-language", language.encode())], b"text/html; charset=utf-8", html
            )
        english = languages[ENGLISH]
        title, text = getattr(english, f"{name}_title"), getattr(english, name)
        problem = msgspec.json.encode(
            {"type": "about:blank", "title": title, "status": status.value, "detail": text, "code": code}
        )
        self._json = self._form(common, b"application/problem+json", problem)

    def _form(self, common: Headers, media_type: bytes, body: bytes) -> Form:
        headers = [*common, (b"content-type", media_type), (b"content-length", str(len(body)).encode())]
        return {"type": "http.response.start", "status": self.status, "headers": headers}, body

    def for_request(self, headers: Mapping[bytes, bytes]) -> Form:
        """Return the form that the request's ``Accept`` and ``Accept-Language`` prefer."""
        accept = headers.get(b"accept", b"")
        if b"json" in accept and b"text/html" not in accept:
            return self._json
        return self._html[language_of(headers.get(b"accept-language", b""))]


class Pages:
    """All pages of one branding.

    Args:
        branding: How they look.
        blocked_by: URL of whoever blocks links for legal reasons (RFC 7725), or empty.
    """

    def __init__(self, branding: Branding = DEFAULT, blocked_by: str = "") -> None:
        self.languages = read_texts()
        self.look = Look(branding)

        def page(status: HTTPStatus, code: str, name: str, headers: Headers | None = None) -> Page:
            return Page(self.look, self.languages, status, code, name, headers=headers)

        self.not_found = page(HTTPStatus.NOT_FOUND, "link_not_found", "not_found")
        self.not_allowed = page(
            HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "not_allowed", [(b"allow", b"GET, HEAD")]
        )
        self.unavailable = page(
            HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable", "unavailable", [(b"retry-after", b"5")]
        )
        self.no_prefetch = page(
            HTTPStatus.SERVICE_UNAVAILABLE, "not_prefetchable", "no_prefetch", [(b"retry-after", b"0")]
        )
        self.unshared = page(HTTPStatus.NOT_FOUND, "not_shared", "unshared")
        self.too_many = page(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", "too_many")
        self.uncounted = page(HTTPStatus.OK, "link_limited", "limited")
        gone = page(HTTPStatus.GONE, "link_gone", "gone")
        self.of_outcome = {
            Outcome.SCHEDULED: page(HTTPStatus.NOT_FOUND, "link_not_valid_yet", "not_yet"),
            Outcome.EXPIRED: gone,
            Outcome.EXHAUSTED: gone,
            Outcome.DISABLED: gone,
            Outcome.PROTECTED: page(HTTPStatus.FORBIDDEN, "link_protected", "protected"),
        }
        by = [(b"link", f'<{blocked_by}>; rel="blocked-by"'.encode("ascii"))] if blocked_by else None
        self.of_ban = {
            410: page(HTTPStatus.GONE, "link_banned", "banned"),
            451: page(HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS, "link_banned", "legal", by),
        }


class Shown:
    """The pages that are shown right now; whoever watches the branding puts others in their place."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

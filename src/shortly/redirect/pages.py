"""The pages that visitors get instead of a redirect: small, without scripts, readable by machines when they ask."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from http import HTTPStatus
from typing import Any

import msgspec

STYLE = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.5rem;"
    "color:#1f2430;background:#fafafa}h1{font-size:1.6rem;line-height:1.3;margin:0 0 .5rem}p{margin:0;color:#4a5060}"
    "@media(prefers-color-scheme:dark){body{color:#eceef3;background:#15171c}p{color:#b3b9c6}}"
)
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

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


class Page:
    """One answer in its two forms, made once: HTML, and ``application/problem+json`` (RFC 9457)."""

    def __init__(self, status: HTTPStatus, code: str, title: str, text: str, *, headers: Headers | None = None) -> None:
        self.status = status.value
        html = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1><p>{escape(text)}</p></html>"
        ).encode()
        problem = msgspec.json.encode(
            {"type": "about:blank", "title": title, "status": status.value, "detail": text, "code": code}
        )
        common: Headers = [
            (b"cache-control", b"no-store"),
            (b"x-robots-tag", b"noindex"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"vary", b"accept"),
            (b"content-security-policy", POLICY.encode()),
            *ISOLATION,
            *(headers or []),
        ]
        self._html = self._start(common, b"text/html; charset=utf-8", html), html
        self._json = self._start(common, b"application/problem+json", problem), problem

    def _start(self, common: Headers, media_type: bytes, body: bytes) -> dict[str, Any]:
        headers = [*common, (b"content-type", media_type), (b"content-length", str(len(body)).encode())]
        return {"type": "http.response.start", "status": self.status, "headers": headers}

    def for_request(self, accept: bytes | None) -> tuple[dict[str, Any], bytes]:
        """Return the start message and the body in the form that the ``Accept`` header prefers."""
        json = accept is not None and b"json" in accept and b"text/html" not in accept
        return self._json if json else self._html


NOT_FOUND = Page(
    HTTPStatus.NOT_FOUND, "link_not_found", "This link does not exist", "Check the address: a letter may be missing."
)
NOT_YET = Page(
    HTTPStatus.NOT_FOUND, "link_not_valid_yet", "This link is not active yet", "Whoever made it set a later start."
)
GONE = Page(HTTPStatus.GONE, "link_gone", "This link is no longer active", "It has expired or was switched off.")
BANNED = Page(HTTPStatus.GONE, "link_banned", "This link was taken down", "It leads nowhere any more.")
PROTECTED = Page(HTTPStatus.FORBIDDEN, "link_protected", "This link is protected", "It opens only with its password.")
NOT_ALLOWED = Page(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "method_not_allowed",
    "This is a link to follow",
    "Only GET and HEAD requests are answered here.",
    headers=[(b"allow", b"GET, HEAD")],
)
UNAVAILABLE = Page(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "store_unavailable",
    "Please try again in a moment",
    "The link could not be looked up just now; it is not lost.",
    headers=[(b"retry-after", b"5")],
)
NO_PREFETCH = Page(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "not_prefetchable",
    "This link cannot be fetched ahead",
    "It may be opened a limited number of times, so it is answered only when it is really opened.",
    headers=[(b"retry-after", b"0")],
)
UNCOUNTED = Page(
    HTTPStatus.OK,
    "link_limited",
    "This link opens a limited number of times",
    "A HEAD request does not use one up, and is not told where it leads.",
)


def unavailable_for_legal_reasons(blocked_by: str) -> Page:
    """Return the page of a link that the law took down.

    Args:
        blocked_by: URL of whoever implements the blocking (RFC 7725), or empty.
    """
    return Page(
        HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS,
        "link_banned",
        "This link is not available for legal reasons",
        "It was taken down because of a legal demand.",
        headers=[(b"link", f'<{blocked_by}>; rel="blocked-by"'.encode("ascii"))] if blocked_by else None,
    )

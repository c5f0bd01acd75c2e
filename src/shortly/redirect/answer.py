"""From a redirection to the answer that a visitor gets, apart from all input and output."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

from shortly.clicks.click import Outcome
from shortly.counters import INDEX, REDIRECTS
from shortly.links.link import Redirection

MAX_LOCATION = 8_192
"""Bytes; a query that would make the address longer is not forwarded."""
QUERY_SAFE = "".join(map(chr, range(0x21, 0x7F))).replace('"', "").replace("<", "").replace(">", "")
NO_STORE = b"private, max-age=0, no-store"

Start = dict[str, Any]
"""An ASGI ``http.response.start`` message; shared between requests, never changed."""


class Prepared(NamedTuple):
    """What the redirect makes of a redirection once, for all its requests."""

    start: Start
    plain: bool
    """The answer is always ``start``: nothing about the link depends on time, request or count."""
    counter: int
    """Place of the counter of such answers."""
    any_method: bool
    """307 and 308 keep the method, so they are answers to all of them."""


def prepare(redirection: Redirection) -> Prepared:
    """Return the ready answer of a redirection."""
    plain = (
        redirection.enabled
        and redirection.valid_from_ms is None
        and redirection.expires_ms is None
        and redirection.max_clicks is None
        and redirection.password_hash is None
        and not redirection.forward_query
    )
    start = redirect_to(redirection.target, redirection.status, redirection)
    return Prepared(start, plain, INDEX[REDIRECTS[redirection.status]], redirection.status in (307, 308))


def redirect_to(target: str, status: int, redirection: Redirection) -> Start:
    """Return the start of a redirect; targets are ASCII without control characters (see ``normalise``)."""
    cache_s = redirection.cache_s
    headers = [
        (b"location", target.encode("ascii")),
        (b"cache-control", NO_STORE if cache_s is None else b"private, max-age=%d" % cache_s),
        (b"content-length", b"0"),
    ]
    if not redirection.crawlable:
        headers.append((b"x-robots-tag", b"noindex"))
    if redirection.referrer_policy:
        headers.append((b"referrer-policy", redirection.referrer_policy.encode()))
    return {"type": "http.response.start", "status": status, "headers": headers}


def refusal_of(redirection: Redirection, now_ms: int) -> Outcome | None:
    """Return why the link does not redirect right now, or None; a click limit is not looked at."""
    if not redirection.enabled:
        return Outcome.DISABLED
    if redirection.valid_from_ms is not None and now_ms < redirection.valid_from_ms:
        return Outcome.SCHEDULED
    if redirection.expires_ms is not None and now_ms >= redirection.expires_ms:
        return Outcome.EXPIRED
    if redirection.password_hash is not None:
        return Outcome.PROTECTED
    return None


def with_query(target: str, query: bytes) -> str:
    """Return the target with the visitor's query string after its own, before its fragment."""
    if not query:
        return target
    base, mark, fragment = target.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    whole = f"{base}{joint}{quote_from_bytes(query, QUERY_SAFE)}{mark}{fragment}"
    return whole if len(whole) <= MAX_LOCATION else target

"""From a redirection to the answer that a visitor gets, apart from all input and output."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_from_bytes

from msgspec import Struct

from shortly.clicks.click import Outcome
from shortly.counters import INDEX, REDIRECTS
from shortly.links.link import Redirection

MAX_LOCATION = 8_192
"""Bytes; a query that would make the address longer is not forwarded."""
QUERY_SAFE = "".join(map(chr, range(0x21, 0x7F))).replace('"', "").replace("<", "").replace(">", "")
NO_STORE = b"private, max-age=0, no-store"

Start = dict[str, Any]
"""An ASGI ``http.response.start`` message."""
Headers = tuple[tuple[bytes, bytes], ...]

EMPTY_BODY = (b"content-length", b"0")
NEVER_KEEP = (b"cache-control", NO_STORE)
NO_INDEX = (b"x-robots-tag", b"noindex")


class Prepared(Struct, frozen=True, eq=False, gc=False):
    """What the redirect makes of a redirection once, for all its requests; see ``Redirection`` for ``gc``."""

    headers: Headers
    status: int
    plain: bool
    """The answer is always the same: nothing about the link depends on time, request or count."""
    counter: int
    """Place of the counter of such answers."""
    any_method: bool
    """307 and 308 keep the method, so they are answers to all of them."""


def prepare(redirection: Redirection, further: Headers = ()) -> Prepared:
    """Return the ready answer of a redirection, with the headers that all answers get."""
    plain = (
        redirection.enabled
        and redirection.ban is None
        and redirection.valid_from_ms is None
        and redirection.expires_ms is None
        and redirection.max_clicks is None
        and redirection.password_hash is None
        and not redirection.forward_query
    )
    status = redirection.status
    headers = headers_of(redirection.target, redirection) + further
    return Prepared(headers, status, plain, INDEX[REDIRECTS[status]], status in (307, 308))


def headers_of(target: str, redirection: Redirection, *, temporary: bool = False) -> Headers:
    """Return the headers of a redirect; targets are ASCII without control characters (see ``normalise``).

    Args:
        target: Where it leads.
        redirection: Whose answer it is.
        temporary: Browsers must not keep it, whatever the link says; what a password protects they never keep.
    """
    cache_s = None if temporary or redirection.password_hash is not None else redirection.cache_s
    headers: Headers = (
        (b"location", target.encode("ascii")),
        NEVER_KEEP if cache_s is None else (b"cache-control", b"private, max-age=%d" % cache_s),
        EMPTY_BODY,
    )
    if not redirection.crawlable:
        headers += (NO_INDEX,)
    if redirection.referrer_policy:
        headers += ((b"referrer-policy", redirection.referrer_policy.encode()),)
    return headers


def refusal_of(redirection: Redirection, now_ms: int) -> Outcome | None:
    """Return why the link does not redirect right now, or None; a click limit is not looked at."""
    if redirection.ban is not None:
        return Outcome.BANNED
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

"""Requests that another site made a browser send do nothing (CSRF)."""

from __future__ import annotations

from collections.abc import Iterable

from shortly.errors import CrossSiteRequest

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN = frozenset({b"same-origin", b"none"})
HEADER = b"x-csrf"


def check_own_site(headers: Iterable[tuple[bytes, bytes]], origin: str, *, with_cookie: bool) -> None:
    """Raise ``CrossSiteRequest`` unless a request that changes something comes from this installation's own pages.

    Args:
        headers: The request's.
        origin: The installation's own, as browsers write it.
        with_cookie: The request stands for somebody by a cookie, which browsers add by themselves. It must then prove
            where it comes from; any other must only not contradict it.
    """
    given = dict(headers)
    site, sent = given.get(b"sec-fetch-site"), given.get(b"origin")
    if site is not None:
        own = site in OWN
    elif sent is not None:
        own = sent == origin.encode()
    else:
        own = not with_cookie
    if not own or (with_cookie and given.get(HEADER) != b"1"):
        raise CrossSiteRequest

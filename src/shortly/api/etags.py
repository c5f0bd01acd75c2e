"""ETags: ``"VERSION"`` of a link. Clicks do not change it: it tells of edits, not of use."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header

from shortly.api.problems import MalformedRequest
from shortly.links.link import Link

ETAG = re.compile(r'(?:W/)?"(0|[1-9][0-9]{0,17})"')
"""Proxies that compress an answer put the ``W/`` there."""

IfMatch = Annotated[
    str | None,
    Header(description="The ETag that was read, or `*`; the edit is refused (412) when the link has another one now."),
]
IfNoneMatch = Annotated[str | None, Header(description="An ETag; the answer is 304 while the link still has it.")]


def etag_of(link: Link) -> str:
    """Return the value of the ETag header."""
    return f'"{link.version}"'


def version_of(if_match: str | None) -> int | None:
    """Return the version that an If-Match header asks for; None: any.

    Raises:
        MalformedRequest: It is neither one of our ETags nor ``*``.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    if not (found := ETAG.fullmatch(if_match.strip())):
        raise MalformedRequest('If-Match must be one ETag, such as "3", or *.', field="If-Match")
    return int(found[1])


def is_known(link: Link, if_none_match: str | None) -> bool:
    """Say whether an If-None-Match header names the link's present ETag."""
    if if_none_match is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag_of(link) in known

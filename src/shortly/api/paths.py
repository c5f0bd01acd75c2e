"""Slugs in paths: any text, slashes too, percent-encoded or not.

``/links/{slug:slug}/stats`` and its like are declared before ``/links/{slug:slug}``, and no slug of several segments
ends in their last segment (``links.reserved.RESERVED_ENDINGS``), so that each address means one thing.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated
from urllib.parse import quote

from fastapi import Path, Query
from pydantic import AfterValidator
from starlette.convertors import PathConvertor, register_url_convertor

from shortly.api.link_bodies import MAX_DOMAIN
from shortly.links.link import Link


class SlugConvertor(PathConvertor):
    """At least one character, and a line break is one."""

    regex = "(?s:.+)"


register_url_convertor("slug", SlugConvertor())


def normal(slug: str) -> str:
    """Return the slug as it is stored."""
    return slug if slug.isascii() else unicodedata.normalize("NFC", slug)


SlugPath = Annotated[
    str, Path(description="The link's slug or an alias of it.", examples=["spring"]), AfterValidator(normal)
]
DomainQuery = Annotated[
    str | None, Query(max_length=MAX_DOMAIN, description="Host that the slug lives on; the default one if absent.")
]


def address_of(link: Link) -> str:
    """Return the API address of a link."""
    return f"/api/v1/links/{quote(link.slug)}" + (f"?domain={quote(link.domain, safe='')}" if link.domain else "")

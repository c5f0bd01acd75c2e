"""Links for the tests of stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from shortly.links.link import Link, LinkPage, LinkQuery
from shortly.store import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def link(slug: str, **fields: Any) -> Link:
    """Return a link that is not stored yet."""
    plain = Link(slug=slug, target=f"https://example.com/{slug}", created_at=NOW, updated_at=NOW)
    return replace(plain, **fields)


async def add(store: Store, slug: str, **fields: Any) -> Link:
    """Add one link and return it as stored."""
    (stored,) = await store.add_links([link(slug, **fields)])
    assert isinstance(stored, Link)
    return stored


async def page(store: Store, **query: Any) -> LinkPage:
    """Return one page."""
    return await store.list_links(replace(LinkQuery(now=NOW, limit=1000), **query))


async def slugs(store: Store, **query: Any) -> list[str]:
    """Return the slugs of a page in its order."""
    return [item.slug for item in (await page(store, **query)).items]


def minutes(number: int) -> datetime:
    """Return the moment that many minutes after ``NOW``."""
    return NOW + timedelta(minutes=number)

"""A link as it is told: under one set of names, in one order, by the API, its bulk answers and ``--json``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import structs

from shortly.links.link import Link, state_of


def link_record(
    link: Link, *, short_url: str, host: str, clicks: int, bots: int, warnings: Sequence[object], now: datetime
) -> dict[str, Any]:
    """Return what is told about a link, in plain values.

    Args:
        link: The link.
        short_url: Its address.
        host: Where its slug lives; ``Link.domain`` says nothing of the default one.
        clicks: Redirects given since it was made, bots among them.
        bots: How many of these were bots.
        warnings: What to think about before sharing it, see ``warnings_about``.
        now: The moment that its state is told of.
    """
    return {
        "slug": link.slug,
        "short_url": short_url,
        "target": link.target,
        "domain": host,
        "title": link.title,
        "tags": list(link.tags),
        "notes": link.notes,
        "folder": link.folder,
        "owner": link.owner,
        "workspace": link.workspace,
        "clicks": clicks,
        "bots": bots,
        "created_at": link.created_at,
        "updated_at": link.updated_at,
        "valid_from": link.valid_from,
        "expires_at": link.expires_at,
        "max_clicks": link.max_clicks,
        "fallback_target": link.fallback_target,
        "status": link.status,
        "forward_query": link.forward_query,
        "crawlable": link.crawlable,
        "enabled": link.enabled,
        "archived": link.archived,
        "cache_s": link.cache_s,
        "referrer_policy": link.referrer_policy,
        "has_password": link.has_password,
        "aliases": list(link.aliases),
        "version": link.version,
        "state": state_of(link, clicks, now),
        "ban": None if link.ban is None else structs.asdict(link.ban),
        "warnings": warnings,
    }

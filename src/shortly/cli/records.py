"""Links and statistics as ``--json`` prints them: under the API's names, in the API's order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import structs

from shortly.abuse.lookalike import warning_about
from shortly.cli.session import Session
from shortly.clicks.store import Total
from shortly.links.link import Link, state_of

if TYPE_CHECKING:
    from shortly.stats.service import Page

NO_TOTAL = Total()


async def record_of(session: Session, link: Link) -> dict[str, Any]:
    """Return a link with its clicks."""
    return (await records_of(session, [link]))[0]


async def records_of(session: Session, links: Sequence[Link]) -> list[dict[str, Any]]:
    """Return links with their clicks."""
    totals = await session.store.totals([link.id for link in links])
    now = datetime.now(UTC)
    return [
        link_record(
            link,
            short_url=session.short_url(link),
            host=link.domain or session.settings.base_host,
            total=totals.get(link.id, NO_TOTAL),
            now=now,
        )
        for link in links
    ]


def link_record(link: Link, *, short_url: str, host: str, total: Total, now: datetime) -> dict[str, Any]:
    """Return what is told about a link."""
    return {
        "slug": link.slug,
        "short_url": short_url,
        "target": link.target,
        "domain": host,
        "title": link.title,
        "tags": link.tags,
        "notes": link.notes,
        "folder": link.folder,
        "owner": link.owner,
        "workspace": link.workspace,
        "clicks": total.clicks,
        "bots": total.bots,
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
        "aliases": link.aliases,
        "version": link.version,
        "state": state_of(link, total.clicks, now),
        "ban": None if link.ban is None else structs.asdict(link.ban),
        "warnings": [
            {"code": "suspicious_host", "field": field, "detail": warning}
            for field in ("target", "fallback_target")
            if (warning := warning_about(getattr(link, field) or "")) is not None
        ],
    }


def stats_record(page: Page) -> dict[str, Any]:
    """Return what is told about a period's clicks."""
    return {
        **structs.asdict(page.summary),
        "tz": page.tz,
        "step": page.step,
        "running": page.running,
        "series": page.series,
        "breakdowns": {
            breakdown.dimension: [
                {"value": value.value, "clicks": value.count, "share": value.share} for value in breakdown.values
            ]
            for breakdown in page.breakdowns
        },
        "unknown": {breakdown.dimension: breakdown.unknown for breakdown in page.breakdowns},
        "previous": page.previous,
        "change": page.change,
        "heatmap": page.heat_map,
        "sample": None,  # there are no filters here
    }

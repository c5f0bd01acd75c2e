"""Links and statistics as ``--json`` prints them: under the API's names, in the API's order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import structs

from shortly.abuse.lookalike import warnings_about
from shortly.cli.session import Session
from shortly.clicks.store import Total
from shortly.links.link import Link
from shortly.links.record import link_record

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
    records = []
    for link in links:
        total = totals.get(link.id, NO_TOTAL)
        records.append(
            link_record(
                link,
                short_url=session.short_url(link),
                host=link.domain or session.settings.base_host,
                clicks=total.clicks,
                bots=total.bots,
                warnings=warnings_about(link),
                now=now,
            )
        )
    return records


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

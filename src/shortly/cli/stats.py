"""``stats``: what the clicks of a link, or of all links, come to."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from shortly.cli import options
from shortly.cli.output import Column, bar, print_json, print_table
from shortly.cli.records import stats_record
from shortly.cli.session import Session, find_address, run
from shortly.clicks.store import every_link

if TYPE_CHECKING:
    from shortly.stats.breakdowns import Breakdown
    from shortly.stats.series import Bucket
    from shortly.stats.service import Page


def stats(
    link: Annotated[
        str | None,
        typer.Argument(metavar="SLUG", help="A link's slug, alias or short URL; without: a whole workspace."),
    ] = None,
    domain: options.Domain = None,
    workspace: options.Workspace = 1,
    period: Annotated[
        str | None,
        typer.Option(help="24h, 7d, 30d, 90d, 12mo, today, yesterday, month, year or all; 30d by default."),
    ] = None,
    since: Annotated[str | None, typer.Option(help="Start, instead of a period: 2026-12-01.")] = None,
    until: Annotated[str | None, typer.Option(help="End, exclusive; now by default.")] = None,
    tz: Annotated[str, typer.Option(help="Time zone, such as Europe/Berlin.")] = "UTC",
    step: Annotated[str | None, typer.Option(help="Width of a bucket: hour, day, week or month.")] = None,
    dimensions: Annotated[
        list[str] | None, typer.Option("--by", metavar="DIMENSION", help="Break down by this only; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Values of each dimension, 1 to 1000; the rest is (other).")] = 10,
    as_json: options.AsJson = False,
) -> None:
    """Show clicks over time and where they came from; in a pipe the series alone: start, clicks, bots, visitors."""

    async def work(session: Session) -> None:
        from shortly.stats.periods import PeriodQuery

        link_id, created_at, whose = every_link(workspace), None, {}
        if link is None:
            await session.check_workspace(workspace)
        else:
            address = find_address(session, link, domain)
            found = await session.links.get(address.slug, domain=address.domain)
            link_id, created_at = found.id, found.created_at
            whose = {"slug": found.slug, "domain": found.domain or session.settings.base_host}
        query = PeriodQuery(period=period, since=since, until=until, tz=tz, step=step)
        page = await session.stats.page(link_id, created_at, query, dimensions=dimensions or None, top=limit)
        if as_json:
            print_json({**whose, **stats_record(page)})
        elif sys.stdout.isatty():
            print_page(page)
        else:
            print_table((), [(bucket.start, bucket.clicks, bucket.bots, bucket.visitors) for bucket in page.series])

    run(work, as_json=as_json)


def print_page(page: Page) -> None:
    """Print the sums, a bar for each bucket, and a bar for each value of each dimension that has any."""
    summary, change = page.summary, page.change
    print_table(
        (Column(f"{day(summary.since)} to {day(summary.until)}"), Column("", numeric=True), Column("", numeric=True)),
        [
            (name, getattr(summary, name), signed(getattr(change, name)))
            for name in ("clicks", "humans", "bots", "visitors")
            if getattr(summary, name) is not None
        ],
    )
    print()
    print_series(page.series, hours=page.step == "hour")
    for breakdown in page.breakdowns:
        if breakdown.values:
            print()
            print_breakdown(breakdown)


def print_series(series: list[Bucket], *, hours: bool) -> None:
    """Print a row for each bucket."""
    most = max((bucket.clicks for bucket in series), default=0)
    print_table(
        (Column("from"), Column("clicks", numeric=True), Column(""), Column("visitors", numeric=True)),
        [
            (
                moment(bucket.start) if hours else day(bucket.start),
                bucket.clicks,
                bar(bucket.clicks, most),
                bucket.visitors,
            )
            for bucket in series
        ],
    )


def print_breakdown(breakdown: Breakdown) -> None:
    """Print a row for each value."""
    rows = [(value.value, value.count, value.share, bar(value.count, breakdown.total)) for value in breakdown.values]
    if breakdown.unknown:
        share = breakdown.unknown / breakdown.total
        rows.append(("(unknown)", breakdown.unknown, share, bar(breakdown.unknown, breakdown.total)))
    name = breakdown.dimension.replace("_", " ")
    print_table((Column(name), Column("clicks", numeric=True), Column("share", numeric=True), Column("")), rows)


def day(at: datetime) -> str:
    """Return a local date."""
    return at.date().isoformat()


def moment(at: datetime) -> str:
    """Return a local date and time."""
    return at.strftime("%Y-%m-%d %H:%M")


def signed(share: float | None) -> str:
    """Return a change as a percentage; empty when there is nothing to compare with."""
    return "" if share is None else f"{share:+.0%}"

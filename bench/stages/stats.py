"""How long a page of statistics takes, for a link with many clicks and for one with few."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from bench.api import Api, new_key
from bench.attribution import profiled
from bench.bare import TARGET as LINK_TARGET
from bench.links import SINCE, fill
from bench.samples import ms, number, percentile
from bench.servers import Shortly
from bench.stage import SERVER_CORE, Run, say
from bench.table import Row
from bench.visitors import agents, mixed, places, queries, referrers
from shortly.clicks.click import Click
from shortly.clicks.enrich import Enricher
from shortly.clicks.fold import HOUR_MS
from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.links.link import Link
from shortly.settings import load_settings
from shortly.stats.periods import PeriodQuery
from shortly.stats.service import StatsService
from shortly.store import open_store

DAYS = 365
MANY, FEW = 10_000_000, 10_000
KINDS = 40_000
"""Visits that differ in more than their time."""
KINDS_AN_HOUR = 1_000
KEPT_SHARE = 0.05
"""Share of visits that are kept as rows and with visitors: pages of statistics do not look at these."""
PAGES = 200
TARGET_S, TARGET_RATIO = 0.020, 2.0
PERIODS = {
    "30 days (the default)": PeriodQuery(),
    "30 days in Asia/Kolkata": PeriodQuery(period="30d", tz="Asia/Kolkata"),
    "90 days": PeriodQuery(period="90d"),
    "12 months": PeriodQuery(period="12mo"),
}
WHOLE = "12 months"
"""The period that holds nearly all clicks."""


class Clicked(Struct, frozen=True):
    """A link, and how many clicks it has."""

    link: Link
    clicks: int


def measure(run: Run) -> Iterator[Row]:
    """Ask for pages of both links in turns, the service in this process and then the API."""
    folder = run.new_folder("stats")
    links = fill(
        folder, (Link(slug=slug, target=LINK_TARGET, created_at=SINCE, updated_at=SINCE) for slug in ("many", "few"))
    )
    many, few = Clicked(links[0], run.size(MANY, 200_000)), Clicked(links[1], FEW)
    pages = run.size(PAGES, 10)
    asyncio.run(fold_clicks(folder, [many, few]))
    for where, took_s in (
        ("service", asyncio.run(ask_service(folder, [many, few], pages, profile=run.profile))),
        ("HTTP", ask_api(folder, [many, few], pages)),
    ):
        for period in PERIODS:
            yield from rows(where, period, many, few, took_s[period, many.clicks], took_s[period, few.clicks])


def rows(
    where: str, period: str, many: Clicked, few: Clicked, many_s: Sequence[float], few_s: Sequence[float]
) -> Iterator[Row]:
    """Return what was measured for one period."""
    middle, p95 = median(many_s), percentile(many_s, 95)
    by_few = middle / median(few_s)
    yield Row(
        stage="stats",
        what=f"stats page, {where}, {period}, {number(many.clicks)} clicks",
        measured=f"median {ms(middle)}, p95 {ms(p95)}",
        target=f"both under {ms(TARGET_S)}",
        met=max(middle, p95) < TARGET_S,
        data={"many_s": many_s, "few_s": few_s},
    )
    yield Row(
        stage="stats",
        what=f"the same by the time for {number(few.clicks)} clicks",
        measured=f"{by_few:.2f} (median {ms(median(few_s))}, p95 {ms(percentile(few_s, 95))})",
        target=f"within {TARGET_RATIO:.0f}",
        met=by_few <= TARGET_RATIO,
    )


async def ask_service(
    folder: Path, links: Sequence[Clicked], pages: int, *, profile: bool
) -> dict[tuple[str, int], list[float]]:
    """Return the seconds of every page."""
    took_s: dict[tuple[str, int], list[float]] = {}
    async with open_store(load_settings({"data_dir": folder})) as store:
        stats = StatsService(store)
        with profiled() if profile else nullcontext():
            for _ in range(pages):
                for period, query in PERIODS.items():
                    for clicked in links:
                        started = time.perf_counter()
                        page = await stats.page(clicked.link.id, clicked.link.created_at, query)
                        took_s.setdefault((period, clicked.clicks), []).append(time.perf_counter() - started)
                        check(period, clicked, page.summary.clicks)
    return took_s


def ask_api(folder: Path, links: Sequence[Clicked], pages: int) -> dict[tuple[str, int], list[float]]:
    """Return the seconds of every page."""
    took_s: dict[tuple[str, int], list[float]] = {}
    key = new_key(folder)
    with Shortly(folder, core=SERVER_CORE, path="/few") as server, Api(server.port, key) as api:
        for nth in range(pages + 1):
            for period, query in PERIODS.items():
                for clicked in links:
                    path = f"/links/{clicked.link.slug}/stats?tz={query.tz}"
                    if query.period is not None:
                        path += f"&period={query.period}"
                    if nth:  # the first one does things once
                        took_s.setdefault((period, clicked.clicks), []).append(api.request("GET", path).seconds)
                    else:
                        api.request("GET", path)
    return took_s


def check(period: str, clicked: Clicked, counted: int) -> None:
    """Make sure that what is measured is the right page."""
    if period == WHOLE and not clicked.clicks * 0.9 <= counted <= clicked.clicks:
        raise AssertionError(f"{counted} clicks are on the page instead of {clicked.clicks}")


# --- clicks that are folded straight into the store ---------------------------------------------------------------


async def fold_clicks(folder: Path, links: Sequence[Clicked]) -> None:
    """Fold the clicks of ``DAYS`` days up to now, the same number in each hour, a day at a time."""
    chance = random.Random(3)
    kinds = kinds_of_visits(chance)
    hours = DAYS * 24
    first_hour = int(datetime.now(UTC).timestamp()) // 3600 - hours + 1
    async with open_store(load_settings({"data_dir": folder})) as store:
        for clicked in links:
            started = time.perf_counter()
            for day in range(DAYS):
                visits: list[Visit] = []
                for nth in range(day * 24, day * 24 + 24):
                    count = clicked.clicks * (nth + 1) // hours - clicked.clicks * nth // hours
                    visits += visits_in(chance, kinds, clicked.link.id, first_hour + nth, count)
                segment = f"bench/{clicked.link.id}-{day}"
                records = list(enumerate(visits, start=1))
                await store.fold([Batch(segment=segment, start=0, end=len(records), visits=records)])
                await store.forget_segments([segment])
            say(f"{clicked.clicks:,} clicks folded in {time.perf_counter() - started:.0f} s")
        await store.prune(now_ms=int(time.time() * 1000), visits_before_ms=0, gone_links=[])  # as every hour


def visits_in(chance: random.Random, kinds: Sequence[Visit], link_id: int, hour: int, count: int) -> list[Visit]:
    """Return visits of one hour of one link; those that differ in nothing are one object, which nobody notices."""
    drawn = [
        replace(kind, at_ms=hour * HOUR_MS + chance.randrange(HOUR_MS), link_id=link_id)
        for kind in chance.choices(kinds, k=min(count, KINDS_AN_HOUR))
    ]
    return (drawn * -(-count // max(1, len(drawn))))[:count]


def kinds_of_visits(chance: random.Random) -> list[Visit]:
    """Return visits as the drain makes them of clicks, with the places that a geo database would add."""
    enricher = Enricher(None)
    known = places(chance)
    visits = []
    for agent, referrer, query, (country, region, city) in zip(
        agents(chance, KINDS),
        referrers(chance, KINDS),
        queries(chance, KINDS),
        mixed(chance, known, KINDS),
        strict=True,
    ):
        kept = chance.random() < KEPT_SHARE
        visitor = chance.randbytes(8) if kept else b""
        visit = enricher.visit_of(Click(0, 1, 0, False, visitor, "", "", referrer, agent, "en-US,en;q=0.9", query))
        visits.append(replace(visit, country=country, region=region, city=city, private=not kept))
    return visits

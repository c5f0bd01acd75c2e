"""A link's statistics as a page for strangers, without scripts: sums, a chart and tables, and no single visits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from shortly.api.limits import SHARED
from shortly.api.report_page import texts_for
from shortly.api.services import AllServices
from shortly.api.share import service_of
from shortly.clicks.visit import OTHER
from shortly.errors import NotShared
from shortly.redirect.languages import Texts
from shortly.redirect.pages import Form, headers_for
from shortly.stats.breakdowns import Breakdown
from shortly.stats.periods import PeriodQuery
from shortly.stats.series import Bucket
from shortly.stats.service import Page

router = APIRouter(include_in_schema=False)

PERIODS = ("7d", "30d", "90d")
DEFAULT = "30d"
DIMENSIONS = ("referrer", "country", "browser", "os", "device", "language")
"""What strangers are told; referrers are known by their hosts alone."""
TOP = 10
WIDTH, HEIGHT = 600, 160
GROUPING: Mapping[str, str] = {"de": ".", "es": ".", "pt": ".", "fr": "\u202f"}
"""What stands between thousands, where it is no comma."""


@router.get(SHARED + "{token}")
async def get_shared_page(token: str, request: Request, services: AllServices) -> Response:
    """Show the statistics of a period, or that they are not shared."""
    pages = services.shown.pages
    try:
        link = await service_of(services).shown(token)
    except NotShared:
        return answer(pages.unshared.for_request(dict(request.scope["headers"])))
    wanted = request.query_params.get("period", DEFAULT)
    period = wanted if wanted in PERIODS else DEFAULT
    page = await services.stats.page(
        link.id, link.created_at, PeriodQuery(period=period), dimensions=DIMENSIONS, top=TOP
    )
    texts, language = texts_for(request, services)
    short = services.links.short_url(link, services.settings.base_url).partition("://")[2]
    html = pages.look.html(
        language, texts, texts.shared_title.replace("{short}", short), body(page, period, texts, language)
    )
    headers = {name.decode(): value.decode() for name, value in headers_for(pages.look.policy)}
    return Response(html, HTTPStatus.OK, {**headers, "content-language": language}, "text/html")


def answer(form: Form) -> Response:
    """Return a page that was made ahead."""
    start, body_ = form
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Response(body_, start["status"], headers)


def body(page: Page, period: str, texts: Texts, language: str) -> Iterator[str]:
    """Yield what follows the heading."""
    names = dict(zip(PERIODS, (texts.shared_week, texts.shared_month, texts.shared_quarter), strict=True))
    yield '<nav><p class="tabs">'
    for name, text in names.items():
        here = ' aria-current="page"' if name == period else ""
        yield f'<a rel="nofollow" href="?period={name}"{here}>{escape(text)}</a> '
    yield "</p></nav>"
    humans, visitors = page.summary.humans, page.summary.visitors or 0
    yield (
        f'<dl class="sums"><div><dt>{escape(texts.shared_clicks)}</dt><dd>{number(humans, language)}</dd></div>'
        f"<div><dt>{escape(texts.shared_visitors)}</dt><dd>{number(visitors, language)}</dd></div></dl>"
    )
    yield chart(page.series, texts, language)
    yield f"<details><summary>{escape(texts.shared_table)}</summary>"
    rows = [(bucket.start.date().isoformat(), bucket.clicks - bucket.bots) for bucket in reversed(page.series)]
    yield table(texts.shared_day, rows, texts, language)
    yield "</details>"
    for breakdown in page.breakdowns:
        name = texts.shared_dimensions[breakdown.dimension]
        yield f"<h2>{escape(name)}</h2>"
        rows = rows_of(breakdown, texts)
        yield table(name, rows, texts, language) if rows else f'<p class="soft">{escape(texts.shared_none)}</p>'
    yield f'<p class="soft">{escape(texts.shared_note)}</p>'


def rows_of(breakdown: Breakdown, texts: Texts) -> list[tuple[str, int]]:
    """Return the values with their human clicks; those without a value are last."""
    rows = [(texts.shared_others if one.value == OTHER else one.value, one.count) for one in breakdown.values]
    if breakdown.unknown:
        rows.append((texts.shared_unknown, breakdown.unknown))
    return rows


def table(first: str, rows: Sequence[tuple[str, int]], texts: Texts, language: str) -> str:
    """Return a table of values and clicks."""
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{number(clicks, language)}</td></tr>' for name, clicks in rows
    )
    return (
        f'<table><thead><tr><th scope="col">{escape(first)}</th><td>{escape(texts.shared_clicks)}</td></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def chart(series: Sequence[Bucket], texts: Texts, language: str) -> str:
    """Return the human clicks of each day as bars; the table below it has the same numbers."""
    clicks = [bucket.clicks - bucket.bots for bucket in series]
    most = max(*clicks, 1) if clicks else 1
    step = WIDTH / max(1, len(clicks))
    bars = "".join(
        f'<rect x="{nth * step:.1f}" y="{HEIGHT - HEIGHT * one / most:.1f}" width="{step * 0.8:.1f}" '
        f'height="{HEIGHT * one / most:.1f}"/>'
        for nth, one in enumerate(clicks)
        if one
    )
    label = f"{texts.shared_chart} {texts.shared_most} {number(max(clicks, default=0), language)}."
    days = [bucket.start.date().isoformat() for bucket in series]
    ends = f"<span>{days[0]}</span><span>{days[-1]}</span>" if days else ""
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}" '
        f'preserveAspectRatio="none">{bars}</svg><figcaption aria-hidden="true">{ends}</figcaption></figure>'
    )


def number(value: int, language: str) -> str:
    """Return a number as the language writes it."""
    return f"{value:,}".replace(",", GROUPING.get(language, ","))

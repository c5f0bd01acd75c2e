"""How long people wait for a page of links when there are many."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from urllib.parse import quote

from bench.api import Api, new_key
from bench.links import FOLDERS, TAGS, slug_of
from bench.samples import ms, percentile
from bench.servers import Shortly
from bench.stage import SERVER_CORE, Run
from bench.table import Row

PAGES = 40

QUERIES = {
    "newest first": "",
    "by title": "sort=title",
    "by clicks": "sort=-clicks",
    "with a tag": f"tag={TAGS[7]}",
    "with two tags, in a folder": f"tag={TAGS[7]}&tag={TAGS[23]}&folder={FOLDERS[-1]}",
    "search, one match": f"search={slug_of(12_345)}",
    "search, thousands of matches": f"search={quote('garden kitchen')}",
    "search, most links match, by title": "search=www&sort=title",
    "search, two letters": "search=zq",
    "search, no match": "search=wxyzzyxw",
}
"""What is asked for -> its query."""
LATER = "the page after the last one, oldest first"


def measure(run: Run) -> Iterator[Row]:
    """Ask for pages of 50 links, in turns, and for those behind them."""
    folder = run.large_folder
    key = new_key(folder)
    with Shortly(folder, core=SERVER_CORE, path=f"/{slug_of(0)}") as server:
        took_s = ask(server.port, key, pages=run.size(PAGES, 3))
    for what, of in took_s.items():
        yield Row(
            stage="lists",
            what=f"page of 50 of {run.many_links.count:,} links: {what}",
            measured=f"median {ms(median(of))}, p95 {ms(percentile(of, 95))}",
            data={"took_s": of},
        )


def ask(port: int, key: str, *, pages: int) -> dict[str, list[float]]:
    """Ask a server for so many pages of each kind; return the seconds that each took, by what was asked for."""
    took_s: dict[str, list[float]] = {what: [] for what in (*QUERIES, LATER)}
    with Api(port, key) as api:
        cursor = api.request("GET", "/links?sort=created_at").body["next_cursor"]
        for nth in range(pages + 1):
            for what, query in {**QUERIES, LATER: f"sort=created_at&cursor={quote(cursor)}"}.items():
                answer = api.request("GET", f"/links?{query}")
                if nth:  # the first ones fill memories
                    took_s[what].append(answer.seconds)
                if what == LATER:
                    cursor = answer.body["next_cursor"]
    return took_s

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


def measure(run: Run) -> Iterator[Row]:
    """Ask for pages of 50 links, in turns, and for those behind them."""
    folder = run.large_folder
    key = new_key(folder)
    took_s: dict[str, list[float]] = {what: [] for what in (*QUERIES, "the 2nd to 41st page, oldest first")}
    pages = run.size(PAGES, 3)
    with Shortly(folder, core=SERVER_CORE, path=f"/{slug_of(0)}") as server, Api(server.port, key) as api:
        for nth in range(pages + 1):
            for what, query in QUERIES.items():
                seconds = api.request("GET", f"/links?{query}").seconds
                if nth:  # the first ones fill memories
                    took_s[what].append(seconds)
        cursor = api.request("GET", "/links?sort=created_at").body["next_cursor"]
        for _ in range(pages):
            page = api.request("GET", f"/links?sort=created_at&cursor={quote(cursor)}")
            took_s["the 2nd to 41st page, oldest first"].append(page.seconds)
            cursor = page.body["next_cursor"]
    for what, of in took_s.items():
        yield Row(
            stage="lists",
            what=f"page of 50 of {run.many_links.count:,} links: {what}",
            measured=f"median {ms(median(of))}, p95 {ms(percentile(of, 95))}",
            data={"took_s": of},
        )

"""How fast the API takes many links."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from bench.api import Api, new_key
from bench.bare import TARGET as LINK_TARGET
from bench.links import SINCE, fill, new_links, slug_of
from bench.samples import ms, number
from bench.servers import Shortly
from bench.stage import SERVER_CORE, Run, say
from bench.table import Row
from shortly.links.link import Link

BATCH = 1_000
TARGET = 5_000


def measure(run: Run) -> Iterator[Row]:
    """Import into an empty database, and into one that is large already."""
    links = run.size(50_000, 5_000)
    empty = run.new_folder("bulk")
    fill(empty, [Link(slug="bench", target=LINK_TARGET, created_at=SINCE, updated_at=SINCE)])
    rate, data = bulk_import(empty, "/bench", links, first=run.many_links.count)
    yield Row(
        stage="bulk",
        what=f"bulk import over HTTP, {links:,} links in batches of {BATCH:,}",
        measured=f"{number(rate)} links/s, {ms(max(data))} for the slowest batch",
        target=f"at least {number(TARGET)} links/s",
        met=rate >= TARGET,
        data={"batch_s": data},
    )
    rate, data = bulk_import(run.large_folder, f"/{slug_of(0)}", links, first=run.many_links.count)
    yield Row(
        stage="bulk",
        what=f"the same into a database of {run.many_links.count:,} links",
        measured=f"{number(rate)} links/s, {ms(max(data))} for the slowest batch",
        data={"batch_s": data},
    )


def bulk_import(folder: Path, path: str, links: int, *, first: int) -> tuple[float, list[float]]:
    """Import links with drawn slugs; return how many a second, and the seconds of each batch."""
    entries = [
        {"target": link.target, "title": link.title, "tags": link.tags, "folder": link.folder}
        for link in new_links(links, first=first)
    ]
    bodies = [json.dumps({"links": entries[start : start + BATCH]}).encode() for start in range(0, links, BATCH)]
    key = new_key(folder)
    with Shortly(folder, core=SERVER_CORE, path=path) as server, Api(server.port, key) as api:
        api.request("POST", "/bulk/links", bodies.pop())  # the first request of a worker does things once
        started = time.perf_counter()
        answers = [api.request("POST", "/bulk/links", body) for body in bodies]
        seconds = time.perf_counter() - started
    made = sum(answer.body["succeeded"] for answer in answers)
    say(f"bulk import: {number(made / seconds)} links/s")
    return made / seconds, [answer.seconds for answer in answers]

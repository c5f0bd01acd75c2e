"""Import made-up links into an empty store and say how long it took: ``python -m bench.import_once COUNT [--profile]``.

The store is the one that the environment names. The links go the way of the API and of ``shortly import``, through
``LinkService.create_many`` by batches, in this process. Making them up is not counted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from itertools import islice

from bench.attribution import profiled
from bench.links import BATCH, new_links
from shortly.links.domains import Domains
from shortly.links.link import Link
from shortly.links.service import LinkService
from shortly.links.slug import SlugRules
from shortly.links.target import TargetRules
from shortly.logs import configure_logging
from shortly.settings import load_settings
from shortly.store import open_store

FIELDS = ("slug", "target", "title", "tags", "folder")


async def import_links(count: int, *, profile: bool) -> None:
    """Import, and wait until the lists know all of them."""
    links = new_links(count)
    times: list[datetime] = []
    clock: Iterator[datetime] = iter(times.pop, None)
    async with open_store(load_settings({})) as store:
        service = LinkService(
            store, slugs=SlugRules(), targets=TargetRules(), domains=Domains("bench"), clock=clock.__next__
        )
        seconds, processor_s, added = 0.0, 0.0, 0
        with profiled() if profile else nullcontext():
            while batch := list(islice(links, BATCH)):
                times += (link.created_at for link in reversed(batch))
                values = [{name: getattr(link, name) for name in FIELDS} for link in batch]
                started, started_s = time.perf_counter(), time.process_time()
                answers = await service.create_many(values)
                seconds += time.perf_counter() - started
                processor_s += time.process_time() - started_s
                for answer in answers:
                    if not isinstance(answer, Link):
                        raise answer
                    added += 1
    print(json.dumps({"links": added, "seconds": seconds, "processor_s": processor_s}))


if __name__ == "__main__":
    configure_logging("warning", "console")
    asyncio.run(import_links(int(sys.argv[1]), profile="--profile" in sys.argv))

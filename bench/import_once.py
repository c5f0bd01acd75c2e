"""Import made-up links into an empty store and say how long it took: ``python -m bench.import_once COUNT [--profile]``.

The store is the one that the environment names. The links go the way of the API and of ``shortly import``, through
``LinkService.create_many`` by pieces, a few of them at once as ``shortly import`` has them, in this process. Making
them up is not counted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from contextlib import nullcontext
from datetime import datetime
from itertools import islice

from bench.attribution import profiled
from bench.links import new_links
from shortly.cli.bulk import AT_ONCE
from shortly.links.domains import Domains
from shortly.links.link import Link
from shortly.links.pieces import import_pieces, names_in
from shortly.links.service import LinkService
from shortly.links.slug import SlugRules
from shortly.links.target import TargetRules
from shortly.logs import configure_logging
from shortly.settings import load_settings
from shortly.store import open_store

FIELDS = ("slug", "target", "title", "tags", "folder")
MADE_UP = 50_000
"""Links that are made up before they are imported, so that the one does not hold the other up."""


async def import_links(count: int, *, profile: bool) -> None:
    """Import, and wait until the lists know all of them."""
    links = new_links(count)
    times: deque[datetime] = deque()
    async with open_store(load_settings({})) as store:
        service = LinkService(
            store, slugs=SlugRules(), targets=TargetRules(), domains=Domains("bench"), clock=times.popleft
        )
        seconds, processor_s, added = 0.0, 0.0, 0
        with profiled() if profile else nullcontext():
            while some := list(islice(links, MADE_UP)):
                times += (link.created_at for link in some)
                values = [{name: getattr(link, name) for name in FIELDS} for link in some]
                pieces = [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]
                started, started_s = time.perf_counter(), time.process_time()
                async for _, answers in import_pieces(pieces, service.create_many, names_in):
                    for answer in answers:
                        if not isinstance(answer, Link):
                            raise answer
                    added += len(answers)
                seconds += time.perf_counter() - started
                processor_s += time.process_time() - started_s
    print(json.dumps({"links": added, "seconds": seconds, "processor_s": processor_s}))


if __name__ == "__main__":
    configure_logging("warning", "console")
    asyncio.run(import_links(int(sys.argv[1]), profile="--profile" in sys.argv))

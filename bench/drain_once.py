"""Drain the journal of a data folder and say how long it took: ``python -m bench.drain_once FOLDER [--profile]``."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from bench.attribution import profiled
from shortly.clicks.drain import Drain
from shortly.clicks.enrich import Enricher
from shortly.clicks.store import EVERY_LINK
from shortly.logs import configure_logging
from shortly.settings import load_settings
from shortly.store import open_store

FINISH_S = 280


async def drain(folder: Path, *, profile: bool) -> None:
    """Drain everything that is there, as the supervisor's thread does."""
    settings = load_settings({"data_dir": folder})
    async with open_store(settings) as store:
        enricher = Enricher(None)
        enricher.prepare()
        drain = Drain(settings.journal_dir, store, enricher)
        started, processor_s = time.perf_counter(), time.process_time()
        with profiled() if profile else nullcontext():
            await drain.finish(FINISH_S)
        seconds, processor_s = time.perf_counter() - started, time.process_time() - processor_s
        hours = await store.hours(EVERY_LINK, 0, 1 << 40)
    in_store = sum(total.clicks for total in hours.values())
    got = {"clicks": drain.folded, "seconds": seconds, "processor_s": processor_s, "in_store": in_store}
    print(json.dumps(got))


if __name__ == "__main__":
    configure_logging("warning", "console")
    asyncio.run(drain(Path(sys.argv[1]), profile="--profile" in sys.argv))

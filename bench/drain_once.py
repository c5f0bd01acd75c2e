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
        drain = Drain(settings.journal_dir, store, Enricher(None))
        started = time.perf_counter()
        with profiled() if profile else nullcontext():
            await drain.finish(FINISH_S)
        seconds = time.perf_counter() - started
        hours = await store.hours(EVERY_LINK, 0, 1 << 40)
    in_store = sum(total.clicks for total in hours.values())
    print(json.dumps({"clicks": drain.folded, "seconds": seconds, "in_store": in_store}))


if __name__ == "__main__":
    configure_logging("warning", "console")
    asyncio.run(drain(Path(sys.argv[1]), profile="--profile" in sys.argv))

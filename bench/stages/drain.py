"""How fast the drain turns the click journal into statistics, with one core to itself."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.links import popular
from bench.process import ROOT, Failed, Process
from bench.samples import number
from bench.stage import SERVER_CORE, Run, say
from bench.table import Row
from bench.visitors import LANGUAGES, agents, mixed, networks, queries, referrers
from shortly.clicks.click import Click, encode_click
from shortly.clicks.journal import Journal

CLICKS = 600_000
LINKS_OF_ZIPF, LINKS_OF_UNIFORM = 100_000, 1_000_000
SPAN_S = 600
"""Time in which the clicks came in."""
TARGET = 30_000
WAIT_S = 300


class Drained(Struct, frozen=True):
    """What ``drain_once`` reports."""

    clicks: int
    seconds: float
    processor_s: float
    """What of that this process was computing."""
    in_store: int


def measure(run: Run) -> Iterator[Row]:
    """Drain journals of three shapes."""
    clicks = run.size(CLICKS, 30_000)
    for shape, links in shapes(clicks).items():
        folder = run.new_folder("drain")
        write_journal(folder / "journal", links)
        got = drain(folder, profile=run.profile)
        rate = got.clicks / got.seconds
        say(f"drain, {shape}: {number(rate)} clicks/s")
        yield Row(
            stage="drain",
            what=f"drain on one core, {clicks:,} clicks {shape}",
            measured=f"{number(rate)} clicks/s, {number(got.in_store)} counted",
            target=f"at least {number(TARGET)} clicks/s, all counted",
            met=rate >= TARGET and got.in_store == clicks,
            data=msgspec.structs.asdict(got),
        )


def shapes(clicks: int) -> dict[str, list[int]]:
    """Return the links that are clicked, one after the other, for each shape of traffic."""
    chance = random.Random(1)
    return {
        "of one link": [0] * clicks,
        f"Zipf over {LINKS_OF_ZIPF:,} links": popular(LINKS_OF_ZIPF, clicks),
        f"evenly over {LINKS_OF_UNIFORM:,} links": chance.choices(range(LINKS_OF_UNIFORM), k=clicks),
    }


def write_journal(folder: Path, links: Sequence[int]) -> None:
    """Write one click for each number of a link with the journal that the redirect writes to."""
    chance = random.Random(2)
    count = len(links)
    began_ms = int((time.time() - SPAN_S) * 1000)
    visitors = [chance.randbytes(8) for _ in range(max(1, count // 2))]
    with Journal(folder, segment_bytes=4 << 20, max_bytes=64 << 30, sync_ms=1000) as journal:
        for nth, (link, agent, referrer, language, network, query, visitor) in enumerate(
            zip(
                links,
                agents(chance, count),
                referrers(chance, count),
                mixed(chance, LANGUAGES, count),
                networks(chance, count),
                queries(chance, count),
                chance.choices(visitors, k=count),
                strict=True,
            )
        ):
            click = Click(
                at_ms=began_ms + nth * SPAN_S * 1000 // count,
                link_id=link + 1,
                outcome=0,
                private=False,
                visitor=visitor,
                country="",
                network=network,
                referrer=referrer,
                user_agent=agent,
                language=language,
                query=query,
            )
            if not journal.append(encode_click(click)):
                raise Failed("the disk is full: the journal refused a click")


def drain(folder: Path, *, profile: bool, settings: Mapping[str, str] | None = None) -> Drained:
    """Drain a journal in a process of its own, into the store that these environment variables name."""
    log = folder / "drain.log"
    command = [sys.executable, "-m", "bench.drain_once", str(folder), *(["--profile"] if profile else [])]
    environment = {"PYTHONPATH": str(ROOT), **(settings or {})}
    with Process(command, core=SERVER_CORE, environment=environment, log=log) as process:
        process.wait(WAIT_S)
    output = log.read_text(encoding="utf-8").strip()
    if profile:
        print(output, file=sys.stderr)
    try:
        return msgspec.json.decode(output.rpartition("\n")[2], type=Drained)
    except msgspec.DecodeError:
        raise Failed(f"the drain failed:\n{output[-2000:]}") from None

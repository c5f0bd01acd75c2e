"""The command: which stages run, and what is printed."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType

from msgspec.structs import asdict

from bench.machine import caveats
from bench.process import ROOT, Failed
from bench.stage import LOAD_CORE, Run, Stage, say
from bench.stages import (
    brute_force,
    bulk,
    connections,
    drain,
    front,
    link_count,
    lists,
    redirect,
    redis_drain,
    redis_links,
    redis_misses,
    redis_redirect,
    search,
    start,
    stats,
)
from bench.table import Row, draw, write_between_marks
from shortly.logs import configure_logging
from shortly.settings import Settings

STAGES: dict[str, Stage] = {
    "redirect": redirect.measure,
    "front": front.measure,
    "connections": connections.measure,
    "link_count": link_count.measure,
    "drain": drain.measure,
    "stats": stats.measure,
    "bulk": bulk.measure,
    "start": start.measure,
    "lists": lists.measure,
    "search": search.measure,
    "brute_force": brute_force.measure,
}
REDIS_STAGES: dict[str, Stage] = {
    "redis_redirect": redis_redirect.measure,
    "redis_misses": redis_misses.measure,
    "redis_links": redis_links.measure,
    "redis_drain": redis_drain.measure,
}
ALL_STAGES = STAGES | REDIS_STAGES
PROFILED = ("redirect", "drain", "stats", "redis_links", "redis_drain")
PROGRAMS = ("wrk", "nginx", "taskset", "setpriv", "redis-server", "redis-benchmark")
CACHE = Path(__file__).parent / ".cache"


def main() -> None:
    """Run the stages and print the table; exit with 1 when one of them did not work, whatever the numbers are."""
    wanted = arguments()
    prepare_environment()
    stop_if_impossible()
    configure_logging("warning", "console")
    signal.signal(signal.SIGTERM, interrupt)
    with tempfile.TemporaryDirectory(prefix="shortly-bench-") as folder:
        run = Run(Path(folder), CACHE, quick=wanted.quick, profile=wanted.profile)
        head = caveats(quick=run.quick, drain_core=run.drain_core)
        os.sched_setaffinity(0, {LOAD_CORE})
        rows, broken = run_stages(run, wanted.only or list(ALL_STAGES))
    report(head, rows, readme=wanted.readme, file=wanted.json)
    sys.exit(1 if broken else 0)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure Shortly. See bench/README.md.")
    names = ", ".join(ALL_STAGES)
    parser.add_argument("--quick", action="store_true", help="about a minute in all, to see that it works")
    parser.add_argument("--only", action="append", choices=ALL_STAGES, metavar="STAGE", help=f"one of {names}")
    parser.add_argument("--profile", action="store_true", help=f"show where the time goes ({', '.join(PROFILED)})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples to a file, too")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md, too")
    return parser.parse_args()


def prepare_environment() -> None:
    """Keep the caller's settings out, and let programs of the administrator be found."""
    for name in list(os.environ):
        if name.lower().removesuffix("_file") in Settings.model_fields:
            del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the first start compiles every module, not each
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def stop_if_impossible() -> None:
    """Exit with a sentence when something is missing."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        sys.exit(f"bench: not installed: {', '.join(missing)}; `make bench` as root on Debian installs them")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: server and load generator need a core each, and there is only one")


def interrupt(_: int, __: FrameType | None) -> None:
    """Treat SIGTERM like Ctrl-C: stop what was started, and leave."""
    raise KeyboardInterrupt


def run_stages(run: Run, names: list[str]) -> tuple[list[Row], bool]:
    """Run stages; one that does not work leaves the others alone. Return the rows, and whether one did not work."""
    rows: list[Row] = []
    broken = False
    began = time.monotonic()
    try:
        for name in names:
            started = time.monotonic()
            say(f"stage {name}")
            try:
                rows += list(ALL_STAGES[name](run))
            except Exception as failure:
                broken = True
                say(str(failure) if isinstance(failure, Failed) else traceback.format_exc())
                rows.append(Row(stage=name, what=name, measured="did not work, see above", target="to work", met=False))
            say(f"stage {name} took {time.monotonic() - started:.0f} s")
    except KeyboardInterrupt:
        broken = True
        say("interrupted")
    say(f"all took {time.monotonic() - began:.0f} s")
    return rows, broken


def report(head: list[str], rows: list[Row], *, readme: bool, file: Path | None) -> None:
    """Print the caveats, the table, and how to find out about missed targets; write files that were asked for."""
    tables = {
        "": [row for row in rows if row.stage in STAGES],
        "With Redis as the store": [row for row in rows if row.stage in REDIS_STAGES],
    }
    text = "\n".join(f"- {line}" for line in head)
    for heading, of in tables.items():
        if of:
            text += f"\n\n**{heading}**" * bool(heading) + f"\n\n{draw(of)}"
    print(text)
    for stage in dict.fromkeys(row.stage for row in rows if row.met is False):
        how = f"make bench ARGS='--only {stage} --profile'" if stage in PROFILED else "perf top -p WORKER meanwhile"
        print(f"\nmissed in {stage}; where the time goes: {how}")
    if readme:
        write_between_marks(ROOT / "README.md", text)
    if file:
        file.write_text(
            json.dumps({"caveats": head, "rows": [asdict(row) for row in rows]}, indent=1), encoding="utf-8"
        )

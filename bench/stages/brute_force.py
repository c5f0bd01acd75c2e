"""Whether somebody who tries passwords slows redirects down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from msgspec.structs import asdict

from bench.bare import TARGET
from bench.links import SINCE, fill
from bench.process import ROOT, Failed
from bench.samples import number, ratio
from bench.servers import Shortly
from bench.stage import LOAD_CORE, SERVER_CORE, Run, say
from bench.table import Row
from bench.tries import Tried
from bench.wrk import Load
from shortly.links.link import Link

TRIES = 1_000
"""A second."""
LEAST_TRIES = 0.9
"""Share of them that must have been sent, or the row says nothing."""
OF_CALM = 0.9


def measure(run: Run) -> Iterator[Row]:
    """Let calm rounds and rounds with tries take turns on one worker with default settings."""
    data = run.new_folder("brute-force")
    fill(data, [Link(slug="bench", target=TARGET, created_at=SINCE, updated_at=SINCE)])
    calm: list[Load] = []
    beset: list[Load] = []
    tries: list[Tried] = []
    with Shortly(data, core=SERVER_CORE, drain_core=run.drain_core) as server:
        server.load("/bench", core=LOAD_CORE, seconds=min(2, run.round_s))
        for nth in range(run.rounds):
            server.wait_until_drained()
            calm.append(server.load("/bench", core=LOAD_CORE, seconds=run.round_s))
            server.wait_until_drained()
            with tried(server.port, run.round_s) as got:
                beset.append(server.load("/bench", core=LOAD_CORE, seconds=run.round_s))
            tries += got
            say(
                f"brute force, round {nth + 1} of {run.rounds}: {number(calm[-1].rate)}/s, "
                f"{number(beset[-1].rate)}/s beside {number(tries[-1].sent / tries[-1].seconds)} tries/s"
            )
    compared = ratio([one.rate for one in beset], [one.rate for one in calm])
    rate = min(one.sent / one.seconds for one in tries)
    refused = sum(one.refused for one in tries) / max(1, sum(one.sent for one in tries))
    errors = sum(one.errors for one in (*calm, *beset))
    yield Row(
        stage="brute_force",
        what=f"redirects beside {TRIES:,} sign-in tries/s: of those without",
        measured=f"{compared}, with {number(rate)} tries/s, {refused:.1%} refused by the limit, {errors} errors",
        target=f"at least {OF_CALM}",
        met=compared.middle >= OF_CALM and rate >= LEAST_TRIES * TRIES and not errors,
        data={
            "calm": [asdict(one) for one in calm],
            "beset": [asdict(one) for one in beset],
            "tries": [asdict(one) for one in tries],
        },
    )


@contextmanager
def tried(port: int, seconds: float) -> Iterator[list[Tried]]:
    """Have passwords tried meanwhile, and put what came back into the list."""
    command = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.tries"]
    command += [str(port), str(TRIES), str(seconds)]
    got: list[Tried] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield got
            output, _ = process.communicate(timeout=seconds + 30)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise Failed("the program that tries passwords failed")
    got.append(msgspec.json.decode(output, type=Tried))

"""Whether somebody who tries passwords slows redirects down.

Tries are sent from the core that wrk has, so that on two cores the drain would be a third one there, and what is
measured would be who of them is starved. So this is measured twice: as it is, and while the drain waits. The bare
server gets the same tries in the same rounds, and answers them at no cost of its own: what it loses is the server's.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import msgspec
from msgspec.structs import asdict

from bench.bare import TARGET
from bench.links import SINCE, fill
from bench.process import ROOT, Failed
from bench.samples import number, ratio
from bench.servers import Bare, Server, Shortly
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
    title = f"redirects beside {TRIES:,} sign-in tries/s: of those without"
    with Bare(data, core=SERVER_CORE) as bare, Shortly(data, core=SERVER_CORE, drain_core=run.drain_core) as server:
        for one in (bare, server):
            one.load("/bench", core=LOAD_CORE, seconds=min(2, run.round_s))
        undrained, drained = Rounds(server, server, drain=False), Rounds(server, server, drain=True)
        alone = Rounds(bare, server, drain=False)
        for nth in range(run.rounds):
            for rounds in (undrained, drained, alone):
                rounds.take(run.round_s)
            say(
                f"brute force, round {nth + 1} of {run.rounds}: {undrained.last()}; with the drain {drained.last()}; "
                f"bare {alone.last()}"
            )
    yield undrained.row(f"{title}, while the drain waits", target=OF_CALM)
    yield drained.row(f"{title}, with the drain beside wrk and the tries")
    yield alone.row("the same of the bare server, which answers tries as it answers all")


class Rounds:
    """A calm round and one with tries, as often as asked.

    Args:
        asked: Who gets both.
        server: Whose drain runs beside them or waits.
        drain: Whether it runs.
    """

    def __init__(self, asked: Server, server: Shortly, *, drain: bool) -> None:
        self.calm: list[Load] = []
        self.beset: list[Load] = []
        self.tries: list[Tried] = []
        self._asked = asked
        self._server = server
        self._drain = drain

    def take(self, seconds: float) -> None:
        """Measure one of each."""
        self.calm.append(self._load(seconds))
        with tried(self._asked.port, seconds) as got:
            self.beset.append(self._load(seconds))
        self.tries += got
        self._server.wait_until_drained()

    def _load(self, seconds: float) -> Load:
        with nullcontext() if self._drain else self._server.process.paused():
            return self._asked.load("/bench", core=LOAD_CORE, seconds=seconds)

    def last(self) -> str:
        """Return what the last two were."""
        tries = self.tries[-1]
        return (
            f"{number(self.calm[-1].rate)}/s, {number(self.beset[-1].rate)}/s beside "
            f"{number(tries.sent / tries.seconds)} tries/s"
        )

    def row(self, what: str, target: float | None = None) -> Row:
        """Return them as a line of the table."""
        compared = ratio([one.rate for one in self.beset], [one.rate for one in self.calm])
        rate = min(one.sent / one.seconds for one in self.tries)
        refused = sum(one.refused for one in self.tries) / max(1, sum(one.sent for one in self.tries))
        errors = sum(one.errors for one in (*self.calm, *self.beset))
        enough = rate >= LEAST_TRIES * TRIES and not errors
        return Row(
            stage="brute_force",
            what=what,
            measured=f"{compared}, with {number(rate)} tries/s, {refused:.1%} refused by the limit, {errors} errors",
            target="" if target is None else f"at least {target}",
            met=None if target is None else compared.middle >= target and enough,
            data={
                "calm": [asdict(one) for one in self.calm],
                "beset": [asdict(one) for one in self.beset],
                "tries": [asdict(one) for one in self.tries],
            },
        )


@contextmanager
def tried(port: int, seconds: float) -> Iterator[list[Tried]]:
    """Have passwords tried from now on, and put what came back into the list."""
    command = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.tries"]
    command += [str(port), str(TRIES), str(seconds)]
    got: list[Tried] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdout and process.stdout.readline()  # or its start would be what slows wrk down
            yield got
            output, _ = process.communicate(timeout=seconds + 30)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise Failed("the program that tries passwords failed")
    got.append(msgspec.json.decode(output, type=Tried))

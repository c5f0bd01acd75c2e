"""Folds made-up journals into Redis in a process of its own that kills itself at a given step, or is killed.

Takes an order a line on stdin and answers each with a line on stdout, both JSON. Every order is carried out by a fork,
which spares it the imports. A step is whatever goes out to a server: a pipeline of commands. Between two of them
nothing happens that lasts.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

from shortly.clicks.fold import DAY_MS, HOUR_MS
from shortly.clicks.store import Batch
from shortly.clicks.visit import Visit
from shortly.errors import StoreUnavailable
from shortly.logs import configure_logging
from shortly.redis_address import parse_address
from shortly.store.redis import clicks as clicks_module
from shortly.store.redis.clicks import RedisClicks
from shortly.store.redis.client import Client
from shortly.store.redis.node import Node

AT = 20_500 * DAY_MS + 22 * HOUR_MS
"""Two hours before midnight."""
HOT = 77
LINKS = (HOT, *range(1, 60, 3), 256, 256 + HOT, 2**40 + 5)
RECORD = 10
"""Bytes of each in these journals."""


class Order(TypedDict):
    """What to do."""

    url: str
    segments: dict[str, int]
    """Name -> how many visits are in it."""
    batch: int
    """Visits in a batch, from all segments together."""
    kill_at: int
    """The step (from 1) before which it kills itself; 0: never."""
    kill_after_s: float | None


class Report(TypedDict):
    """What became of it."""

    exit_code: int
    """0: all is folded; negative: the signal that ended it."""
    steps: int
    """Those that were done."""


def workspace_of(link_id: int) -> int:
    """Return the workspace of a link; some belong to the second one."""
    return 2 if link_id % 4 == 0 else 1


def visits_in(segment: str, count: int) -> list[Visit]:
    """Return the visits of a segment, always the same ones; those of all segments are at the same time."""
    chance = random.Random(segment)
    visits = []
    for nth in range(count):
        link_id = HOT if chance.random() < 0.5 else chance.choice(LINKS)
        browsers = 150 if link_id == HOT else 3  # too many for a packed day, and few enough
        fields: dict[str, Any] = {
            "country": chance.choice(["DE", "FR", "NO", ""]),
            "browser": f"browser {chance.randrange(browsers)}",
        }
        visits.append(
            Visit(
                at_ms=AT + nth * 4 * HOUR_MS // count,
                link_id=link_id,
                workspace=workspace_of(link_id),
                refused=chance.choice(["", "", "", "", "", "expired"]),
                bot=chance.choice(["", "", "", "curl"]),
                private=chance.random() < 0.1,
                visitor=chance.randrange(1, 400).to_bytes(8, "big"),
                **fields,
            )
        )
    return visits


def batch_of(segment: str, visits: Sequence[Visit], start: int, count: int) -> Batch:
    """Return the visits behind a position of the segment, so many at most."""
    first = start // RECORD
    some = visits[first : first + count]
    ends = [(first + nth + 1) * RECORD for nth in range(len(some))]
    return Batch(segment=segment, start=start, end=ends[-1], visits=list(zip(ends, some, strict=True)))


async def fold_all(clicks: RedisClicks, segments: dict[str, int], batch: int) -> None:
    """Fold all visits, as a drain does: from where the store says it was, again after a failure."""
    journals = {segment: visits_in(segment, count) for segment, count in segments.items()}
    while True:
        try:
            positions = await clicks.positions()
            batches: list[Batch] = []
            room = batch
            for segment, visits in journals.items():
                start = positions.get(segment, 0)
                if room and start < len(visits) * RECORD:
                    batches.append(batch_of(segment, visits, start, room))
                    room -= len(batches[-1].visits)
            if not batches:
                return
            await clicks.fold(batches)
        except StoreUnavailable:
            await asyncio.sleep(0.01)


class Steps:
    """Counts steps and ends the process at one of them."""

    def __init__(self, kill_at: int, log: int) -> None:
        self._kill_at = kill_at
        self._log = log
        self._pipeline = Node.pipeline
        self._count = 0
        steps = self

        async def pipeline(node: Node, commands: Any) -> Any:
            steps.count()
            return await steps._pipeline(node, commands)

        Node.pipeline = pipeline  # type: ignore[method-assign,assignment]

    def count(self) -> None:
        """Note a step."""
        self._count += 1
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(self._log, b".")


async def _fold(order: Order) -> None:
    client = Client(parse_address(order["url"]), track=False)
    for _ in range(100):
        try:
            await client.open()
            break
        except StoreUnavailable:
            continue
    try:
        await fold_all(RedisClicks(client), order["segments"], order["batch"])
    finally:
        await client.close()


def carry_out(order: Order) -> Report:
    """Fork, fold there, and tell how that ended."""
    steps, log = os.pipe()
    pid = os.fork()
    if pid == 0:
        Steps(order["kill_at"], log)
        clicks_module.SENT_TOGETHER = 4
        asyncio.run(_fold(order))
        os._exit(0)
    os.close(log)
    if order["kill_after_s"] is not None:
        time.sleep(order["kill_after_s"])
        os.kill(pid, signal.SIGKILL)  # not reaped yet, so the id is still its own
    with os.fdopen(steps, "rb") as done:
        count = len(done.read())
    _, status = os.waitpid(pid, 0)
    return Report(exit_code=os.waitstatus_to_exitcode(status), steps=count)


def orders() -> Iterator[Order]:
    """Yield what comes in."""
    for line in sys.stdin:
        yield json.loads(line)


def main() -> None:
    """Carry out one order after the other until stdin ends."""
    configure_logging("error", "json")  # on stderr; stdout holds the reports alone
    for order in orders():
        print(json.dumps(carry_out(order)), flush=True)


if __name__ == "__main__":
    main()

"""How fast the drain folds clicks into one Redis server, and how much memory they take there."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import asdict

from bench.redis_server import RedisServer
from bench.samples import mb, number
from bench.stage import LOAD_CORE, Run, say
from bench.stages.drain import CLICKS, TARGET, drain, shapes, write_journal
from bench.table import Row


def measure(run: Run) -> Iterator[Row]:
    """Drain the journals of the ``drain`` stage, each into a server of its own on another core."""
    clicks = run.size(CLICKS, 30_000)
    for shape, links in shapes(clicks).items():
        folder = run.new_folder("drain")
        write_journal(folder / "journal", links)
        with RedisServer(run.new_folder("redis-server"), core=LOAD_CORE) as redis:
            memory, server_s = redis.used_memory(), redis.cpu_s()
            got = drain(folder, profile=run.profile, settings={"STORE_URL": redis.url})
            memory, server_s = redis.used_memory() - memory, redis.cpu_s() - server_s
        rate = got.clicks / got.seconds
        say(f"redis_drain, {shape}: {number(rate)} clicks/s, {got.processor_s:.1f} s and the server's {server_s:.1f} s")
        yield Row(
            stage="redis_drain",
            what=f"drain into Redis, {clicks:,} clicks {shape}",
            measured=f"{number(rate)} clicks/s, {number(got.in_store)} counted; {got.processor_s:.1f} s of the drain's "
            f"processor and {server_s:.1f} s of the server's",
            target=f"at least {number(TARGET)} clicks/s, all counted",
            met=rate >= TARGET and got.in_store == clicks,
            data=asdict(got) | {"server_s": server_s},
        )
        yield Row(
            stage="redis_drain",
            what=f"memory of a million such clicks, raw visits included: {shape}",
            measured=f"{mb(round(memory / clicks * 1_000_000))}",
            data={"memory": memory},
        )

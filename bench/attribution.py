"""Where the time goes: of a redirect step by step, of anything else by function."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from timeit import repeat
from typing import TYPE_CHECKING, Any

from bench import bare
from bench.links import SINCE, fill
from bench.wrk import BROWSER
from shortly.clicks.click import FIXED
from shortly.clicks.journal import Journal
from shortly.counters import Counters
from shortly.links.link import Link
from shortly.links.slug import SlugRules
from shortly.redirect.redirect import ASGIApp, Message, Redirect, Scope
from shortly.redirect.visitor import Addresses, Visitors, network_of
from shortly.settings import Settings, load_settings
from shortly.store import Store, open_store

if TYPE_CHECKING:
    from bench.stage import Run

CALLS, TIMES = 50_000, 7
SHORT = [(b"host", b"127.0.0.1:8000")]
LONG = [*SHORT, *((name.lower().encode(), value.encode()) for name, value in BROWSER.items())]


def print_attribution(run: Run) -> None:
    """Print what one redirect costs in this process, without the server around it, and what each step takes of that."""
    folder = run.new_folder("attribution")
    fill(folder, [Link(slug="bench", target=bare.TARGET, created_at=SINCE, updated_at=SINCE)])
    asyncio.run(_attribute(load_settings({"data_dir": folder})))


async def _attribute(settings: Settings) -> None:
    journal = Journal(settings.journal_dir, segment_bytes=4 << 20, max_bytes=8 << 30, sync_ms=1000)
    visitors = Visitors({})
    async with open_store(settings) as store:
        with journal, Counters(settings.counters_dir) as counters:
            redirect = Redirect(
                store=store,
                journal=journal,
                slugs=SlugRules(),
                addresses=Addresses(()),
                visitors=visitors,
                counters=counters,
                rest=bare.app,
            )
            line("bare ASGI callable", await best_call(bare.app, scope_with(SHORT)))
            line("redirect, wrk's own headers", await best_call(redirect, scope_with(SHORT)))
            line("redirect, a browser's headers", await best_call(redirect, scope_with(LONG)))
            for what, step in steps(store, journal, visitors, counters).items():
                line(f"  of it: {what}", best_step(step))
    line("  of it: both sends", await best_call(bare.app, scope_with(SHORT)))


def steps(store: Store, journal: Journal, visitors: Visitors, counters: Counters) -> dict[str, Callable[[], object]]:
    """Return the steps of a redirect with a browser's headers, each by itself."""
    agent = BROWSER["User-Agent"].encode()
    referrer, language = BROWSER["Referer"].encode(), BROWSER["Accept-Language"].encode()
    network = network_of("127.0.0.1")
    at_ms = int(time.time() * 1000)
    lengths = (len(network), len(referrer), len(agent), len(language), 0)
    visitor = bytes(8)

    def frame() -> bytes:
        return FIXED.pack(at_ms, 1, 1, 0, 0, visitor, b"", *lengths) + network + referrer + agent + language

    click = frame()

    def count() -> None:
        counters.values[0] += 1

    return {
        "headers as a dict": lambda: dict(LONG),
        "the remembered link": lambda: store.remembered("", "bench"),
        "time": lambda: int(time.time() * 1000),
        "the visitor's network": lambda: network_of("127.0.0.1"),
        "the visitor's hash": lambda: visitors.hash_of(at_ms, "127.0.0.1", agent),
        "the click as bytes": frame,
        "the journal": lambda: journal.append(click),
        "the counter": count,
    }


def scope_with(headers: list[tuple[bytes, bytes]]) -> Scope:
    """Return what the server hands to the application."""
    return {
        "type": "http",
        "method": "GET",
        "path": "/bench",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
    }


async def best_call(app: ASGIApp, scope: Scope) -> float:
    """Return the seconds of one call, the best of several series."""

    async def receive() -> Message:
        raise NotImplementedError

    async def send(_: Message) -> None:
        pass

    best = float("inf")
    for _ in range(TIMES):
        started = time.perf_counter()
        for _ in range(CALLS):
            await app(scope, receive, send)
        best = min(best, (time.perf_counter() - started) / CALLS)
    return best


def best_step(step: Callable[[], object]) -> float:
    """Return the seconds of one call, the best of several series, without those of the call itself."""

    def nothing() -> None:
        pass

    return (min(repeat(step, number=CALLS, repeat=TIMES)) - min(repeat(nothing, number=CALLS, repeat=TIMES))) / CALLS


def line(what: str, seconds: float) -> None:
    """Print one line."""
    print(f"{what:<40} {seconds * 1e6:6.2f} us", file=sys.stderr)


@contextmanager
def profiled(functions: int = 25) -> Iterator[None]:
    """Print the functions that the block spends its time in, to stderr; the block runs up to twice as long."""
    profile: Any = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(functions)
